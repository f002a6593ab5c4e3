// Whether an answer from a passkey or security key is good, and whose it is; what is wrong with it goes to the audit log.

import type { FastifyRequest } from 'fastify'
import type { Passkey, User } from '../people.ts'
import type { AppContext } from './context.ts'
import {
  type AssertionResponse,
  type CredentialKind,
  loginParty,
  readAssertion,
  verifyAssertion,
} from './webauthn.ts'

export interface KeyAttempt {
  /** `passkey`: the user must be verified, and only passkeys will do. `security-key`: any key of the person's. */
  readonly kind: CredentialKind
  readonly challenge: string
  /** Who was named before; `null`: the key is to say who it is. */
  readonly user: string | null
  /** The browser's answer, untrusted. */
  readonly response: unknown
}

/**
 * Checks it, and remembers its use.
 *
 * @returns whose key it is; `null`: nobody's, or something is wrong with it. From outside all of that looks the same.
 */
export async function checkKey(
  context: AppContext,
  request: FastifyRequest,
  attempt: KeyAttempt,
): Promise<User | null> {
  const party = loginParty(context)
  const refused = (key: Passkey | null, reason: string, counter: number | null = null): null => {
    const { from } = request.visit
    context.audit.write({
      at: context.now(),
      event: 'sign-in-failed',
      actor: null,
      user: key?.user ?? null,
      client: from.client,
      request: from.id,
      details: { method: attempt.kind, reason, credential: key?.label ?? null, counter },
    })
    return null
  }
  const response = readAssertion(attempt.response)
  const key = response === null ? null : await context.users.passkey(response.id)
  if (response === null || key === null) return refused(null, 'unknown-key')
  if (attempt.kind === 'passkey' && key.kind !== 'passkey') return refused(key, 'not-a-passkey')
  if (key.relyingParty !== party.id) return refused(key, 'other-relying-party')
  const user = await context.users.user(key.user)
  if (user === null || !namesUser(response, user, attempt.user)) return refused(key, 'other-user')
  const { kind, challenge } = attempt
  const result = verifyAssertion({ party, kind, challenge, key, response })
  switch (result.kind) {
    case 'verified': {
      const { counter, backedUp } = result
      await context.users.passkeyUsed(key.id, { counter, backedUp, at: context.now() })
      return user
    }
    case 'counter':
      // It was signed well, by a key that has counted further before: one of the two is a copy (§6.1.1).
      context.log.warn('key-copied', { user: user.id, request: request.visit.from.id })
      return refused(key, 'counter', result.counter)
    case 'invalid':
      return refused(key, 'invalid')
    default:
      throw new TypeError('unknown result', { cause: result satisfies never })
  }
}

/**
 * A discoverable key says whose it is (WebAuthn Level 3 §7.2 step 6), and that must be its owner. When a name was said
 * first, the owner must be who was named, and the key may keep silent.
 */
function namesUser(response: AssertionResponse, user: User, named: string | null): boolean {
  const { userHandle } = response.response
  if (named !== null && named !== user.id) return false
  return userHandle === undefined ? named !== null : userHandle === user.handle
}
