// Points in time as a person says them. The page does not know the reader's time zone, so the near past is relative.

import { type Html, html } from './html.ts'

/**
 * `just now`, `5 minutes ago`, `in 3 days`, or a date beyond a month; with the exact time in UTC for those who ask.
 *
 * @param at wall clock, milliseconds; `null` gives `never`.
 */
export function timeElement(at: number | null, now: number): Html {
  if (at === null) return html`never`
  const iso = new Date(at).toISOString()
  const exact = `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`
  return html`<time datetime="${iso}" title="${exact}">${inWords(at, now)}</time>`
}

/** `5 minutes ago`, without markup. */
export function inWords(at: number, now: number): string {
  const distance = Math.abs(now - at)
  if (distance < minute) return 'just now'
  for (const [unit, length, upTo] of units) {
    if (distance >= upTo) continue
    const count = Math.floor(distance / length)
    const words = `${count} ${unit}${count === 1 ? '' : 's'}`
    return at <= now ? `${words} ago` : `in ${words}`
  }
  return new Date(at).toISOString().slice(0, 10)
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const units: readonly (readonly [unit: string, length: number, upTo: number])[] = [
  ['minute', minute, hour],
  ['hour', hour, day],
  ['day', day, 31 * day],
]
