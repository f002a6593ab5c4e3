// People who were let in as members of something elsewhere, and are members no more: they wait, disabled.

import type { UserId } from '../../model.ts'
import type { Audit } from '../audit.ts'
import type { LinkedAccount, User, UserStore } from '../people.ts'
import type { SettingStore } from '../setting-store.ts'

/**
 * A passkey or a token that such a person made would outlive his membership. So a user who exists by that membership
 * alone is disabled with its end, and enabled with its return. Whom the owner added stands on his own.
 */
export interface Suspension {
  /**
   * The membership has ended. Does nothing a second time: when the owner enables the user meanwhile, that stands.
   *
   * @returns the user when it was disabled now. May reject with `store-unavailable`.
   */
  suspend(account: LinkedAccount): Promise<User | null>
  /** The membership is there again. @returns the user when it was enabled now. May reject likewise. */
  restore(account: LinkedAccount): Promise<User | null>
}

export interface SuspensionDeps {
  readonly users: UserStore
  readonly store: SettingStore
  readonly audit: Audit
  /** Wall clock, milliseconds. */
  readonly now: () => number
  /** A user was changed: has to apply at once, to sessions and tokens. */
  readonly changed: (user: User) => void
}

export function createSuspension(deps: SuspensionDeps): Suspension {
  const { users, store, audit, now } = deps
  /** Remembers the handle: whoever is added under the same name later is somebody else. */
  const keyOf = (id: UserId) => `provider-suspended ${id}`

  async function change(user: User, disabled: boolean, account: LinkedAccount) {
    const after = await users.changeUser(user.id, { disabled })
    if (after === null) return null
    audit.write({
      at: now(),
      event: disabled ? 'user-disabled' : 'user-enabled',
      actor: 'gateway',
      user: user.id,
      client: null,
      request: null,
      details: {
        reason: disabled ? 'membership-ended' : 'membership-again',
        account: keyOfAccount(account),
      },
    })
    deps.changed(after)
    return after
  }

  return {
    async suspend(account) {
      const user = await users.user(account.user)
      if (user === null || !isFounder(account, user)) return null
      if ((await store.get(keyOf(user.id))) === user.handle) return null
      await store.set(keyOf(user.id), user.handle)
      return user.disabled ? null : change(user, true, account)
    },
    async restore(account) {
      const user = await users.user(account.user)
      if (user === null || !isFounder(account, user)) return null
      if ((await store.get(keyOf(user.id))) !== user.handle) return null
      await store.set(keyOf(user.id), '')
      return user.disabled ? change(user, false, account) : null
    },
  }
}

/** `github:583231`, as `SessionRecord.account` has it. */
export function keyOfAccount(account: Pick<LinkedAccount, 'provider' | 'subject'>): string {
  return `${account.provider}:${account.subject}`
}

/** A first sign-in makes user and link in one go, with one time. */
function isFounder(account: LinkedAccount, user: User): boolean {
  return account.createdAt === user.createdAt
}
