// Who is on the line: what the cookies of a request to the login host say of browser and session.

import type { AppRequest } from '../../app.ts'
import { accountCookieName, browserCookieName, cookieValues, sessionCookieName } from '../cookie.ts'
import type { Session, Sessions } from '../sessions.ts'
import type { Visit } from './context.ts'
import { csrfToken } from './csrf.ts'

export interface VisitDeps {
  readonly sessions: Sessions
  readonly csrfKey: Buffer
  readonly randomBytes: (size: number) => Buffer
}

/** Cookies of one name that are looked at. A browser sends one; a sibling host can add more. */
const maxTried = 10

/**
 * Of several tabs that open at once in a browser that is new here, each is given a cookie, and only the last one stays:
 * the forms of the others would be refused. So the same value is set once more, under a name of its own.
 */
export function tabCookieName(browser: string): string {
  return `${browserCookieName}-${browser.slice(0, 8)}`
}

/** Reads the request. Never throws for what is in it. */
export function visitOf(from: AppRequest, deps: VisitDeps): Visit {
  const cookies = from.headers.cookie ?? ''
  const known = onlyValue(cookieValues(cookies, browserCookieName))
  const browser = known ?? deps.randomBytes(32).toString('base64url')
  return {
    from,
    browser,
    browserKnown: known !== null,
    csrf: csrfToken(deps.csrfKey, browser),
    csrfOfTabs: tabValues(cookies).map((value) => csrfToken(deps.csrfKey, value)),
    session: sessionOf(cookies, deps.sessions),
    json: wantsJson(from),
  }
}

/** Values of those cookies. Like all that begin with `__Host-`, no other host can have set them (RFC 6265bis §4.1.3.2). */
function tabValues(cookies: string): readonly string[] {
  const found = cookies.matchAll(/(?:^|; ?)__Host-gatehouse-browser-[\w-]{8}=([\w-]{43})(?=;|$)/g)
  return [...found].slice(0, maxTried).map(([, value = '']) => value)
}

/** The session that both cookies belong to; two different ones are nobody's. */
function sessionOf(cookies: string, sessions: Sessions): Session | null {
  let found: Session | null = null
  for (const token of cookieValues(cookies, sessionCookieName).slice(0, maxTried)) {
    for (const account of cookieValues(cookies, accountCookieName).slice(0, maxTried)) {
      const session = sessions.bySecrets(token, account)
      if (session === null || session.ended || session === found) continue
      if (found !== null) return null
      found = session
    }
  }
  return found
}

/** A `__Host-` cookie cannot be there twice; if it is, none of them is believed. */
function onlyValue(values: readonly string[]): string | null {
  return values.length === 1 ? (values[0] ?? null) : null
}

function wantsJson(from: AppRequest): boolean {
  const { 'content-type': type = '', accept = '' } = from.headers
  if (from.method === 'POST') return mediaType(type) === 'application/json'
  return mediaType(accept) === 'application/json'
}

/** RFC 9110 §8.3.1, without parameters. */
function mediaType(value: string): string {
  return (value.split(';', 1)[0] ?? '').trim().toLowerCase()
}
