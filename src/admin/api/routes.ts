// Routes: the table as rows and as a file, changes that are tried before they are written, history, and questions about it.

import * as z from 'zod'
import { parseUserName } from '../../auth/user-name.ts'
import type { Actor, Desks, RouteChange, RouteSaved } from '../desks/types.ts'
import { operation, type Result } from '../operation.ts'
import { refused } from '../problem.ts'
import {
  activity,
  diff,
  fileReply,
  preview,
  previewReply,
  route,
  routeReply,
} from './route-views.ts'
import {
  anyId,
  cursor,
  keyOf,
  listOf,
  nameOf,
  pageOf,
  pageQuery,
  time,
  timeText,
} from './schemas.ts'

const maxTextLength = 200_000

const note = z
  .string()
  .min(1)
  .max(200)
  .regex(/^\P{Cc}*$/u)
  .optional()
  .meta({ description: 'for the history and, where there is one, the git commit' })
const confirm = z
  .string()
  .min(1)
  .max(253)
  .optional()
  .meta({ description: 'the name of what would be lost, to do it all the same' })
const saving = { note, confirm }

/** The options of one route as routes.yaml has them, as JSON; what they mean is for the table's own reader. */
const raw = z
  .record(z.string().max(100), z.json())
  .meta({ description: 'options as in docs/routes.md, as JSON' })
const host = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9*.-]+$/)
const keyPath = z.strictObject({
  key: anyId.meta({ description: 'host and path; `/` is written `~1`: `cloud.example.com~1`' }),
})

const change = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('text'), text: z.string().max(maxTextLength) }),
    z.strictObject({ kind: z.literal('add'), host, raw }),
    z.strictObject({ kind: z.literal('edit'), id: anyId, raw }),
    z.strictObject({ kind: z.literal('copy'), id: anyId, raw }),
    z.strictObject({ kind: z.enum(['disable', 'enable', 'remove']), id: anyId }),
    z.strictObject({ kind: z.literal('move'), id: anyId, before: anyId.nullable() }),
  ])
  .meta({ description: '`id` is that of a route, such as `cloud.example.com/`' })

const saved = z.strictObject({
  etag: z.string(),
  pending: z.strictObject({ until: time, token: z.string() }).nullable().meta({
    description: 'the change undoes itself unless `confirmRoutes` is called with the token',
  }),
})

const saveErrors = ['routes-invalid', 'confirmation-required', 'precondition-failed'] as const

export const listRoutes = operation({
  id: 'listRoutes',
  method: 'GET',
  path: '/api/v1/routes',
  summary: 'Every route of the file, with the state of its target and its traffic',
  description: 'The ETag is that of the file; every change of routes needs it in If-Match.',
  scope: 'routes:read',
  query: pageQuery,
  reply: listOf(route.extend({ activity })),
  errors: [],
  audit: null,
  async run(desks, { query }) {
    const [rows, file] = [await desks.routes.rows(), await desks.routes.read()]
    const page = pageOf(rows, query, ({ id }) => id)
    if (page.kind === 'refused') return page
    const items = page.items.map((row) => ({
      ...routeReply(row),
      activity: activityOf(desks, row.id),
    }))
    return { kind: 'done', reply: { items, next: page.next }, etag: file.etag }
  },
})

export const getRoute = operation({
  id: 'getRoute',
  method: 'GET',
  path: '/api/v1/routes/{key}',
  summary: 'One route',
  scope: 'routes:read',
  params: keyPath,
  reply: route.extend({ activity }),
  errors: ['not-found'],
  audit: null,
  async run(desks, { path }) {
    const row = await rowOf(desks, path.key)
    if (row === null) return refused('not-found')
    const { etag } = await desks.routes.read()
    return {
      kind: 'done',
      reply: { ...routeReply(row), activity: activityOf(desks, row.id) },
      etag,
    }
  },
})

export const addRoute = operation({
  id: 'addRoute',
  method: 'POST',
  path: '/api/v1/routes',
  summary: 'Adds a route',
  scope: 'routes:write',
  body: z.strictObject({ host, raw, ...saving }),
  reply: saved,
  status: 201,
  errors: saveErrors,
  etag: fileEtag,
  audit: 'route-added',
  run: (desks, { body }, actor) =>
    save(desks, { kind: 'add', host: body.host, raw: body.raw }, { ...body, actor, before: null }),
})

export const changeRoute = operation({
  id: 'changeRoute',
  method: 'PUT',
  path: '/api/v1/routes/{key}',
  summary: 'Replaces the options of a route',
  description: 'Comments and the order of what stays are kept.',
  scope: 'routes:write',
  params: keyPath,
  body: z.strictObject({ raw, ...saving }),
  reply: saved,
  errors: ['not-found', ...saveErrors],
  etag: fileEtag,
  audit: 'route-changed',
  async run(desks, { path, body }, actor) {
    const row = await rowOf(desks, path.key)
    if (row === null) return refused('not-found')
    const wish: RouteChange = { kind: 'edit', id: row.id, raw: body.raw }
    return save(desks, wish, { ...body, actor, before: row.raw })
  },
})

export const removeRoute = operation({
  id: 'removeRoute',
  method: 'DELETE',
  path: '/api/v1/routes/{key}',
  summary: 'Removes a route',
  scope: 'routes:write',
  params: keyPath,
  query: z.strictObject(saving),
  reply: saved,
  errors: ['not-found', ...saveErrors],
  etag: fileEtag,
  audit: 'route-removed',
  async run(desks, { path, query }, actor) {
    const row = await rowOf(desks, path.key)
    if (row === null) return refused('not-found')
    return save(desks, { kind: 'remove', id: row.id }, { ...query, actor, before: row.raw })
  },
})

export const actOnRoute = operation({
  id: 'actOnRoute',
  method: 'POST',
  path: '/api/v1/routes/{key}/{action}',
  summary: 'Copies, disables, enables or moves a route',
  description: '`copy` takes `raw`, the options of the new one; `move` takes `before`.',
  scope: 'routes:write',
  params: keyPath.extend({ action: z.enum(['copy', 'disable', 'enable', 'move']) }),
  body: z.strictObject({
    raw: raw.optional(),
    before: anyId
      .nullable()
      .optional()
      .meta({ description: 'id of the route it is put in front of; `null`: behind the last one' }),
    ...saving,
  }),
  reply: saved,
  errors: ['not-found', ...saveErrors],
  etag: fileEtag,
  audit: 'route-changed',
  async run(desks, { path, body }, actor) {
    const row = await rowOf(desks, path.key)
    if (row === null) return refused('not-found')
    const wish = wishOf(path.action, row.id, body)
    if (typeof wish === 'string') {
      const message = `${path.action} ${wish}`
      return refused('invalid', { errors: [{ path: 'body', message }] })
    }
    return save(desks, wish, { ...body, actor, before: row.raw })
  },
})

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
  run: (desks, { body }, actor) =>
    save(desks, { kind: 'text', text: body.text }, { ...body, actor, before: null }),
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
    return routes.confirm(body.token) ? { kind: 'done', reply: null } : refused('not-found')
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
  async run(desks, { path, body }, actor) {
    const { etag } = await desks.routes.read()
    const outcome = await desks.routes.restore(path.id, optionsOf({ ...body, actor }, etag))
    if (outcome === null) return refused('not-found')
    return resultOf(outcome, { details: { version: path.id } })
  },
})

export const explainRoute = operation({
  id: 'explainRoute',
  method: 'POST',
  path: '/api/v1/routes/explain',
  summary: 'What would happen to a request, and why',
  scope: 'routes:read',
  body: z.strictObject({
    url: z.string().min(1).max(4096),
    method: z
      .string()
      .regex(/^[A-Z][A-Z-]{0,19}$/)
      .default('GET'),
    user: z
      .string()
      .min(1)
      .max(64)
      .nullable()
      .default(null)
      .meta({ description: '`null`: a stranger' }),
    client: z.union([z.ipv4(), z.ipv6()]).optional().meta({ description: 'client address' }),
  }),
  reply: z.strictObject({
    steps: z.array(z.string()),
    outcome: z.enum(['allow', 'sign-in', 'deny', 'not-found', 'other']),
    route: z.string().nullable(),
  }),
  errors: [],
  readOnly: true,
  audit: null,
  async run({ routes, people }, { body }) {
    const { url, method, client } = body
    const user = body.user === null ? null : parseUserName(body.user)
    if (body.user !== null && (user === null || (await people.person(user)) === null)) {
      const errors = [{ path: 'body.user', message: 'There is no such person.' }]
      return refused('invalid', { errors })
    }
    const asked = { url, method, user, ...(client === undefined ? {} : { client }) }
    const found = await routes.explain(asked)
    if (found === null) {
      const errors = [{ path: 'body.url', message: 'No request for this could come here.' }]
      return refused('invalid', { errors })
    }
    const { steps, outcome, route: id } = found
    return { kind: 'done', reply: { steps: [...steps], outcome, route: id } }
  },
})

export const probeTarget = operation({
  id: 'probeTarget',
  method: 'POST',
  path: '/api/v1/routes/probe',
  summary: 'Does this target answer?',
  description: 'One connection; addresses that no route may name are not dialled.',
  scope: 'routes:write',
  body: z.strictObject({ target: z.string().min(1).max(2048) }),
  reply: z.strictObject({ ok: z.boolean(), words: z.string(), ms: z.number() }),
  errors: [],
  readOnly: true,
  audit: null,
  async run({ routes }, { body }) {
    const { ok, words, ms } = await routes.probe(body.target)
    return { kind: 'done', reply: { ok, words, ms } }
  },
})

export const routeOperations = [
  listRoutes,
  addRoute,
  getRoute,
  changeRoute,
  removeRoute,
  actOnRoute,
  getRouteFile,
  putRouteFile,
  previewRoutes,
  confirmRoutes,
  listRouteVersions,
  getRouteVersion,
  restoreRouteVersion,
  explainRoute,
  probeTarget,
]

interface Wish {
  readonly actor: Actor
  readonly note?: string | undefined
  readonly confirm?: string | undefined
}

async function save(
  desks: Desks,
  wish: RouteChange,
  given: Wish & { readonly before: unknown },
): Promise<Result<{ etag: string; pending: { until: string; token: string } | null }>> {
  const { etag } = await desks.routes.read()
  const outcome = await desks.routes.save(wish, optionsOf(given, etag))
  const id = 'id' in wish ? wish.id : 'host' in wish ? wish.host : null
  const after = 'raw' in wish ? wish.raw : undefined
  return resultOf(outcome, {
    ...(given.before === null ? {} : { before: given.before }),
    ...(after === undefined ? {} : { after }),
    details: { change: wish.kind, route: id, note: given.note ?? null },
  })
}

/** The version was compared by `If-Match` already; between that and the save the desk compares again. */
function optionsOf({ actor, note: words, confirm: typed }: Wish, etag: string) {
  return {
    etag,
    by: actor,
    confirm: typed ?? null,
    ...(words === undefined ? {} : { note: words }),
  }
}

function resultOf(
  outcome: RouteSaved,
  changed: {
    readonly before?: unknown
    readonly after?: unknown
    readonly details: Readonly<Record<string, string | null>>
  },
): Result<{ etag: string; pending: { until: string; token: string } | null }> {
  switch (outcome.kind) {
    case 'saved': {
      const { etag, pending } = outcome
      const until = pending === null ? null : timeText(pending.until)
      return {
        kind: 'done',
        reply: {
          etag,
          pending: pending === null ? null : { until: until ?? '', token: pending.token },
        },
        etag,
        changed: { ...changed, details: { ...changed.details, etag } },
      }
    }
    case 'conflict':
      return refused('precondition-failed', {
        more: { etag: outcome.etag, text: outcome.text, diff: diff(outcome.diff) },
      })
    case 'invalid':
      return refused('routes-invalid', { more: { preview: previewReply(outcome.preview) } })
    case 'confirm':
      return refused('confirmation-required', { more: { dangers: outcome.dangers } })
    default:
      throw new TypeError('unknown outcome', { cause: outcome satisfies never })
  }
}

async function fileEtag({ routes }: Desks): Promise<string> {
  return (await routes.read()).etag
}

async function rowOf({ routes }: Desks, key: string) {
  const id = nameOf(key)
  const rows = await routes.rows()
  return rows.find((row) => row.id === id && keyOf(row.id) === key) ?? null
}

function activityOf(desks: Desks, id: string) {
  const { lastHour, lastError } = desks.activityOf(id)
  const state = desks.targetState(id)
  return {
    lastHour,
    lastError: lastError === null ? null : { at: timeText(lastError.at), code: lastError.code },
    target: { state: state.kind, since: state.kind === 'failing' ? timeText(state.since) : null },
  }
}

/** @returns what is wrong with it, in words. */
function wishOf(
  action: 'copy' | 'disable' | 'enable' | 'move',
  id: string,
  body: { readonly raw?: unknown; readonly before?: string | null | undefined },
): RouteChange | string {
  switch (action) {
    case 'copy':
      if (body.before !== undefined) return 'takes no `before`.'
      return body.raw === undefined ? 'needs `raw`.' : { kind: 'copy', id, raw: body.raw }
    case 'move':
      if (body.raw !== undefined) return 'takes no `raw`.'
      if (body.before === undefined) return 'needs `before`.'
      return { kind: 'move', id, before: body.before }
    case 'disable':
    case 'enable':
      return body.raw !== undefined || body.before !== undefined
        ? 'takes neither `raw` nor `before`.'
        : { kind: action, id }
    default:
      throw new TypeError('unknown action', { cause: action satisfies never })
  }
}
