// What keeps strangers off: lockdown, networks that are banned, and the limits in force.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { timeElement } from '../../auth/app/account-time.ts'
import { fieldOf } from '../../auth/app/forms.ts'
import { type Html, html } from '../../auth/app/html.ts'
import { liftBan, setLockdown } from '../api/house.ts'
import { keyOf } from '../api/schemas.ts'
import type { BanView, Lockdown } from '../desks/types.ts'
import { sentForm } from './asked.ts'
import { buttonForm, facts, state } from './controls.ts'
import { goOn, page } from './layout.ts'
import { refusePage } from './refusal.ts'

/** `GET /protection`; `POST /protection/lockdown`, `/protection/lift`. */
export function registerProtection(app: FastifyInstance): void {
  app.get('/protection', async (request, reply) => {
    const { desks } = app.admin
    const now = desks.now()
    const { limits } = await desks.house.report()
    return page(reply, {
      title: 'Protection',
      section: 'protection',
      changes: true,
      body: html`${lockdownSection(request, desks.house.lockdown(), now)}<section aria-labelledby="bans"><h2 id="bans">Banned networks</h2><p class="hint">Whoever guesses too often may not sign in for a while; everything else stays open to them.</p>${banTable(request, desks.bans.list(), now)}</section><section aria-labelledby="limits"><h2 id="limits">Limits in force</h2><p class="hint">Per client. <a href="/file">The file</a> sets them under <code>limits</code>.</p>${facts(limits.map(({ name, words }) => [name, words]))}</section>`,
    })
  })

  app.post('/protection/lockdown', async (request, reply) => {
    const on = fieldOf(sentForm(request), 'on') === 'yes'
    const { actor, from } = request.caller
    const result = await app.admin.perform(
      setLockdown,
      { body: { on } },
      { actor, request: from.id },
    )
    return result.kind === 'refused'
      ? refusePage(reply, result)
      : goOn(reply, '/protection', on ? 'lockdown-on' : 'lockdown-off')
  })

  app.post('/protection/lift', async (request, reply) => {
    const key = keyOf(fieldOf(sentForm(request), 'network'))
    const { actor, from } = request.caller
    const result = await app.admin.perform(liftBan, { path: { key } }, { actor, request: from.id })
    if (result.kind === 'refused' && result.code !== 'not-found') return refusePage(reply, result)
    return goOn(reply, '/protection', result.kind === 'done' ? 'ban-lifted' : 'ban-absent')
  })
}

function lockdownSection(request: FastifyRequest, { on, since, by }: Lockdown, now: number): Html {
  return html`<section class="machine slender" aria-labelledby="lockdown"><div class="row between"><h2 id="lockdown">Lockdown</h2><p class="big">${on ? state('bad', 'on') : state('none', 'off')}</p></div><p>${
    on
      ? html`Only people who are signed in, and networks that somebody signed in from, are let in.${since !== null && html` On since ${timeElement(since, now)}${by !== null && html`, by ${by}`}.`}`
      : 'When something is going on: only people who are signed in, and networks that somebody signed in from, are let in. Public pages close to strangers. You stay in.'
  }</p><div class="actions">${buttonForm(request, {
    action: '/protection/lockdown',
    fields: { on: on ? 'no' : 'yes' },
    label: on ? 'Open up again' : 'Lock down',
    look: on ? 'strong' : 'danger',
  })}</div></section>`
}

function banTable(request: FastifyRequest, bans: readonly BanView[], now: number): Html {
  if (bans.length === 0) return html`<p class="meta">None.</p>`
  const rows = bans.map(
    ({ network, until, why }) =>
      html`<tr><th scope="row" class="mono">${network}</th><td class="wide" data-label="Why">${why ?? 'guessed too often'}</td><td data-label="Until">${timeElement(until, now)}</td><td>${buttonForm(request, { action: '/protection/lift', fields: { network }, label: 'Lift', about: `the ban of ${network}`, look: 'tiny' })}</td></tr>`,
  )
  return html`<table class="table"><caption class="hidden">Bans, those that end first first</caption><thead><tr><th scope="col">Network</th><th scope="col">Why</th><th scope="col">Ends</th><th scope="col"><span class="hidden">What can be done</span></th></tr></thead><tbody>${rows}</tbody></table>`
}
