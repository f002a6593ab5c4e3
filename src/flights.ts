// Every exchange in flight: who, where to, since when; and the one timer that watches their deadlines.

import type { FailureCode } from './errors.ts'
import type { RequestId, SessionRef, UserId, VmId } from './model.ts'
import type { Ticker, Transfer } from './proxy/transfer.ts'
import type { RuntimeRoute } from './routes.ts'

/** One exchange between its admission and its record. */
export interface Flight {
  readonly id: RequestId
  readonly route: RuntimeRoute | null
  readonly user: UserId | null
  readonly session: SessionRef | null
  readonly vm: VmId | null
  /** Wall clock, milliseconds. */
  readonly startedAt: number
  /** The bytes; `null` while nothing is forwarded. */
  readonly transfer: Transfer | null
}

export interface Flights {
  readonly ticker: Ticker
  readonly size: number
  add(flight: Flight): void
  remove(flight: Flight): void
  /** A live view, in order of arrival. */
  list(): IterableIterator<Flight>
  /**
   * Ends every flight that the test names, within the second.
   *
   * @returns how many.
   */
  close(which: (flight: Flight) => boolean, reason: FailureCode): number
  /** Moves the coarse clock and looks at all deadlines. */
  sweep(now: number): void
  /** Resolves when no flight is left. */
  empty(): Promise<void>
}

export function createFlights(now: number): Flights {
  const flights = new Set<Flight>()
  const ticker: Ticker = { now }
  let waiting: (() => void)[] = []

  function remove(flight: Flight): void {
    flights.delete(flight)
    if (flights.size > 0 || waiting.length === 0) return
    const resolvers = waiting
    waiting = []
    for (const resolve of resolvers) resolve()
  }

  function close(which: (flight: Flight) => boolean, reason: FailureCode): number {
    let count = 0
    for (const flight of flights) {
      if (flight.transfer === null || !which(flight)) continue
      flight.transfer.cancel(reason)
      count += 1
    }
    return count
  }

  function sweep(time: number): void {
    ticker.now = time
    for (const flight of flights) flight.transfer?.check(time)
  }

  return {
    ticker,
    get size() {
      return flights.size
    },
    add: (flight) => flights.add(flight),
    remove,
    list: () => flights.values(),
    close,
    sweep,
    empty: () =>
      flights.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve)),
  }
}
