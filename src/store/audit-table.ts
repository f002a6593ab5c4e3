// The audit log: entries wait in memory, bounded, and are written in batches off the request.

import type { Audit, AuditEntry, AuditFilter } from '../auth/audit.ts'
import type { EventLog } from '../log.ts'
import type { RequestId, UserId } from '../model.ts'
import {
  type Database,
  integerOf,
  jsonOf,
  misfit,
  type Row,
  textOf,
  textOrNull,
} from './database.ts'

/** Entries that wait while the store is not to be had; later ones are counted, not kept. */
export const maxWaitingEntries = 10_000
/** Entries on disk; about 30 MB. The oldest go first. */
const maxKeptEntries = 100_000
/** Of one transaction: a few milliseconds. */
const batchSize = 500
const defaultLimit = 100
const maxLimit = 1000

/** @returns with `waiting`: entries that are not on disk yet. `flush` is for the owner's timer; it never rejects. */
export function createAuditTable(
  db: Database,
  deps: { readonly log: Pick<EventLog, 'error'>; readonly maxKept?: number },
): Audit & { readonly waiting: () => number } {
  const { maxKept = maxKeptEntries } = deps
  const waiting: AuditEntry[] = []
  let dropped = 0
  let flushing: Promise<void> | null = null

  function write(entry: AuditEntry): void {
    if (waiting.length >= maxWaitingEntries) {
      if (dropped === 0) deps.log.error('audit-dropping', { waiting: waiting.length })
      dropped += 1
      return
    }
    waiting.push(entry)
  }

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, batchSize)
      await db.write((sql) => {
        for (const entry of batch) {
          sql.run(
            `INSERT INTO audit (at, event, actor, user, client, request, details)
             VALUES (?, ?, ?, ?, ?, ?, ?)`,
            entry.at,
            entry.event,
            entry.actor,
            entry.user,
            entry.client,
            entry.request,
            JSON.stringify(entry.details),
          )
        }
        // Numbers rise without gaps worth speaking of, so this walks nothing but what it removes.
        const last = sql.get('SELECT max(id) AS last FROM audit')
        if (last !== null)
          sql.run('DELETE FROM audit WHERE id <= ?', integerOf(last, 'last') - maxKept)
      }, 'lazy')
      // Only what is surely on disk leaves the memory.
      waiting.splice(0, batch.length)
      if (dropped > 0) noteDropped(batch[batch.length - 1]?.at ?? 0)
    }
  }

  function noteDropped(at: number): void {
    const details = { dropped }
    dropped = 0
    waiting.push({
      at,
      event: 'audit-dropped',
      actor: 'gateway',
      user: null,
      client: null,
      request: null,
      details,
    })
  }

  /** Never rejects: what could not be written waits on, and the database has said why in the log. */
  function flush(): Promise<void> {
    flushing ??= writeAll()
      .catch(() => {})
      .finally(() => {
        flushing = null
      })
    return flushing
  }

  async function list(filter: AuditFilter): Promise<readonly AuditEntry[]> {
    const limit = Math.min(Math.max(Math.trunc(filter.limit ?? defaultLimit), 1), maxLimit)
    // With a full disk what waits is shown all the same.
    await flush()
    const { user = null, event = null, actor = null, since = null, until = null } = filter
    // One text per combination: with "? IS NULL OR" in it no index would be used.
    const conditions = [
      { column: 'user =', value: user },
      { column: 'event =', value: event },
      { column: 'actor =', value: actor },
      { column: 'at >=', value: since },
      { column: 'at <=', value: until },
    ].filter(({ value }) => value !== null)
    const where = ['1', ...conditions.map(({ column }) => `${column} ?`)].join(' AND ')
    const values = conditions.map(({ value }) => value)
    const text = `SELECT * FROM audit WHERE ${where} ORDER BY at DESC, id DESC LIMIT ?`
    const stored = await db.read((sql) => sql.all(text, ...values, limit).map(entryOf))
    const fresh = waiting.filter(
      (entry) =>
        (user === null || entry.user === user) &&
        (event === null || entry.event === event) &&
        (actor === null || entry.actor === actor) &&
        (since === null || entry.at >= since) &&
        (until === null || entry.at <= until),
    )
    return [...fresh.reverse(), ...stored].sort((a, b) => b.at - a.at).slice(0, limit)
  }

  return { write, list, flush, waiting: () => waiting.length + dropped }
}

function entryOf(row: Row): AuditEntry {
  return {
    at: integerOf(row, 'at'),
    event: textOf(row, 'event'),
    actor: textOrNull(row, 'actor') as AuditEntry['actor'],
    user: textOrNull(row, 'user') as UserId | null,
    client: textOrNull(row, 'client'),
    request: textOrNull(row, 'request') as RequestId | null,
    details: detailsOf(row),
  }
}

function detailsOf(row: Row): AuditEntry['details'] {
  const value = jsonOf(row, 'details')
  if (typeof value !== 'object' || value === null) throw misfit('details')
  return value as AuditEntry['details']
}
