// Who may come in to the admin, and who may change something: cookies, tokens, origin, CSRF, recent login.

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { AppRequest } from '../app.ts'
import { adminCookieName, cookieValues } from '../auth/cookie.ts'
import type { Session } from '../auth/sessions.ts'
import { opensAdmin, scopesCover } from '../auth/token-scopes.ts'
import { tokenIdOf } from '../auth/tokens.ts'
import { originOf } from '../sign-in-url.ts'
import type { AdminContext } from './context.ts'
import type { Actor } from './desks/types.ts'
import { type Refused, refused } from './problem.ts'

/** Whoever came in. */
export interface Caller {
  readonly from: AppRequest
  readonly actor: Actor
  /** `null`: a program with a token. */
  readonly session: Session | null
  /** For forms and `x-csrf-token`; `null`: a program. */
  readonly csrf: string | null
  /** Credentials were shown lately enough to change something. A program needs none. */
  readonly recent: boolean
}

export type Entry =
  | { readonly kind: 'in'; readonly caller: Caller }
  /** The person is known; this host's own cookie is missing, old, or of another session. */
  | { readonly kind: 'enter'; readonly session: Session }
  | Refused

type GuardContext = Pick<
  AdminContext,
  'sessions' | 'tokens' | 'mayAdminister' | 'login' | 'loginHost' | 'publicPort' | 'now'
>

/** The value of this host's cookie for a session: ends with the session, changes when somebody signs in anew. */
export function adminCookieOf(key: Buffer, session: Session): string {
  return createHmac('sha256', key).update(`admin:${session.record.hash}`).digest('base64url')
}

/** Who is it? Nothing is changed yet; `guardChange` asks for more. */
export function enter(from: AppRequest, context: GuardContext, key: Buffer): Entry {
  const { identity } = from
  if (identity === null) return signInFirst(from, context, null)
  const user = context.sessions.user(identity.user)
  if (user === null || user.disabled || !context.mayAdminister(user)) return refused('forbidden')
  const person = {
    user: user.id,
    name: user.displayName,
    client: from.client,
    ref: identity.session,
  }
  switch (identity.via) {
    case 'session': {
      const session = context.sessions.byRef(identity.session)
      if (session === null || session.record.user !== user.id)
        return signInFirst(from, context, null)
      const cookies = cookieValues(from.headers.cookie ?? '', adminCookieName)
      const expected = adminCookieOf(key, session)
      // A `__Host-` cookie cannot be there twice; if it is, none of them is believed.
      const [cookie] = cookies
      if (cookie === undefined || cookies.length > 1 || !isSame(cookie, expected)) {
        return { kind: 'enter', session }
      }
      const csrf = createHmac('sha256', key).update(`admin-csrf:${expected}`).digest('base64url')
      const recentUntil = session.record.authenticatedAt + context.login().recentMs
      const actor: Actor = {
        ...person,
        ...{ via: 'session', scopes: null, recentUntil, may: () => true },
      }
      const recent = isRecent(session, context)
      return { kind: 'in', caller: { from, actor, session, csrf, recent } }
    }
    case 'token': {
      const id = tokenIdOf(identity.session)
      const token = id === null ? null : context.tokens.byId(id)
      if (token === null || token.record.user !== user.id) return refused('forbidden')
      const { scopes } = token.record
      if (!opensAdmin(scopes)) {
        return refused('scope-missing', { detail: 'It has no scope of the admin.' })
      }
      const actor: Actor = {
        ...person,
        ...{ via: 'token', scopes, recentUntil: null, may: (scope) => scopesCover(scopes, scope) },
      }
      return { kind: 'in', caller: { from, actor, session: null, csrf: null, recent: true } }
    }
    case 'network':
      // An address is no proof of a person who is there right now.
      return signInFirst(from, context, null)
    default:
      throw new TypeError('unknown way in', { cause: identity.via satisfies never })
  }
}

/**
 * May a request read? Sibling hosts count as the same site for a browser, which sends them our cookie: whatever is no
 * navigation of a person's must come from our own pages (W3C Fetch Metadata).
 */
export function guardRead(from: AppRequest, isApi: boolean): Refused | null {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest } = from.headers
  if (site === undefined || site === 'same-origin' || site === 'none') return null
  if (!isApi && mode === 'navigate' && (dest === undefined || dest === 'document')) return null
  return refused('cross-origin')
}

/**
 * May it change something? `token`: what was sent as CSRF token.
 *
 * @param needsRecent a preview needs no recent login.
 */
export function guardChange(
  caller: Caller,
  token: string | null,
  needsRecent: boolean,
  context: GuardContext,
): Refused | null {
  const { from, csrf, recent } = caller
  const { origin, 'sec-fetch-site': site } = from.headers
  if (origin !== undefined && origin !== from.origin) return refused('cross-origin')
  if (csrf === null) {
    // A program sends neither; a browser that has somebody's token in a script of another site does.
    return site === undefined || site === 'same-origin' || site === 'none'
      ? null
      : refused('cross-origin')
  }
  if (site !== undefined && site !== 'same-origin') return refused('cross-origin')
  if (origin === undefined && site === undefined) return refused('cross-origin')
  if (token === null || !isSame(token, csrf)) return refused('stale-page')
  return !needsRecent || recent ? null : signInAgain(from, context)
}

/** Where one shows himself again and comes back to `page`, a path of the admin's host. */
export function signInAddress(
  from: Pick<AppRequest, 'origin'>,
  context: Pick<AdminContext, 'loginHost' | 'publicPort'>,
  page: string,
): string {
  const login = originOf(context.loginHost(), context.publicPort())
  return `${login}/?rd=${encodeURIComponent(from.origin + page)}`
}

function signInAgain(from: AppRequest, context: GuardContext): Refused {
  return refused('recent-login-required', {
    more: { signIn: `${signInAddress(from, context, '/')}&reason=not-recent` },
  })
}

/** 401 for programs; a page makes the way through the login host out of it. */
export function signInFirst(
  from: AppRequest,
  context: Pick<AdminContext, 'loginHost' | 'publicPort'>,
  detail: string | null,
): Refused {
  return refused('sign-in-required', {
    ...(detail === null ? {} : { detail }),
    more: { signIn: signInAddress(from, context, '/') },
  })
}

function isRecent(session: Session, { now, login }: GuardContext): boolean {
  const ageMs = now() - session.record.authenticatedAt
  // A clock that was set back proves nothing.
  return ageMs >= 0 && ageMs <= login().recentMs
}

function isSame(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
