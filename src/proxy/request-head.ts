// The header section of a request, read once: what decides, and what is passed on. Hot path.

import type { FailureCode } from '../errors.ts'
import { requestHeaderKind, requestKind } from './header-names.ts'

/** More field lines than this are answered 431; never dropped in silence (CVE-2026-58044). */
export const maxHeaderLines = 200

/** What stands before a token in a path, for programs that know nothing but a URL. */
export const tokenPathPrefix = '/.gatehouse/t/'

/** One reading of the header section. Fields are `null` when the header is absent. */
export interface RequestHead {
  /** Field lines that may be passed on: flat, in order, spelled as received. Without Host, cookies and framing. */
  readonly forward: string[]
  host: string | null
  /** All cookie lines joined with `; ` (RFC 9113 §8.2.3). */
  cookie: string | null
  origin: string | null
  fetchSite: string | null
  fetchMode: string | null
  accept: string | null
  authorization: string | null
  contentType: string | null
  via: string | null
  /** Digits, checked; `null`: no declared length. */
  contentLength: string | null
  chunked: boolean
  /** The client understands trailers (`TE: trailers`). */
  trailers: boolean
  maxForwards: string | null
  cfConnectingIp: string | null
  forwardedFor: string | null
  upgrade: string | null
  webSocketKey: string | null
  webSocketVersion: string | null
  /** `X-Gatehouse-Token`; never passed on. */
  token: string | null
  /** Names that were dropped for characters outside `[A-Za-z0-9-]`, comma-separated, for the log. */
  dropped: string | null
}

/** What the gateway must know of the connection to read a header section. */
export interface HeadContext {
  readonly http2: boolean
  readonly http10: boolean
  readonly method: string
  /** The peer is Cloudflare: its `CF-` headers are its own. */
  readonly cloudflare: boolean
}

/**
 * Reads a flat header list. Hop-by-hop fields, fields named in `Connection`, identity and forwarding fields in
 * any spelling, and malformed names are left out of `forward`; own values are set later, so nothing a client
 * sends can remove or replace them (CVE-2024-45410, CVE-2026-30851).
 *
 * @returns a failure code for framing that two programs could read differently. RFC 9112 §6, RFC 9110 §5 and §7.6.1,
 *   RFC 9113 §8.2.
 */
export function readHead(raw: readonly string[], context: HeadContext): RequestHead | FailureCode {
  if (raw.length > maxHeaderLines * 2) return 'headers-too-large'
  const forward: string[] = []
  const head: RequestHead = {
    forward,
    host: null,
    cookie: null,
    origin: null,
    fetchSite: null,
    fetchMode: null,
    accept: null,
    authorization: null,
    contentType: null,
    via: null,
    contentLength: null,
    chunked: false,
    trailers: false,
    maxForwards: null,
    cfConnectingIp: null,
    forwardedFor: null,
    upgrade: null,
    webSocketKey: null,
    webSocketVersion: null,
    token: null,
    dropped: null,
  }
  let connection: string | null = null
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    const value = raw[i + 1] as string
    if (name.charCodeAt(0) === 0x3a) continue // HTTP/2 pseudo-header
    const kind = requestHeaderKind(name)
    if (kind === null) {
      head.dropped = head.dropped === null ? name : `${head.dropped}, ${name}`
      continue
    }
    switch (kind) {
      case requestKind.pass:
        forward.push(name, value)
        break
      case requestKind.drop:
      case requestKind.identity:
        break
      case requestKind.host:
        if (head.host !== null) return 'bad-host'
        head.host = value
        break
      case requestKind.accept:
        head.accept = head.accept === null ? value : `${head.accept}, ${value}`
        forward.push(name, value)
        break
      case requestKind.cookie:
        head.cookie = head.cookie === null ? value : `${head.cookie}; ${value}`
        break
      case requestKind.connection:
        connection = connection === null ? value : `${connection},${value}`
        break
      case requestKind.contentLength:
        if (head.contentLength !== null || !isLength(value)) return 'bad-request'
        head.contentLength = value
        break
      case requestKind.transferEncoding:
        // Exactly one `chunked` and nothing else: what is no coding of ours is not guessed at.
        if (head.chunked || context.http2 || context.http10) return 'bad-request'
        if (value.toLowerCase() !== 'chunked') return 'bad-request'
        head.chunked = true
        break
      case requestKind.te:
        // RFC 9110 §10.1.4; in HTTP/2 nothing but `trailers` is allowed (RFC 9113 §8.2.2).
        if (value.toLowerCase().includes('trailers')) head.trailers = true
        break
      case requestKind.expect:
        break // Answered by the listener; never passed on.
      case requestKind.contentType:
        if (head.contentType !== null) return 'bad-request'
        head.contentType = value
        forward.push(name, value)
        break
      case requestKind.authorization:
        if (head.authorization !== null) return 'bad-request'
        head.authorization = value
        forward.push(name, value)
        break
      case requestKind.origin:
        if (head.origin !== null) return 'bad-request'
        head.origin = value
        forward.push(name, value)
        break
      case requestKind.fetchSite:
        head.fetchSite = value
        forward.push(name, value)
        break
      case requestKind.fetchMode:
        head.fetchMode = value
        forward.push(name, value)
        break
      case requestKind.via:
        head.via = head.via === null ? value : `${head.via}, ${value}`
        break
      case requestKind.maxForwards:
        head.maxForwards = value
        break
      case requestKind.cfConnectingIp:
        // Two of them are nobody's word: an empty text is no address.
        head.cfConnectingIp = head.cfConnectingIp === null ? value : ''
        break
      case requestKind.cloudflare:
        if (context.cloudflare) forward.push(name, value)
        break
      case requestKind.forwardedFor:
        head.forwardedFor = head.forwardedFor === null ? value : `${head.forwardedFor}, ${value}`
        break
      case requestKind.upgrade:
        head.upgrade = head.upgrade === null ? value : `${head.upgrade}, ${value}`
        break
      case requestKind.webSocketKey:
        if (head.webSocketKey !== null) return 'bad-request'
        head.webSocketKey = value
        break
      case requestKind.webSocketVersion:
        if (head.webSocketVersion !== null) return 'bad-request'
        head.webSocketVersion = value
        break
      case requestKind.token:
        if (head.token !== null) return 'bad-request'
        head.token = value
        break
      case requestKind.referer:
        // The address of a page that was opened by a token in its path is a credential.
        if (!value.includes(tokenPathPrefix)) forward.push(name, value)
        break
      case requestKind.address:
        forward.push(name, value.includes(tokenPathPrefix) ? withoutPathToken(value) : value)
        break
      case requestKind.earlyData:
        // RFC 8470 §5.2: what changes something must not be replayable.
        if (value === '1' && !isReplayable(context.method)) return 'too-early'
        forward.push(name, value)
        break
      default:
        kind satisfies never
    }
  }
  // RFC 9112 §6.1 allows repairing this; refusing is what leaves nothing to disagree about.
  if (head.chunked && head.contentLength !== null) return 'bad-request'
  if (connection !== null && !isUsualConnection(connection)) dropNominated(forward, connection)
  return head
}

/** Addresses as the backend knows them: the token in their paths is taken out of the request's own path too. */
function withoutPathToken(value: string): string {
  let text = value
  for (;;) {
    const at = text.indexOf(tokenPathPrefix)
    if (at === -1) return text
    let end = at + tokenPathPrefix.length
    while (end < text.length && !endsSegment(text.charCodeAt(end))) end += 1
    text = text.slice(0, at) + text.slice(end)
  }
}

/** `/`, `?`, `#`, `>`, or a blank. */
function endsSegment(c: number): boolean {
  return c === 0x2f || c === 0x3f || c === 0x23 || c === 0x3e || c <= 0x20
}

/** RFC 9110 §8.6: digits alone; at most 15, which stays below 2^53. */
function isLength(value: string): boolean {
  if (value.length === 0 || value.length > 15) return false
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i)
    if (c < 0x30 || c > 0x39) return false
  }
  return true
}

function isReplayable(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

function isUsualConnection(value: string): boolean {
  return (
    value === 'keep-alive' || value === 'close' || value === 'Upgrade' || value === 'Keep-Alive'
  )
}

/** Takes away what `Connection` names (RFC 9110 §7.6.1). Cold: almost no client names anything. */
function dropNominated(forward: string[], connection: string): void {
  const nominated = new Set<string>()
  for (const name of connection.split(',')) nominated.add(name.trim().toLowerCase())
  let kept = 0
  for (let i = 0; i < forward.length; i += 2) {
    const name = forward[i] as string
    if (nominated.has(name.toLowerCase())) continue
    forward[kept] = name
    forward[kept + 1] = forward[i + 1] as string
    kept += 2
  }
  forward.length = kept
}
