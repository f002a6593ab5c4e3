// Trying things without doing them: what would happen to an address for somebody, and whether a target answers.

import type { FastifyInstance, FastifyReply } from 'fastify'
import { field } from '../../auth/app/controls.ts'
import { fieldOf } from '../../auth/app/forms.ts'
import { type Html, html } from '../../auth/app/html.ts'
import { explainRoute, probeTarget } from '../api/route-questions.ts'
import type { Probe, RouteExplanation } from '../desks/types.ts'
import type { Refused } from '../problem.ts'
import { queryOf, sentForm } from './asked.ts'
import { csrfField, select, state } from './controls.ts'
import { page } from './layout.ts'
import { routeUrl } from './route-table.ts'

/** `GET /explain?url&user&method&client`, `POST /probe`. */
export function registerRouteExplain(app: FastifyInstance): void {
  app.get('/explain', async (request, reply) => {
    const query = queryOf(request)
    const asked: Asked = {
      url: query.get('url') ?? '',
      method: query.get('method') ?? 'GET',
      user: query.get('user') ?? '',
      client: query.get('client') ?? '',
    }
    if (asked.url === '') return tryPage(reply, { asked })
    const { actor, from } = request.caller
    const { user, client } = asked
    const url = asked.url.includes('://') ? asked.url : `https://${asked.url}`
    const body = {
      ...{ url, method: asked.method },
      user: user === '' ? null : user,
      ...(client !== '' && { client }),
    }
    const result = await app.admin.perform(explainRoute, { body }, { actor, request: from.id })
    return result.kind === 'done'
      ? tryPage(reply, { asked, explanation: result.reply })
      : tryPage(reply, { asked, refusal: result })
  })

  app.post('/probe', { config: { readOnly: true } }, async (request, reply) => {
    const { actor, from } = request.caller
    const target = fieldOf(sentForm(request), 'target', 2048).trim()
    const who = { actor, request: from.id }
    const result = await app.admin.perform(probeTarget, { body: { target } }, who)
    return result.kind === 'done'
      ? tryPage(reply, { target, probe: result.reply })
      : tryPage(reply, { target, refusal: result })
  })
}

interface Asked {
  readonly url: string
  readonly method: string
  readonly user: string
  readonly client: string
}

interface View {
  readonly asked?: Asked
  readonly explanation?: RouteExplanation
  readonly target?: string
  readonly probe?: Probe
  readonly refusal?: Refused
}

async function tryPage(reply: FastifyReply, view: View): Promise<FastifyReply> {
  const { request, server } = reply
  const { asked, target = '', refusal } = view
  const people = await server.admin.desks.people.list()
  const faultOf = (name: string) =>
    refusal?.errors?.find(({ path }) => path === `body.${name}`)?.message ?? null
  const plain = 'autocomplete="off" autocapitalize="none" spellcheck="false"'
  return page(reply, {
    title: 'Try an address',
    section: 'routes',
    tab: '/explain',
    lead: 'Nothing is sent anywhere: this is what the gateway would decide, and why.',
    status: refusal === undefined ? 200 : 422,
    body: html`<div class="split"><section aria-labelledby="explain"><h2 id="explain">What would happen to this address?</h2><form class="stack" method="get" action="/explain">${field(
      {
        name: 'url',
        label: 'Address',
        value: asked?.url ?? '',
        hint: 'Such as https://photos.example.com/photoprism.',
        error: faultOf('url'),
        attributes: `${plain} required inputmode="url"`,
      },
    )}<div class="pair">${select({
      name: 'user',
      label: 'For',
      value: asked?.user ?? '',
      choices: [
        { value: '', label: 'a stranger' },
        ...people.map(({ user }) => ({ value: user.id, label: user.displayName })),
      ],
      error: faultOf('user'),
    })}${select({
      name: 'method',
      label: 'Method',
      value: asked?.method ?? 'GET',
      choices: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((value) => ({
        value,
        label: value,
      })),
      error: faultOf('method'),
    })}${field({
      name: 'client',
      label: 'From',
      value: asked?.client ?? '',
      hint: 'An IP address. Empty: somewhere on the internet.',
      error: faultOf('client'),
      attributes: plain,
    })}</div><button class="button">Try it</button></form>${view.explanation !== undefined && explained(view.explanation)}</section><section aria-labelledby="probe"><h2 id="probe">Does a target answer?</h2><form class="stack" method="post" action="/probe">${csrfField(request)}${field(
      {
        name: 'target',
        label: 'Target',
        value: target,
        hint: 'As in a route: box:8080, http://host:port. Addresses that no route may name are not dialled.',
        error: target === '' ? null : (refusal?.errors?.[0]?.message ?? refusal?.detail ?? null),
        attributes: `${plain} required`,
      },
    )}<button class="button quiet">Ask it</button></form>${view.probe !== undefined && probed(view.probe)}</section></div>`,
  })
}

function explained({ outcome, route, steps }: RouteExplanation): Html {
  const [look, words] = outcomes[outcome]
  return html`<div class="news result" role="status"><p>${state(look, words)}</p>${route !== null && html`<p>By the route <a href="${routeUrl(route)}">${route}</a>.</p>`}<ol>${steps.map((step) => html`<li>${step}</li>`)}</ol></div>`
}

const outcomes = {
  allow: ['good', 'Let in'],
  'sign-in': ['warn', 'Sent to sign in'],
  deny: ['bad', 'Refused'],
  'not-found': ['none', 'Nothing there'],
  other: ['none', 'Answered by Gatehouse itself'],
} as const

function probed({ ok, words, ms }: Probe): Html {
  return html`<div class="news result" role="status"><p>${state(ok ? 'good' : 'bad', ok ? 'It answers' : 'It does not answer')} <small>${ms} ms</small></p><p>${words}</p></div>`
}
