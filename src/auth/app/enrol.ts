// The pages behind a one-time link: who it is for, the first credential, and on to the recovery codes.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { User } from '../people.ts'
import { isSecretAt, secretHash, secretLength } from '../secret-text.ts'
import type { AppContext } from './context.ts'
import { csrfField, field, hidden } from './controls.ts'
import { registerEnrolPassword } from './enrol-password.ts'
import { enrolledUser, enrolmentMs, finishEnrolment, refuseLink } from './enrolment.ts'
import { jsonOf, queryOf, textOf } from './forms.ts'
import { html } from './html.ts'
import {
  isKnownKey,
  keyIcon,
  message,
  refuseExpired,
  refuseKey,
  refuseKnownKey,
} from './key-pages.ts'
import { beginKeySetUp, finishKeySetUp } from './key-set-up.ts'
import { maxLabelLength } from './label.ts'
import { page } from './layout.ts'
import { offered } from './provider.ts'

/**
 * `GET` and `POST /enrol/<secret>`: a messenger's preview reads the first, only the second begins an enrolment; then
 * `GET /enrol?flow=…` to choose, and one address per way.
 */
export function registerEnrol(app: FastifyInstance, context: AppContext): void {
  app.get<{ Params: { secret: string } }>('/enrol/:secret', async (request, reply) => {
    const user = await userOfLink(context, request.params.secret)
    return user === null ? refuseLink(reply) : linkPage(request, reply, user)
  })

  app.post<{ Params: { secret: string } }>('/enrol/:secret', async (request, reply) => {
    const { secret } = request.params
    const user = await userOfLink(context, secret)
    if (user === null) return refuseLink(reply)
    const { browser, from } = request.visit
    const data = { link: secretHash(secret), user: user.id }
    const owner = { browser, network: from.network }
    const flow = context.flows.begin('enrolment', data, owner, enrolmentMs)
    return reply.status(303).header('location', `/enrol?flow=${flow.id}`).send()
  })

  app.get('/enrol', async (request, reply) => {
    const flow = queryOf(request, 'flow') ?? ''
    const user = await enrolledUser(context, request, flow)
    return user === null ? refuseLink(reply) : choicePage(request, reply, { user, flow })
  })

  app.post('/enrol/passkey/options', async (request, reply) => {
    const enrolment = textOf(jsonOf(request), 'enrolment', 64) ?? ''
    const user = await enrolledUser(context, request, enrolment)
    if (user === null) return refuseLink(reply)
    return reply.send(await beginKeySetUp(context, request, { user, kind: 'passkey' }))
  })

  app.post('/enrol/passkey', async (request, reply) => {
    const json = jsonOf(request)
    const enrolment = textOf(json, 'enrolment', 64) ?? ''
    const user = await enrolledUser(context, request, enrolment)
    if (user === null) return refuseLink(reply)
    const result = await finishKeySetUp(context, request, {
      user,
      flow: textOf(json, 'flow', 64) ?? '',
      response: json.response,
      label: textOf(json, 'label', 200) ?? '',
    })
    if (result.kind === 'expired') return refuseExpired(reply)
    if (result.kind === 'refused') return refuseKey(reply)
    const { key } = result
    const done = finishEnrolment(request, reply, {
      flow: enrolment,
      credential: {
        what: `the passkey “${key.label}”`,
        methods: ['passkey'],
        passkey: true,
        secondFactor: true,
        account: null,
        store: () => context.users.addPasskey(key),
      },
    })
    return done.catch((error: unknown) => {
      if (isKnownKey(error)) return refuseKnownKey(reply)
      throw error
    })
  })

  registerEnrolPassword(app, context)
}

async function userOfLink(context: AppContext, secret: string): Promise<User | null> {
  if (secret.length !== secretLength || !isSecretAt(secret, 0)) return null
  const link = await context.users.link(secretHash(secret), context.now())
  const user = link === null ? null : await context.users.user(link.user)
  return user === null || user.disabled ? null : user
}

function linkPage(request: FastifyRequest, reply: FastifyReply, user: User): FastifyReply {
  const { target, host } = request.visit.from
  return page(reply, {
    title: `Welcome, ${user.displayName}`,
    lead: `This link gives you, ${user.id}, a way to sign in at ${host} and everything behind it.`,
    body: html`<form class="stack" method="post" action="${target.split('?', 1)[0] ?? ''}">${csrfField(request)}<button class="button" autofocus>Begin</button><p class="hint">It takes a minute or two. If you have to stop half way, open the link again.</p></form><p class="hint">You are somebody else? Then close this page, and tell whoever sent the link.</p>`,
  })
}

function choicePage(
  request: FastifyRequest,
  reply: FastifyReply,
  input: { readonly user: User; readonly flow: string },
): FastifyReply {
  const { user, flow } = input
  const label = field({
    name: 'label',
    label: 'Name of this passkey',
    hint: 'So that you recognise it later. May stay empty.',
    attributes: `maxlength="${maxLabelLength}" autocomplete="off"`,
  })
  return page(reply, {
    title: 'How do you want to sign in?',
    lead: `${user.displayName}, choose a first way. You can add more of them afterwards.`,
    script: 'register.js',
    body: html`<div><form class="stack" method="post" action="/enrol/passkey" data-register hidden>${hidden({ enrolment: flow })}<button class="button">${keyIcon}Create a passkey</button><p class="hint">The safest and the quickest: your fingerprint, face or PIN, and nothing to remember.</p><details><summary>Give it a name</summary>${label}</details>${message}</form><p class="hint" data-without-keys>Passkeys need JavaScript and a browser that knows them. The other ways work without.</p></div><p class="or">or</p><div class="ways">${offered(
      reply.server.login,
    ).map(
      ({ name, label, icon }) =>
        html`<form method="post" action="/provider/${name}">${csrfField(request)}${hidden({ enrolment: flow })}<button class="button quiet">${icon}Link a ${label} account</button></form>`,
    )}<form method="get" action="/enrol/password">${hidden({ flow })}<button class="button quiet">Choose a password</button></form></div>`,
  })
}
