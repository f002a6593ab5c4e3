// What a request is to a machine that sleeps when nobody needs it. Hot path.

import type { UseKind } from './gate.ts'
import type { Identity, SessionRef, WakeRule } from './model.ts'
import type { Exchange } from './proxy/exchange.ts'
import type { RequestHead } from './proxy/request-head.ts'

/**
 * The kind as far as the head tells it without a search; what nobody wished for is found by `incidental`.
 *
 * A request without Fetch Metadata comes from a program, or from a browser so old that it may count as one; unless it
 * asks for a page the way browsers do.
 */
export function useKindOf(
  exchange: Exchange,
  head: RequestHead,
  identity: Identity | null,
): UseKind {
  const { method } = exchange
  if (identity !== null && identity.via === 'token') return programKind(method)
  if (method === 'OPTIONS') return 'incidental'
  const { fetchMode } = head
  if (fetchMode === null) {
    const asksForPage =
      method === 'GET' && head.accept !== null && head.accept.startsWith('text/html')
    if (!asksForPage)
      return head.fetchSite === null && head.origin === null
        ? programKind(method)
        : scriptKind(method)
    return isIncidental(exchange, head) ? 'incidental' : 'navigation'
  }
  if (fetchMode === 'navigate' && method === 'GET') {
    return isIncidental(exchange, head) ? 'incidental' : 'navigation'
  }
  return exchange.webSocket ? 'script' : scriptKind(method)
}

/**
 * What a browser or a crawler asks for on its own account: prefetch and prerender (`Sec-Purpose`, W3C Resource Hints, and what
 * older browsers said), icons, manifests, service workers, and pages that nobody looks at yet.
 */
export function isIncidental(exchange: Exchange, head: RequestHead): boolean {
  const { rawHeaders, rawTarget, method } = exchange
  if (method === 'OPTIONS') return true
  // A link preview looks at the head alone; no browser does that for a person.
  if (method === 'HEAD' && head.fetchMode === null) return true
  // One pass, and no name is copied that cannot be one of ours: every page that somebody opens comes by here.
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (!mayMatter(name)) continue
    if (saysNobody(name.toLowerCase(), rawHeaders[i + 1] ?? '')) return true
  }
  const query = rawTarget.indexOf('?')
  const length = query === -1 ? rawTarget.length : query
  if (length > maxIdlePath) return false
  return idlePaths.has(query === -1 ? rawTarget : rawTarget.slice(0, query))
}

/** By length and last letter: of what a browser usually sends, this leaves `Sec-Fetch-Dest` alone. */
function mayMatter(name: string): boolean {
  const { length } = name
  const last = name.charCodeAt(length - 1) | 0x20
  switch (length) {
    case 14:
      return last === letterT
    case 11:
    case 9:
    case 7:
      return last === letterE
    case 5:
      return last === letterZ
    default:
      return false
  }
}

/** @param name in lower case. */
function saysNobody(name: string, value: string): boolean {
  switch (name) {
    case 'sec-purpose':
    case 'purpose':
    // Firefox before 2023, and Safari for its overview of favourite pages.
    case 'x-moz':
    case 'x-purpose':
      return /prefetch|prerender|preview/i.test(value)
    case 'sec-fetch-dest':
      return value === 'serviceworker' || value === 'manifest' || value === 'sharedworker'
    default:
      return false
  }
}

const idlePaths: ReadonlySet<string> = new Set([
  '/favicon.ico',
  '/apple-touch-icon.png',
  '/apple-touch-icon-precomposed.png',
  '/robots.txt',
  '/sitemap.xml',
  '/manifest.json',
  '/manifest.webmanifest',
  '/site.webmanifest',
  '/sw.js',
  '/service-worker.js',
  '/health',
  '/healthz',
  '/ping',
])
const letterE = 0x65
const letterT = 0x74
const letterZ = 0x7a
const maxIdlePath = Math.max(...[...idlePaths].map(({ length }) => length))

function scriptKind(method: string): UseKind {
  return reads(method) ? 'script' : 'change'
}

/** A calendar that sends an entry, a push of commits: somebody did something. That it looks for news, nobody did. */
function programKind(method: string): UseKind {
  return reads(method) ? 'program' : 'change'
}

/** RFC 9110 §9.2.1, and those of WebDAV (RFC 4918 §9.1, RFC 3253 §3.6, RFC 5323). */
function reads(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
    case 'PROPFIND':
    case 'REPORT':
    case 'SEARCH':
      return true
    default:
      return false
  }
}

/**
 * Who counts as using a machine. On a route whose own login may wake its server, a network that is known stands for the person:
 * what it has woken, it also keeps awake.
 */
export function userOfMachine(
  { session, network }: { readonly session: SessionRef | null; readonly network: string },
  rule: WakeRule,
  isKnownClient: (network: string) => boolean,
): SessionRef | null {
  if (session !== null || rule !== 'known-client' || !isKnownClient(network)) return session
  return `network:${network}` as SessionRef
}

/** It has no end of its own, so that its bytes at the end say nothing: a WebSocket, or server-sent events. */
export function isOngoing({
  exchange,
  head,
}: {
  readonly exchange: Exchange
  readonly head: RequestHead | null
}): boolean {
  return exchange.webSocket || (head?.accept?.includes('text/event-stream') ?? false)
}
