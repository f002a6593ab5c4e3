// `gatehouse audit`: what was done with people, sessions and tokens, newest first.

import type { AuditEntry, AuditFilter } from '../auth/audit.ts'
import { parseUserName } from '../auth/user-name.ts'
import { done, mistaken, type Outcome } from './outcome.ts'
import { createFlagReader } from './people-flags.ts'
import { type PeopleContext, readPeople } from './people-store.ts'
import { dateText, harmless, jsonText, table, timeOrNull } from './terminal-text.ts'
import { parseSpan } from './time-span.ts'

const defaultLimit = 100
const maxLimit = 1000

export async function listAudit(context: PeopleContext): Promise<Outcome> {
  const flags = createFlagReader(context.flags)
  const limit = flags.count('limit', { min: 1, max: maxLimit }) ?? defaultLimit
  const written = flags.text('user')
  // Also of somebody who is gone.
  const user = written === null ? null : parseUserName(written)
  if (written !== null && user === null) {
    flags.fail(
      '--user',
      `${harmless(JSON.stringify(written))} cannot be a user name`,
      'see "user list"',
    )
  }
  const since = sinceOf(flags.text('since'), context.now())
  if (since === 'wrong') {
    flags.fail('--since', 'is no time', 'write 30m, 24h, 7d, or a day such as 2026-11-30')
  }
  if (flags.problems.length > 0 || since === 'wrong') return mistaken(...flags.problems)
  const event = flags.text('event')
  const filter: AuditFilter = {
    limit,
    ...(user === null ? {} : { user }),
    ...(event === null ? {} : { event }),
    ...(since === null ? {} : { since }),
  }
  return readPeople(context, async (store) => {
    const entries = await store.audit.list(filter)
    if (context.flags.has('json')) {
      return done(jsonText(entries.map((entry) => ({ ...entry, at: timeOrNull(entry.at) }))))
    }
    if (entries.length === 0) return done('Nothing.\n')
    return done(
      table(
        ['WHEN', 'WHAT', 'WHO', 'WHOM', 'FROM', 'DETAILS'],
        entries.map((entry) => [
          dateText(entry.at),
          harmless(entry.event, 40),
          harmless(entry.actor ?? 'a stranger', 64),
          harmless(entry.user ?? '', 64),
          harmless(entry.client ?? '', 45),
          detailsOf(entry),
        ]),
      ),
    )
  })
}

function detailsOf({ details }: AuditEntry): string {
  const words = Object.entries(details).flatMap(([name, value]) =>
    value === null || value === '' ? [] : [`${name}=${value}`],
  )
  return harmless(words.join(' '))
}

/** Wall clock, milliseconds; `null`: not given. */
function sinceOf(text: string | null, now: number): number | null | 'wrong' {
  if (text === null) return null
  const span = parseSpan(text)
  if (span !== null) return now - span
  const at = /^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? 'wrong' : at
}
