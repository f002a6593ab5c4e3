// What a backend is told of who asks: plain headers, and a JWT that it can check.

import { sign, randomBytes as systemRandomBytes } from 'node:crypto'
import type { EventLog } from '../log.ts'
import type { Host, Identity, IdentityHeaderNames } from '../model.ts'
import { type AssertionKey, openAssertionKeys, type PublicJwk } from './assertion-keys.ts'
import { type RandomBytes, randomText } from './secret-text.ts'
import type { Session } from './session.ts'
import type { SignInMethod } from './session-store.ts'
import type { SettingStore } from './setting-store.ts'

export interface Assertion {
  /**
   * Headers for a backend: flat, name and value; the same list again while nothing changes. Text beyond ASCII is UTF-8,
   * as bytes in the manner of Node's headers. What is not known, or cannot be said in a header, is left out.
   *
   * @param now wall clock, milliseconds.
   */
  identityHeaders(
    identity: Identity,
    names: IdentityHeaderNames,
    host: Host,
    now: number,
  ): readonly string[]
  /** Public keys for `/.well-known/jwks.json` (RFC 7517 §5). */
  jwks(): { readonly keys: readonly PublicJwk[] }
}

export interface AssertionDeps {
  readonly settings: SettingStore
  /** `iss`: origin of the login host. */
  readonly issuer: () => string
  /** `aud`: origin of a host. */
  readonly origin: (host: Host) => string
  /** For `amr`. @returns `null`: it has ended, or is no session. */
  readonly sessionOf: (ref: string) => Session | null
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly randomBytes?: RandomBytes
  readonly log: EventLog
}

/** How long an assertion is good for, seconds. */
const lifeSeconds = 300
/** A cached one is replaced when half of its life is over: a backend always gets more than two minutes. */
const renewAfterMs = (lifeSeconds * 1000) / 2
/** Backends whose clock is behind ours by so much still take it, seconds. */
const toleranceSeconds = 30
/** Header lists kept per identity: one for each host that somebody uses at a time. */
const maxCached = 64

interface Cached {
  readonly names: IdentityHeaderNames
  /** `null`: the same for every host. */
  readonly host: Host | null
  readonly headers: readonly string[]
  readonly madeAt: number
}

/** @throws GatehouseError `store-unavailable`: the keys cannot be read. */
export async function createAssertion(deps: AssertionDeps): Promise<Assertion> {
  const { randomBytes = systemRandomBytes } = deps
  const keys = await openAssertionKeys(deps)
  /** By the identity object: when a person or a session changes there is a new one. */
  const cache = new WeakMap<Identity, Cached[]>()

  function identityHeaders(
    identity: Identity,
    names: IdentityHeaderNames,
    host: Host,
    now: number,
  ): readonly string[] {
    let known = cache.get(identity)
    if (known === undefined) {
      known = []
      cache.set(identity, known)
    }
    for (let i = 0; i < known.length; i++) {
      const each = known[i]
      if (each === undefined || each.names !== names) continue
      if (each.host === null) return each.headers
      if (each.host !== host) continue
      if (now - each.madeAt < renewAfterMs && now >= each.madeAt) return each.headers
      known.splice(i, 1)
      break
    }
    const headers = plainHeaders(identity, names)
    if (names.assertion !== null) headers.push(names.assertion, assertion(identity, host, now))
    // The table was read anew so often, or a wildcard has so many hosts.
    if (known.length >= maxCached) known.length = 0
    known.push({ names, host: names.assertion === null ? null : host, headers, madeAt: now })
    return headers
  }

  function assertion(identity: Identity, host: Host, now: number): string {
    const issuedAt = Math.floor(now / 1000)
    const claims: Record<string, unknown> = {
      iss: deps.issuer(),
      aud: deps.origin(host),
      sub: identity.user,
      iat: issuedAt,
      nbf: issuedAt - toleranceSeconds,
      exp: issuedAt + lifeSeconds,
      jti: randomText(12, randomBytes),
      sid: identity.session,
      name: identity.name,
      groups: identity.groups,
    }
    if (identity.email !== null) claims.email = identity.email
    if (identity.authenticatedAt !== null) {
      claims.auth_time = Math.floor(identity.authenticatedAt / 1000)
    }
    const amr = methodReferences(identity, deps.sessionOf)
    if (amr.length > 0) claims.amr = amr
    return signed(claims, keys.current(now))
  }

  return { identityHeaders, jwks: () => ({ keys: keys.published(deps.now()) }) }
}

/** RFC 7515 §3.1 with ES256 (RFC 7518 §3.4): both halves of the signature side by side, no ASN.1. */
function signed(claims: Record<string, unknown>, { privateKey, publicJwk }: AssertionKey): string {
  const header = encode({ alg: 'ES256', typ: 'JWT', kid: publicJwk.kid })
  const content = `${header}.${encode(claims)}`
  const signature = sign('sha256', Buffer.from(content), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  return `${content}.${signature.toString('base64url')}`
}

function encode(data: unknown): string {
  return Buffer.from(JSON.stringify(data)).toString('base64url')
}

/** RFC 8176. It has no word for a provider's login or a recovery code. */
const references: Readonly<Record<SignInMethod, readonly string[]>> = {
  passkey: ['pop', 'user'],
  'security-key': ['pop'],
  password: ['pwd'],
  totp: ['otp'],
  provider: [],
  'recovery-code': [],
  approved: [],
}

function methodReferences(
  identity: Identity,
  sessionOf: (ref: string) => Session | null,
): readonly string[] {
  if (identity.via !== 'session') return []
  const methods = sessionOf(identity.session)?.record.methods ?? []
  const amr = new Set(methods.flatMap((method) => references[method] ?? []))
  if (identity.secondFactor) amr.add('mfa')
  return [...amr]
}

function plainHeaders(identity: Identity, names: IdentityHeaderNames): string[] {
  const headers: string[] = []
  const say = (name: string | null, text: string | null) => {
    if (name === null || text === null) return
    const value = headerText(text)
    if (value !== '') headers.push(name, value)
  }
  say(names.user, identity.user)
  say(names.name, identity.name)
  say(names.email, identity.email)
  // A comma inside a name would make two groups of it, and perhaps one that opens something.
  say(names.groups, identity.groups.filter((group) => !group.includes(',')).join(','))
  return headers
}

/** Without control characters, C1 included, which end a line or a value for somebody (RFC 9110 §5.5); UTF-8 as bytes. */
function headerText(text: string): string {
  let out = ''
  let ascii = true
  for (const character of text) {
    const c = character.codePointAt(0) ?? 0
    if (c < 0x20 || (c >= 0x7f && c < 0xa0)) continue
    if (c > 0x7e) ascii = false
    out += character
  }
  const plain = out.trim()
  return ascii ? plain : Buffer.from(plain, 'utf8').toString('latin1')
}
