// Reads a folder of PEM files: which certificates are there, with which keys, and what is wrong. Serves nothing.

import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseHost } from '../host.ts'
import type { Host } from '../model.ts'

/** A certificate with the key that fits it. */
export interface CertificatePair {
  /** Path of the file the certificate was read from, relative to the folder. */
  readonly file: string
  /** The leaf first, then what the file held of its chain. */
  readonly certPem: string
  readonly keyPem: string
  readonly keyType: 'ecdsa' | 'rsa' | 'other'
  readonly exact: readonly Host[]
  /** Of `*.example.com` the part `example.com`. */
  readonly wildcards: readonly Host[]
  readonly issuer: string
  readonly serial: string
  /** Milliseconds since 1970. */
  readonly notBefore: number
  readonly notAfter: number
  readonly chainLength: number
}

/** Something about a file that a person should know. */
export interface CertificateProblem {
  /** `error`: what the file holds is not served. */
  readonly severity: 'error' | 'warning'
  readonly code:
    | 'folder-unreadable'
    | 'file-unreadable'
    | 'not-pem'
    | 'key-encrypted'
    | 'key-missing'
    | 'certificate-missing'
    | 'key-permissions'
    | 'no-names'
    | 'unusable'
    | 'expired'
    | 'not-yet-valid'
  readonly file: string
  readonly what: string
  readonly remedy: string
}

export interface CertificateFolder {
  readonly pairs: readonly CertificatePair[]
  readonly problems: readonly CertificateProblem[]
  /** Every file looked at, as path, size and time of change: equal texts mean nothing changed. */
  readonly fingerprint: string
}

const extensions = ['.pem', '.crt', '.cer', '.key']
/** Nobody's chain is longer; and a video in the wrong folder must not be read into memory. */
const maxFileBytes = 256 * 1024
const block = /-----BEGIN ([A-Z0-9 ]{1,40})-----[\s\S]*?-----END \1-----/g

/**
 * Reads `folder` and its direct subfolders (as certbot's `live/NAME/` are). File names do not matter beyond their
 * extension: within one folder a certificate goes with the private key that fits it. Of several
 * files with the same leaf (`cert.pem`, `fullchain.pem`) the one with the longest chain counts. A CA's own certificate is
 * left alone, unless it names hosts: `openssl req -x509` marks whatever it signs as a CA.
 *
 * Never throws: what goes wrong is in `problems`.
 */
export async function readCertificateFolder(folder: string): Promise<CertificateFolder> {
  const problems: CertificateProblem[] = []
  const pairs: CertificatePair[] = []
  const seen: string[] = []
  let lonely: string | null = null
  try {
    const subfolders: string[] = ['']
    for (const entry of await readdir(folder)) {
      if (entry.startsWith('.')) continue
      const info = await stat(join(folder, entry)).catch(() => null)
      if (info?.isDirectory() === true) subfolders.push(entry)
    }
    for (const subfolder of subfolders.sort()) {
      const files = await readPemFiles(folder, subfolder, problems, seen)
      pairs.push(...pair(files, problems))
      lonely ??= files.find((file) => file.keys.length > 0)?.path ?? null
    }
    if (pairs.length === 0 && lonely !== null && !problems.some(isError))
      problems.push({
        severity: 'error',
        code: 'certificate-missing',
        file: lonely,
        what: 'a private key without a certificate for a host',
        remedy: 'put the certificate that was issued for it beside it',
      })
  } catch (error) {
    problems.push({
      severity: 'error',
      code: 'folder-unreadable',
      file: folder,
      what: `the folder cannot be read: ${messageOf(error)}`,
      remedy: 'create it, let the gateway read it, or name another with --certs',
    })
  }
  return { pairs, problems, fingerprint: seen.join('\n') }
}

/** What changed in `folder`, for the price of a few `stat`s; `null`: it cannot be read. */
export async function fingerprintOf(folder: string): Promise<string | null> {
  const seen: string[] = []
  try {
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort()
    const subfolders: string[] = []
    for (const name of names) {
      const info = await stat(join(folder, name)).catch(() => null)
      if (info?.isDirectory() === true) subfolders.push(name)
      else if (info !== null && isPemName(name)) seen.push(mark(name, info))
    }
    for (const subfolder of subfolders)
      for (const name of (await readdir(join(folder, subfolder))).sort()) {
        const path = join(subfolder, name)
        const info = await stat(join(folder, path)).catch(() => null)
        if (info?.isFile() === true && isPemName(name)) seen.push(mark(path, info))
      }
    return seen.join('\n')
  } catch {
    return null
  }
}

interface PemFile {
  readonly path: string
  readonly certificates: readonly { readonly pem: string; readonly x509: X509Certificate }[]
  readonly keys: readonly { readonly pem: string; readonly spki: string }[]
}

async function readPemFiles(
  folder: string,
  subfolder: string,
  problems: CertificateProblem[],
  seen: string[],
): Promise<PemFile[]> {
  const files: PemFile[] = []
  const names = (await readdir(join(folder, subfolder))).sort()
  for (const name of names) {
    if (name.startsWith('.') || !isPemName(name)) continue
    const path = join(subfolder, name)
    try {
      const info = await stat(join(folder, path))
      if (!info.isFile()) continue
      seen.push(mark(path, info))
      if (info.size > maxFileBytes) throw new Error(`larger than ${maxFileBytes} bytes`)
      const file = readPem(path, await readFile(join(folder, path), 'latin1'), problems)
      if (file.keys.length > 0 && (info.mode & 0o077) !== 0)
        problems.push({
          severity: 'warning',
          code: 'key-permissions',
          file: path,
          what: `others than its owner may read this private key (mode ${(info.mode & 0o777).toString(8)})`,
          remedy: `chmod 600 ${path}`,
        })
      files.push(file)
    } catch (error) {
      problems.push({
        severity: 'error',
        code: 'file-unreadable',
        file: path,
        what: messageOf(error),
        remedy: 'let the gateway’s user read the file',
      })
    }
  }
  return files
}

function readPem(path: string, text: string, problems: CertificateProblem[]): PemFile {
  const certificates: { pem: string; x509: X509Certificate }[] = []
  const keys: { pem: string; spki: string }[] = []
  const broken = (code: CertificateProblem['code'], what: string, remedy: string) =>
    problems.push({ severity: 'error', code, file: path, what, remedy })
  const before = problems.length
  let blocks = 0
  for (const match of text.matchAll(block)) {
    const pem = match[0]
    const label = match[1] ?? ''
    blocks += 1
    try {
      if (label === 'CERTIFICATE') certificates.push({ pem, x509: new X509Certificate(pem) })
      else if (label === 'ENCRYPTED PRIVATE KEY' || pem.includes('Proc-Type: 4,ENCRYPTED'))
        broken(
          'key-encrypted',
          'the private key has a passphrase, and nobody is there to type it',
          `openssl pkey -in ${path} -out ${path}.plain, then replace the file`,
        )
      else if (label.endsWith('PRIVATE KEY'))
        keys.push({ pem, spki: spkiOf(createPublicKey(createPrivateKey(pem))) })
    } catch (error) {
      broken(
        'not-pem',
        `a ${label} in it cannot be read: ${messageOf(error)}`,
        'write the file again',
      )
    }
  }
  if (blocks === 0)
    broken(
      'not-pem',
      'no PEM block in it',
      'the file must hold -----BEGIN CERTIFICATE----- or a private key; for DER, openssl x509 -inform der',
    )
  else if (blocks !== text.split('-----BEGIN ').length - 1)
    broken('not-pem', 'a PEM block in it is cut off', 'write the file again')
  // Half a file is no file: a leaf without the rest of its chain would work in some clients only.
  return problems.length === before
    ? { path, certificates, keys }
    : { path, certificates: [], keys }
}

function pair(files: readonly PemFile[], problems: CertificateProblem[]): CertificatePair[] {
  const keys = new Map<string, string>()
  for (const file of files) for (const key of file.keys) keys.set(key.spki, key.pem)
  const byLeaf = new Map<string, CertificatePair>()
  for (const file of files) {
    const leaf = file.certificates[0]
    if (leaf === undefined || (leaf.x509.ca && !namesHosts(leaf.x509))) continue
    const keyPem = keys.get(spkiOf(leaf.x509.publicKey))
    if (keyPem === undefined) {
      problems.push({
        severity: 'error',
        code: 'key-missing',
        file: file.path,
        what: 'no private key beside it fits this certificate',
        remedy: 'put its key into the same file or the same folder',
      })
      continue
    }
    const made = describe(file, leaf.x509, keyPem)
    if (made.exact.length + made.wildcards.length === 0) {
      problems.push({
        severity: 'error',
        code: 'no-names',
        file: file.path,
        what: 'the certificate names no DNS host (subjectAltName)',
        remedy:
          'ask for one with the host names in it; the common name alone does not count (RFC 9525 §2)',
      })
      continue
    }
    const known = byLeaf.get(leaf.x509.fingerprint256)
    if (known === undefined || known.chainLength < made.chainLength)
      byLeaf.set(leaf.x509.fingerprint256, made)
  }
  return [...byLeaf.values()]
}

function describe(file: PemFile, leaf: X509Certificate, keyPem: string): CertificatePair {
  const exact: Host[] = []
  const wildcards: Host[] = []
  for (const entry of (leaf.subjectAltName ?? '').split(', ')) {
    if (!entry.startsWith('DNS:')) continue
    const name = entry.slice(4)
    const wildcard = name.startsWith('*.')
    // Node quotes names with odd characters; those are no host names and end here.
    const host = parseHost(wildcard ? name.slice(2) : name)
    if (host !== null) (wildcard ? wildcards : exact).push(host)
  }
  const type = leaf.publicKey.asymmetricKeyType
  return {
    file: file.path,
    certPem: file.certificates.map((certificate) => certificate.pem).join('\n'),
    keyPem,
    keyType: type === 'ec' ? 'ecdsa' : type === 'rsa' ? 'rsa' : 'other',
    exact,
    wildcards,
    issuer: leaf.issuer.replaceAll('\n', ', '),
    serial: leaf.serialNumber,
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
    chainLength: file.certificates.length,
  }
}

function namesHosts(certificate: X509Certificate): boolean {
  return certificate.subjectAltName?.includes('DNS:') ?? false
}

function isError({ severity }: CertificateProblem): boolean {
  return severity === 'error'
}

function isPemName(name: string): boolean {
  const lower = name.toLowerCase()
  return extensions.some((extension) => lower.endsWith(extension))
}

function mark(path: string, info: { size: number; mtimeMs: number; ino: number }): string {
  return `${path}\0${info.size}\0${info.mtimeMs}\0${info.ino}`
}

function spkiOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('base64')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
