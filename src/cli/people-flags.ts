// Flags of the commands for people as values; every mistake in them is kept, to be told at once.

import { isGroup, isLabel, maxLabelLength } from '../auth/person-changes.ts'
import type { ConfigProblem } from '../config.ts'
import { parseSpan, spanText } from './time-span.ts'

export interface FlagReader {
  /** So far; all of them errors. */
  readonly problems: readonly ConfigProblem[]
  has(name: string): boolean
  /** `null`: not given. */
  text(name: string): string | null
  /** Text that is shown to people: 1 to 80 characters, no control characters. `null`: not given, or wrong. */
  label(name: string): string | null
  /** `a,b` as a list without empty parts and repetitions. `null`: not given. */
  list(name: string): readonly string[] | null
  /** Milliseconds, at most `maxMs`; `defaultMs` when not given or wrong. */
  span(name: string, limits: { readonly defaultMs: number; readonly maxMs: number }): number
  /** A whole number; `null`: not given, or wrong. */
  count(name: string, limits: { readonly min: number; readonly max: number }): number | null
  fail(where: string, what: string, remedy: string): void
}

export function createFlagReader(flags: ReadonlyMap<string, string>): FlagReader {
  const problems: ConfigProblem[] = []
  const fail = (where: string, what: string, remedy: string) => {
    problems.push({ severity: 'error', where, what, remedy })
  }
  const text = (name: string) => flags.get(name) ?? null

  return {
    problems,
    fail,
    text,
    has: (name) => flags.has(name),
    label(name) {
      const value = text(name)?.trim() ?? null
      if (value === null || isLabel(value)) return value
      fail(`--${name}`, `is no text of 1 to ${maxLabelLength} plain characters`, 'write it shorter')
      return null
    },
    list(name) {
      const value = text(name)
      return value === null ? null : listOf(value)
    },
    span(name, { defaultMs, maxMs }) {
      const value = text(name)
      if (value === null) return defaultMs
      const ms = parseSpan(value)
      if (ms !== null && ms <= maxMs) return ms
      const what = `${JSON.stringify(value)} is ${ms === null ? 'no time' : 'too long'}`
      fail(`--${name}`, what, `write a time up to ${spanText(maxMs)}, such as 30m, 24h or 7d`)
      return defaultMs
    },
    count(name, { min, max }) {
      const value = text(name)
      if (value === null) return null
      const number = /^\d{1,9}$/.test(value) ? Number(value) : -1
      if (number >= min && number <= max) return number
      fail(`--${name}`, `${JSON.stringify(value)} is not from ${min} to ${max}`, 'write a number')
      return null
    },
  }
}

/** `a, b,` → `['a', 'b']`. */
export function listOf(text: string): readonly string[] {
  const parts = text.split(',').map((part) => part.trim())
  return [...new Set(parts.filter((part) => part !== ''))]
}

/** @returns the first that cannot be a group; `null`: all can. */
export function badGroup(groups: readonly string[]): string | null {
  return groups.find((group) => !isGroup(group)) ?? null
}
