// What goes on to the backend: without our own credentials, with what we say of the request. Hot path.

import type { Request } from './admission.ts'
import { guardedSetCookie, withoutOwnCookies } from './auth/cookie.ts'
import { ownAuthorization } from './auth/identify.ts'
import type { Host, Identity, IdentityHeaderNames, RequestId } from './model.ts'
import type { ForwardPlan } from './proxy/forward.ts'
import { removeField, requestHeaders, upstreamPath } from './proxy/headers.ts'
import { tokenPathPrefix } from './proxy/request-head.ts'
import type { Upstreams } from './proxy/upstreams.ts'
import type { RouteTable, RuntimeHeaderEdits, RuntimeRoute } from './routes.ts'

export interface ForwardPlanDeps {
  readonly table: () => RouteTable
  readonly upstreams: Upstreams
  /** What a backend is told of a person: flat. */
  readonly identityHeaders: (
    identity: Identity,
    names: IdentityHeaderNames,
    host: Host,
  ) => readonly string[]
  readonly publicPort: number
  /** Our pseudonym in `Via`. */
  readonly pseudonym: string
}

/**
 * Plans the forward of an admitted request, once: the header list is built in the list that the head was read into.
 *
 * @returns `null`: the route's prefix does not stand in the path byte for byte, and cannot be rewritten.
 */
export function planForward(
  request: Request & { readonly id: RequestId },
  webSocketKey: string | null,
  deps: ForwardPlanDeps,
): ForwardPlan | null {
  const { exchange, head, target, host, route, identity, client, pathToken } = request
  const upstream = route?.upstream ?? null
  if (route === null || upstream === null || head === null || target === null || host === null) {
    throw new TypeError('admitted without a target')
  }
  const path = upstreamPath(route, target.rawPath, target.query)
  if (path === null) return null
  const { definition } = route
  const pool = deps.upstreams.get(upstream, definition.timeouts, route.keepServerName ? host : null)
  const { publicPort } = deps
  const visited = publicPort === 443 ? host : `${host}:${publicPort}`
  if (head.cookie !== null) head.cookie = withoutOwnCookies(head.cookie)
  if (head.authorization !== null && ownAuthorization(head.authorization)) {
    removeField(head.forward, 'authorization')
  }
  const headers = requestHeaders(
    head,
    {
      upstreamHost: upstreamHost(route, visited, pool.name),
      host: visited,
      port: String(publicPort),
      client,
      scheme: exchange.peer.tlsVersion === null ? 'http' : 'https',
      requestId: request.id,
      via: `${exchange.protocol === 'HTTP/2' ? '2' : exchange.protocol.slice(5)} ${deps.pseudonym}`,
      maxForwards: lowered(head.maxForwards),
      webSocketKey,
      // Nothing on an open route: there no Origin is looked at, so a backend that acted for the person would act for
      // whoever made the browser ask.
      identity:
        identity === null || request.open
          ? null
          : deps.identityHeaders(identity, definition.identityHeaders, host),
    },
    route.requestEdits,
  )
  return {
    exchange,
    upstream: pool,
    route,
    client: identity?.session ?? request.network,
    path,
    headers,
    requestId: request.id,
    securityHeaders: deps.table().definition.securityHeaders,
    responseEdits: pathToken === null ? route.responseEdits : withoutReferrer(route.responseEdits),
    cookies: { host, parentAllowed: definition.parentCookies, guard: guardedSetCookie },
    webSocketKey,
    trailers: head.trailers,
  }
}

const tokenStart = 'gth_'
/** A one-time link: whoever reads it before it is used takes the account over. */
const linkStart = '/enrol/'

/** Nothing that looks like a token or a one-time link of ours is written down, wherever in the path somebody put it. */
export function maskTokens(path: string, pathToken: string | null): string {
  let masked = path.includes(tokenStart) ? path.replace(/gth_[\w-]*/g, 'gth_***') : path
  if (masked.includes(linkStart)) masked = masked.replace(/\/enrol\/[\w-]{43}/g, '/enrol/***')
  return pathToken === null ? masked : `${tokenPathPrefix}***${masked}`
}

/** Which `Host` the backend gets. */
function upstreamHost(route: RuntimeRoute, visited: string, name: string): string {
  const policy = route.definition.upstreamHost
  switch (policy.kind) {
    case 'keep':
      return visited
    case 'target':
      return name
    case 'fixed':
      return policy.host
    default:
      return policy satisfies never
  }
}

/** RFC 9110 §7.6.2; only OPTIONS and TRACE carry it, and 0 never comes here. */
function lowered(maxForwards: string | null): string | null {
  if (maxForwards === null || !/^[1-9]\d{0,3}$/.test(maxForwards)) return null
  return String(Number(maxForwards) - 1)
}

/** The page's address holds a token: whatever the backend says, no link on it tells anybody (Referrer Policy §3.1). */
export function withoutReferrer(edits: RuntimeHeaderEdits | null): RuntimeHeaderEdits {
  const set = ['referrer-policy', 'no-referrer']
  const remove = new Set(['referrer-policy'])
  if (edits !== null) {
    for (const name of edits.remove) remove.add(name)
    for (let i = 0; i < edits.set.length; i += 2) {
      if (edits.set[i] !== 'referrer-policy') set.push(edits.set[i] ?? '', edits.set[i + 1] ?? '')
    }
  }
  return { set, remove }
}
