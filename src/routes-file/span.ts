// A duration in the file that must lie within limits.

import type { Path, Reporter } from './problem.ts'
import { durationWords, parseDuration } from './units.ts'

interface SpanContext {
  readonly at: Path
  /** Milliseconds. */
  readonly least: number
  readonly most: number
  readonly reporter: Reporter
}

/** Reads a duration within limits. */
export function readSpan(
  text: string | undefined,
  otherwise: number,
  context: SpanContext,
): number {
  if (text === undefined) return otherwise
  const { at, least, most, reporter } = context
  const ms = parseDuration(text) ?? 0
  if (ms < least || ms > most) {
    reporter.error(at, {
      code: 'out-of-range',
      what: `${text} is too ${ms < least ? 'short' : 'long'}`,
      remedy: `write a duration from ${durationWords(least)} to ${durationWords(most)}`,
    })
  }
  return ms
}
