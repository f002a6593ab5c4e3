// Who is signed in, on what, from where; and an end to it: one, all of a person, all, and everything at once.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { timeElement } from '../../auth/app/account-time.ts'
import { field } from '../../auth/app/controls.ts'
import { fieldOf } from '../../auth/app/forms.ts'
import { type Html, html } from '../../auth/app/html.ts'
import { parseUserName } from '../../auth/user-name.ts'
import type { SessionRef } from '../../model.ts'
import { endSession, endSessions, panic } from '../api/sessions.ts'
import type { SessionView } from '../desks/people-types.ts'
import { queryValue, sentForm } from './asked.ts'
import { buttonForm, csrfField, select } from './controls.ts'
import { goOn, page } from './layout.ts'
import { refusePage } from './refusal.ts'
import { counted } from './words.ts'

/** `GET /sessions?user`; `POST /sessions/end`, `/sessions/end-all`, `/sessions/panic`. */
export function registerSessions(app: FastifyInstance): void {
  app.get('/sessions', async (request, reply) => {
    const { desks } = app.admin
    const asked = parseUserName(queryValue(request, 'user') ?? '')
    const [list, people] = [desks.sessions.list(asked), await desks.people.list()]
    const { actor } = request.caller
    const ofWhom = asked === null ? 'everybody else' : asked
    return page(reply, {
      title: 'Sessions',
      section: 'people',
      tab: '/sessions',
      lead: `${counted(list.length, 'session')}${asked === null ? '' : ` of ${asked}`}. The one you are in stays when you end all.`,
      changes: true,
      body: html`<form class="tools" method="get" action="/sessions">${select({
        name: 'user',
        label: 'Of',
        value: asked ?? '',
        choices: [
          { value: '', label: 'everybody' },
          ...people.map(({ user }) => ({ value: user.id, label: user.displayName })),
        ],
      })}<button class="button small quiet">Show</button></form>${sessionTable(request, list, { now: desks.now(), own: actor.ref, back: '/sessions', named: true })}<div class="row top-gap">${buttonForm(
        request,
        {
          action: '/sessions/end-all',
          fields: asked === null ? {} : { user: asked },
          label: `End all of ${ofWhom}`,
          look: 'danger',
        },
      )}</div>${panicSection(request)}`,
    })
  })

  app.post('/sessions/end', async (request, reply) => {
    const form = sentForm(request)
    const { actor, from } = request.caller
    const who = { actor, request: from.id }
    const path = { ref: fieldOf(form, 'ref') }
    const result = await app.admin.perform(endSession, { path }, who)
    if (result.kind === 'refused' && result.code !== 'not-found') return refusePage(reply, result)
    return goOn(reply, backOf(fieldOf(form, 'back')), 'session-ended')
  })

  app.post('/sessions/end-all', async (request, reply) => {
    const form = sentForm(request)
    const { actor, from } = request.caller
    const user = fieldOf(form, 'user')
    const query = user === '' ? {} : { user }
    const result = await app.admin.perform(endSessions, { query }, { actor, request: from.id })
    return result.kind === 'refused'
      ? refusePage(reply, result)
      : goOn(reply, '/sessions', 'sessions-ended')
  })

  app.post('/sessions/panic', async (request, reply) => {
    const { actor, from } = request.caller
    const body = { confirm: fieldOf(sentForm(request), 'confirm').trim() }
    const result = await app.admin.perform(panic, { body }, { actor, request: from.id })
    return result.kind === 'refused' ? refusePage(reply, result) : goOn(reply, '/', 'panic')
  })
}

export interface SessionTableView {
  /** Wall clock, milliseconds. */
  readonly now: number
  /** The session that looks. */
  readonly own: SessionRef
  /** Path of the page it stands on. */
  readonly back: string
  /** Whose each is stands there too. */
  readonly named: boolean
}

export function sessionTable(
  request: FastifyRequest,
  list: readonly SessionView[],
  { now, own, back, named }: SessionTableView,
): Html {
  if (list.length === 0) return html`<p class="meta">None.</p>`
  const rows = list.map(
    (each) =>
      html`<tr><th scope="row" class="wide"><span class="main">${each.device}</span>${each.ref === own && html` <span class="tag good">this one</span>`}${each.remember && html` <span class="tag">kept</span>`}${named && html`<br><a href="/people/${each.user}"><small>${each.user}</small></a>`}</th><td data-label="Place" class="mono">${each.lastAddress}</td><td data-label="Seen">${timeElement(each.lastSeenAt, now)}</td><td data-label="Signed in">${timeElement(each.createdAt, now)}<br><small>${methodWords(each)}</small></td><td>${
        each.ref === own
          ? null
          : buttonForm(request, {
              action: '/sessions/end',
              fields: { ref: each.ref, back },
              label: 'End',
              about: `${each.device} of ${each.user}`,
              look: 'tiny',
            })
      }</td></tr>`,
  )
  return html`<table class="table"><caption class="hidden">Sessions, last seen first</caption><thead><tr><th scope="col">Device</th><th scope="col">Place</th><th scope="col">Last seen</th><th scope="col">Signed in</th><th scope="col"><span class="hidden">What can be done</span></th></tr></thead><tbody>${rows}</tbody></table>`
}

function methodWords({ methods, account }: SessionView): string {
  const words = methods.map((method) => method.replaceAll('-', ' ')).join(', ')
  return account === null ? words : `${words} (${account})`
}

/** A page of ours that has such a table. */
function backOf(path: string): string {
  return /^\/people\/[a-z0-9._-]{1,64}$/.test(path) ? `${path}#sessions` : '/sessions'
}

function panicSection(request: FastifyRequest): Html {
  return html`<section class="slender" aria-labelledby="panic"><h2 id="panic">Everything at once</h2><p class="hint">Something is badly wrong: every session, every token and every unused link ends, yours too. People sign in anew; programs need new tokens.</p><form class="row" method="post" action="/sessions/panic">${csrfField(request)}${field(
    {
      name: 'confirm',
      label: 'Type panic',
      attributes:
        'autocomplete="off" autocapitalize="none" spellcheck="false" required pattern="panic"',
    },
  )}<button class="button small danger">End everything</button></form></section>`
}
