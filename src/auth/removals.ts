// Things that are gone in memory and must go from the store: tried until the store takes it, and never brought back.

import type { StoreTrouble } from './store-trouble.ts'

/** Tombstones kept; one that waits for the store is kept beyond that. */
const maxRemembered = 10_000
/** A store that is locked makes everybody wait; milliseconds. */
const retryMs = 5_000

export interface Removals<Id> {
  /** Never rejects: what the store refuses waits for `retry`. */
  add(ids: readonly Id[], remove?: () => Promise<unknown>): Promise<void>
  /** Was it removed? Also long after the store has done it: a reading that began before must not bring it back. */
  has(id: Id): boolean
  /** Tries again what the store refused. Never rejects. */
  retry(): Promise<void>
  /** The same, every five seconds at most: to be called as often as one likes. */
  retryNowAndThen(): void
  /** How many the store may still have. */
  readonly waiting: number
}

export interface RemovalsDeps<Id> {
  readonly remove: (ids: readonly Id[]) => Promise<unknown>
  /** Any clock, milliseconds. */
  readonly now: () => number
  readonly trouble: StoreTrouble
}

export function createRemovals<Id>(deps: RemovalsDeps<Id>): Removals<Id> {
  /** In the order they went; true: the store may still have it. */
  const gone = new Map<Id, boolean>()
  let waiting = 0
  let triedAt = 0

  async function add(
    ids: readonly Id[],
    remove: () => Promise<unknown> = () => deps.remove(ids),
  ): Promise<void> {
    if (ids.length === 0) return
    for (const id of ids) bury(id)
    triedAt = deps.now()
    try {
      await remove()
    } catch (error) {
      deps.trouble.failed(error)
      return
    }
    for (const id of ids) {
      if (gone.get(id) === true) waiting -= 1
      gone.set(id, false)
    }
    if (waiting === 0) deps.trouble.worked()
  }

  function bury(id: Id): void {
    if (gone.get(id) !== true) waiting += 1
    gone.set(id, true)
    if (gone.size <= maxRemembered) return
    for (const [oldest, waits] of gone) {
      if (waits) continue
      gone.delete(oldest)
      return
    }
  }

  async function retry(): Promise<void> {
    if (waiting === 0) return
    const ids: Id[] = []
    for (const [id, waits] of gone) if (waits) ids.push(id)
    await add(ids)
  }

  return {
    add,
    has: (id) => gone.has(id),
    retry,
    retryNowAndThen() {
      if (waiting > 0 && Math.abs(deps.now() - triedAt) >= retryMs) void retry()
    },
    get waiting() {
      return waiting
    },
  }
}
