// The history of one machine, written from its changes of state: each time awake, and minutes by month.

import type { VmPower } from '../model-machines.ts'
import type { Intent, JournalData, StartRecord } from './journal.ts'
import { monthOf } from './months.ts'
import type { VmState, WakeReason } from './vm-state.ts'

/** At most so many records and months are kept. */
const maxRecords = 200
const maxMonths = 24
/** Starts that say how long the next one takes. */
const usualOf = 20
/** While nobody looked it ran, and was found stopped: it counts as having run for so long. */
const unseenMs = 15 * 60_000
/** Longer than a gateway is down. */
const longestGapMs = 31 * 24 * 3_600_000
const hourMs = 3_600_000

export interface Ledger {
  /** What an earlier process left. Before the first `moved`. */
  load(data: JournalData): void
  /** After every change of state. */
  moved(before: VmState, after: VmState): void
  /** Counts the time that it ran up to now. */
  count(): void
  data(intent: Intent): JournalData
  history(): readonly StartRecord[]
  awakeMinutes(): Readonly<Record<string, number>>
  /** It runs, as it is billed. */
  readonly counting: boolean
  /** From wanted to ready, and from the first stop call to seen stopped: medians; `null`: there was none yet. */
  usualStartMs(): number | null
  usualStopMs(): number | null
}

export interface LedgerDeps {
  readonly power: () => Pick<VmPower, 'timeZone' | 'cost'>
  readonly now: () => number
  readonly steady: () => number
}

type Draft = { -readonly [Key in keyof StartRecord]: StartRecord[Key] }

export function createLedger(deps: LedgerDeps): Ledger {
  let closed: StartRecord[] = []
  let open: Draft | null = null
  /** Steady clock; they belong to `open`. */
  let wantedAt = 0
  let stopAt: number | null = null
  let minutes: Record<string, number> = {}
  let counting = false
  let countedAt = deps.steady()
  /** Ran when the last process wrote last; the rest is clear with the first news of the machine. */
  let gapFrom: number | null = null

  function begin(by: WakeReason | null, attempts: number): Draft {
    end()
    wantedAt = deps.steady()
    stopAt = null
    const none = { acceptedMs: null, runningMs: null, readyMs: null, fault: null }
    const rest = { stopReason: null, stopMs: null, endedAt: null, awakeMs: 0 }
    const money = { cost: null, currency: null }
    open = { by, wantedAt: deps.now(), attempts, ...none, ...rest, ...money }
    return open
  }

  function end(): void {
    if (open === null) return
    if (stopAt !== null) open.stopMs = Math.round(deps.steady() - stopAt)
    open.endedAt = deps.now()
    closed.push(priced(open, deps.power().cost))
    if (closed.length > maxRecords) closed = closed.slice(-maxRecords)
    open = null
  }

  function count(): void {
    const now = deps.steady()
    const ranMs = now - countedAt
    countedAt = now
    if (!counting || ranMs <= 0) return
    add(deps.now(), ranMs)
  }

  function add(until: number, ranMs: number): void {
    if (open !== null) open.awakeMs += ranMs
    const { timeZone } = deps.power()
    // In pieces, so that a month's end inside falls where it belongs.
    for (let left = ranMs; left > 0; left -= hourMs) {
      const month = monthOf(until - left + 1, timeZone)
      minutes[month] = (minutes[month] ?? 0) + Math.min(left, hourMs) / 60_000
    }
    const months = Object.keys(minutes).sort()
    for (const month of months.slice(0, -maxMonths)) delete minutes[month]
  }

  /** @returns whether it ran all the time. */
  function settleGap(after: VmState): boolean {
    if (gapFrom === null || after.kind === 'unknown') return false
    const now = deps.now()
    const gapMs = Math.min(longestGapMs, Math.max(0, now - gapFrom))
    gapFrom = null
    // Found running, it surely ran all the time; found stopped, it stopped some time in between.
    const ran = runs(after)
    add(now, ran ? gapMs : Math.min(gapMs, unseenMs))
    return ran
  }

  function moved(before: VmState, after: VmState): void {
    count()
    if (settleGap(after)) counting = true
    // A stop of something that only started counts too: it may have come up before it was heard.
    if (after.kind !== 'unknown' && after.kind !== 'draining') counting = runs(after)
    const sinceWanted = () => Math.round(deps.steady() - wantedAt)
    switch (after.kind) {
      case 'starting': {
        const fresh = after.acceptedAt === null && isOver(open)
        const record = open === null || fresh ? begin(after.by, after.attempt) : open
        record.by ??= after.by
        record.attempts = Math.max(record.attempts, after.attempt)
        if (after.acceptedAt !== null) record.acceptedMs ??= sinceWanted()
        break
      }
      case 'booting':
      case 'awake': {
        const record = open ?? begin(after.startedBy, 0)
        record.stopReason = null
        stopAt = null
        if (record.attempts === 0) break
        record.runningMs ??= sinceWanted()
        if (after.kind === 'awake') record.readyMs ??= sinceWanted()
        break
      }
      case 'resting': {
        const record = open ?? begin(after.by, after.attempts)
        record.fault = after.fault
        record.acceptedMs = null
        break
      }
      case 'stopping':
        if (before.kind === 'stopping' && stopAt !== null) break
        stopAt = deps.steady()
        if (open !== null) open.stopReason = after.reason
        break
      case 'asleep':
      case 'gone':
        end()
        break
      case 'unknown':
      case 'draining':
        break
      default:
        after satisfies never
    }
  }

  function history(): readonly StartRecord[] {
    if (open === null) return closed
    count()
    return [...closed, priced(open, deps.power().cost)]
  }

  function awakeMinutes(): Readonly<Record<string, number>> {
    count()
    return { ...minutes }
  }

  return {
    load(data) {
      closed = [...data.history]
      minutes = { ...data.minutes }
      gapFrom = data.countedAt
      const last = closed.at(-1)
      if (last === undefined || last.endedAt !== null) return
      closed.pop()
      open = { ...last }
      wantedAt = deps.steady() - Math.max(0, deps.now() - last.wantedAt)
    },
    moved,
    count,
    data(intent) {
      return {
        intent,
        history: history().slice(-maxRecords),
        minutes: awakeMinutes(),
        countedAt: counting ? deps.now() : gapFrom,
      }
    },
    history,
    awakeMinutes,
    get counting() {
      return counting
    },
    usualStartMs: () => median(closed, open, (record) => record.readyMs),
    usualStopMs: () => median(closed, open, (record) => record.stopMs),
  }
}

/** It has run, or was being stopped: the next call to start is the beginning of another time. */
function isOver(record: Draft | null): boolean {
  return (
    record !== null &&
    (record.attempts === 0 || record.runningMs !== null || record.stopReason !== null)
  )
}

function runs(state: VmState): boolean {
  const { kind } = state
  return kind === 'booting' || kind === 'awake' || kind === 'draining' || kind === 'stopping'
}

function priced(record: StartRecord, cost: VmPower['cost']): StartRecord {
  const awakeMs = Math.round(record.awakeMs)
  if (cost === null) return { ...record, awakeMs }
  const spent = (awakeMs / hourMs) * cost.perHour
  return { ...record, awakeMs, cost: spent, currency: cost.currency }
}

function median(
  closed: readonly StartRecord[],
  open: StartRecord | null,
  of: (record: StartRecord) => number | null,
): number | null {
  const values: number[] = []
  const all = open === null ? closed : [...closed, open]
  for (let index = all.length - 1; index >= 0 && values.length < usualOf; index -= 1) {
    const record = all[index]
    const value = record === undefined ? null : of(record)
    if (value !== null) values.push(value)
  }
  values.sort((a, b) => a - b)
  return values[Math.floor((values.length - 1) / 2)] ?? null
}
