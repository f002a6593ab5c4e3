// Who is asking? Tokens, session cookies and networks of a request, as one Identity or nobody. Hot path.

import type { CanonicalPath, Host, Identity, SessionRef, UserId } from '../model.ts'
import type { RuntimeNetwork } from '../routes.ts'
import { cookieValueAt, sessionCookieName } from './cookie.ts'
import type { User } from './people.ts'
import { holdsToken, secretLength, tokenPrefix } from './secret-text.ts'
import type { Session, Sessions } from './sessions.ts'
import { opensAdmin } from './token-scopes.ts'
import { type Token, type Tokens, tokenCovers } from './tokens.ts'

/** What a request shows, and where it goes. */
export interface Presented {
  /** All `Cookie` lines, joined with `; `. */
  readonly cookie: string | null
  readonly authorization: string | null
  /** `X-Gatehouse-Token`. */
  readonly tokenHeader: string | null
  /** From `/.gatehouse/t/<token>/`. */
  readonly pathToken: string | null
  readonly host: Host
  readonly method: string
  readonly path: CanonicalPath
  /** What else a backend might take the path for (`proxy/target.ts`); a token must be good for those too. */
  readonly alternatives: readonly CanonicalPath[]
  /** The route is one of our own applications: no token opens the login, and the admin only one with a scope of it. */
  readonly application: 'login' | 'admin' | null
  /** Verified client address. */
  readonly client: string
  /** Addresses that count as a person on this route; `null`: none. */
  readonly networks: readonly RuntimeNetwork[] | null
}

/** Where somebody comes from, for an identity that is an address. */
export type Place = Pick<Presented, 'client' | 'networks'>

/**
 * `token-invalid`: what is presented as a token of ours is none, or not for this request; it never counts as nobody, or
 * a revoked token would still open what is public. `two-identities`: a token and another token or somebody else's session.
 */
export type Identified = Identity | null | 'token-invalid' | 'two-identities'

export interface Identify {
  identify(presented: Presented, now: number): Identified
  /** Who that is by now: for what has been under way since. @returns `null`: it has ended. */
  identityOf(ref: SessionRef, place: Place, now: number): Identity | null
}

export interface IdentifyDeps {
  readonly sessions: Pick<Sessions, 'find' | 'seen' | 'byRef'>
  readonly tokens: Pick<Tokens, 'find' | 'used' | 'byId' | 'isUsable'>
  readonly user: (id: UserId) => User | null
  readonly loginHost: () => Host
}

export function createIdentify(deps: IdentifyDeps): Identify {
  const { sessions, tokens } = deps
  const networkIdentities = new WeakMap<RuntimeNetwork, { user: User; identity: Identity }>()

  function identify(presented: Presented, now: number): Identified {
    const { cookie, client } = presented
    const token = tokenOf(presented, now)
    if (typeof token === 'string') return token
    const session = cookie === null ? null : sessionOf(cookie)
    if (token !== null) {
      if (session === 'several') return 'two-identities'
      if (session !== null && session.record.user !== token.record.user) return 'two-identities'
      tokens.used(token, client, now)
      return token.identity
    }
    // Somebody put a second session beside the first one: nobody can say whose request it is.
    if (session === 'several') return null
    if (session !== null) {
      sessions.seen(session, client)
      return session.identity
    }
    return presented.networks === null ? null : networkIdentity(presented)
  }

  /** The token of a request, which must be one and the same wherever it stands. */
  function tokenOf(
    presented: Presented,
    now: number,
  ): Token | null | 'token-invalid' | 'two-identities' {
    const { authorization, tokenHeader, pathToken } = presented
    const inAuthorization = authorization === null ? null : credentialIn(authorization)
    if (inAuthorization === null && tokenHeader === null && pathToken === null) return null
    const text = inAuthorization?.token ?? tokenHeader ?? pathToken ?? ''
    const differ =
      (tokenHeader !== null && tokenHeader !== text) || (pathToken !== null && pathToken !== text)
    if (differ) return 'two-identities'
    const token = tokens.find(text, now)
    if (token === null) return 'token-invalid'
    const named = inAuthorization?.user ?? ''
    if (named !== '' && named.toLowerCase() !== token.record.user) return 'token-invalid'
    return isFor(token, presented, now) ? token : 'token-invalid'
  }

  function isFor(token: Token, presented: Presented, now: number): boolean {
    if (presented.application === 'login' || presented.host === deps.loginHost()) return false
    if (presented.application === 'admin' && !opensAdmin(token.record.scopes)) return false
    if (!tokenCovers(token, presented, now)) return false
    const { paths } = token.scope
    if (paths === null) return true
    for (const path of presented.alternatives) if (!paths(path)) return false
    return true
  }

  /** Every cookie of our name is tried: a sibling host can add one, and it may come first (RFC 6265 §5.4). */
  function sessionOf(cookie: string): Session | null | 'several' {
    let found: Session | null = null
    let at = cookieValueAt(cookie, sessionCookieName, 0)
    for (let tried = 0; at !== -1; tried++) {
      if (tried === maxCookies) return 'several'
      const session = sessions.find(cookie.slice(at, at + secretLength))
      if (session !== null && session !== found) {
        if (found !== null) return 'several'
        found = session
      }
      at = cookieValueAt(cookie, sessionCookieName, at + secretLength)
    }
    return found
  }

  function networkIdentity({ client, networks }: Place): Identity | null {
    if (networks === null) return null
    for (const network of networks) {
      if (!network.includes(client)) continue
      const user = deps.user(network.user)
      if (user === null || user.disabled) return null
      const known = networkIdentities.get(network)
      if (known?.user === user) return known.identity
      const identity = networkPerson(network, user)
      networkIdentities.set(network, { user, identity })
      return identity
    }
    return null
  }

  function identityOf(ref: SessionRef, place: Place, now: number): Identity | null {
    if (ref.startsWith(networkPrefix)) {
      const identity = networkIdentity(place)
      return identity?.session === ref ? identity : null
    }
    if (!ref.startsWith(tokenRefPrefix)) return sessions.byRef(ref)?.identity ?? null
    const token = tokens.byId(ref.slice(tokenRefPrefix.length))
    return token !== null && tokens.isUsable(token, now) ? token.identity : null
  }

  return { identify, identityOf }
}

/** Is this `Authorization` ours, good or not? Then it must not reach a backend. What is not ours is nobody's business. */
export function ownAuthorization(value: string): boolean {
  return credentialIn(value) !== null
}

const tokenRefPrefix = 'token:'
const networkPrefix = 'network:'
/** Cookies of our name that are looked at. A browser sends one. */
const maxCookies = 10

const space = 0x20
const tab = 0x09

/** A token as `Authorization` says it; one that no token can be when it is ours and wrong all the same. */
interface Credential {
  readonly token: string
  /** User name of Basic (RFC 7617); empty: none was given. */
  readonly user: string
}

const wrong: Credential = { token: '', user: '' }

/** @returns `null`: not ours. */
function credentialIn(value: string): Credential | null {
  let schemeEnd = 0
  while (schemeEnd < value.length && !isBlank(value.charCodeAt(schemeEnd))) schemeEnd += 1
  let from = schemeEnd
  while (from < value.length && isBlank(value.charCodeAt(from))) from += 1
  if (value.startsWith(tokenPrefix, from)) {
    // Under another scheme, as Gitea's `token`, it is a mistake, and the backend is not to learn it.
    return isScheme(value, schemeEnd, 'bearer') ? { token: value.slice(from), user: '' } : wrong
  }
  if (isScheme(value, schemeEnd, 'basic')) return credentialInBasic(value.slice(from))
  // In a list, in quotes, as a parameter: whoever wrote it so meant us or is mistaken, and no backend is to learn it.
  return value.startsWith(tokenPrefix) || holdsToken(value) ? wrong : null
}

function credentialInBasic(encoded: string): Credential | null {
  const decoded = Buffer.from(encoded, 'base64').toString('latin1')
  const colon = decoded.indexOf(':')
  if (colon !== -1 && decoded.startsWith(tokenPrefix, colon + 1)) {
    return { token: decoded.slice(colon + 1), user: decoded.slice(0, colon) }
  }
  // In the place of the user name, or anywhere else, it is a mistake too.
  return decoded.startsWith(tokenPrefix) || holdsToken(decoded) || holdsToken(encoded)
    ? wrong
    : null
}

/** RFC 9110 §11.1: a scheme's case does not matter. */
function isScheme(value: string, length: number, scheme: string): boolean {
  if (length !== scheme.length) return false
  for (let i = 0; i < length; i++) {
    if ((value.charCodeAt(i) | 0x20) !== scheme.charCodeAt(i)) return false
  }
  return true
}

function isBlank(c: number): boolean {
  return c === space || c === tab
}

function networkPerson({ cidr, mayWake }: RuntimeNetwork, user: User): Identity {
  return {
    user: user.id,
    name: user.displayName,
    email: user.email,
    groups: user.groups,
    session: `${networkPrefix}${cidr}` as SessionRef,
    via: 'network',
    passkey: false,
    secondFactor: false,
    authenticatedAt: null,
    mayWake,
  }
}
