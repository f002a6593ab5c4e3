// Routes, differences and previews as the API shows them.

import * as z from 'zod'
import type { DiffHunk, RoutePreview, RouteRow } from '../desks/types.ts'
import { keyOf, time } from './schemas.ts'

export const route = z.strictObject({
  id: z.string().meta({ description: 'host and path' }),
  key: z.string().meta({ description: 'the id as it stands in paths of this API' }),
  host: z.string(),
  name: z.string(),
  path: z.string(),
  target: z.strictObject({ words: z.string(), raw: z.unknown() }),
  access: z.string().meta({ description: 'who may enter, in words' }),
  disabled: z.boolean(),
  lines: z.strictObject({ from: z.int(), to: z.int() }),
  raw: z.unknown().meta({ description: 'its own options, as JSON' }),
  effective: z
    .unknown()
    .meta({ description: 'with defaults filled in; `null`: disabled, or the file has mistakes' }),
})

export const activity = z.strictObject({
  lastHour: z.int().meta({ description: 'requests' }),
  lastError: z.strictObject({ at: time, code: z.string() }).nullable(),
  target: z.strictObject({
    state: z.enum(['answering', 'failing', 'asleep', 'waking', 'unknown']),
    since: time.nullable(),
  }),
})

const problem = z.strictObject({
  severity: z.enum(['error', 'warning']),
  code: z.string(),
  line: z.int(),
  column: z.int(),
  where: z.string(),
  what: z.string(),
  remedy: z.string(),
})

/** As `routes-file/access-change.ts` says it. */
const accessChange = z.looseObject({ kind: z.string(), sentence: z.string() })

const hunk = z.strictObject({
  from: z.int(),
  to: z.int(),
  lines: z.array(z.strictObject({ kind: z.enum(['same', 'gone', 'new']), text: z.string() })),
})

export const preview = z.strictObject({
  text: z.string(),
  diff: z.array(hunk),
  access: z.array(accessChange),
  warnings: z.array(problem),
  problems: z.array(problem),
  dangers: z.array(
    z.strictObject({
      kind: z.enum(['login-page', 'admin-page', 'own-access']),
      words: z.string(),
      typed: z.string(),
    }),
  ),
})

export const fileReply = z.strictObject({
  text: z.string(),
  etag: z.string(),
  inForce: z.boolean(),
  problems: z.array(problem),
  held: z.array(accessChange),
  pending: z.strictObject({ until: time }).nullable(),
})

export function routeReply(row: RouteRow) {
  const { id, host, name, path, access, disabled, raw, effective } = row
  return {
    ...{ id, key: keyOf(id), host, name, path },
    target: { ...row.target },
    ...{ access, disabled },
    lines: { ...row.lines },
    ...{ raw, effective },
  }
}

export function diff(hunks: readonly DiffHunk[]) {
  return hunks.map(({ from, to, lines }) => ({ from, to, lines: [...lines] }))
}

export function previewReply(seen: RoutePreview) {
  return {
    text: seen.text,
    diff: diff(seen.diff),
    access: seen.access.map((each) => ({ ...each })),
    warnings: [...seen.warnings],
    problems: [...seen.problems],
    dangers: [...seen.dangers],
  }
}
