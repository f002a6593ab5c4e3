// The audit log: who did what to whom, with filters, page by page, and as a file to take away.

import type { FastifyInstance } from 'fastify'
import { field } from '../../auth/app/controls.ts'
import { type Html, html } from '../../auth/app/html.ts'
import { listAudit } from '../api/audit.ts'
import { adminErrors, type Refused } from '../problem.ts'
import { queryOf } from './asked.ts'
import { page } from './layout.ts'
import { exactTime } from './words.ts'

const filterNames = ['event', 'user', 'actor', 'since', 'until'] as const

interface Entry {
  readonly at: string
  readonly event: string
  readonly actor: string | null
  readonly user: string | null
  readonly client: string | null
  readonly request: string | null
  readonly details: Readonly<Record<string, string | number | boolean | null>>
}

/** `GET /audit` with the filters of the API, and days instead of points in time. */
export function registerAuditLog(app: FastifyInstance): void {
  app.get('/audit', async (request, reply) => {
    const query = queryOf(request)
    const typed = new Map(filterNames.map((name) => [name, (query.get(name) ?? '').trim()]))
    const filters = filtersOf(typed)
    const cursor = query.get('cursor')
    const { actor, from } = request.caller
    const given = { query: { ...filters, ...(cursor !== undefined && { cursor }) } }
    const result = await app.admin.perform(listAudit, given, { actor, request: from.id })
    const kept = new URLSearchParams([...typed].filter(([, value]) => value !== ''))
    return page(reply, {
      title: 'Audit log',
      section: 'audit',
      lead: 'Every sign-in and every change, newest first. Nothing here can be changed.',
      actions: html`<a class="button small quiet" href="/api/v1/audit/export?${new URLSearchParams(filters).toString()}" download="audit.ndjson">Take it away</a>`,
      status: result.kind === 'done' ? 200 : adminErrors[result.code].status,
      body: html`${filterForm(typed, result.kind === 'refused' ? result : null)}${
        result.kind === 'done' && table(result.reply.items, typed)
      }${
        result.kind === 'done' &&
        result.reply.next !== null &&
        html`<p class="row top-gap"><a class="button small quiet" href="/audit?${withCursor(kept, result.reply.next)}">Older ones</a></p>`
      }`,
    })
  })
}

/** Days become their beginning and their end, UTC. */
function filtersOf(typed: ReadonlyMap<string, string>): Record<string, string> {
  const filters: Record<string, string> = {}
  for (const [name, value] of typed) {
    if (value === '') continue
    const isDay = /^\d{4}-\d\d-\d\d$/.test(value)
    if (name === 'since' && isDay) filters[name] = `${value}T00:00:00.000Z`
    else if (name === 'until' && isDay) filters[name] = `${value}T23:59:59.999Z`
    else filters[name] = value
  }
  return filters
}

function withCursor(kept: URLSearchParams, cursor: string): string {
  return new URLSearchParams([...kept, ['cursor', cursor]]).toString()
}

function filterForm(typed: ReadonlyMap<string, string>, refusal: Refused | null): Html {
  const fault = (name: string) =>
    refusal?.errors?.find(({ path }) => path === `query.${name}`)?.message ?? null
  const input = (name: string, label: string, attributes = '') =>
    html`<div class="slim">${field({ name, label, value: typed.get(name) ?? '', error: fault(name), attributes: `autocomplete="off" autocapitalize="none" spellcheck="false" ${attributes}` })}</div>`
  const day = 'placeholder="2026-11-21" maxlength="24" inputmode="numeric"'
  return html`<form class="tools" method="get" action="/audit">${input('event', 'Event', 'placeholder="sign-in"')}${input('user', 'Whom')}${input('actor', 'By')}${input('since', 'From day', day)}${input('until', 'To day', day)}<button class="button small quiet">Show</button></form>`
}

function table(items: readonly Entry[], typed: ReadonlyMap<string, string>): Html {
  if (items.length === 0) {
    const isFiltered = [...typed.values()].some((value) => value !== '')
    return html`<p class="meta">${isFiltered ? 'Nothing like that.' : 'Nothing has happened yet.'}</p>`
  }
  const only = (name: string, value: string) => {
    const query = new URLSearchParams([...typed].filter(([, text]) => text !== ''))
    query.set(name, value)
    return `/audit?${query}`
  }
  const rows = items.map(({ at, event, actor, user, client, request, details }) => {
    const { before, after, by: _, etag: __, ...rest } = details
    const words = Object.entries(rest)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name} ${String(value)}`)
    return html`<tr><th scope="row">${exactTime(Date.parse(at))}</th><td><a class="main" href="${only('event', event)}">${event}</a></td><td data-label="By">${actor === null ? 'a stranger' : html`<a href="${only('actor', actor)}">${actor}</a>`}${client !== null && html`<br><small class="mono">${client}</small>`}</td><td data-label="Whom">${user !== null && html`<a href="${only('user', user)}">${user}</a>`}</td><td class="wide">${words.length > 0 && html`<small>${words.join(' · ')}</small>`}${beforeAfter(before, after)}${request !== null && html`<small class="mono request">${request}</small>`}</td></tr>`
  })
  return html`<table class="table audit"><caption class="hidden">Entries, newest first</caption><thead><tr><th scope="col">When</th><th scope="col">What</th><th scope="col">By</th><th scope="col">Whom</th><th scope="col">More</th></tr></thead><tbody>${rows}</tbody></table>`
}

type Detail = string | number | boolean | null | undefined

function beforeAfter(before: Detail, after: Detail): Html | null {
  if (before == null && after == null) return null
  const part = (label: string, value: Detail) =>
    value != null && html`<dt>${label}</dt><dd class="mono">${String(value)}</dd>`
  return html`<details><summary><small>before and after</small></summary><dl class="change">${part('before', before)}${part('after', after)}</dl></details>`
}
