// Until when? A moment as a person writes it: a time of day, a date with one, or a span from now.

import { localText } from './machine-text.ts'
import { parseSpan } from './time-span.ts'

/**
 * Reads `18:00` (the next one), `2026-11-30T18:00` or `2h`. Times of day are those of clocks in `timeZone`; one that a
 * change to summer time leaves out is an hour later.
 *
 * @returns wall clock, milliseconds; `null`: no moment, or one that has passed.
 */
export function parseUntil(text: string, now: number, timeZone: string): number | null {
  const span = parseSpan(text)
  if (span !== null) return now + span
  const form = /^(?:(\d{4}-\d{2}-\d{2})[T ])?(\d{2}:\d{2})$/.exec(text)
  const time = form?.[2]
  if (time === undefined || Number.isNaN(asUtc(`2026-01-01 ${time}`))) return null
  if (form?.[1] !== undefined) {
    const at = atLocal(`${form[1]} ${time}`, timeZone)
    return at === null || at <= now ? null : at
  }
  const today = localText(now, timeZone).slice(0, 10)
  for (const days of [0, 1]) {
    const day = new Date(asUtc(`${today} 12:00`) + days * 86_400_000).toISOString().slice(0, 10)
    const at = atLocal(`${day} ${time}`, timeZone)
    if (at !== null && at > now) return at
  }
  return null
}

/** The moment when clocks there show this. */
function atLocal(text: string, timeZone: string): number | null {
  const wanted = asUtc(text)
  if (Number.isNaN(wanted)) return null
  const offset = (at: number) => asUtc(localText(at, timeZone)) - Math.floor(at / 60_000) * 60_000
  // The second time from a moment so near that its offset is the right one, but within the skipped hour.
  const first = wanted - offset(wanted)
  return wanted - offset(first)
}

/** NaN for what is no date: `2026-02-30`, `25:00`. */
function asUtc(text: string): number {
  const at = Date.parse(`${text.replace(' ', 'T')}:00Z`)
  return Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text.slice(0, 10)
    ? Number.NaN
    : at
}
