// Secrets that were just made, for the one page that shows them: a link to enrol with, a token. In memory, for a few minutes.

import type { UserId } from '../../model.ts'

export interface ShownOnce<Value> {
  /** @returns the id under which whoever made it finds it. */
  keep(user: UserId, value: Value): string
  /** @returns `null`: unknown, over, or somebody else's. */
  find(id: string, user: UserId): Value | null
}

const lifeMs = 300_000
const maxKept = 20

export function createShownOnce<Value>(deps: {
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly randomBytes: (size: number) => Buffer
}): ShownOnce<Value> {
  const kept = new Map<
    string,
    { readonly user: UserId; readonly value: Value; readonly at: number }
  >()
  const isOver = (at: number) => deps.now() - at > lifeMs
  return {
    keep(user, value) {
      for (const [id, { at }] of kept) if (isOver(at) || kept.size >= maxKept) kept.delete(id)
      const id = deps.randomBytes(16).toString('base64url')
      kept.set(id, { user, value, at: deps.now() })
      return id
    },
    find(id, user) {
      const found = kept.get(id)
      return found === undefined || found.user !== user || isOver(found.at) ? null : found.value
    },
  }
}
