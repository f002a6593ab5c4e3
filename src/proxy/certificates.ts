// The certificates in use: chosen by server name, reloaded when their files change. Files are read next door.

import { X509Certificate } from 'node:crypto'
import { type FSWatcher, watch } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { GatehouseError } from '../errors.ts'
import { parseHost } from '../host.ts'
import type { Host } from '../model.ts'
import {
  type CertificatePair,
  type CertificateProblem,
  fingerprintOf,
  readCertificateFolder,
} from './certificate-files.ts'
import { tlsPolicy } from './tls-policy.ts'

/** What a handshake for one name may use. */
export interface ServerContexts {
  /** With an ECDSA key where there is one. */
  readonly preferred: SecureContext
  /** With an RSA key, where `preferred` has an ECDSA key, for clients that know no ECDSA. */
  readonly alternative: SecureContext | null
}

/** One certificate as `doctor`, `/metrics` and the admin page show it. */
export interface CertificateStatus {
  readonly file: string
  /** As in the certificate, `*.example.com` included. */
  readonly names: readonly string[]
  readonly issuer: string
  readonly keyType: CertificatePair['keyType']
  /** Milliseconds since 1970. */
  readonly notBefore: number
  readonly notAfter: number
  /** SHA-256 of the leaf, `AB:CD:…`. */
  readonly fingerprint: string
  /** What is wrong with its file; `null`: nothing. A certificate with a problem here is an older, kept one, or expired. */
  readonly problem: string | null
}

export interface Certificates {
  /**
   * Reads the folder for the first time.
   * @throws GatehouseError `no-certificates` when not one certificate can be served.
   */
  load(): Promise<void>
  /** Reads it again. A file that became unreadable keeps what it held before. Never rejects. */
  reload(): Promise<CertificateProblem[]>
  /** Reloads by itself from now on: when the folder changes, and by a look every minute. */
  watch(): void
  close(): void
  /** `null`: no certificate for this name. The name may hold anything; this never throws. */
  find(serverName: string): ServerContexts | null
  /** Whether a handshake for this host would succeed. */
  covers(host: Host): boolean
  status(): CertificateStatus[]
  /** Of the last reading. */
  problems(): readonly CertificateProblem[]
  /** When a reading last changed something; `null`: never. */
  changedAt(): number | null
}

export interface CertificatesDeps {
  readonly folder: string
  /** PEM of the CA whose client certificates are asked for; `null`: none are. Contexts carry it, see below. */
  readonly originPullCa: string | null
  readonly now: () => number
  /** Hears of each problem once, when it appears. */
  readonly onProblem: (problem: CertificateProblem) => void
  /** Hears of each successful reading that changed something. */
  readonly onLoaded: (certificates: number) => void
}

interface Loaded {
  readonly pair: CertificatePair
  readonly context: SecureContext
  /** Set while its file is broken and this is what it held before. */
  readonly kept: string | null
}

/** Editors and ACME clients write several files in a row. */
const debounceMs = 500
/** For what inotify does not see: symlinks whose far end changes, network file systems. */
const pollMs = 60_000

export function createCertificates(deps: CertificatesDeps): Certificates {
  let loaded: readonly Loaded[] = []
  let index = createIndex([], 0)
  let problems: readonly CertificateProblem[] = []
  let fingerprint = ''
  let readAt = 0
  let changedAt: number | null = null
  let watchers: FSWatcher[] = []
  let timer: NodeJS.Timeout | null = null
  let poll: NodeJS.Timeout | null = null
  let reading: Promise<CertificateProblem[]> = Promise.resolve([])

  async function read(): Promise<CertificateProblem[]> {
    readAt = deps.now()
    const folder = await readCertificateFolder(deps.folder)
    const found = [...folder.problems]
    const fresh: Loaded[] = []
    for (const pair of folder.pairs) {
      const same = loaded.find(
        ({ pair: old }) => old.certPem === pair.certPem && old.keyPem === pair.keyPem,
      )
      // An unchanged certificate keeps its context: making one takes about a millisecond.
      const made = same?.context ?? contextOf(pair, deps.originPullCa)
      if (made instanceof Error) found.push(unusable(pair, made))
      else fresh.push({ pair, context: made, kept: null })
    }
    found.push(...validity(fresh, deps.now()))
    const next = [...fresh, ...keptOf(loaded, fresh, found)]
    const before = new Set(problems.map(identityOf))
    const changed = folder.fingerprint !== fingerprint
    loaded = next
    index = createIndex(next, deps.now())
    problems = found
    fingerprint = folder.fingerprint
    for (const problem of found) if (!before.has(identityOf(problem))) deps.onProblem(problem)
    if (changed) {
      changedAt = readAt
      deps.onLoaded(next.length)
    }
    return found
  }

  /** One reading at a time: two at once could put the older result last. */
  function reload(): Promise<CertificateProblem[]> {
    reading = reading.then(read, read)
    return reading
  }

  function soon(): void {
    if (timer !== null) clearTimeout(timer)
    timer = setTimeout(() => {
      timer = null
      void reload().then(rewatch)
    }, debounceMs)
    timer.unref()
  }

  async function rewatch(): Promise<void> {
    for (const watcher of watchers) watcher.close()
    watchers = []
    if (poll === null) return
    const entries = await readdir(deps.folder, { withFileTypes: true }).catch(() => [])
    const folders = ['', ...entries.filter((entry) => !entry.isFile()).map((entry) => entry.name)]
    if (poll === null) return
    for (const name of folders) {
      try {
        const watcher = watch(join(deps.folder, name), { persistent: false }, soon)
        watcher.on('error', () => watcher.close())
        watchers.push(watcher)
      } catch {
        // Missing, or no inotify watches left: the poll finds the change.
      }
    }
  }

  return {
    async load() {
      await reload()
      if (loaded.length > 0) return
      const first = problems.find((problem) => problem.severity === 'error')
      const reason = first === undefined ? 'the folder holds none' : `${first.file}: ${first.what}`
      throw new GatehouseError('no-certificates', `no certificate to serve: ${reason}`, {
        remedy:
          first?.remedy ??
          `put NAME.crt and NAME.key (PEM) into ${deps.folder}, or name another folder with --certs`,
      })
    },
    reload,
    watch() {
      if (poll !== null) return
      poll = setInterval(async () => {
        const changed = (await fingerprintOf(deps.folder)) !== fingerprint
        if (changed || deps.now() >= nextChange(loaded, readAt)) soon()
      }, pollMs)
      poll.unref()
      void rewatch()
    },
    close() {
      if (timer !== null) clearTimeout(timer)
      if (poll !== null) clearInterval(poll)
      poll = null
      for (const watcher of watchers) watcher.close()
      watchers = []
    },
    find(serverName) {
      const host = parseHost(serverName)
      return host === null ? null : index(host)
    },
    covers: (host) => index(host) !== null,
    changedAt: () => changedAt,
    status: () => loaded.map((entry) => statusOf(entry, deps.now())),
    problems: () => problems,
  }
}

/**
 * Node copies certificate, key, chain **and the CA list** from the context that SNICallback names; ciphers,
 * versions and ticket keys stay those of the server. So the CA must be in here as well, or every client certificate is invalid.
 */
function contextOf(pair: CertificatePair, originPullCa: string | null): SecureContext | Error {
  try {
    return createSecureContext({
      ...tlsPolicy,
      cert: pair.certPem,
      key: pair.keyPem,
      // Empty and not absent: absent means the system's roots, 140 certificates to parse that we never ask.
      ca: originPullCa ?? [],
    })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** What to go on serving although its file cannot be read now. A file that is gone is gone on purpose. */
function keptOf(
  before: readonly Loaded[],
  fresh: readonly Loaded[],
  found: readonly CertificateProblem[],
): Loaded[] {
  const kept: Loaded[] = []
  const lost = found.find((problem) => problem.code === 'folder-unreadable')
  for (const entry of before) {
    const { file } = entry.pair
    if (fresh.some((other) => other.pair.file === file)) continue
    const broken =
      lost ?? found.find((problem) => problem.severity === 'error' && problem.file === file)
    if (broken !== undefined) kept.push({ ...entry, kept: broken.what })
  }
  return kept
}

function createIndex(
  loaded: readonly Loaded[],
  now: number,
): (host: Host) => ServerContexts | null {
  const exact = new Map<string, Loaded[]>()
  const wildcard = new Map<string, Loaded[]>()
  const add = (map: Map<string, Loaded[]>, name: string, entry: Loaded) => {
    const list = map.get(name)
    if (list === undefined) map.set(name, [entry])
    else list.push(entry)
  }
  for (const entry of [...loaded].sort((a, b) => compare(a.pair, b.pair, now))) {
    for (const name of entry.pair.exact) add(exact, name, entry)
    for (const name of entry.pair.wildcards) add(wildcard, name, entry)
  }
  const exactContexts = new Map([...exact].map(([name, list]) => [name, pick(list)]))
  const wildcardContexts = new Map([...wildcard].map(([name, list]) => [name, pick(list)]))
  return (host) => {
    const found = exactContexts.get(host)
    if (found !== undefined) return found
    const dot = host.indexOf('.')
    // One label only (RFC 9525 §6.3): `*.example.com` is not for `a.b.example.com`.
    return dot === -1 ? null : (wildcardContexts.get(host.slice(dot + 1)) ?? null)
  }
}

/** Valid before not valid, then whichever lasts longer (the newest), then the one with its chain. */
function compare(a: CertificatePair, b: CertificatePair, now: number): number {
  const valid = (pair: CertificatePair) => pair.notBefore <= now && now < pair.notAfter
  return (
    Number(valid(b)) - Number(valid(a)) || b.notAfter - a.notAfter || b.chainLength - a.chainLength
  )
}

function pick(sorted: readonly Loaded[]): ServerContexts | null {
  const of = (type: CertificatePair['keyType']) =>
    sorted.find((entry) => entry.pair.keyType === type)?.context ?? null
  // P-256 signs in a tenth of the time RSA-2048 takes: handshakes are what this machine can least afford.
  const ecdsa = of('ecdsa')
  const rsa = of('rsa')
  if (ecdsa !== null) return { preferred: ecdsa, alternative: rsa }
  const preferred = rsa ?? of('other')
  return preferred === null ? null : { preferred, alternative: null }
}

function validity(loaded: readonly Loaded[], now: number): CertificateProblem[] {
  const problems: CertificateProblem[] = []
  for (const { pair } of loaded) {
    const day = (time: number) => new Date(time).toISOString().slice(0, 10)
    if (pair.notAfter <= now)
      problems.push({
        severity: 'warning',
        code: 'expired',
        file: pair.file,
        what: `expired on ${day(pair.notAfter)}; it is still served, and browsers refuse it`,
        remedy: 'renew it and replace the file; it is read again by itself',
      })
    else if (pair.notBefore > now)
      problems.push({
        severity: 'warning',
        code: 'not-yet-valid',
        file: pair.file,
        what: `not valid before ${day(pair.notBefore)}`,
        remedy: 'check this machine’s clock',
      })
  }
  return problems
}

/** When the next certificate begins or ends to be valid: then another may be the better choice, or a warning due. */
function nextChange(loaded: readonly Loaded[], after: number): number {
  let next = Number.POSITIVE_INFINITY
  for (const { pair } of loaded)
    for (const time of [pair.notBefore, pair.notAfter]) if (time > after && time < next) next = time
  return next
}

function unusable(pair: CertificatePair, cause: Error): CertificateProblem {
  return {
    severity: 'error',
    code: 'unusable',
    file: pair.file,
    what: `OpenSSL refuses it: ${cause.message}`,
    remedy: 'use ECDSA P-256, or RSA with at least 2048 bits, signed with SHA-256',
  }
}

function statusOf({ pair, kept }: Loaded, now: number): CertificateStatus {
  return {
    file: pair.file,
    names: [...pair.exact, ...pair.wildcards.map((suffix) => `*.${suffix}`)],
    issuer: pair.issuer,
    keyType: pair.keyType,
    notBefore: pair.notBefore,
    notAfter: pair.notAfter,
    fingerprint: new X509Certificate(pair.certPem).fingerprint256,
    problem: kept ?? (pair.notAfter <= now ? 'expired' : null),
  }
}

function identityOf(problem: CertificateProblem): string {
  return `${problem.code}\0${problem.file}\0${problem.what}`
}
