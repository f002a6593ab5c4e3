// Spans of time as flags have them: 30m, 24h, 7d. Like the durations of routes.yaml, and days.

const pattern = /^(\d{1,6})([smhd])$/
const milliseconds = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** @returns milliseconds, more than 0; `null` for anything that is no span. */
export function parseSpan(text: string): number | null {
  const match = pattern.exec(text)
  const unit = milliseconds.get(match?.[2] ?? '')
  const count = Number(match?.[1] ?? 0)
  return unit === undefined || count === 0 ? null : count * unit
}

/** As `parseSpan` reads it, in the largest unit that is exact: `24h`, `7d`. */
export function spanText(ms: number): string {
  for (const [unit, size] of [...milliseconds].reverse()) {
    // A day is said as 24h: nobody doubts where it ends.
    if (ms % size === 0 && (unit !== 'd' || ms > size)) return `${ms / size}${unit}`
  }
  return `${Math.round(ms / 1000)}s`
}
