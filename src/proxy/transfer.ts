// What a forward and a tunnel have in common for those who watch over them: deadlines and a way to end it.

import type { FailureCode } from '../errors.ts'

/** The coarse clock: read by every chunk, written by one timer. Milliseconds. */
export interface Ticker {
  now: number
}

export interface Transfer {
  /** When a byte last passed in either direction; coarse clock, milliseconds. */
  readonly lastByteAt: number
  /** Bytes the client has sent since its request's head. */
  readonly clientBytes: number
  /** Looks at its deadlines and ends itself when one has passed. Called about once a second. */
  check(now: number): void
  /** Ends it the polite way where it would otherwise go on for ever: a WebSocket is told to go away. Others finish. */
  goAway(code: FailureCode): void
  /** Ends it at once; the record will carry this code. */
  cancel(code: FailureCode): void
}
