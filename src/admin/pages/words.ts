// Numbers and times as a person says them.

import { type Html, html } from '../../auth/app/html.ts'

/** `14:03:21 UTC`, which the page's script turns into the reader's own time. */
export function clockTime(at: number): Html {
  const iso = new Date(at).toISOString()
  return html`<time datetime="${iso}" data-clock>${iso.slice(11, 19)} UTC</time>`
}

/** `2026-11-21 14:03 UTC`. */
export function exactTime(at: number): Html {
  const iso = new Date(at).toISOString()
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC</time>`
}

/** `3 days`, `12 minutes`, `1 minute 20 seconds` below five minutes. */
export function spanWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return counted(seconds, 'second')
  const minutes = Math.floor(seconds / 60)
  const rest = seconds % 60
  if (minutes < 5 && rest > 0) return `${counted(minutes, 'minute')} ${counted(rest, 'second')}`
  if (minutes < 120) return counted(minutes, 'minute')
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? counted(hours, 'hour') : counted(Math.floor(hours / 24), 'day')
}

/** With a full stop at its end, where nothing else ends it. */
export function ended(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`
}

/** `1 route`, `3 routes`; `many` where an s does not do. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** Powers of 1024: `312 MB`, `1.4 GB`. */
export function sizeWords(bytes: number): string {
  let value = bytes
  let unit = 'bytes'
  for (const next of ['KB', 'MB', 'GB', 'TB']) {
    if (value < 1000) break
    value /= 1024
    unit = next
  }
  return `${unit === 'bytes' || value >= 100 ? Math.round(value) : Number(value.toFixed(1))} ${unit}`
}

/** `4.21 USD`. */
export function moneyWords(amount: number, currency: string): string {
  return `${amount.toFixed(2)} ${currency}`
}
