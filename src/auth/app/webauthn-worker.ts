// Entry point of the thread that has the WebAuthn library loaded. Not for import.

import { parentPort } from 'node:worker_threads'
import {
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import type { WebAuthnCall } from './webauthn-aside.ts'

parentPort?.on('message', ({ number, call }: { number: number; call: WebAuthnCall }) => {
  answer(call).then(
    (value) => parentPort?.postMessage({ number, value }),
    // Its errors quote what a stranger sent; that it failed is all anybody needs.
    () => parentPort?.postMessage({ number, failed: true }),
  )
})

function answer(call: WebAuthnCall): Promise<unknown> {
  switch (call.name) {
    case 'generateRegistrationOptions':
      return generateRegistrationOptions(call.options)
    case 'verifyRegistrationResponse':
      return verifyRegistrationResponse(call.options)
    case 'verifyAuthenticationResponse':
      return verifyAuthenticationResponse(call.options)
    default:
      return call satisfies never
  }
}
