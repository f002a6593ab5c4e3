// The audit log: what was done, by whom, newest first; with filters, and as a file.

import * as z from 'zod'
import type { AuditEntry, AuditFilter } from '../../auth/audit.ts'
import type { Desks } from '../desks/types.ts'
import { operation } from '../operation.ts'
import {
  badCursor,
  cursor,
  cursorText,
  listOf,
  readCursor,
  time,
  timeText,
  userIdOf,
  userName,
} from './schemas.ts'

const entry = z.strictObject({
  at: time,
  event: z.string(),
  actor: z.string().nullable().meta({ description: 'who did it; `null`: a stranger' }),
  user: z.string().nullable().meta({ description: 'whom it concerns' }),
  client: z.string().nullable(),
  request: z.string().nullable(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
})

const filters = {
  user: userName.optional().meta({ description: 'whom it concerns' }),
  actor: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
    .optional()
    .meta({ description: 'who did it; also `cli` and `gateway`' }),
  event: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,63}$/)
    .optional(),
  since: time.optional(),
  until: time.optional(),
}
type Filters = z.output<z.ZodObject<typeof filters>>

/** Entries that one call can skip over: as many as there can be of one millisecond. */
const place = z.strictObject({ at: z.int().min(0), seen: z.int().min(1).max(500) })
const maxAtOnce = 1000

export const listAudit = operation({
  id: 'listAudit',
  method: 'GET',
  path: '/api/v1/audit',
  summary: 'The audit log, newest first',
  scope: 'audit:read',
  query: z.strictObject({ ...filters, limit: z.int().min(1).max(500).default(100), cursor }),
  reply: listOf(entry),
  errors: [],
  audit: null,
  async run(desks, { query }) {
    const from = query.cursor === undefined ? null : readCursor(query.cursor, place)
    if (from === null && query.cursor !== undefined) return badCursor
    const page = await entriesOf(desks, query, { from, limit: query.limit })
    return { kind: 'done', reply: { items: page.items.map(replyOf), next: page.next } }
  },
})

export const exportAudit = operation({
  id: 'exportAudit',
  method: 'GET',
  path: '/api/v1/audit/export',
  summary: 'The audit log as lines of JSON, newest first; at most 20,000, and at most 8 MB',
  scope: 'audit:read',
  query: z.strictObject(filters),
  reply: z.string(),
  media: 'application/x-ndjson; charset=utf-8',
  errors: [],
  audit: null,
  async run(desks, { query }) {
    let text = ''
    let count = 0
    let from: Place | null = null
    do {
      const page: Page = await entriesOf(desks, query, { from, limit: 500 })
      for (const each of page.items) text += `${JSON.stringify(replyOf(each))}\n`
      count += page.items.length
      from = page.next === null ? null : readCursor(page.next, place)
    } while (from !== null && count < 20_000 && text.length < 8_000_000)
    return { kind: 'done', reply: text }
  },
})

export const auditOperations = [listAudit, exportAudit]

type Place = z.output<typeof place>

interface Page {
  readonly items: readonly AuditEntry[]
  readonly next: string | null
}

/** A page after `from`: entries of that very millisecond that were shown already are passed over. */
async function entriesOf(
  { audit }: Desks,
  asked: Filters,
  part: { readonly from: Place | null; readonly limit: number },
): Promise<Page> {
  const { from } = part
  const until = asked.until === undefined ? Number.POSITIVE_INFINITY : Date.parse(asked.until)
  const upTo = Math.min(until, from?.at ?? Number.POSITIVE_INFINITY)
  const filter: AuditFilter = {
    ...(asked.user === undefined ? {} : { user: userIdOf(asked.user) }),
    ...(asked.actor === undefined ? {} : { actor: asked.actor }),
    ...(asked.event === undefined ? {} : { event: asked.event }),
    ...(asked.since === undefined ? {} : { since: Date.parse(asked.since) }),
    ...(upTo === Number.POSITIVE_INFINITY ? {} : { until: upTo }),
    limit: Math.min(maxAtOnce, part.limit + (from?.seen ?? 0) + 1),
  }
  const found = await audit.list(filter)
  const rest = from === null ? found : passOver(found, from)
  const items = rest.slice(0, part.limit)
  const last = items.at(-1)
  if (last === undefined || rest.length <= items.length) return { items, next: null }
  const same = items.filter(({ at }) => at === last.at).length
  const before = from !== null && from.at === last.at ? from.seen : 0
  return { items, next: cursorText({ at: last.at, seen: Math.min(500, same + before) }) }
}

function passOver(found: readonly AuditEntry[], { at, seen }: Place): readonly AuditEntry[] {
  let skipped = 0
  return found.filter((each) => {
    if (each.at !== at || skipped === seen) return true
    skipped += 1
    return false
  })
}

function replyOf({ at, event, actor, user, client, request, details }: AuditEntry) {
  return { at: timeText(at), event, actor, user, client, request, details: { ...details } }
}
