// Every exchange in flight: who, where to, since when; and the one timer that watches their deadlines.

import type { Request } from './admission.ts'
import type { FailureCode } from './errors.ts'
import type { RequestId, SessionRef, UserId, VmId } from './model.ts'
import type { Ticker, Transfer } from './proxy/transfer.ts'
import type { RuntimeRoute } from './routes.ts'

/** One exchange between its admission and its record. */
export interface Flight {
  readonly id: RequestId
  /** As it was admitted. */
  readonly request: Request
  readonly route: RuntimeRoute | null
  readonly user: UserId | null
  readonly session: SessionRef | null
  readonly vm: VmId | null
  /** Wall clock, milliseconds. */
  readonly startedAt: number
  /** Bytes so far, body or WebSocket; `null`: no backend is at work for it. For looking at, now and then. */
  moved(): { readonly fromClient: number; readonly toClient: number } | null
  /** The bytes; `null` while nothing is forwarded. */
  readonly transfer: Transfer | null
  /** Where `Flights` keeps it; nobody else's business. */
  slot: number
}

export interface Flights {
  readonly ticker: Ticker
  readonly size: number
  add(flight: Flight): void
  remove(flight: Flight): void
  /** A view of the moment, in no order. */
  list(): readonly Flight[]
  /**
   * Ends every flight that the test names, within the second.
   *
   * @returns how many.
   */
  close(which: (flight: Flight) => boolean, reason: FailureCode): number
  /** Tells what would go on for ever to end politely; requests go on. For draining. */
  goAway(reason: FailureCode): void
  /**
   * Moves the coarse clock and looks at all deadlines. Call it twice a second, with a time that nobody sets.
   * After a standstill of ours the deadlines wait for the next call: what arrived meanwhile is not read yet.
   */
  sweep(now: number): void
  /** Resolves when no flight is left. */
  empty(): Promise<void>
}

/** Between two sweeps, milliseconds: beyond this it was we who stood still. */
const standstillMs = 1_500

export function createFlights(now: number): Flights {
  // An array and not a Set: a Set that is added to and deleted from leaves its outgrown tables behind in the old
  // space, each holding on to flights long over. Measured: 10 µs of garbage collection per request, against 1.5.
  const flights: Flight[] = []
  const ticker: Ticker = { now }
  let waiting: (() => void)[] = []

  function add(flight: Flight): void {
    flight.slot = flights.length
    flights.push(flight)
  }

  function remove(flight: Flight): void {
    if (flight.slot === -1) return
    const last = flights.pop()
    if (last !== undefined && last !== flight) {
      flights[flight.slot] = last
      last.slot = flight.slot
    }
    flight.slot = -1
    if (flights.length > 0 || waiting.length === 0) return
    const resolvers = waiting
    waiting = []
    for (const resolve of resolvers) resolve()
  }

  function close(which: (flight: Flight) => boolean, reason: FailureCode): number {
    let count = 0
    for (const flight of [...flights]) {
      if (flight.transfer === null || !which(flight)) continue
      flight.transfer.cancel(reason)
      count += 1
    }
    return count
  }

  function goAway(reason: FailureCode): void {
    for (const flight of [...flights]) flight.transfer?.goAway(reason)
  }

  function sweep(time: number): void {
    const stoodStill = time - ticker.now > standstillMs
    ticker.now = time
    if (stoodStill) return
    // From the end: a check may end its flight, which moves the last one into its place.
    for (let i = flights.length - 1; i >= 0; i--) flights[i]?.transfer?.check(time)
  }

  return {
    ticker,
    get size() {
      return flights.length
    },
    add,
    remove,
    list: () => [...flights],
    close,
    goAway,
    sweep,
    empty: () =>
      flights.length === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve)),
  }
}
