// May a program's token start a machine at this moment? Pure.

import type { TokenWake } from './token-store.ts'

const dayMs = 86_400_000
const minuteMs = 60_000

/** When this day began in UTC, by which tokens count. Wall clock, milliseconds. */
export function utcDayStart(now: number): number {
  return Math.floor(now / dayMs) * dayMs
}

/** @param startsToday machines that this token has started since `utcDayStart`. */
export function mayWakeNow(
  { hours, perDay }: TokenWake,
  { now, startsToday }: { readonly now: number; readonly startsToday: number },
): boolean {
  if (startsToday >= perDay) return false
  if (hours === null) return true
  const minute = (now - utcDayStart(now)) / minuteMs
  const { from, to } = hours
  // Equal ends: the whole day, as in a schedule that goes past midnight.
  return from < to ? minute >= from && minute < to : minute >= from || minute < to
}
