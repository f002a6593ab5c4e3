// The one way to make a UserId.

import type { UserId } from '../model.ts'

/** Longest name, characters. */
const maxLength = 64
/** Actors of the audit log that are no people. */
const taken: ReadonlySet<string> = new Set(['cli', 'gateway'])

/**
 * Reads a user's name: lower-case letters and digits of ASCII, then also `.`, `_` and `-`; at most 64 characters. There
 * is one spelling of each: a name that is counted, banned or compared in two would be two people.
 *
 * @returns `null` for everything else, upper case included: a form that takes it lower-cases it first.
 */
export function parseUserName(text: string): UserId | null {
  if (text.length === 0 || text.length > maxLength || taken.has(text)) return null
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if ((c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39)) continue
    const inside = c === 0x2d || c === 0x2e || c === 0x5f
    if (!inside || i === 0) return null
  }
  return text as UserId
}
