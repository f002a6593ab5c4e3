// routes.yaml as a file: its text, changes that are tried before they are written, and its history.

import * as z from 'zod'
import { operation } from '../operation.ts'
import { refused } from '../problem.ts'
import {
  fileEtag,
  host,
  optionsOf,
  raw,
  resultOf,
  save,
  saved,
  saveErrors,
  saving,
} from './route-saving.ts'
import { fileReply, preview, previewReply } from './route-views.ts'
import { anyId, cursor, listOf, time, timeText } from './schemas.ts'

const maxTextLength = 200_000

const change = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('text'), text: z.string().max(maxTextLength) }),
    z.strictObject({ kind: z.literal('add'), host, raw }),
    z.strictObject({ kind: z.literal('edit'), id: anyId, raw }),
    z.strictObject({ kind: z.literal('copy'), id: anyId, raw }),
    z.strictObject({ kind: z.enum(['disable', 'enable', 'remove']), id: anyId }),
    z.strictObject({ kind: z.literal('move'), id: anyId, before: anyId.nullable() }),
  ])
  .meta({ description: '`id` is that of a route, such as `cloud/`' })

export const getRouteFile = operation({
  id: 'getRouteFile',
  method: 'GET',
  path: '/api/v1/routes/file',
  summary: 'routes.yaml as it is on disk, and whether it is in force',
  scope: 'routes:read',
  reply: fileReply,
  errors: [],
  audit: null,
  async run({ routes }) {
    const file = await routes.read()
    const { text, etag, inForce } = file
    const pending = file.pending === null ? null : { until: timeText(file.pending.until) }
    const problems = [...file.problems]
    return {
      kind: 'done',
      reply: {
        text,
        etag,
        inForce,
        problems,
        held: file.held.map((each) => ({ ...each })),
        pending,
      },
      etag,
    }
  },
})

export const putRouteFile = operation({
  id: 'putRouteFile',
  method: 'PUT',
  path: '/api/v1/routes/file',
  summary: 'Writes routes.yaml, byte for byte',
  scope: 'routes:write',
  body: z.strictObject({ text: z.string().min(1).max(maxTextLength), ...saving }),
  reply: saved,
  errors: saveErrors,
  etag: fileEtag,
  audit: 'routes-saved',
  run: (desks, { body, etag }, actor) =>
    save(desks, { kind: 'text', text: body.text }, { ...body, etag, actor, before: null }),
})

export const previewRoutes = operation({
  id: 'previewRoutes',
  method: 'POST',
  path: '/api/v1/routes/preview',
  summary: 'What a change would do: the text, the difference, what it means for access, mistakes',
  description: 'Nothing is written.',
  scope: 'routes:read',
  body: z.strictObject({ change }),
  reply: preview,
  errors: [],
  readOnly: true,
  audit: null,
  async run({ routes }, { body }, actor) {
    return { kind: 'done', reply: previewReply(await routes.preview(body.change, actor)) }
  },
})

export const confirmRoutes = operation({
  id: 'confirmRoutes',
  method: 'POST',
  path: '/api/v1/routes/confirm',
  summary: 'A change that would undo itself stays',
  scope: 'routes:write',
  body: z.strictObject({ token: anyId }),
  reply: z.null(),
  errors: ['not-found'],
  audit: 'routes-confirmed',
  async run({ routes }, { body }) {
    return (await routes.confirm(body.token)) ? { kind: 'done', reply: null } : refused('not-found')
  },
})

export const listRouteVersions = operation({
  id: 'listRouteVersions',
  method: 'GET',
  path: '/api/v1/routes/history',
  summary: 'Earlier texts of the file, newest first: who, when, what',
  scope: 'routes:read',
  query: z.strictObject({ cursor }),
  reply: listOf(
    z.strictObject({
      id: z.string(),
      at: time,
      by: z.string().nullable(),
      note: z.string().nullable(),
      summary: z.string(),
      lines: z.int(),
    }),
  ),
  errors: [],
  audit: null,
  async run({ routes }, { query }) {
    const { items, next } = await routes.history(query.cursor ?? null)
    const reply = items.map((each) => ({ ...each, at: timeText(each.at) }))
    return { kind: 'done', reply: { items: reply, next } }
  },
})

export const getRouteVersion = operation({
  id: 'getRouteVersion',
  method: 'GET',
  path: '/api/v1/routes/history/{id}',
  summary: 'An earlier text of the file',
  scope: 'routes:read',
  params: z.strictObject({ id: anyId }),
  reply: z.strictObject({ id: z.string(), text: z.string() }),
  errors: ['not-found'],
  audit: null,
  async run({ routes }, { path }) {
    const text = await routes.version(path.id)
    return text === null ? refused('not-found') : { kind: 'done', reply: { id: path.id, text } }
  },
})

export const restoreRouteVersion = operation({
  id: 'restoreRouteVersion',
  method: 'POST',
  path: '/api/v1/routes/history/{id}/restore',
  summary: 'Writes an earlier text again',
  scope: 'routes:write',
  params: z.strictObject({ id: anyId }),
  body: z.strictObject(saving),
  reply: saved,
  errors: ['not-found', ...saveErrors],
  etag: fileEtag,
  audit: 'routes-restored',
  async run(desks, { path, body, etag }, actor) {
    const outcome = await desks.routes.restore(path.id, optionsOf({ ...body, etag, actor }))
    if (outcome === null) return refused('not-found')
    return resultOf(outcome, { was: etag, details: { version: path.id } })
  },
})

export const routeFileOperations = [
  getRouteFile,
  putRouteFile,
  previewRoutes,
  confirmRoutes,
  listRouteVersions,
  getRouteVersion,
  restoreRouteVersion,
]
