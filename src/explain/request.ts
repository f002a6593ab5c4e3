// The request that is explained: an address as somebody wrote it → what would arrive at the gateway.

import { parseAuthority } from '../host.ts'
import type { Identity, TableDefinition } from '../model.ts'
import { builtInCloudflareCidrs } from '../proxy/cloudflare.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { Peer } from '../proxy/peer.ts'
import { createTrust, type Trust } from '../proxy/trust.ts'

export interface ExplainRequest {
  /** As it was written. */
  readonly url: string
  readonly scheme: 'http' | 'https'
  /** What a client puts into `Host`: not normalised, not checked. */
  readonly authority: string
  /** What a client puts into the request line: not normalised, not checked. */
  readonly rawTarget: string
  readonly method: string
  readonly identity: Identity | null
  readonly origin: string | null
  readonly fetchSite: string | null
  readonly webSocket: boolean
  /** Address of the visitor. */
  readonly from: string
  readonly cloudflare: boolean
}

/** Stands for "some address", RFC 5737 §3. */
export const someAddress = '192.0.2.1'

/** An address in its parts, byte for byte. */
export interface WrittenUrl {
  readonly scheme: 'http' | 'https'
  readonly webSocket: boolean
  readonly authority: string
  readonly rawTarget: string
}

/**
 * By hand: `new URL` would resolve `/a/../b` and decode `%2e`, and then explain a request that nobody sent.
 *
 * @returns `null`: a scheme that is not served. `photos.example.com/x` is `https`.
 */
export function splitUrl(url: string): WrittenUrl | null {
  const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?([^/?#]*)([\s\S]*)$/.exec(url)
  const scheme = (parts?.[1] ?? 'https').toLowerCase()
  if (!['http', 'https', 'ws', 'wss'].includes(scheme)) return null
  const rest = parts?.[3] ?? ''
  return {
    scheme: scheme === 'http' || scheme === 'ws' ? 'http' : 'https',
    webSocket: scheme === 'ws' || scheme === 'wss',
    authority: parts?.[2] ?? '',
    rawTarget: rest.startsWith('/') ? rest : `/${rest}`,
  }
}

/** The connection such a request would come on. */
export function connectionOf(
  request: ExplainRequest,
  definition: TableDefinition,
): { readonly peer: Peer; readonly trust: Trust } {
  const trust = createTrust(definition.trustedProxies, () => request.cloudflare)
  const cloudflareAddress = (builtInCloudflareCidrs[0] ?? '').split('/')[0] ?? ''
  const address = request.cloudflare ? cloudflareAddress : request.from
  const asked = definition.originPullCaFile !== null
  const peer: Peer = {
    address,
    trustedProxy: trust.isTrusted(address),
    cloudflare: request.cloudflare,
    serverName: parseAuthority(request.authority),
    clientCertificate: asked ? (request.cloudflare ? 'valid' : 'absent') : 'unasked',
    tlsVersion: 'TLSv1.3',
    lastAuthority: '',
    lastHost: null,
  }
  return { peer, trust }
}

/** The request as the pipeline sees it. It can be admitted; it cannot be answered. */
export function exchangeOf(request: ExplainRequest, peer: Peer): Exchange {
  const headers = ['Host', request.authority]
  if (request.origin !== null) headers.push('Origin', request.origin)
  if (request.fetchSite !== null) headers.push('Sec-Fetch-Site', request.fetchSite)
  if (request.cloudflare) headers.push('CF-Connecting-IP', request.from)
  // Who presents nothing is not asked who he is.
  if (request.identity !== null) headers.push('Cookie', 'explain=1')
  if (request.webSocket) {
    const key = Buffer.alloc(16).toString('base64')
    headers.push('Connection', 'Upgrade', 'Upgrade', 'websocket')
    headers.push('Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', key)
  }
  const unanswerable = (): never => {
    throw new TypeError('an explained request has nobody to answer')
  }
  return {
    protocol: 'HTTP/1.1',
    method: request.method,
    rawTarget: request.rawTarget,
    rawAuthority: null,
    rawHeaders: headers,
    peer,
    webSocket: request.webSocket,
    declaredBytes: null,
    bytesIn: 0,
    bytesOut: 0,
    begun: false,
    closed: false,
    listen: unanswerable,
    inform: unanswerable,
    openBody: unanswerable,
    begin: unanswerable,
    write: unanswerable,
    end: unanswerable,
    answer: unanswerable,
    switchToWebSocket: unanswerable,
    abort: unanswerable,
  }
}
