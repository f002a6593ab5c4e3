// The line of those who wait at one port, and the pace at which they are let through once it answers.

import type { UseKind } from '../gate.ts'

/** First come, first served; but people who open pages before everything else, and who was let through in vain first of all. */
export interface Line<Entry> {
  readonly size: number
  /** @param again was let through before and came back. */
  add(entry: Entry, place: { readonly kind: UseKind; readonly again: boolean }): void
  /** Takes somebody out, wherever he stands. */
  remove(entry: Entry): void
  /** Takes the first one out; `null`: nobody is there. */
  next(): Entry | null
  /** A copy, in order. */
  list(): Entry[]
}

export function createLine<Entry>(): Line<Entry> {
  // A Set keeps the order and forgets anybody at once, wherever he stands.
  const again = new Set<Entry>()
  const pages = new Set<Entry>()
  const rest = new Set<Entry>()
  const all = [again, pages, rest]

  return {
    get size() {
      return again.size + pages.size + rest.size
    },
    add(entry, place) {
      const line = place.again ? again : place.kind === 'navigation' ? pages : rest
      line.add(entry)
    },
    remove(entry) {
      for (const line of all) line.delete(entry)
    },
    next() {
      for (const line of all) {
        for (const entry of line) {
          line.delete(entry)
          return entry
        }
      }
      return null
    },
    list: () => all.flatMap((line) => [...line]),
  }
}

export interface Ramp {
  readonly running: boolean
  /** Begins with the next turn; nothing if it runs. */
  begin(): void
  /** Somebody was refused, or nobody may go on any more: the next beginning is slow again. */
  stop(): void
}

export interface RampDeps {
  readonly after: (ms: number, run: () => void) => () => void
  /** Lets the first one through; false: nobody is left now. */
  readonly letOne: () => boolean
  /** Everybody is through. */
  readonly done: () => void
}

/** How many go first. A machine that has just started has neither caches nor warm processes. */
export const firstBatch = 4
/** Between two batches, milliseconds; each is twice the one before. */
export const batchMs = 250

/** 4, 8, 16 … every 250 ms: 500 are through within two seconds, and a machine that breaks down meets few of them. */
export function createRamp(deps: RampDeps): Ramp {
  let size = firstBatch
  let cancel: (() => void) | null = null

  function step(): void {
    const mine = cancel
    for (let i = 0; i < size; i++) {
      const more = deps.letOne()
      // Letting one through can have ended it all.
      if (cancel !== mine) return
      if (!more) {
        stop()
        deps.done()
        return
      }
    }
    size *= 2
    cancel = deps.after(batchMs, step)
  }

  function stop(): void {
    cancel?.()
    cancel = null
    size = firstBatch
  }

  return {
    get running() {
      return cancel !== null
    },
    begin() {
      if (cancel === null) cancel = deps.after(0, step)
    },
    stop,
  }
}
