// How the gateway itself is: health, version, memory, disk, clock, settings that need a look, alerts that were sent.

import type { FastifyInstance } from 'fastify'
import { timeElement } from '../../auth/app/account-time.ts'
import { type Html, html } from '../../auth/app/html.ts'
import type { HealthView, HouseReport } from '../desks/types.ts'
import { facts, state, troubleList } from './controls.ts'
import { page } from './layout.ts'
import { exactTime, sizeWords, spanWords } from './words.ts'

/** `GET /house`. */
export function registerHouse(app: FastifyInstance): void {
  app.get('/house', async (_request, reply) => {
    const { house } = app.admin.desks
    const health = house.health()
    const report = await house.report()
    return page(reply, {
      title: 'House',
      section: 'house',
      heading: html`${healthHeading[health.status]}`,
      lead: `Gatehouse ${report.version}, up for ${spanWords(health.uptimeSeconds * 1000)}.`,
      actions: html`<a class="button small quiet" href="/api">The API</a><a class="button small quiet" href="/api/v1/metrics">Metrics</a>`,
      body: html`${troubleList('Settings that need a look', report.problems)}${checkList(health)}<section aria-labelledby="numbers"><h2 id="numbers">Numbers</h2>${numbers(report)}</section>${alertSection(report)}`,
      scripts: ['live.js'],
    })
  })
}

const healthHeading = {
  ok: 'All is well',
  degraded: 'Something needs a look',
  draining: 'It is shutting down',
} as const

function checkList({ checks }: HealthView): Html {
  const items = checks.map(
    ({ name, ok, detail }) =>
      html`<li class="card" data-check="${name}"><h3>${name.replaceAll('-', ' ')}</h3><p class="big">${state(ok ? 'good' : 'bad', ok ? 'fine' : 'look here')}</p><p class="meta">${detail}</p></li>`,
  )
  return html`<section aria-label="Checks"><ul class="cards" data-health>${items}</ul></section>`
}

function numbers({ node, startedAt, now, memory, disk, clockOffMs }: HouseReport): Html {
  return facts([
    ['Started', timeElement(startedAt, now)],
    ['Its clock', html`${exactTime(now)}${clockWords(clockOffMs)}`],
    [
      'Memory',
      `${sizeWords(memory.residentBytes)} in all, ${sizeWords(memory.heapUsedBytes)} of it in use by the program`,
    ],
    ['Disk', disk === null ? 'cannot be told' : diskWords(disk)],
    ['Node.js', node],
  ])
}

/** Cookies, one-time codes and certificates go by the clock. */
function clockWords(offMs: number | null): Html | null {
  if (offMs === null) return null
  const off = spanWords(Math.abs(offMs))
  return Math.abs(offMs) < 2_000
    ? html` ${state('good', 'right')}`
    : html` ${state('bad', `${off} ${offMs > 0 ? 'ahead' : 'behind'}: codes and certificates go by it`)}`
}

function diskWords({ freeBytes, totalBytes }: NonNullable<HouseReport['disk']>): Html {
  const used = totalBytes === 0 ? 100 : Math.round((1 - freeBytes / totalBytes) * 100)
  return html`${sizeWords(freeBytes)} of ${sizeWords(totalBytes)} free<meter min="0" max="100" low="80" high="92" optimum="0" value="${used}">${used} %</meter>`
}

function alertSection({ alerts, now }: HouseReport): Html {
  const items = alerts.map(
    ({ at, words, target, error }) =>
      html`<li><div><p class="name">${words}</p><p class="meta">${timeElement(at, now)} to ${target}</p></div>${error === null ? state('good', 'arrived') : state('bad', error)}</li>`,
  )
  return html`<section aria-labelledby="alerts"><h2 id="alerts">Alerts sent lately</h2>${
    items.length === 0
      ? html`<p class="meta">None. <code>alerts:</code> in <a href="/file">the file</a> says who hears them.</p>`
      : html`<ul class="list">${items}</ul>`
  }</section>`
}
