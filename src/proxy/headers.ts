// What the backend receives and what the visitor receives: strip, then set. Pure, on flat header lists. Hot path.

import type { RuntimeHeaderEdits, RuntimeRoute } from '../routes.ts'
import type { ResponseFields } from './call.ts'
import { isTrailerAllowed, responseHeaderKind, responseKind } from './header-names.ts'
import type { RequestHead } from './request-head.ts'

/** What the gateway says of a request beyond what the client said. */
export interface ForwardFacts {
  /** `Host` for the backend. */
  readonly upstreamHost: string
  /** The visitor's own `Host`, with the port when it is not 443. */
  readonly host: string
  /** Port the visitor used, as text. */
  readonly port: string
  /** Verified client address. */
  readonly client: string
  readonly scheme: 'https' | 'http'
  readonly requestId: string
  /** Our pseudonym in `Via` (RFC 9110 §7.6.3). */
  readonly via: string
  /** `Max-Forwards` as it goes on, already decremented; `null`: none. */
  readonly maxForwards: string | null
  /** Key of a WebSocket handshake; `null` for plain requests. */
  readonly webSocketKey: string | null
  /** Identity headers and the like: flat, set last; `null` for strangers. */
  readonly identity: readonly string[] | null
}

/**
 * Builds the flat header list for the backend, in the list that the head was read into.
 *
 * Everything a client could forge was left out when the head was read; here ours is added. The client library
 * writes `Connection`, `Transfer-Encoding` and the WebSocket's `Upgrade` itself.
 */
export function requestHeaders(
  head: RequestHead,
  facts: ForwardFacts,
  edits: RuntimeHeaderEdits | null,
): string[] {
  const out = head.forward
  if (head.cookie !== null) out.push('Cookie', head.cookie)
  if (edits !== null) applyEdits(out, edits)
  if (head.contentLength !== null) out.push('Content-Length', head.contentLength)
  if (head.trailers) out.push('TE', 'trailers')
  if (facts.maxForwards !== null) out.push('Max-Forwards', facts.maxForwards)
  if (facts.webSocketKey !== null) {
    out.push('Sec-WebSocket-Key', facts.webSocketKey, 'Sec-WebSocket-Version', '13')
  }
  out.push(
    'Host',
    facts.upstreamHost,
    'X-Forwarded-For',
    facts.client,
    'X-Forwarded-Proto',
    facts.scheme,
    'X-Forwarded-Host',
    facts.host,
    'X-Forwarded-Port',
    facts.port,
    'X-Real-IP',
    facts.client,
    'X-Request-ID',
    facts.requestId,
    'Via',
    head.via === null ? facts.via : `${head.via}, ${facts.via}`,
  )
  if (facts.identity !== null) for (const item of facts.identity) out.push(item)
  return out
}

/** Why an answer cannot be passed on: its length is ambiguous (RFC 9112 §6.3). */
export const ambiguousLength = Symbol('ambiguous length')

/** What a backend's cookies may do. The guard is handed in: cookies of a session are not this folder's subject. */
export interface CookieRules {
  /** Host the visitor asked. */
  readonly host: string
  /** Cookies for the parent domain may pass. */
  readonly parentAllowed: boolean
  /** @returns the `Set-Cookie` value that may pass, or `null`. */
  readonly guard: (value: string, host: string, parentAllowed: boolean) => string | null
}

/** The header section of an answer as the visitor gets it. */
export interface AnswerHead {
  /** Flat, names in lower case. */
  readonly headers: string[]
  /** Declared length of the body in bytes; `null`: unknown. */
  readonly length: number | null
}

/**
 * Builds the visitor's header section: hop-by-hop fields and fields named in `Connection` go, framing is checked,
 * security headers fill in where the backend set none, the route's edits come last.
 */
export function answerHead(
  status: number,
  fields: ResponseFields,
  options: {
    readonly requestId: string
    readonly security: readonly (readonly [string, string])[]
    readonly edits: RuntimeHeaderEdits | null
    readonly cookies: CookieRules
  },
): AnswerHead | typeof ambiguousLength {
  const headers: string[] = []
  let length: number | null = null
  let nominated: Set<string> | null = null
  for (const name in fields) {
    const value = fields[name]
    if (value === undefined) continue
    switch (responseHeaderKind(name)) {
      case responseKind.pass:
        pushField(headers, name, value)
        break
      case responseKind.contentLength: {
        if (typeof value !== 'string' || fields['transfer-encoding'] !== undefined) {
          return ambiguousLength
        }
        // RFC 9110 §8.6: none on 204; §6.4.1 none on 1xx, which never comes here.
        if (status === 204) break
        // RFC 9110 §15.3.6: readers disagree whether these bytes belong to a 205 or begin the next answer.
        if (status === 205 && value !== '0') return ambiguousLength
        length = Number(value)
        headers.push(name, value)
        break
      }
      case responseKind.transferEncoding:
        // Any coding but chunked would reach the visitor undecoded and unnamed.
        if (typeof value !== 'string' || value.toLowerCase() !== 'chunked') return ambiguousLength
        break
      case responseKind.connection:
        nominated = nominations(value)
        break
      case responseKind.setCookie:
        pushCookies(headers, value, options.cookies)
        break
      case responseKind.clearSiteData:
        // It would take the cookies of the whole registrable domain with it, ours too (Clear Site Data §4.2.1).
        if (options.cookies.parentAllowed || !clearsCookies(value)) pushField(headers, name, value)
        break
      default:
        break
    }
  }
  if (nominated !== null) removeNames(headers, nominated)
  for (const [name, value] of options.security) {
    // What the backend took away by naming it in `Connection` is not there for the visitor either.
    if (fields[name] === undefined || nominated?.has(name)) headers.push(name, value)
  }
  headers.push('x-request-id', options.requestId)
  if (options.edits !== null) applyEdits(headers, options.edits)
  return { headers, length }
}

/** Headers of an interim answer (RFC 8297) that may pass. Flat, lower case. */
export function interimHeaders(fields: ResponseFields): string[] {
  const headers: string[] = []
  for (const name in fields) {
    const value = fields[name]
    if (value === undefined || responseHeaderKind(name) !== responseKind.pass) continue
    pushField(headers, name, value)
  }
  return headers
}

/** Trailer fields that may pass; `null` when none is left. */
export function trailerFields(fields: ResponseFields): string[] | null {
  let out: string[] | null = null
  for (const name in fields) {
    const value = fields[name]
    if (value === undefined || !isTrailerAllowed(name)) continue
    out ??= []
    if (typeof value === 'string') out.push(name, value)
    else for (const item of value) out.push(name, item)
  }
  return out
}

/** Path and query for the backend: the bytes that were checked, with the route's prefix kept, stripped or replaced. */
export function upstreamPath(route: RuntimeRoute, rawPath: string, query: string): string | null {
  const { prefixRewrite: rewrite, path: prefix } = route.definition
  if (rewrite.kind === 'keep') return query === '' ? rawPath : rawPath + query
  const rest = belowPrefix(rawPath, prefix)
  if (rest === null) return null
  const base = rewrite.kind === 'strip' || rewrite.with === '/' ? '' : rewrite.with
  const path = base + rest
  // `/git` without more becomes the root; a rest of `//evil` must not become a network-path reference.
  const rooted = path.charCodeAt(0) === 0x2f ? path : `/${path}`
  if (rooted.charCodeAt(1) === 0x2f) return null
  return rooted + query
}

/**
 * What of a raw path lies below a route's path.
 *
 * @returns `null` when the path does not stand there byte for byte: `//git/x` and `/%67it/x` match `/git`, but cutting as
 *   many characters off them would cut in the wrong place.
 */
export function belowPrefix(rawPath: string, prefix: string): string | null {
  if (prefix === '/') return rawPath
  return rawPath.startsWith(prefix) ? rawPath.slice(prefix.length) : null
}

/** Takes a field away from a flat list, whatever its spelling. */
export function removeField(list: string[], name: string): void {
  removeNames(list, new Set([name]))
}

function pushField(list: string[], name: string, value: string | string[]): void {
  if (typeof value === 'string') list.push(name, value)
  else for (const item of value) list.push(name, item)
}

function pushCookies(list: string[], value: string | string[], rules: CookieRules): void {
  const { host, parentAllowed, guard } = rules
  if (typeof value === 'string') {
    const passing = guard(value, host, parentAllowed)
    if (passing !== null) list.push('set-cookie', passing)
    return
  }
  for (const item of value) {
    const passing = guard(item, host, parentAllowed)
    if (passing !== null) list.push('set-cookie', passing)
  }
}

function clearsCookies(value: string | string[]): boolean {
  const text = (typeof value === 'string' ? value : value.join(',')).toLowerCase()
  return text.includes('cookies') || text.includes('*')
}

function applyEdits(list: string[], edits: RuntimeHeaderEdits): void {
  removeNames(list, edits.remove)
  for (const item of edits.set) list.push(item)
}

function removeNames(list: string[], names: ReadonlySet<string>): void {
  let kept = 0
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    if (names.has(name.toLowerCase())) continue
    list[kept] = name
    list[kept + 1] = list[i + 1] as string
    kept += 2
  }
  list.length = kept
}

/** Names in `Connection` other than its own options; `null` for the usual `keep-alive` and `close`. */
function nominations(value: string | string[]): Set<string> | null {
  if (value === 'keep-alive' || value === 'close') return null
  const names = new Set<string>()
  const text = typeof value === 'string' ? value : value.join(',')
  for (const name of text.split(',')) names.add(name.trim().toLowerCase())
  return names
}
