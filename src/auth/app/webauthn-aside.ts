// The WebAuthn library in a thread of its own that ends when nobody needs it: it costs 26 MB, and a passkey is shown
// once in a while.

import { Worker } from 'node:worker_threads'
import type {
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'

type Library = {
  generateRegistrationOptions: typeof generateRegistrationOptions
  verifyAuthenticationResponse: typeof verifyAuthenticationResponse
  verifyRegistrationResponse: typeof verifyRegistrationResponse
}

/** One call of the library; everything in it can be sent to a thread. */
export type WebAuthnCall = {
  [Name in keyof Library]: { readonly name: Name; readonly options: Parameters<Library[Name]>[0] }
}[keyof Library]

/** What several people ask at once is one thread's work; to begin one takes a fifth of a second. Milliseconds. */
const restMs = 2_000
/** A call takes milliseconds; the first one waits for the library, on a slow machine for a second or two. */
const deadlineMs = 15_000
/** What strangers ask for cannot pile up. */
const maxWaiting = 50

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

let worker: Worker | null = null
let rest: NodeJS.Timeout | null = null
let count = 0
const waiting = new Map<number, Waiting>()

/** @throws Error when the library does, without its words; when the thread fails, takes too long, or has too much to do. */
export function askWebAuthn<Name extends keyof Library>(
  name: Name,
  options: Parameters<Library[Name]>[0],
): Promise<Awaited<ReturnType<Library[Name]>>> {
  if (waiting.size >= maxWaiting) return Promise.reject(new Error('too many at once'))
  return new Promise((resolve, reject) => {
    const thread = worker ?? begin()
    worker = thread
    if (rest !== null) clearTimeout(rest)
    count += 1
    const number = count
    const timer = setTimeout(() => fail(thread, 'took too long'), deadlineMs)
    waiting.set(number, { resolve, reject, timer })
    thread.ref()
    thread.postMessage({ number, call: { name, options } })
  })
}

function begin(): Worker {
  const thread = new Worker(new URL('./webauthn-worker.ts', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: 96 },
  })
  thread.on('message', (message: { number: number; value?: never; failed?: true }) => {
    const call = waiting.get(message.number)
    if (call === undefined) return
    waiting.delete(message.number)
    clearTimeout(call.timer)
    if (message.failed === true) call.reject(new Error('refused'))
    else call.resolve(message.value as never)
    if (waiting.size > 0) return
    // It keeps no process alive, and is gone when nobody comes back soon.
    thread.unref()
    rest = setTimeout(() => end(thread), restMs)
    rest.unref()
  })
  thread.once('error', () => fail(thread, 'failed'))
  thread.once('exit', () => fail(thread, 'ended'))
  return thread
}

function end(thread: Worker): void {
  if (worker === thread) worker = null
  void thread.terminate()
}

function fail(thread: Worker, why: string): void {
  if (worker !== thread) return
  end(thread)
  for (const [number, { reject, timer }] of waiting) {
    waiting.delete(number)
    clearTimeout(timer)
    reject(new Error(`the WebAuthn thread ${why}`))
  }
}
