// Signing out: on this device, or everywhere.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { SessionRef } from '../../model.ts'
import { accountCookieName, clearCookie, cookieValues, sessionCookieName } from '../cookie.ts'
import type { AppContext } from './context.ts'
import { csrfField } from './controls.ts'
import { html } from './html.ts'
import { goOn, page } from './layout.ts'

export function registerSignOut(app: FastifyInstance, context: AppContext): void {
  app.get('/sign-out', (request, reply) => {
    const { identity } = request.visit.from
    return identity?.via === 'session' ? confirmPage(request, reply) : signedOutPage(reply)
  })

  app.post('/sign-out', async (request, reply) => {
    // The domain's cookie is enough: whoever has it can lose nothing but it.
    const refs = refsOf(request, context)
    await context.sessions.end(refs, 'signed-out')
    if (refs.length > 0) writeDown(request, context, 'sign-out', refs.length)
    return leave(reply, context)
  })

  app.post('/sign-out-everywhere', async (request, reply) => {
    const { session } = request.visit
    // All sessions of a person are a matter of the account, so both cookies are asked for.
    if (session === null) return goOn(reply, '/sign-out')
    const count = await context.sessions.endUser(session.record.user, 'signed-out-everywhere')
    writeDown(request, context, 'sign-out-everywhere', count)
    return leave(reply, context)
  })
}

/** Every session that this browser's cookies name. */
function refsOf(request: FastifyRequest, context: AppContext): readonly SessionRef[] {
  const tokens = cookieValues(request.visit.from.headers.cookie ?? '', sessionCookieName)
  const refs = tokens
    .slice(0, 10)
    .flatMap((token) => context.sessions.find(token)?.record.ref ?? [])
  return [...new Set(refs)]
}

/**
 * Takes the cookies away, and what our pages keep in the browser. Not `"cookies"` in Clear-Site-Data: browsers take it for
 * the whole domain, and every service behind would forget its own settings.
 */
function leave(reply: FastifyReply, context: AppContext): FastifyReply {
  reply.header('set-cookie', clearCookie(sessionCookieName, { domain: context.domain() }))
  reply.header('set-cookie', clearCookie(accountCookieName))
  reply.header('clear-site-data', '"storage"')
  return goOn(reply, '/sign-out')
}

function confirmPage(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { from, session } = request.visit
  const here = html`<form method="post" action="/sign-out">${csrfField(request)}<button class="button">Sign out on this device</button></form>`
  const everywhere = html`<form method="post" action="/sign-out-everywhere">${csrfField(request)}<button class="button quiet">Sign out everywhere</button></form>`
  return page(reply, {
    title: 'Sign out?',
    lead: `You are signed in as ${from.identity?.name ?? ''}. What is open in other tabs is closed too.`,
    body: html`<div class="ways">${here}${session !== null && everywhere}</div><ul class="links"><li><a href="/">Stay signed in</a></li></ul>`,
  })
}

function signedOutPage(reply: FastifyReply): FastifyReply {
  return page(reply, {
    title: 'You are signed out',
    lead: 'Nobody is signed in on this device now.',
    body: html`<div class="ways"><a class="button" href="/">Sign in</a></div>`,
  })
}

function writeDown(
  request: FastifyRequest,
  context: AppContext,
  event: string,
  sessions: number,
): void {
  const { from } = request.visit
  const user = from.identity?.user ?? null
  context.audit.write({
    at: context.now(),
    event,
    actor: user,
    user,
    client: from.client,
    request: from.id,
    details: { sessions },
  })
}
