// The page of one route: its form, what can be done with it, and the check while somebody types.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Form, fieldOf } from '../../auth/app/forms.ts'
import { type Html, html } from '../../auth/app/html.ts'
import type { RouteChange, RouteRow } from '../desks/types.ts'
import { refused } from '../problem.ts'
import { queryValue, sentForm } from './asked.ts'
import { buttonForm, buttonLink, csrfField, select } from './controls.ts'
import { accessList, problemList } from './diff.ts'
import type { Drafts } from './drafts.ts'
import { goOn, page } from './layout.ts'
import { refusePage } from './refusal.ts'
import { type Checked, checkRoute } from './route-check.ts'
import { type Fields, fieldsOf, type RawRoute, routeOf } from './route-fields.ts'
import { routeForm } from './route-form.ts'
import { routeUrl } from './route-table.ts'

/** `GET /route?id`, `GET /route/new?host&copy`, `POST /route` to try it, `POST /route/check` while typing, `POST /route/act`. */
export function registerRoutePage(app: FastifyInstance, drafts: Drafts): void {
  const rowOf = async (id: string | null): Promise<RouteRow | null> =>
    (await app.admin.desks.routes.rows()).find((row) => row.id === id) ?? null

  app.get('/route', async (request, reply) => {
    const row = await rowOf(queryValue(request, 'id'))
    if (row === null) return noRoute(reply)
    const draft = drafts.find(queryValue(request, 'draft') ?? '', request.caller.actor.user)
    const file = await seen()
    const wish = draft?.wish.kind === 'edit' && draft.wish.id === row.id ? draft.wish : null
    const raw = asRoute(wish?.raw ?? row.raw)
    const kept = { mode: 'edit', id: row.id, etag: draft?.etag ?? file.etag, raw }
    return formPage(reply, { kept, row, fields: fieldsOf(raw), checked: null, faults: new Map() })
  })

  app.get('/route/new', async (request, reply) => {
    const draft = drafts.find(queryValue(request, 'draft') ?? '', request.caller.actor.user)
    const file = await seen()
    const copied = await rowOf(queryValue(request, 'copy'))
    const host = queryValue(request, 'host') ?? ''
    const wish = draft !== null && 'raw' in draft.wish ? draft.wish : null
    const was = asRoute(wish?.raw ?? copied?.raw ?? {})
    const mode = copied === null ? 'add' : 'copy'
    const fields = { ...fieldsOf(was), ...(host !== '' && { host }) }
    const kept = { mode, id: copied?.id ?? '', etag: draft?.etag ?? file.etag, raw: was }
    return formPage(reply, { kept, row: copied, fields, checked: null, faults: new Map() })
  })

  app.post('/route', { config: { readOnly: true } }, async (request, reply) => {
    const form = sentForm(request)
    const sent = sentRoute(form)
    const row = await rowOf(sent.id)
    if (row === null && sent.mode !== 'add') return noRoute(reply)
    const { desks } = app.admin
    const { raw, faults } = routeOf(form, sent.raw)
    const wish = wishOf(sent, raw)
    const checked = await checkRoute(desks, wish, { sent: form, by: request.caller.actor })
    const wrong = new Map([...checked.faults, ...faults])
    if (wrong.size > 0 || checked.preview.problems.length > 0) {
      const fields: Fields = Object.fromEntries(form)
      return formPage(reply, { kept: sent, row, fields, checked, faults: wrong, status: 422 })
    }
    const name = typeof raw.service === 'string' ? raw.service : (row?.id ?? String(raw.host ?? ''))
    const id = drafts.keep({
      user: request.caller.actor.user,
      wish,
      etag: sent.etag,
      base: drafts.textOf(sent.etag) ?? (await desks.routes.read()).text,
      title: sent.mode === 'edit' ? `Change ${name}` : `Add ${name}`,
      form:
        sent.mode === 'edit' ? routeUrl(sent.id) : `/route/new?copy=${encodeURIComponent(sent.id)}`,
    })
    return goOn(reply, `/review/${id}`)
  })

  app.post('/route/check', { config: { readOnly: true } }, async (request, reply) => {
    const form = sentForm(request)
    const sent = sentRoute(form)
    const { raw, faults } = routeOf(form, sent.raw)
    const wish = wishOf(sent, raw)
    const checked = await checkRoute(app.admin.desks, wish, {
      sent: form,
      by: request.caller.actor,
    })
    const { preview, others } = checked
    return reply.send({
      faults: Object.fromEntries([...checked.faults, ...faults]),
      others: others.map(({ what, remedy }) => `${what}; ${remedy}`),
      warnings: checked.warnings.map(({ what, remedy }) => `${what}; ${remedy}`),
      access: preview.access.map(({ kind, sentence }) => ({ kind, sentence })),
      dangers: preview.dangers.map(({ words }) => words),
      differs: preview.diff.flatMap(({ lines }) => lines.filter(({ kind }) => kind !== 'same')),
    })
  })

  app.post('/route/act', { config: { readOnly: true } }, async (request, reply) => {
    const form = sentForm(request)
    const row = await rowOf(fieldOf(form, 'id', 1024))
    const act = acts.find(({ kind }) => kind === fieldOf(form, 'act'))
    if (row === null || act === undefined) return noRoute(reply)
    const before = fieldOf(form, 'before', 1024)
    const wish: RouteChange =
      act.kind === 'move'
        ? { kind: 'move', id: row.id, before: before === '' ? null : before }
        : { kind: act.kind, id: row.id }
    const file = await seen()
    const id = drafts.keep({
      user: request.caller.actor.user,
      wish,
      etag: file.etag,
      base: file.text,
      title: `${act.title} ${row.name}`,
      form: routeUrl(row.id),
    })
    return goOn(reply, `/review/${id}`)
  })

  async function seen() {
    const file = await app.admin.desks.routes.read()
    drafts.see(file.etag, file.text)
    return file
  }
}

const acts = [
  { kind: 'disable', title: 'Switch off' },
  { kind: 'enable', title: 'Switch on' },
  { kind: 'remove', title: 'Delete' },
  { kind: 'move', title: 'Move' },
] as const

interface Sent {
  readonly mode: string
  readonly id: string
  readonly etag: string
  /** The route that the form showed. */
  readonly raw: RawRoute
}

function sentRoute(form: Form): Sent {
  const mode = fieldOf(form, '_mode')
  return {
    mode: mode === 'edit' || mode === 'copy' ? mode : 'add',
    id: fieldOf(form, '_id', 1024),
    etag: fieldOf(form, '_etag', 64),
    raw: asRoute(parsed(form.get('_raw') ?? '')),
  }
}

function wishOf({ mode, id }: Sent, raw: RawRoute): RouteChange {
  if (mode === 'edit' || mode === 'copy') return { kind: mode, id, raw }
  return { kind: 'add', host: typeof raw.host === 'string' ? raw.host : '', raw }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

function asRoute(value: unknown): RawRoute {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isMap ? (value as RawRoute) : {}
}

function noRoute(reply: FastifyReply): FastifyReply {
  return refusePage(reply, refused('not-found', { detail: 'The file has no such route any more.' }))
}

interface View {
  readonly kept: Sent
  readonly row: RouteRow | null
  readonly fields: Fields
  readonly faults: ReadonlyMap<string, string>
  /** `null`: nothing was tried yet. */
  readonly checked: Checked | null
  readonly status?: number
}

async function formPage(reply: FastifyReply, view: View): Promise<FastifyReply> {
  const { request, server } = reply
  const { kept, row, fields, faults, checked } = view
  const people = await server.admin.desks.people.list()
  const groups = new Set(people.flatMap(({ user }) => user.groups))
  const isEdit = kept.mode === 'edit' && row !== null
  const form = routeForm(request, {
    fields,
    faults,
    kept: { ...kept, raw: JSON.stringify(kept.raw) },
    known: { users: people.map(({ user }) => user.id), groups: [...groups].toSorted() },
  })
  const wrong = faults.size + (checked?.others.length ?? 0)
  return page(reply, {
    title: isEdit ? row.name : kept.mode === 'copy' ? `Copy ${row?.name ?? ''}` : 'Add a route',
    section: 'routes',
    back: { to: '/', label: 'Routes' },
    lead: isEdit ? html`<span class="mono">${row.id}</span> · ${placeWords(row)}` : null,
    actions: isEdit ? actions(request, row) : null,
    status: view.status ?? 200,
    body: html`${isEdit && remark(row)}<div class="split"><div>${wrong > 0 && mistakes(checked, faults.size)}${form}${isEdit && (await moveForm(reply, row))}</div><aside class="aside" data-live hidden aria-live="polite"><h2>What it would mean</h2><div></div></aside></div>`,
    scripts: ['route.js'],
  })
}

/** What somebody wrote above it in the file. */
function remark({ comment = [] }: RouteRow): Html | null {
  // A line of dashes parts the file, not this route.
  const words = comment.filter((line) => !/[─—=-]{3}/.test(line))
  return words.length === 0 ? null : html`<p class="note remark">${words.join(' ')}</p>`
}

function placeWords({ lines, disabled }: RouteRow): string {
  const place =
    lines.from === lines.to ? `line ${lines.from}` : `lines ${lines.from} to ${lines.to}`
  return disabled ? `${place} · switched off` : place
}

function actions(request: FastifyRequest, { id, disabled, name }: RouteRow): Html {
  const act = (kind: string, label: string, look: 'quiet' | 'danger') =>
    buttonForm(request, {
      action: '/route/act',
      fields: { id, act: kind },
      label,
      about: name,
      look,
    })
  return html`${buttonLink(`/route/new?copy=${encodeURIComponent(id)}`, 'Copy')}${disabled ? act('enable', 'Switch on', 'quiet') : act('disable', 'Switch off', 'quiet')}${act('remove', 'Delete', 'danger')}`
}

function mistakes(checked: Checked | null, fields: number): Html {
  const others = checked?.others ?? []
  return html`<div class="alert" role="alert"><p><b>Nothing was saved yet.</b>${fields > 0 && html` ${fields === 1 ? 'One field needs' : `${fields} fields need`} another look.`}</p>${others.length > 0 && problemList(others, { limit: 10 })}${checked !== null && checked.preview.access.length > 0 && accessList(checked.preview.access)}</div>`
}

async function moveForm({ request, server }: FastifyReply, row: RouteRow): Promise<Html> {
  const rows = await server.admin.desks.routes.rows()
  const choices = rows
    .filter(({ id }) => id !== row.id)
    .map(({ id }) => ({ value: id, label: `in front of ${id}` }))
  return html`<details class="fold"><summary>Its place in the file</summary><form class="stack" method="post" action="/route/act">${csrfField(request)}<input type="hidden" name="id" value="${row.id}"><input type="hidden" name="act" value="move">${select({ name: 'before', label: 'Move it', value: '', choices: [{ value: '', label: 'to the end of its host' }, ...choices], hint: 'The order is for readers: the longest path wins wherever it stands.' })}<button class="button small quiet">Look at it there</button></form></details>`
}
