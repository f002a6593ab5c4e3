// People in memory: who they are and whether they may sign in, for the way of every request. The store is the truth.

import type { UserId } from '../model.ts'
import type { User } from './people.ts'

export interface Directory {
  /** The same object until something about the user changes. @returns `null`: there is no such user. */
  user(id: UserId): User | null
  /** Adds or replaces one. @returns true: something changed that a request depends on. */
  put(user: User): boolean
  /** To be called before the store is read for `replace`. */
  mark(): number
  /**
   * Takes over what was read from the store, except for those that were put since `mark`.
   *
   * @returns who changed, appeared or is gone.
   */
  replace(users: readonly User[], mark: number): readonly UserId[]
}

export function createDirectory(): Directory {
  const entries = new Map<UserId, { user: User; at: number }>()
  let clock = 0

  function put(user: User): boolean {
    clock += 1
    const before = entries.get(user.id)
    if (before === undefined) {
      entries.set(user.id, { user, at: clock })
      return true
    }
    before.at = clock
    if (saysTheSame(before.user, user)) return false
    before.user = user
    return true
  }

  function replace(users: readonly User[], mark: number): readonly UserId[] {
    const changed: UserId[] = []
    const present = new Set<UserId>()
    for (const user of users) {
      present.add(user.id)
      const before = entries.get(user.id)
      if (before !== undefined && before.at > mark) continue
      if (put(user)) changed.push(user.id)
    }
    for (const [id, { at }] of entries) {
      if (present.has(id) || at > mark) continue
      entries.delete(id)
      changed.push(id)
    }
    return changed
  }

  return { user: (id) => entries.get(id)?.user ?? null, put, mark: () => clock, replace }
}

/** In what identities and policies depend on. */
function saysTheSame(a: User, b: User): boolean {
  return (
    a.displayName === b.displayName &&
    a.email === b.email &&
    a.disabled === b.disabled &&
    a.groups.length === b.groups.length &&
    a.groups.every((group, i) => group === b.groups[i])
  )
}
