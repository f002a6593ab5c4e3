// One guess at a password or a code: throttled before it is looked at, counted afterwards, written down when wrong.

import type { FastifyRequest } from 'fastify'
import type { UserId } from '../../model.ts'
import { parseUserName } from '../user-name.ts'
import type { AppContext } from './context.ts'
import type { Attempt, AttemptKind } from './throttle.ts'

/** What came of a guess. `later`: it was not looked at. */
export type Outcome<T> =
  | { readonly kind: 'right'; readonly value: T }
  | { readonly kind: 'wrong'; readonly reason: string }
  | { readonly kind: 'later'; readonly retryAfterMs: number; readonly banned: boolean }

/** Whom a typed name means. */
export interface TypedName {
  /** What the throttle counts by, whether somebody has that name or not. */
  readonly key: string
  /** `null`: nobody can have it. */
  readonly user: UserId | null
}

/** Upper case is folded here, before anything counts or looks: phones write the first letter large. */
export function readTypedName(text: string): TypedName {
  const key = text.trim().toLowerCase().slice(0, 64)
  return { key, user: parseUserName(key) }
}

/** Runs `look` when the throttle allows it, and tells the throttle. What `look` throws counts for nobody. */
export async function guess<T>(
  context: AppContext,
  kind: AttemptKind,
  who: Attempt,
  look: () => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const verdict = context.throttle.check(kind, who)
  if (!verdict.ok) return { ...verdict, kind: 'later' }
  let outcome: Outcome<T>
  try {
    outcome = await look()
  } catch (error) {
    context.throttle.undone(kind, who)
    throw error
  }
  if (outcome.kind === 'right') context.throttle.succeeded(kind, who)
  else if (outcome.kind === 'wrong') context.throttle.failed(kind, who)
  else context.throttle.undone(kind, who)
  return outcome
}

/** For the audit log: somebody could not sign in. A name that nobody has is not written down: it may be a password. */
export function writeDownFailure(
  request: FastifyRequest,
  context: AppContext,
  what: { readonly user: UserId | null; readonly method: AttemptKind; readonly reason: string },
): void {
  const { from } = request.visit
  context.audit.write({
    at: context.now(),
    event: 'sign-in-failed',
    actor: null,
    user: what.user,
    client: from.client,
    request: from.id,
    details: { method: what.method, reason: what.reason },
  })
}

/** `Too many attempts. Please try again in 8 seconds.` */
export function waitText(outcome: {
  readonly retryAfterMs: number
  readonly banned: boolean
}): string {
  const { retryAfterMs, banned } = outcome
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000))
  const minutes = Math.ceil(seconds / 60)
  const wait = seconds < 90 ? counted(seconds, 'second') : counted(minutes, 'minute')
  return `Too many attempts${banned ? ' from your network' : ''}. Please try again in ${wait}.`
}

/** For `Retry-After` (RFC 9110 §10.2.3): whole seconds, at least one. */
export function retryAfterSeconds(retryAfterMs: number): string {
  return String(Math.max(1, Math.ceil(retryAfterMs / 1000)))
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
