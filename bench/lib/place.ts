// What all contestants of a run share: a directory, a certificate, a backend.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalCa } from '../../demo/local-ca.ts'
import { type Child, freePort, sleep, start } from './process.ts'

/** The name every client asks for; the certificate is a wildcard for its domain. */
export const domain = 'bench.localhost'
export const host = `app.${domain}`
/** Where people sign in is below another one, that of the tests' person. */
export const peopleDomain = 'gate.test'

export interface Place {
  /** Temporary; removed at the end. */
  readonly directory: string
  readonly certificateFile: string
  readonly keyFile: string
  readonly certificatePem: string
  readonly keyPem: string
  /** Of the CA that made the certificate. */
  readonly caPem: string
  readonly backendPort: number
}

export interface OpenPlace extends Place {
  readonly backend: Child
  close(): Promise<void>
}

export async function openPlace(): Promise<OpenPlace> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  const ca = await createLocalCa({ name: 'Gatehouse bench CA' })
  const { certPem, keyPem } = await ca.issue({
    names: [domain, `*.${domain}`, peopleDomain, `*.${peopleDomain}`],
  })
  const certificateFile = join(directory, 'bench.crt')
  const keyFile = join(directory, 'bench.key')
  writeFileSync(certificateFile, certPem)
  writeFileSync(keyFile, keyPem, { mode: 0o600 })
  const backendPort = await freePort()
  const script = join(import.meta.dirname, '..', 'backend', 'backend.ts')
  const backend = start(process.execPath, [script, String(backendPort)])
  await untilAnswers(backendPort, backend)
  return {
    directory,
    certificateFile,
    keyFile,
    certificatePem: certPem,
    keyPem,
    caPem: ca.certPem,
    backendPort,
    backend,
    close: async () => {
      await backend.stop()
      rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

async function untilAnswers(port: number, backend: Child): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await answers(port)) return
    if (backend.exited) break
    await sleep(25)
  }
  throw new Error(`the backend does not answer: ${backend.errors()}`)
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const req = request({ host: '127.0.0.1', port, path: '/small' }, (res) => {
      res.resume()
      resolve(res.statusCode === 200)
    })
    req.on('error', () => resolve(false))
    req.end()
  })
}
