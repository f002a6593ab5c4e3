// What a stranger is told when a route asks who he is: where to sign in, and in which way he can.

import type { Request } from './admission.ts'
import { headerOf } from './app-call.ts'
import { prefersHtml } from './pages/negotiate.ts'
import type { RouteTable } from './routes.ts'
import { isNavigation, originOf, type SignInReason, signInUrl } from './sign-in-url.ts'

/** @returns `null` where signing in could not help: the cookie of the domain does not reach a foreign host. */
export function signInUrlOf(
  request: Request,
  reason: SignInReason,
  deps: { readonly table: () => RouteTable; readonly publicPort: number },
): string | null {
  const { host, target, route, exchange } = request
  if (host === null || target === null || route === null) return null
  const { domain, loginHost } = deps.table().definition
  if (host !== domain && !host.endsWith(`.${domain}`)) return null
  return signInUrl({
    loginHost,
    publicPort: deps.publicPort,
    reason,
    origin: originOf(host, deps.publicPort),
    method: exchange.method,
    target: target.rawPath + target.query,
    routePath: route.definition.path,
  })
}

/** Somebody opens a page in a browser. */
export function opensPage(request: Request): boolean {
  const { exchange, head } = request
  if (exchange.webSocket || head === null) return false
  return isNavigation({
    method: exchange.method,
    fetchMode: head.fetchMode,
    fetchDest: headerOf(exchange.rawHeaders, 'sec-fetch-dest'),
    prefersHtml: prefersHtml(head.accept),
    requestedWith: headerOf(exchange.rawHeaders, 'x-requested-with'),
  })
}

/**
 * Whether Basic may be named: git, calendars and mounts send a token as password once they are asked. A browser would put
 * up a window of its own instead of our page, so not where one is at work.
 */
export function wantsPassword(request: Request): boolean {
  const { exchange, head } = request
  if (head === null || head.fetchMode !== null || head.fetchSite !== null) return false
  switch (exchange.method) {
    case 'GET':
    case 'HEAD':
    case 'POST':
      return !headerOf(exchange.rawHeaders, 'user-agent')?.startsWith('Mozilla/')
    default:
      // No browser's script that is cross-origin gets this far, and calendars in Thunderbird call themselves Mozilla.
      return !prefersHtml(head.accept)
  }
}
