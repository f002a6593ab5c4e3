// The front page: every route of the file by host, with who may enter, how its target is, and what went on there.

import type { FastifyInstance } from 'fastify'
import { timeElement } from '../../auth/app/account-time.ts'
import { type Html, html } from '../../auth/app/html.ts'
import { failures } from '../../errors.ts'
import { valueAt } from '../../routes-file/schema-lookup.ts'
import type { Desks, RouteActivity, RouteRow, TargetState } from '../desks/types.ts'
import { queryValue, queryWord } from './asked.ts'
import { buttonLink, state } from './controls.ts'
import { page } from './layout.ts'
import { counted } from './words.ts'

/** `GET /`: `q` is looked for in everything a row says; `sort` is a column, `down` turns it round. */
export function registerRouteTable(app: FastifyInstance): void {
  app.get('/', async (request, reply) => {
    const { desks } = app.admin
    const wanted: Wanted = {
      q: queryValue(request, 'q') ?? '',
      sort: queryWord(request, 'sort', { among: columnNames, otherwise: 'host' }),
      down: queryValue(request, 'down') !== null,
    }
    const all = (await desks.routes.rows()).map((row) => lineOf(row, desks))
    const lines = sorted(
      all.filter((line) => isMeant(line, wanted.q)),
      wanted,
    )
    const hosts = new Set(all.map(({ row }) => row.host)).size
    return page(reply, {
      title: 'Routes',
      section: 'routes',
      tab: '/',
      lead: `${counted(all.length, 'route')} on ${counted(hosts, 'host')}. The longest path of a host wins.`,
      actions: buttonLink('/route/new', 'Add a route', 'strong'),
      body: html`${tools(wanted, lines.length, all.length)}${table(lines, { wanted, now: desks.now(), desks })}`,
      scripts: ['routes.js'],
    })
  })
}

/** A row with what is known of it beside the file. */
interface Line {
  readonly row: RouteRow
  readonly state: TargetState
  readonly activity: RouteActivity
}

interface Wanted {
  readonly q: string
  readonly sort: ColumnName
  readonly down: boolean
}

type ColumnName = 'host' | 'service' | 'target' | 'access' | 'state' | 'hour'
const columnNames: readonly ColumnName[] = ['host', 'service', 'target', 'access', 'state', 'hour']

const columns: readonly {
  readonly name: ColumnName
  readonly label: string
  readonly by: (line: Line) => string | number
}[] = [
  { name: 'service', label: 'Service', by: ({ row }) => row.name.toLowerCase() },
  { name: 'target', label: 'Target', by: ({ row }) => row.target.words },
  { name: 'access', label: 'Who may enter', by: ({ row }) => row.access },
  { name: 'state', label: 'State', by: ({ state }) => stateOrder.indexOf(state.kind) },
  { name: 'hour', label: 'Last hour', by: ({ activity }) => -activity.lastHour },
]

/** What needs a look comes first. */
const stateOrder: readonly TargetState['kind'][] = [
  'failing',
  'waking',
  'asleep',
  'answering',
  'unknown',
]

function lineOf(row: RouteRow, desks: Desks): Line {
  return { row, state: desks.targetState(row.id), activity: desks.activityOf(row.id) }
}

function isMeant({ row, state }: Line, q: string): boolean {
  const text = [
    row.name,
    row.id,
    row.target.words,
    row.access,
    state.kind,
    row.disabled ? 'disabled' : '',
  ]
    .join(' ')
    .toLowerCase()
  return q
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

function sorted(lines: readonly Line[], { sort, down }: Wanted): readonly Line[] {
  const by = columns.find(({ name }) => name === sort)?.by
  if (by === undefined) return down ? lines.toReversed() : lines
  const ordered = lines.toSorted((a, b) => {
    const [left, right] = [by(a), by(b)]
    return left < right ? -1 : left > right ? 1 : 0
  })
  return down ? ordered.toReversed() : ordered
}

function tools({ q, sort, down }: Wanted, shown: number, all: number): Html {
  const kept = html`${sort !== 'host' && html`<input type="hidden" name="sort" value="${sort}">`}${down && html`<input type="hidden" name="down" value="1">`}`
  return html`<form class="tools" method="get" action="/" role="search" data-filter>${kept}<div class="field"><label for="q">Search <span class="key" data-shortcut hidden>/</span></label><input id="q" name="q" type="search" value="${q}" autocomplete="off" spellcheck="false"></div><button class="button small quiet" data-without-script>Search</button><p class="fine" role="status" data-count>${
    shown === all ? '' : `${shown} of ${all}`
  }</p></form>`
}

interface View {
  readonly wanted: Wanted
  readonly now: number
  readonly desks: Desks
}

function table(lines: readonly Line[], view: View): Html {
  if (lines.length === 0)
    return view.wanted.q === ''
      ? html`<p>The file has no route that can be read. <a href="/file">Look at it</a>, or <a href="/history">go back</a>.</p>`
      : html`<p class="meta">No route says that. <a href="/">See all</a></p>`
  const { wanted } = view
  const heads = columns.map(({ name, label }) => {
    const open = wanted.sort === name
    const query = new URLSearchParams({
      ...(wanted.q !== '' && { q: wanted.q }),
      ...(!(open && wanted.down) && { sort: name }),
      ...(open && !wanted.down && { down: '1' }),
    })
    // Of requests the most come first.
    const isFalling = wanted.down !== (name === 'hour')
    const order = isFalling ? 'descending' : 'ascending'
    return html`<th scope="col"${name === 'hour' && html` class="num"`}${open && html` aria-sort="${order}"`}><a href="/?${query.toString()}">${label}${open && (isFalling ? ' ↓' : ' ↑')}</a></th>`
  })
  const grouped = wanted.sort === 'host'
  const rows: Html[] = []
  let host: string | null = null
  for (const line of lines) {
    if (grouped && line.row.host !== host) {
      host = line.row.host
      rows.push(groupRow(line.row))
    }
    rows.push(tableRow(line, view))
  }
  return html`<table class="table" data-routes><caption class="hidden">Routes</caption><thead><tr>${heads}</tr></thead><tbody>${rows}</tbody></table>`
}

function groupRow({ host, raw }: RouteRow): Html {
  // As the file writes it: `photos`, not the whole name.
  const written = valueAt(raw, ['host'])
  const name = typeof written === 'string' ? written : host
  return html`<tr class="group"><th colspan="5" scope="rowgroup">${host} <a class="fine" href="/route/new?host=${encodeURIComponent(name)}">add<span class="hidden"> a route on ${host}</span></a></th></tr>`
}

function tableRow({ row, state, activity }: Line, { now, desks, wanted }: View): Html {
  const place = wanted.sort === 'host' ? row.path : row.id
  const address = `${desks.originOf(row.host)}${row.path}`
  const shownTarget = targetOf(row)
  const shown = row.host.includes('*')
    ? html`<span class="mono">${place}</span>`
    : html`<a class="mono" href="${address}" rel="noreferrer">${place}</a>`
  return html`<tr data-id="${row.id}"${row.disabled && html` class="off"`}><th scope="row" class="wide"><a class="main" href="${routeUrl(row.id)}">${row.name}</a>${row.disabled && html` <span class="tag">off</span>`} ${shown}</th><td data-label="To" class="wide"${shownTarget !== row.target.words && html` title="${row.target.words}"`}>${shownTarget}</td><td data-label="Lets in">${accessWords(row)}</td><td data-state>${stateWords(state, now)}${lastError(activity, now)}</td><td class="num" data-hour data-label="Last hour">${activity.lastHour === 0 ? '' : activity.lastHour}</td></tr>`
}

/** A backend as the file has it, `box:8080`: shorter than its address, and what one looks for. */
function targetOf({ target: { words, raw } }: RouteRow): string {
  return typeof raw === 'string' && raw.includes(':') ? raw : words
}

export function routeUrl(id: string): string {
  return `/route?id=${encodeURIComponent(id)}`
}

/** What lets strangers in stands out. */
export function accessWords({ access }: RouteRow): Html | string {
  return access === 'public' ? html`<span class="tag open">public</span>` : access
}

export function stateWords(target: TargetState, now: number): Html | string {
  switch (target.kind) {
    case 'answering':
      return state('good', 'answers')
    case 'failing':
      return state('bad', html`fails since ${timeElement(target.since, now)}`)
    case 'asleep':
      return state('sleep', 'sleeps')
    case 'waking':
      return state('warn', 'wakes up', { busy: true })
    case 'unknown':
      return ''
    default:
      return target satisfies never
  }
}

function lastError({ lastError: error }: RouteActivity, now: number): Html | null {
  if (error === null) return null
  const known = Object.entries(failures).find(([code]) => code === error.code)
  return html`<br><small>${timeElement(error.at, now)}: ${known?.[1].title ?? error.code}</small>`
}
