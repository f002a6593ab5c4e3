// The demo's CA and server certificate on disk: made at the first start, used again later.

import { X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLocalCa, fingerprint, type LocalCa, openLocalCa } from './local-ca.ts'

export interface DemoCertificates {
  /** What a client has to trust. */
  readonly caFile: string
  /** SHA-256, as trust stores show it. */
  readonly caFingerprint: string
  /** The root is new: whoever trusted an older one has to do it again. */
  readonly caIsNew: boolean
  /** Directory for the gateway: the server certificate and its key. */
  readonly certsDir: string
}

export const demoDomain = 'gatehouse.localhost'

const minimumDays = 30

/**
 * Finds or makes what the demo needs in `dataDir`: the directory 0700, keys 0600. A certificate that ends within
 * 30 days is replaced, and so is a root that cannot be read.
 */
export async function openDemoCertificates(
  dataDir: string,
  now: number,
): Promise<DemoCertificates> {
  const caFile = join(dataDir, 'ca.pem')
  const caKeyFile = join(dataDir, 'ca.key')
  const certsDir = join(dataDir, 'certs')
  const certFile = join(certsDir, 'demo.pem')
  const keyFile = join(certsDir, 'demo.key')
  for (const directory of [dataDir, certsDir]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    // The mode above is only for a directory that is made, and the umask may have changed it.
    chmodSync(directory, 0o700)
  }
  const known = lasts(caFile, now) ? await readCa(caFile, caKeyFile) : null
  const ca =
    known ?? (await createLocalCa({ name: 'Gatehouse demo CA', permittedNames: [demoDomain] }))
  if (known === null) {
    writeWhole(caKeyFile, ca.keyPem, 0o600)
    writeWhole(caFile, ca.certPem, 0o644)
  }
  if (known === null || !lasts(certFile, now) || !existsSync(keyFile)) {
    const names = [`*.${demoDomain}`, demoDomain, '127.0.0.1', '::1']
    const leaf = await ca.issue({ names })
    writeWhole(keyFile, leaf.keyPem, 0o600)
    writeWhole(certFile, leaf.certPem, 0o644)
  }
  return { caFile, caFingerprint: fingerprint(ca.certPem), caIsNew: known === null, certsDir }
}

async function readCa(certFile: string, keyFile: string): Promise<LocalCa | null> {
  try {
    const [certPem, keyPem] = [readFileSync(certFile, 'utf8'), readFileSync(keyFile, 'utf8')]
    return await openLocalCa({ certPem, keyPem })
  } catch {
    return null
  }
}

function lasts(file: string, now: number): boolean {
  try {
    const { validTo } = new X509Certificate(readFileSync(file))
    return Date.parse(validTo) - now > minimumDays * 86_400_000
  } catch {
    return false
  }
}

/** Never half a file under the final name, and never a key that others could read for a moment. */
function writeWhole(file: string, text: string, mode: number): void {
  const temporary = `${file}.new`
  writeFileSync(temporary, text, { mode })
  chmodSync(temporary, mode)
  renameSync(temporary, file)
}
