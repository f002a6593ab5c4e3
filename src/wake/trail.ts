// What the audit log hears of machines: that one was woken, by whom and how long it took; that it sleeps again, and why.

import type { StartRecord } from './journal.ts'
import type { Machine } from './machine.ts'

/** `vm-woken`: it answers. `vm-slept`: seen stopped. `vm-start-failed`: it never answered. */
export interface TrailEntry {
  readonly event: 'vm-woken' | 'vm-slept' | 'vm-start-failed'
  readonly vm: string
  readonly record: StartRecord
}

/**
 * Tells of each step once; what happened before `since` (wall clock, milliseconds) an earlier process has told.
 *
 * @returns how to stop that.
 */
export function followTrail(
  machine: Machine,
  { since, tell }: { readonly since: number; readonly tell: (entry: TrailEntry) => void },
): () => void {
  const vm = machine.definition.id
  let wokenTold = 0
  let endTold = 0

  return machine.subscribe(() => {
    // Seen stopped and wanted again, there are two to look at.
    for (const record of machine.history().slice(-2)) {
      const { wantedAt, readyMs, endedAt } = record
      const ready = readyMs !== null && wantedAt + readyMs >= since
      if (ready && wantedAt > wokenTold) {
        wokenTold = wantedAt
        tell({ event: 'vm-woken', vm, record })
      }
      if (endedAt !== null && endedAt >= since && wantedAt > endTold) {
        endTold = wantedAt
        tell({
          event: readyMs === null && record.attempts > 0 ? 'vm-start-failed' : 'vm-slept',
          vm,
          record,
        })
      }
    }
  })
}
