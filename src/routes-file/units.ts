// Durations and sizes as people write them: `30s`, `10m`, `7d`, `100MB`.

/** `250ms`, `30s`, `10m`, `2h`, `7d`. */
export const durationPattern = /^\d{1,9}(ms|s|m|h|d)$/
/** `512KB`, `100MB`, `2GB`; powers of 1024, as nginx and every upload form count. */
export const sizePattern = /^\d{1,9}(B|[Kk]B|MB|GB)$/

/** Names a secret: `GATEHOUSE_SECRET_<name>` in the environment. */
export const secretName = /^[A-Za-z][A-Za-z0-9_]*$/

/**
 * Whether a secret is the gateway's own: the key of its database, the keys of the cloud. A table that could name them could
 * have them sent to any backend.
 */
export function isOwnSecret(name: string): boolean {
  return /^(?:ENCRYPTION_KEY(?:_PREVIOUS)?|OCI_(?:TENANCY|USER|FINGERPRINT|KEY|PASSPHRASE))$/i.test(
    name,
  )
}

const milliseconds = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
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

/** `15m`, `24h`, `7d`: the largest unit that says it in a whole number; hours up to a day. */
export function durationWords(ms: number): string {
  if (ms % 86_400_000 === 0 && ms > 86_400_000) return `${ms / 86_400_000}d`
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  if (ms % 60_000 === 0) return `${ms / 60_000}m`
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
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
