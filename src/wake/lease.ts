// "Keep it awake until 18:00": promises that outlive the process. Wall clock, because that is what was promised.

import type { VmId } from '../model.ts'
import type { SmallFile } from './small-file.ts'

export interface Leases {
  /** Reads what an earlier process promised. Never rejects. */
  load(): Promise<void>
  /**
   * @param until wall clock, milliseconds; `null`, or a time that has passed: no longer.
   * @returns `too-long`: more than `maxLeaseMs` from now; nothing changed.
   */
  keep(vm: VmId, until: number | null): 'ok' | 'too-long'
  /** `null`: it is not kept awake. */
  keptUntil(vm: VmId): number | null
  /** Put to sleep by hand: its schedule has no say until then. `null`: it has again. */
  skipSchedule(vm: VmId, until: number | null): void
  skipsScheduleUntil(vm: VmId): number | null
  /** Resolves when all of it is on disk, or cannot be. */
  flush(): Promise<void>
}

/** A week: whoever wants more does not want a machine that sleeps. */
export const maxLeaseMs = 7 * 24 * 3_600_000

export function createLeases(deps: {
  readonly file: SmallFile
  readonly now: () => number
}): Leases {
  const { file, now } = deps
  const kept = new Map<VmId, number>()
  const skipped = new Map<VmId, number>()
  let written: Promise<void> = Promise.resolve()

  /** A time too far ahead was never granted: the clock was wrong then, or is now. */
  function current(times: Map<VmId, number>, vm: VmId): number | null {
    const until = times.get(vm)
    if (until === undefined) return null
    const rest = until - now()
    return rest > 0 && rest <= maxLeaseMs ? until : null
  }

  function set(times: Map<VmId, number>, vm: VmId, until: number | null): void {
    if (until === null || until <= now()) times.delete(vm)
    else times.set(vm, until)
    written = file.write({
      keep: Object.fromEntries(kept),
      skipSchedule: Object.fromEntries(skipped),
    })
  }

  return {
    async load() {
      const data = await file.read()
      readTimes(data, 'keep', kept)
      readTimes(data, 'skipSchedule', skipped)
    },
    keep(vm, until) {
      if (until !== null && !(until - now() <= maxLeaseMs)) return 'too-long'
      set(kept, vm, until)
      return 'ok'
    },
    keptUntil: (vm) => current(kept, vm),
    skipSchedule: (vm, until) => set(skipped, vm, until),
    skipsScheduleUntil: (vm) => current(skipped, vm),
    flush: () => written,
  }
}

/** Takes from a file what makes sense; what was set since the process began is not overwritten. */
function readTimes(data: unknown, field: string, into: Map<VmId, number>): void {
  if (typeof data !== 'object' || data === null) return
  const times: unknown = Reflect.get(data, field)
  if (typeof times !== 'object' || times === null) return
  for (const [vm, until] of Object.entries(times)) {
    if (typeof until === 'number' && Number.isFinite(until) && !into.has(vm as VmId)) {
      into.set(vm as VmId, until)
    }
  }
}
