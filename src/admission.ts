// May this request pass, and what becomes of it? The one way in for HTTP/1, HTTP/2 and WebSocket. Hot path.

import type { Identified } from './auth/identify.ts'
import { decide, policyAt, sameAccess } from './auth/policy.ts'
import type { FailureCode } from './errors.ts'
import type { WakeAction } from './gate.ts'
import { parseAuthority } from './host.ts'
import type { Limiter } from './limits.ts'
import type { Host, Identity, Target } from './model.ts'
import { isOwnPath, ownPrefix, readOwnPath } from './own-path.ts'
import { networkOf } from './proxy/cidr.ts'
import type { Exchange } from './proxy/exchange.ts'
import type { Peer } from './proxy/peer.ts'
import { type RequestHead, readHead } from './proxy/request-head.ts'
import { type RequestTarget, readTarget } from './proxy/target.ts'
import { handshakeKey } from './proxy/websocket.ts'
import { acmePath, type RouteTable, type RuntimeRoute } from './routes.ts'
import { originOf, type SignInReason } from './sign-in-url.ts'

const signOutPath = '/.gatehouse/sign-out'

/** What is known of a request as it goes through admission; the record is written from it. */
export interface Request {
  readonly exchange: Exchange
  client: string
  /** What the client is counted by: its IPv4 address or its IPv6 /64. */
  network: string
  host: Host | null
  target: RequestTarget | null
  head: RequestHead | null
  route: RuntimeRoute | null
  identity: Identity | null
  /** A token that stood in the path and was taken out of `target`; `null`: none. */
  pathToken: string | null
  /** It is about the machine behind `target`, and not for it; that prefix was taken out of `target`. */
  wakeAction: WakeAction | null
  /** Admitted as everybody would have been, whoever it is. */
  open: boolean
}

/** What may become of a request. A `switch` over it must be complete. */
export type Admission =
  | { readonly kind: 'refuse'; readonly code: FailureCode }
  /** Nobody is signed in, or not strongly or lately enough: to the login page, or 401. */
  | { readonly kind: 'sign-in'; readonly reason: SignInReason }
  /** The answer to `OPTIONS *` and to `Max-Forwards: 0`. */
  | { readonly kind: 'options' }
  | { readonly kind: 'forward'; readonly webSocketKey: string | null }
  | { readonly kind: 'page'; readonly target: Exclude<Target, { kind: 'upstream' }> }
  /** One of our own paths about machines that sleep. */
  | { readonly kind: 'wake'; readonly action: WakeAction }

/** A request that found its route, as `identify` sees it. */
export interface Asking {
  readonly head: RequestHead
  readonly exchange: Exchange
  readonly host: Host
  readonly target: RequestTarget
  readonly client: string
  readonly pathToken: string | null
  readonly route: RuntimeRoute
}

export interface AdmissionDeps {
  readonly table: () => RouteTable
  /** Who is asking. A credential of ours that is not good for this request is a refusal, never a stranger. */
  readonly identify: (request: Asking, now: number) => Identified
  /** The clock that sign-ins are dated by, milliseconds: as it is set, back or forth. */
  readonly wallNow: () => number
  readonly clientAddress: (peer: Peer, head: RequestHead) => string
  readonly limiter: Limiter
  /** Only people who are signed in and networks that are known are let in. */
  readonly lockdown: () => boolean
  /** Whether somebody signed in from there within 30 days. */
  readonly isKnownClient: (network: string) => boolean
  /** The port visitors use: 443 unless the gateway stands behind a port mapping. */
  readonly publicPort: number
  /** Our pseudonym in `Via`. */
  readonly pseudonym: string
}

const forward: Admission = { kind: 'forward', webSocketKey: null }
const options: Admission = { kind: 'options' }
/** One object per reason: a refusal allocates nothing. */
const signIn: Readonly<Record<SignInReason, Admission>> = {
  'no-session': { kind: 'sign-in', reason: 'no-session' },
  'second-factor': { kind: 'sign-in', reason: 'second-factor' },
  passkey: { kind: 'sign-in', reason: 'passkey' },
  'not-recent': { kind: 'sign-in', reason: 'not-recent' },
}
const wake: Readonly<Record<WakeAction, Admission>> = {
  script: { kind: 'wake', action: 'script' },
  busy: { kind: 'wake', action: 'busy' },
  events: { kind: 'wake', action: 'events' },
  start: { kind: 'wake', action: 'start' },
}
/** So many own entries in `Via` are a circle; one or two can be a backend that is a proxy itself. */
const maxOwnVia = 3

/**
 * Takes a request through target, flood, route, identity, policy and limits, in this order. Fills `request` on the
 * way, so that a refusal can be recorded with all that was known by then. Synchronous.
 */
export function admit(request: Request, deps: AdmissionDeps, now: number): Admission {
  const { exchange } = request
  const { peer, method } = exchange
  const table = deps.table()
  const head = readHead(exchange.rawHeaders, {
    http2: exchange.protocol === 'HTTP/2',
    http10: exchange.protocol === 'HTTP/1.0',
    method,
    cloudflare: peer.cloudflare,
  })
  if (typeof head === 'string') {
    request.client = peer.address
    return refuse(head)
  }
  request.head = head
  exchange.declaredBytes ??= declaredBytes(head)
  request.client = deps.clientAddress(peer, head)

  // Target: one reading of host and path, or none.
  const asterisk = exchange.rawTarget === '*' && method === 'OPTIONS'
  let target = asterisk ? null : readTarget(exchange.rawTarget)
  if (typeof target === 'string') return refuse(target)
  if (target?.rawPath.startsWith(ownPrefix)) {
    const inner = readOwnPath(request, target)
    if (typeof inner === 'string') return refuse(inner)
    target = inner
  }
  // `:path` is never in absolute form (RFC 9113 §8.3.1); the parser looks only where `:scheme` is http or https.
  if (target !== null && target.authority !== null && exchange.protocol === 'HTTP/2') {
    return refuse('bad-target')
  }
  request.target = target
  const host = hostOf(exchange, head, target)
  if (host === null) return refuse('bad-host')
  request.host = host
  if (isMisdirected(exchange, host)) return refuse('misdirected')

  // Flood
  const client = networkOf(request.client)
  request.network = client
  if (!deps.limiter.take(client, table.definition.floodLimit, now)) {
    return refuse('too-many-requests')
  }
  if (method === 'CONNECT' || method === 'TRACE') return refuse('method-not-allowed')
  if (target === null || (method === 'OPTIONS' && head.maxForwards === '0')) return options

  // Route
  if (peer.tlsVersion === null) return admitPlain(request, target.path, table)
  const { wakeAction } = request
  if (wakeAction !== null && exchange.webSocket) return refuse('not-found')
  if (wakeAction === 'script' || wakeAction === 'busy') {
    return table.knows(host) ? wake[wakeAction] : refuse('not-found')
  }
  if (isOwnPath(target.path)) return ownPage(target.path, table, deps.publicPort)
  const matched = table.match(host, target.path)
  for (const reading of target.alternatives) {
    if (table.match(host, reading) !== matched) return refuse('bad-target')
  }
  if (
    matched !== null &&
    policyAt(matched.policy, method, target.path).kind === 'public' &&
    table.guardsIgnoringCase(host, target.path, matched)
  ) {
    return refuse('bad-target')
  }
  // A host that has routes is ours: what they do not name is nobody's, old proxy or not.
  const route = matched ?? (table.knows(host) ? null : table.fallback)
  if (route === null) return refuse('not-found')
  request.route = route
  const { definition } = route
  if (target.encodedSlash && !definition.encodedSlashes) return refuse('bad-target')
  // About a page may whoever may open it.
  const asked = wakeAction === null ? method : 'GET'
  if (!sameAccess(route.policy, asked, target.path, target.alternatives)) {
    return refuse('bad-target')
  }
  if (definition.cloudflareOnly && !cameThroughCloudflare(peer)) {
    return refuse('not-through-cloudflare')
  }
  if (route.clientAllowed !== null && !route.clientAllowed(request.client)) {
    return refuse('client-address')
  }

  // Identify and decide
  const wallNow = deps.wallNow()
  const identity = identify(request, deps, wallNow)
  if (typeof identity === 'string') return refuse(identity)
  request.identity = identity
  const ownOrigin = originOf(host, deps.publicPort)
  const decision = decide(route.policy, identity, {
    method: asked,
    webSocket: exchange.webSocket,
    origin: head.origin,
    fetchSite: head.fetchSite,
    ownOrigin,
    allowedOrigins: definition.allowedOrigins,
    path: target.path,
    now: wallNow,
  })
  switch (decision.kind) {
    case 'allow':
      request.open = decision.to === 'everyone'
      break
    case 'sign-in':
      return signIn[decision.reason]
    case 'deny':
      return refuse(decision.reason === 'cross-origin' ? 'cross-origin' : 'forbidden')
    default:
      throw new TypeError('unknown decision', { cause: decision satisfies never })
  }

  if (identity === null && deps.lockdown() && !deps.isKnownClient(client)) return refuse('lockdown')
  if (wakeAction === 'start' && head.origin !== ownOrigin && head.fetchSite !== 'same-origin') {
    return refuse('cross-origin')
  }

  // Limit
  const allowed =
    identity === null
      ? deps.limiter.take(route.limitKey + client, route.limit, now)
      : deps.limiter.take(route.limitKey + identity.session, route.signedInLimit, now)
  if (!allowed) return refuse('too-many-requests')
  if (definition.maintenance !== null) return refuse('maintenance')

  // Dispatch
  if (wakeAction !== null) return wake[wakeAction]
  if (definition.target.kind !== 'upstream') {
    return { kind: 'page', target: definition.target }
  }
  if (
    definition.maxBodyBytes !== null &&
    exchange.declaredBytes !== Number.POSITIVE_INFINITY &&
    exchange.declaredBytes > definition.maxBodyBytes
  ) {
    return refuse('body-too-large')
  }
  if (head.via !== null && countOwn(head.via, deps.pseudonym) >= maxOwnVia) {
    return refuse('loop-detected')
  }
  if (!exchange.webSocket) return forward
  return definition.webSocket ? webSocketAdmission(exchange, head) : refuse('forbidden')
}

/** Nothing presented is nobody: no credential is looked up for a stranger. */
function identify(request: Request, deps: AdmissionDeps, now: number): Identified {
  const { head, route, host, target, pathToken } = request
  if (head === null || route === null || host === null || target === null) return null
  if (
    head.cookie === null &&
    head.authorization === null &&
    head.token === null &&
    pathToken === null &&
    route.networks === null
  ) {
    return null
  }
  const { exchange, client } = request
  return deps.identify({ head, exchange, host, target, client, pathToken, route }, now)
}

/** What we answer ourselves on every host of ours: a way out that every application can link to. */
function ownPage(path: string, table: RouteTable, publicPort: number): Admission {
  if (path !== signOutPath) return refuse('not-found')
  const { loginHost } = table.definition
  const location = `${originOf(loginHost, publicPort)}/sign-out`
  return { kind: 'page', target: { kind: 'redirect', status: 303, location, keepPath: false } }
}

/** The plain port forwards nothing but certificate challenges, and those to the old proxy alone. */
function admitPlain(request: Request, path: string, table: RouteTable): Admission {
  const { method } = request.exchange
  if (table.acme === null || !path.startsWith(`${acmePath}/`)) return refuse('not-found')
  if (request.wakeAction !== null) return refuse('not-found')
  if (method !== 'GET' && method !== 'HEAD') return refuse('method-not-allowed')
  request.route = table.acme
  return forward
}

function webSocketAdmission(exchange: Exchange, head: RequestHead): Admission {
  // RFC 6455 §4.1 knows no body; its bytes would be read as frames.
  if (exchange.declaredBytes !== 0 || head.contentLength !== null) return refuse('bad-request')
  const key = handshakeKey(exchange, head)
  if (key !== null) return { kind: 'forward', webSocketKey: key }
  return refuse(head.webSocketVersion === '13' ? 'bad-request' : 'upgrade-required')
}

/** The host this request is for (RFC 9112 §3.2.2, RFC 9113 §8.3.1); `null`: none, or two that differ. */
function hostOf(exchange: Exchange, head: RequestHead, target: RequestTarget | null): Host | null {
  const { peer, rawAuthority } = exchange
  let authority = head.host
  if (target !== null && target.authority !== null) {
    // The absolute form replaces Host, but HTTP/1.1 asks for a valid Host all the same.
    if (authority !== null && parseAuthority(authority) === null) return null
    authority = target.authority
  } else if (rawAuthority !== null) {
    if (authority !== null && parseAuthority(authority) !== parseAuthority(rawAuthority))
      return null
    authority = rawAuthority
  }
  if (authority === null) return null
  if (authority === peer.lastAuthority) return peer.lastHost
  const host = parseAuthority(authority)
  peer.lastAuthority = authority
  peer.lastHost = host
  return host
}

/**
 * One handshake, one host (RFC 9110 §15.5.20): what was shown and asked for there was for that name. A browser that
 * puts several hosts on one connection (RFC 9113 §9.1.1) repeats the request on its own connection. Cloudflare may not,
 * and would show its visitor the 421; its connections carry whatever its zone says anyway.
 */
function isMisdirected({ peer, protocol, webSocket }: Exchange, host: Host): boolean {
  if (peer.serverName === null || host === peer.serverName || peer.cloudflare) return false
  // Chromium opens a page's WebSocket to a neighbour on the neighbour's connection and does not repeat it after a 421.
  // The certificate is for both, and where no client certificate is asked for the handshake proved nothing else.
  return !(webSocket && protocol === 'HTTP/2' && peer.clientCertificate === 'unasked')
}

function declaredBytes(head: RequestHead): number {
  if (head.chunked) return Number.POSITIVE_INFINITY
  return head.contentLength === null ? 0 : Number(head.contentLength)
}

function cameThroughCloudflare(peer: Peer): boolean {
  if (!peer.cloudflare) return false
  // Where Authenticated Origin Pulls are set up, the address alone is not enough: any Cloudflare customer has it.
  return peer.clientCertificate === 'unasked' || peer.clientCertificate === 'valid'
}

function countOwn(via: string, pseudonym: string): number {
  let count = 0
  for (let at = via.indexOf(pseudonym); at !== -1; at = via.indexOf(pseudonym, at + 1)) count += 1
  return count
}

/** One object per code: a refusal allocates nothing. */
const refusals = new Map<FailureCode, Admission>()

function refuse(code: FailureCode): Admission {
  let admission = refusals.get(code)
  if (admission === undefined) {
    admission = { kind: 'refuse', code }
    refusals.set(code, admission)
  }
  return admission
}
