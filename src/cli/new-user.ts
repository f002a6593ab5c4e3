// A person who is not there yet, checked: for `user add`, `user import` and the demo.

import type { User } from '../auth/people.ts'
import { type RandomBytes, randomText } from '../auth/secret-text.ts'
import type { UserId } from '../model.ts'

/** The group that the admin page asks for. */
export const adminGroup = 'admin'

export interface NewUser {
  readonly id: UserId
  readonly displayName: string
  readonly email: string | null
  readonly groups: readonly string[]
  readonly disabled: boolean
}

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
