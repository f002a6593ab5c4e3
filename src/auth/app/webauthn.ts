// WebAuthn ceremonies (W3C Web Authentication Level 3): options out, answers checked. Knows no pages and no cookies.

import { originOf } from '../../sign-in-url.ts'
import type { Passkey, User } from '../people.ts'
import { checkAssertion } from './assertion-check.ts'
import type { AppContext } from './context.ts'
import { type AssertionResponse, readAssertion, readAttestation } from './webauthn-response.ts'

/** Who we are to an authenticator. */
export interface RelyingParty {
  /** `settings.relyingParty`: what a credential is bound to for ever. */
  readonly id: string
  /** The login host's origin and no other: a parent id is shared by siblings, which may ask for the same keys (§13.4.9). */
  readonly origin: string
}

/** The relying party of this gateway. */
export function loginParty(
  context: Pick<AppContext, 'login' | 'loginHost' | 'publicPort'>,
): RelyingParty {
  const origin = originOf(context.loginHost(), context.publicPort())
  return { id: context.login().relyingParty, origin }
}

export type CredentialKind = Passkey['kind']

/** What the browser needs for `navigator.credentials.create` (§5.4), as JSON. */
export interface CreationOptions {
  readonly challenge: string
}

/** What the browser needs for `navigator.credentials.get` (§5.5), as JSON. */
export interface RequestOptions {
  readonly challenge: string
  readonly rpId: string
  readonly allowCredentials: readonly {
    readonly type: 'public-key'
    readonly id: string
    readonly transports: readonly string[]
  }[]
  readonly userVerification: 'required' | 'discouraged'
  /** Milliseconds. */
  readonly timeout: number
}

/** Credentials a `get` may be answered with; empty: whichever the person picks (discoverable). */
export type AllowedCredentials = readonly Pick<Passkey, 'id' | 'transports'>[]

/** What a new credential says of itself. */
export type NewCredential = Pick<
  Passkey,
  'id' | 'publicKey' | 'counter' | 'transports' | 'deviceType' | 'backedUp' | 'aaguid'
>

/** How an answer to `get` was found. `counter`: signed well, but by a key that seems to exist twice (§6.1.1). */
export type AssertionResult =
  | { readonly kind: 'verified'; readonly counter: number; readonly backedUp: boolean }
  | { readonly kind: 'counter'; readonly counter: number }
  | { readonly kind: 'invalid' }

/**
 * Ed25519, ES256, RS256 (RFC 9053, RFC 8812). Said explicitly: the library's own list grows with the Node it runs on,
 * and a key made today for ML-DSA could not be verified by an older one tomorrow.
 */
const algorithms: readonly number[] = [-8, -7, -257]

/** For a passkey: stored on the authenticator, user verified. For a security key: neither, it stands beside a password. */
export async function creationOptions(input: {
  readonly party: RelyingParty
  readonly user: User
  readonly kind: CredentialKind
  readonly existing: AllowedCredentials
}): Promise<CreationOptions> {
  const { party, user, kind, existing } = input
  const { generateRegistrationOptions } = await import('@simplewebauthn/server')
  return generateRegistrationOptions({
    rpName: party.id,
    rpID: party.id,
    userName: user.id,
    userDisplayName: user.displayName,
    userID: new Uint8Array(Buffer.from(user.handle, 'base64url')),
    attestationType: 'none',
    excludeCredentials: existing.map(descriptor),
    authenticatorSelection:
      kind === 'passkey'
        ? { residentKey: 'required', userVerification: 'required' }
        : { residentKey: 'discouraged', userVerification: 'discouraged' },
    supportedAlgorithmIDs: [...algorithms],
    timeout: ceremonyMs,
  })
}

/** @returns `null`: it is not an answer to this challenge, for this origin, or not strong enough. Says no more. */
export async function verifyCreation(input: {
  readonly party: RelyingParty
  readonly kind: CredentialKind
  readonly challenge: string
  /** Untrusted, from the browser. */
  readonly response: unknown
}): Promise<NewCredential | null> {
  const { party, kind, challenge } = input
  const response = readAttestation(input.response)
  if (response === null || isFramed(response.response.clientDataJSON)) return null
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: [party.origin],
      expectedRPID: party.id,
      requireUserVerification: kind === 'passkey',
      supportedAlgorithmIDs: [...algorithms],
    })
    if (!verified) return null
    const { credential, aaguid, credentialDeviceType, credentialBackedUp } = registrationInfo
    return {
      id: credential.id,
      publicKey: credential.publicKey,
      counter: credential.counter,
      transports: response.response.transports,
      deviceType: credentialDeviceType,
      backedUp: credentialBackedUp,
      aaguid,
    }
  } catch {
    // Every fault of the answer is a plain Error there, whose text quotes it. One refusal for all of them.
    return null
  }
}

/**
 * `passkey`: the user must be verified. `security-key`: a touch is enough, the password was shown before. Made by hand:
 * every stranger's browser asks for this, and must not make the library load.
 */
export function requestOptions(input: {
  readonly party: RelyingParty
  readonly kind: CredentialKind
  readonly allowed: AllowedCredentials
  readonly randomBytes: (size: number) => Buffer
}): RequestOptions {
  const { party, kind, allowed, randomBytes } = input
  return {
    challenge: randomBytes(challengeBytes).toString('base64url'),
    rpId: party.id,
    allowCredentials: allowed.map((key) => ({ type: 'public-key', ...descriptor(key) })),
    userVerification: kind === 'passkey' ? 'required' : 'discouraged',
    timeout: ceremonyMs,
  }
}

/** Checks an answer of `readAssertion` against the key that its id names; whose key that is, the caller compares. */
export function verifyAssertion(input: {
  readonly party: RelyingParty
  readonly kind: CredentialKind
  readonly challenge: string
  readonly key: Passkey
  readonly response: AssertionResponse
}): AssertionResult {
  const { party, kind, challenge, key, response } = input
  if (response.id !== key.id) return { kind: 'invalid' }
  const { clientDataJSON, authenticatorData, signature } = response.response
  if (isFramed(clientDataJSON)) return { kind: 'invalid' }
  const facts = checkAssertion({
    clientDataJSON,
    authenticatorData,
    signature,
    challenge,
    origin: party.origin,
    rpId: party.id,
    userVerification: kind === 'passkey',
    publicKey: key.publicKey,
  })
  if (facts === null) return { kind: 'invalid' }
  const { counter, backedUp } = facts
  // §6.1.1: synced passkeys always say 0. A copied key is worth an audit entry.
  if ((counter > 0 || key.counter > 0) && counter <= key.counter)
    return { kind: 'counter', counter }
  return { kind: 'verified', counter, backedUp }
}

export { type AssertionResponse, readAssertion }

/** §13.4.3 asks for 16 at least. */
const challengeBytes = 32
/** How long a browser's dialog may stay open, milliseconds; a flow lives longer. */
const ceremonyMs = 300_000

/**
 * Made in a frame of another site (§7.1, §7.2: `crossOrigin`, `topOrigin`)? Our pages stand in no frame. The library looks at
 * `topOrigin` alone, which not every browser says. What is no JSON it refuses itself.
 */
function isFramed(clientDataJSON: string): boolean {
  try {
    const said: unknown = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString('utf8'))
    if (typeof said !== 'object' || said === null) return true
    const { crossOrigin = false, topOrigin }: { crossOrigin?: unknown; topOrigin?: unknown } = said
    return crossOrigin !== false || topOrigin !== undefined
  } catch {
    return true
  }
}

function descriptor(key: Pick<Passkey, 'id' | 'transports'>): { id: string; transports: string[] } {
  return { id: key.id, transports: [...key.transports] }
}
