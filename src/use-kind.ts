// What a request is to a machine that sleeps when nobody needs it. Hot path.

import { headerOf } from './app-call.ts'
import type { UseKind } from './gate.ts'
import type { Identity } from './model.ts'
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
  if (identity !== null && identity.via === 'token') return 'program'
  const { method } = exchange
  if (method === 'OPTIONS') return 'incidental'
  const { fetchMode } = head
  if (fetchMode === null) {
    const asksForPage =
      method === 'GET' && head.accept !== null && head.accept.startsWith('text/html')
    if (!asksForPage)
      return head.fetchSite === null && head.origin === null ? 'program' : scriptKind(method)
    return isIncidental(exchange, head) ? 'incidental' : 'navigation'
  }
  if (fetchMode === 'navigate' && method === 'GET') {
    return isIncidental(exchange, head) ? 'incidental' : 'navigation'
  }
  return exchange.webSocket ? 'script' : scriptKind(method)
}

/**
 * What a browser or a crawler asks for on its own account: prefetch and prerender (`Sec-Purpose`, W3C Resource Hints), icons,
 * manifests, service workers, and pages that nobody looks at yet.
 */
export function isIncidental(exchange: Exchange, head: RequestHead): boolean {
  const { rawHeaders, rawTarget, method } = exchange
  if (method === 'OPTIONS') return true
  const purpose = headerOf(rawHeaders, 'sec-purpose') ?? headerOf(rawHeaders, 'purpose')
  if (purpose !== null && (purpose.includes('prefetch') || purpose.includes('prerender')))
    return true
  switch (headerOf(rawHeaders, 'sec-fetch-dest')) {
    case 'serviceworker':
    case 'manifest':
    case 'sharedworker':
      return true
    default:
      break
  }
  // A link preview looks at the head alone; no browser does that for a person.
  if (method === 'HEAD' && head.fetchMode === null) return true
  const end = rawTarget.indexOf('?')
  return idlePaths.has(end === -1 ? rawTarget : rawTarget.slice(0, end))
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

function scriptKind(method: string): UseKind {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'PROPFIND':
    case 'REPORT':
      return 'script'
    default:
      return 'change'
  }
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
