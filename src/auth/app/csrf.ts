// Whether a POST comes from our own pages. Sibling hosts are hostile: the browser counts them as the same site.

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { AppRequest } from '../../app.ts'

/** Why a POST is refused; `null`: it is ours. `no-cookie`: the browser did not send our cookie at all. */
export type CsrfFault = 'cross-origin' | 'no-cookie' | 'stale' | null

/** The token of a browser: nobody can make one without the key, and no other browser can use it. */
export function csrfToken(key: Buffer, browser: string): string {
  return createHmac('sha256', key).update(`csrf:${browser}`).digest('base64url')
}

/**
 * Looks at what the browser says of itself first: `Origin` (RFC 6454 §7.3) and `Sec-Fetch-Site` (W3C Fetch Metadata)
 * must be ours when they are there; then the token, which a page of another host cannot read.
 */
export function csrfFault(
  request: Pick<AppRequest, 'headers' | 'origin'>,
  token: string | null,
  expected: { readonly tokens: readonly string[]; readonly browserKnown: boolean },
): CsrfFault {
  const { origin, 'sec-fetch-site': site } = request.headers
  // `Origin: null` is a sandboxed frame or a redirect from elsewhere: never one of our forms.
  if (origin !== undefined && origin !== request.origin) return 'cross-origin'
  if (site !== undefined && site !== 'same-origin') return 'cross-origin'
  if (!expected.browserKnown) return 'no-cookie'
  return token !== null && expected.tokens.some((own) => isSame(token, own)) ? null : 'stale'
}

function isSame(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
