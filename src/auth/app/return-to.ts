// Where somebody goes after signing in: a page of ours, or nothing. Every other address is refused, never mended.

import { parseHost } from '../../host.ts'
import type { AppContext } from './context.ts'

/** Longest address that is followed, characters: the longest target that is carried here, and a host. */
export const maxReturnLength = 4608

/**
 * Scheme, authority, path and the rest as they are written. No user information, no white space, no control character, no
 * percent sign in the authority, no backslash before the query: whatever two readers of an address read differently.
 */
const address =
  /^https:\/\/([a-z0-9.-]+)(?::[1-9][0-9]{0,4})?(?:\/[\x21-\x22\x24-\x3e\x40-\x5b\x5d-\x7e]*)?(?:[?#][\x21-\x7e]*)?$/i

type ReturnDeps = Pick<AppContext, 'routeOf' | 'publicPort' | 'domain' | 'loginHost'>

/**
 * Reads a return target (`rd`).
 *
 * @returns the address to send a browser to, as the WHATWG URL parser writes it: https, a host of the table below our domain, our own port.
 *   From a service's landing page, the page behind it. `null`: nothing that we lead to; the login page itself too.
 */
export function readReturnTo(text: string | null, context: ReturnDeps): string | null {
  if (text === null || text.length > maxReturnLength) return null
  const written = address.exec(text)
  if (written === null || !URL.canParse(text)) return null
  const url = new URL(text)
  const host = parseHost(url.hostname)
  // What the parser makes of it must be what stands there: no mended host, no default that was not meant.
  if (host === null || host !== url.hostname || host !== written[1]?.toLowerCase()) return null
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') return null
  if ((url.port === '' ? 443 : Number(url.port)) !== context.publicPort()) return null
  // Elsewhere our cookie is not sent, and the way would lead back here for ever.
  const domain = context.domain()
  if (host !== domain && !host.endsWith(`.${domain}`)) return null
  if (host === context.loginHost() && url.pathname === '/') return null
  const route = context.routeOf(host, url.pathname)
  if (route === null) return null
  const landing = route.landing === null ? null : pathOnThisHost(route.landing)
  return landing === null ? url.href : url.origin + landing
}

/** Why the gateway sent a signed-in person here: what the route asks for beyond a session. */
export type StepUpReason = 'second-factor' | 'passkey' | 'not-recent'

/** @returns `null`: none, or none that we know. */
export function readReason(text: string | null): StepUpReason | null {
  return text === 'second-factor' || text === 'passkey' || text === 'not-recent' ? text : null
}

function pathOnThisHost(path: string): string | null {
  return /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(path) ? path : null
}
