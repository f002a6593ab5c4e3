// Where a stranger is sent to sign in, and who is sent there at all.

import type { Decision, Host } from './model.ts'

export type SignInReason = Extract<Decision, { kind: 'sign-in' }>['reason']

/** Longer addresses than this are not carried along: the way back then leads to the route's own path. */
const maxReturnLength = 4096

export interface SignInFacts {
  readonly loginHost: Host
  readonly publicPort: number
  readonly reason: SignInReason
  /** Origin of the host that was asked. */
  readonly origin: string
  readonly method: string
  /** Raw path and query, as sent. */
  readonly target: string
  /** Path of the route: where to go when the request itself cannot be repeated. */
  readonly routePath: string
}

/** The login page's address with the way back in `rd`, and in `reason` what is asked for beyond being known. */
export function signInUrl(facts: SignInFacts): string {
  const { loginHost, publicPort, origin, method, target, routePath, reason } = facts
  const repeatable = (method === 'GET' || method === 'HEAD') && target.length <= maxReturnLength
  const back = encodeURIComponent(origin + (repeatable ? target : routePath))
  const why = reason === 'no-session' ? '' : `&reason=${reason}`
  return `${originOf(loginHost, publicPort)}/?rd=${back}${why}`
}

/** What a browser calls the origin of one of our hosts. */
export function originOf(host: Host, publicPort: number): string {
  return publicPort === 443 ? `https://${host}` : `https://${host}:${publicPort}`
}

/** What of a request tells a person who opens a page from a script, a picture and a program. */
export interface NavigationFacts {
  readonly method: string
  /** `Sec-Fetch-Mode` and `Sec-Fetch-Dest` (W3C Fetch Metadata); `null`: a program, or an old browser. */
  readonly fetchMode: string | null
  readonly fetchDest: string | null
  readonly prefersHtml: boolean
  /** `X-Requested-With`: what scripts of old libraries say. */
  readonly requestedWith: string | null
}

/**
 * Whether the answer may be a redirect to a page for people. Not for frames: the login page cannot be framed; and not for
 * methods that the redirect would change.
 */
export function isNavigation(facts: NavigationFacts): boolean {
  const { method, fetchMode, fetchDest, prefersHtml, requestedWith } = facts
  if (method !== 'GET' && method !== 'HEAD') return false
  if (fetchMode !== null) {
    return fetchMode === 'navigate' && (fetchDest === null || fetchDest === 'document')
  }
  return prefersHtml && requestedWith === null
}
