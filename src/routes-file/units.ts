// Durations and sizes as people write them: `30s`, `10m`, `100MB`.

/** `250ms`, `30s`, `10m`, `2h`. */
export const durationPattern = /^\d{1,9}(ms|s|m|h)$/
/** `512KB`, `100MB`, `2GB`; powers of 1024, as nginx and every upload form count. */
export const sizePattern = /^\d{1,9}(B|[Kk]B|MB|GB)$/

const milliseconds = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
])
const bytes = new Map([
  ['B', 1],
  ['KB', 1024],
  ['MB', 1024 ** 2],
  ['GB', 1024 ** 3],
])

/** @returns milliseconds, or `null` for what is not a duration. */
export function parseDuration(text: string): number | null {
  return durationPattern.test(text) ? scale(text, milliseconds) : null
}

/** @returns bytes, or `null` for what is not a size. */
export function parseSize(text: string): number | null {
  return sizePattern.test(text) ? scale(text, bytes) : null
}

function scale(text: string, units: ReadonlyMap<string, number>): number | null {
  const digits = /^\d+/.exec(text)?.[0] ?? ''
  const unit = units.get(text.slice(digits.length).replace('kB', 'KB'))
  return unit === undefined ? null : Number(digits) * unit
}
