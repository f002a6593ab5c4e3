// What `defaults` and a route may both say, and what holds when neither does.

import { parseAuthority } from '../host.ts'
import type {
  CountsAsUse,
  HeaderEdits,
  IdentityHeaderNames,
  KnownNetwork,
  RateLimit,
  Timeouts,
  UpstreamHost,
  WakeRule,
} from '../model.ts'
import { nearest } from '../nearest.ts'
import { readCidr } from './cidr.ts'
import { mergeHeaderEdits, readHeaderEdits } from './header-edits.ts'
import { autheliaHeaders, readIdentityHeaders } from './identity-headers.ts'
import { readNetworks } from './networks.ts'
import type { Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import type { RawDefaults } from './schema.ts'
import { parseDuration, parseSize } from './units.ts'

export interface Settings {
  readonly upstreamHost: UpstreamHost
  readonly requestHeaders: HeaderEdits
  readonly responseHeaders: HeaderEdits
  readonly timeouts: Timeouts
  readonly maxBodyBytes: number | null
  readonly clients: { readonly allow: readonly string[]; readonly deny: readonly string[] }
  /** `null`: the class that suits the target. */
  readonly rateLimit: RateLimit | null
  readonly webSocket: boolean
  readonly encodedSlashes: boolean
  readonly cloudflareOnly: boolean
  readonly allowedOrigins: readonly string[]
  readonly networks: readonly KnownNetwork[]
  readonly identityHeaders: IdentityHeaderNames
  readonly parentCookies: boolean
  /** `null`: what suits the policy. */
  readonly wake: WakeRule | null
  readonly countsAsUse: CountsAsUse
}

/** What holds when the file says nothing. */
export const builtInSettings: Settings = {
  upstreamHost: { kind: 'keep' },
  requestHeaders: { set: [], remove: [] },
  responseHeaders: { set: [], remove: [] },
  timeouts: {
    // Two lost SYNs are sent again after 1 s and 3 s; a machine that has not answered then is off, and the
    // visitor should hear so long before Cloudflare gives up (19 s, error 522).
    connectMs: 5000,
    // Below Cloudflare's 100 s (error 524), so that the visitor sees our page with its request id; nginx's own.
    headersMs: 60_000,
    // Silence of a download, stream or WebSocket. Browsers behind Cloudflare ping every 45 s or are cut
    // after 100 s; 10 minutes spares the others and still frees sockets whose other end vanished.
    idleMs: 600_000,
  },
  // Cloudflare's own limit on free plans: the direct way behaves like the proxied one.
  maxBodyBytes: 100 * 1024 ** 2,
  clients: { allow: [], deny: [] },
  rateLimit: null,
  webSocket: false,
  encodedSlashes: false,
  cloudflareOnly: false,
  allowedOrigins: [],
  networks: [],
  identityHeaders: autheliaHeaders,
  parentCookies: false,
  wake: null,
  countsAsUse: 'auto',
}

export interface SettingsDeps {
  readonly classes: ReadonlyMap<string, RateLimit>
  readonly reporter: Reporter
}

/** Lays what `raw` says over `base`. Header edits and timeouts merge by name; everything else replaces. */
export function readSettings(
  raw: RawDefaults,
  base: Settings,
  context: { readonly at: Path; readonly deps: SettingsDeps },
): Settings {
  const { at, deps } = context
  const { reporter } = deps
  const headers = (direction: 'request' | 'response') => {
    const key = direction === 'request' ? 'requestHeaders' : 'responseHeaders'
    const own = readHeaderEdits(raw[key], [...at, key], { direction, reporter })
    return mergeHeaderEdits(base[key], own)
  }
  return {
    upstreamHost: readUpstreamHost(raw, [...at, 'upstreamHost'], reporter) ?? base.upstreamHost,
    requestHeaders: headers('request'),
    responseHeaders: headers('response'),
    timeouts: readTimeouts(raw, base.timeouts, { at, reporter }),
    maxBodyBytes: readMaxBody(raw, base),
    clients: {
      allow:
        readCidrs(raw.clients?.allow, [...at, 'clients', 'allow'], reporter) ?? base.clients.allow,
      deny: readCidrs(raw.clients?.deny, [...at, 'clients', 'deny'], reporter) ?? base.clients.deny,
    },
    rateLimit: readRateLimit(raw, [...at, 'rateLimit'], deps) ?? base.rateLimit,
    webSocket: raw.webSocket ?? base.webSocket,
    encodedSlashes: raw.encodedSlashes ?? base.encodedSlashes,
    cloudflareOnly: raw.cloudflareOnly ?? base.cloudflareOnly,
    allowedOrigins:
      readOrigins(raw.allowedOrigins, [...at, 'allowedOrigins'], reporter) ?? base.allowedOrigins,
    networks: readNetworks(raw.networks, [...at, 'networks'], reporter) ?? base.networks,
    identityHeaders: readIdentityHeaders(raw.identityHeaders, base.identityHeaders, {
      at: [...at, 'identityHeaders'],
      reporter,
    }),
    parentCookies: raw.parentCookies ?? base.parentCookies,
    wake: raw.wake ?? base.wake,
    countsAsUse: raw.countsAsUse ?? base.countsAsUse,
  }
}

/** Reads a list of networks; `null` when the file has none. */
export function readCidrs(
  raw: readonly string[] | undefined,
  at: Path,
  reporter: Reporter,
): readonly string[] | null {
  if (raw === undefined) return null
  const cidrs: string[] = []
  for (const [index, text] of raw.entries()) {
    const read = readCidr(text)
    if ('cidr' in read) cidrs.push(read.cidr)
    else {
      const what = `${quote(text)} ${read.what}`
      reporter.error([...at, index], { code: 'cidr', what, remedy: read.remedy })
    }
  }
  return cidrs
}

function readUpstreamHost(raw: RawDefaults, at: Path, reporter: Reporter): UpstreamHost | null {
  const value = raw.upstreamHost
  if (value === undefined) return null
  if (value === 'keep' || value === 'target') return { kind: value }
  if (parseAuthority(value.fixed) === null) {
    reporter.error([...at, 'fixed'], {
      code: 'host-invalid',
      what: `${quote(value.fixed)} is no host name`,
      remedy: 'write a name, with :port if the backend wants it',
    })
  }
  return { kind: 'fixed', host: value.fixed.toLowerCase() }
}

/** Above a day a timer is a mistake; Node's own stop at 24.8 days. */
const longestMs = 24 * 3_600_000

function readTimeouts(
  raw: RawDefaults,
  base: Timeouts,
  context: { readonly at: Path; readonly reporter: Reporter },
): Timeouts {
  const written = raw.timeouts
  const read = (key: 'connect' | 'headers' | 'idle', otherwise: number): number => {
    const text = written?.[key]
    if (text === undefined) return otherwise
    if (text === 'never') return 0
    const ms = parseDuration(text) ?? 0
    if (ms < 1 || ms > longestMs) {
      context.reporter.error([...context.at, 'timeouts', key], {
        code: 'out-of-range',
        what: `${text} is ${ms < 1 ? 'no time at all' : 'longer than a day'}`,
        remedy: key === 'idle' ? 'write 10m, or never' : 'write a duration such as 30s',
      })
    }
    return ms
  }
  return {
    connectMs: read('connect', base.connectMs),
    headersMs: read('headers', base.headersMs),
    idleMs: read('idle', base.idleMs),
  }
}

function readMaxBody(raw: RawDefaults, base: Settings): number | null {
  if (raw.maxBody === undefined) return base.maxBodyBytes
  return raw.maxBody === 'unlimited' ? null : parseSize(raw.maxBody)
}

function readRateLimit(raw: RawDefaults, at: Path, deps: SettingsDeps): RateLimit | null {
  const value = raw.rateLimit
  if (value === undefined) return null
  if (typeof value !== 'string') return value
  const found = deps.classes.get(value)
  if (found !== undefined) return found
  const names = [...deps.classes.keys()]
  const meant = nearest(value, names)
  deps.reporter.error(at, {
    code: 'unknown-class',
    what: `there is no class ${quote(value)}`,
    remedy: meant === null ? `known classes: ${names.join(', ')}` : `did you mean ${meant}?`,
  })
  return null
}

/**
 * Serialised origins (RFC 6454 §6.2) of any scheme: apps and browser extensions have their own.
 * `null` is refused: every sandboxed frame of every site has that origin.
 */
function readOrigins(
  raw: readonly string[] | undefined,
  at: Path,
  reporter: Reporter,
): readonly string[] | null {
  if (raw === undefined) return null
  const origins: string[] = []
  for (const [index, text] of raw.entries()) {
    if (/^[a-z][a-z0-9+.-]{0,30}:\/\/[a-z0-9._-]{1,253}(?::\d{1,5})?$/i.test(text)) {
      origins.push(text.toLowerCase().replace(/^(https:.*):443$/, '$1'))
      continue
    }
    reporter.error([...at, index], {
      code: 'origin',
      what: `${quote(text)} is no origin`,
      remedy: 'write scheme and host, no path, such as https://app.example.com',
    })
  }
  return origins
}
