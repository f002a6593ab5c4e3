// Pieces that operations have in common: names, times, lists with cursors.

import * as z from 'zod'
import { isGroup, isLabel, maxLabelLength } from '../../auth/person-changes.ts'
import { parseUserName } from '../../auth/user-name.ts'
import type { UserId } from '../../model.ts'
import { type Refused, refused } from '../problem.ts'

/** RFC 3339, UTC. */
export const time = z.iso.datetime().meta({ description: 'RFC 3339, UTC' })

/** A wall clock's milliseconds as `time`. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString()
}

export function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : timeText(ms)
}

/** In paths: text that may be anything, and then names nothing. */
export const anyId = z.string().min(1).max(1024)

const userNameWords =
  'Write lower-case letters, digits, dots, dashes and underscores, at most 64; a letter or digit comes first.'

/** A name that may be a person's. */
export const userName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, userNameWords)
  .refine((text) => parseUserName(text) !== null, 'This cannot be a user name.')
  .meta({ description: 'lower-case letters, digits, `.`, `_`, `-`; at most 64' })

/** Of a `userName`: what was checked there is a UserId. */
export function userIdOf(text: string): UserId {
  const id = parseUserName(text)
  if (id === null) throw new TypeError('a user name that was not checked')
  return id
}

/** A person in a path; a name that cannot be one names nobody. */
export const personPath = z.strictObject({ id: anyId })

export const label = z
  .string()
  .min(1)
  .max(maxLabelLength)
  .refine(isLabel, 'Write plain characters.')
  .refine((text) => text.trim() === text, 'Leave out the blanks around it.')

export const groups = z
  .array(z.string().min(1).max(64).refine(isGroup, 'No blanks, commas, semicolons or quotes.'))
  .max(50)
  .refine((list) => new Set(list).size === list.length, 'A group stands twice.')

export const limit = z.int().min(1).max(1000).default(100)
export const cursor = z.string().min(1).max(512).optional().meta({
  description: '`next` of the page before',
})
export const pageQuery = z.strictObject({ limit, cursor })

/** `{ items, next }`. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({
    items: z.array(item),
    next: z.string().nullable().meta({ description: '`null`: this was the last page' }),
  })
}

const position = z.strictObject({ at: z.int().min(0), after: z.string() })

/**
 * One page of a list that is in memory. A cursor names the item before it; when that has gone, its place counts.
 *
 * @returns a refusal for a cursor that is none of ours.
 */
export function pageOf<Item>(
  items: readonly Item[],
  asked: { readonly limit: number; readonly cursor?: string | undefined },
  nameOf: (item: Item) => string,
): { readonly kind: 'page'; readonly items: Item[]; readonly next: string | null } | Refused {
  let from = 0
  if (asked.cursor !== undefined) {
    const place = readCursor(asked.cursor, position)
    if (place === null) return badCursor
    const found = items.findIndex((item) => nameOf(item) === place.after)
    from = found === -1 ? Math.min(place.at, items.length) : found + 1
  }
  const page = items.slice(from, from + asked.limit)
  const last = page.at(-1)
  const more = last !== undefined && from + page.length < items.length
  return {
    kind: 'page',
    items: page,
    next: more ? cursorText({ at: from + page.length, after: nameOf(last) }) : null,
  }
}

export function cursorText(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/** @returns `null`: none of ours. */
export function readCursor<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
): z.output<Schema> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    const result = schema.safeParse(value)
    return result.success ? result.data : null
  } catch {
    return null
  }
}

export const badCursor: Refused = refused('invalid', {
  errors: [{ path: 'query.cursor', message: 'This is no cursor of ours.' }],
})

/** A name with slashes as one part of a path: `/` is `~1`, `~` is `~0` (RFC 6901 §3). */
export function keyOf(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

export function nameOf(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~')
}
