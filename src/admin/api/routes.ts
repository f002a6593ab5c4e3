// Routes: the table as rows, and changes of one of them.

import * as z from 'zod'
import type { Desks, RouteChange } from '../desks/types.ts'
import { operation } from '../operation.ts'
import { refused } from '../problem.ts'
import { fileEtag, host, raw, save, saved, saveErrors, saving } from './route-saving.ts'
import { activity, route, routeReply } from './route-views.ts'
import { anyId, keyOf, listOf, nameOf, pageOf, pageQuery, timeText } from './schemas.ts'

const keyPath = z.strictObject({
  key: anyId.meta({ description: 'the id, with `~1` for `/`: `photos~1photoprism`' }),
})

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
  run: (desks, { body, etag }, actor) =>
    save(
      desks,
      { kind: 'add', host: body.host, raw: body.raw },
      { ...body, etag, actor, before: null },
    ),
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
  async run(desks, { path, body, etag }, actor) {
    const row = await rowOf(desks, path.key)
    if (row === null) return refused('not-found')
    const wish: RouteChange = { kind: 'edit', id: row.id, raw: body.raw }
    return save(desks, wish, { ...body, etag, actor, before: row.raw })
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
  async run(desks, { path, query, etag }, actor) {
    const row = await rowOf(desks, path.key)
    if (row === null) return refused('not-found')
    return save(desks, { kind: 'remove', id: row.id }, { ...query, etag, actor, before: row.raw })
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
  async run(desks, { path, body, etag }, actor) {
    const row = await rowOf(desks, path.key)
    if (row === null) return refused('not-found')
    const wish = wishOf(path.action, row.id, body)
    if (typeof wish === 'string') {
      const message = `${path.action} ${wish}`
      return refused('invalid', { errors: [{ path: 'body', message }] })
    }
    return save(desks, wish, { ...body, etag, actor, before: row.raw })
  },
})

export const routeOperations = [
  listRoutes,
  addRoute,
  getRoute,
  changeRoute,
  removeRoute,
  actOnRoute,
]

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
