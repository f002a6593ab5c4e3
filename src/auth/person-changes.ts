// What is done with a person by whoever runs the gateway, by command or at the admin: one reading of each, in a store.

import type { UserId } from '../model.ts'
import type { User, UserStore } from './people.ts'
import { newSecret, type RandomBytes, randomText, secretHash } from './secret-text.ts'

export interface PersonDeps {
  readonly users: UserStore
  /** Ends all sessions of somebody. @returns how many there were. */
  readonly endSessions: (user: UserId, reason: string) => Promise<number>
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly randomBytes: RandomBytes
}

export interface NewUser {
  readonly id: UserId
  readonly displayName: string
  readonly email: string | null
  readonly groups: readonly string[]
  readonly disabled: boolean
}

/** The group that the admin page asks for, when the table names no other. */
export const adminGroup = 'admin'

/** A person who is not there yet. */
export function createUser(
  facts: NewUser,
  deps: { readonly now: number; readonly randomBytes: RandomBytes },
): User {
  return {
    ...facts,
    handle: randomText(32, deps.randomBytes),
    createdAt: deps.now,
    lastSignInAt: null,
  }
}

/** An address as services and `Remote-Email` can take it; whether mail arrives there is not asked. */
export function isEmail(text: string): boolean {
  return (
    text.length <= 254 && /^[^\s@,;<>"\p{Cc}\p{Cf}]{1,64}@[^\s@,;<>"\p{Cc}\p{Cf}]+$/u.test(text)
  )
}

/** Longest name that is shown, of people and tokens, characters. */
export const maxLabelLength = 80

/** Fit to be shown as a name: `User.displayName`, `TokenRecord.label`. */
export function isLabel(text: string): boolean {
  return (
    text.length >= 1 && text.length <= maxLabelLength && !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)
  )
}

/** A group as `access:` in routes.yaml can name it, and as the header `Remote-Groups` can carry it. */
export function isGroup(text: string): boolean {
  return /^[\x21-\x7e\xa1-\uffff]{1,64}$/.test(text) && !/[\s,;"\\]/.test(text)
}

/** Whoever has the link can take the account over. */
export interface EnrolmentLink {
  readonly url: string
  /** Wall clock, milliseconds. */
  readonly expiresAt: number
}

/** How long a link is good when nothing is said, and at most, milliseconds. */
export const linkLifeMs = 86_400_000
export const maxLinkLifeMs = 30 * 86_400_000

/** Withdraws the links this person has, and makes a new one. */
export async function makeLink(
  users: UserStore,
  user: UserId,
  deps: {
    /** Of the login host. */
    readonly origin: string
    readonly lifeMs: number
    readonly now: number
    readonly randomBytes: RandomBytes
  },
): Promise<EnrolmentLink> {
  const secret = newSecret(deps.randomBytes)
  const expiresAt = deps.now + deps.lifeMs
  await users.removeLinks(user)
  await users.addLink({ hash: secretHash(secret), user, createdAt: deps.now, expiresAt })
  return { url: `${deps.origin}/enrol/${secret}`, expiresAt }
}

/** He signs in no more: sessions end, unused links are withdrawn. @returns how many sessions ended. */
export async function disablePerson(id: UserId, deps: PersonDeps): Promise<number> {
  await deps.users.changeUser(id, { disabled: true })
  await deps.users.removeLinks(id)
  return deps.endSessions(id, 'user-disabled')
}

export async function enablePerson(id: UserId, deps: Pick<PersonDeps, 'users'>): Promise<void> {
  await deps.users.changeUser(id, { disabled: false })
}

/** Takes all credentials away; a link is for the caller to make. @returns how many sessions ended. */
export async function resetPerson(id: UserId, deps: PersonDeps): Promise<number> {
  await deps.users.removeCredentials(id)
  return deps.endSessions(id, 'user-reset')
}
