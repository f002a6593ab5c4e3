// What was caught, as words for a log: anything can be thrown.

/** The stack where there is one; for bugs, whose place is what matters. Holds whatever the message holds. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** The code of an error of the system or of ours, `ENOSPC`; `unknown`: it has none. Never quotes anything. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
