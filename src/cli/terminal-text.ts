// Text for a terminal: tables, times, and what strangers wrote made harmless.

/**
 * Untrusted text on one line. Control characters could move the cursor or rename the window (ECMA-48), and
 * direction marks make a line read otherwise than it is: each is shown by its number.
 *
 * @param maxLength characters; what is longer ends with `…`.
 */
export function harmless(text: string, maxLength = 200): string {
  const shown = text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
  return shown.length <= maxLength ? shown : `${shown.slice(0, maxLength - 1)}…`
}

/** Rows under their headings, columns as wide as needed; a line feed after each. Cells must be harmless. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows]
  const widths = headings.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)))
  return all
    .map((row) => `${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('')
}

/** `2026-11-21 06:31 UTC`. @param at wall clock, milliseconds. */
export function dateText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** `just now`, `5 min ago`, `3 h ago`, `12 d ago`; `never` for `null`. */
export function agoText(at: number | null, now: number): string {
  if (at === null) return 'never'
  const minutes = Math.floor((now - at) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 120) return `${minutes} min ago`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} d ago`
}

/** `1 session`, `2 sessions`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Indented, with a line feed at its end. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** RFC 3339, as JSON output has it; `null` stays. */
export function timeOrNull(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
