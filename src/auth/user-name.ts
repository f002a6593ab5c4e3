// Names of people: the one way to make a UserId.

import type { UserId } from '../model.ts'

const pattern = /^[a-z0-9][a-z0-9._-]{0,63}$/

/**
 * Reads the name of a person. Upper case is refused and not folded: two spellings of one person are counted,
 * throttled and banned apart.
 *
 * @returns `null`: nobody can have this name.
 */
export function parseUserName(text: string): UserId | null {
  return pattern.test(text) ? (text as UserId) : null
}
