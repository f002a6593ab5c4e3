// The login page: what it answers to a visitor, and the first step with name and password.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { UserId } from '../../model.ts'
import type { Credentials, User } from '../people.ts'
import {
  guess,
  type Outcome,
  readTypedName,
  retryAfterSeconds,
  waitText,
  writeDownFailure,
} from './attempt.ts'
import { type Circles, createCircles } from './circles.ts'
import type { AppContext } from './context.ts'
import { type Form, fieldOf, formOf, isTicked, queryOf } from './forms.ts'
import { html } from './html.ts'
import { goOn, page } from './layout.ts'
import { maxReturnLength, readReason, readReturnTo } from './return-to.ts'
import { servicesPage } from './services.ts'
import { type SignInView, signInPage, signInQuery } from './sign-in-page.ts'

export function registerLogin(app: FastifyInstance, context: AppContext): void {
  const circles = createCircles(context.now)
  app.get('/', (request, reply) => showLogin(request, reply, { context, circles }))
  app.post('/password', (request, reply) => takePassword(request, reply, context))
  app.get('/.well-known/jwks.json', (_request, reply) =>
    reply.header('cache-control', 'public, max-age=300').send(context.assertion.jwks()),
  )
}

/** What travels with every form of signing in: where to, why, who, and for how long. */
export function viewOf(form: Form, context: AppContext): SignInView {
  return {
    returnTo: readReturnTo(fieldOf(form, 'rd', maxReturnLength), context),
    reason: readReason(fieldOf(form, 'reason', 32)),
    name: fieldOf(form, 'name', 64).trim(),
    remember: isTicked(form, 'remember'),
  }
}

function showLogin(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: { readonly context: AppContext; readonly circles: Circles },
): FastifyReply {
  const { context, circles } = parts
  const returnTo = readReturnTo(queryOf(request, 'rd'), context)
  const reason = readReason(queryOf(request, 'reason'))
  const { identity } = request.visit.from
  // Asked for more than he has shown, he is asked here; a network or a token is nobody's session. Our own pages want both
  // cookies: with the domain's alone, this is where the other one is to be had.
  const isKnownThere =
    request.visit.session !== null ||
    returnTo === null ||
    new URL(returnTo).hostname !== context.loginHost()
  if (identity?.via === 'session' && reason === null && isKnownThere) {
    if (returnTo === null) return servicesPage(request, reply)
    const { browser } = request.visit
    return circles.isTurning(browser, returnTo)
      ? showCircle(reply, returnTo)
      : goOn(reply, returnTo)
  }
  const typed = (queryOf(request, 'name') ?? '').slice(0, 64)
  const name = typed === '' && reason !== null ? (identity?.user ?? '') : typed
  return signInPage(reply, { returnTo, reason, name, remember: false })
}

/** A cookie that a neighbour has set beside ours makes a host believe nobody; here it may not be sent. */
function showCircle(reply: FastifyReply, returnTo: string): FastifyReply {
  const { host } = new URL(returnTo)
  return page(reply, {
    status: 409,
    title: 'Round in circles',
    lead: html`You are signed in here, but <strong>${host}</strong> does not recognise you and sends you back.`,
    body: html`<p>Signing out and in again often helps. If it does not, delete the cookies of ${host} in your browser.</p><div class="ways"><a class="button" href="/sign-out">Sign out</a><a class="button quiet" href="${returnTo}">Try once more</a></div>`,
  })
}

async function takePassword(
  request: FastifyRequest,
  reply: FastifyReply,
  context: AppContext,
): Promise<FastifyReply> {
  const form = formOf(request)
  const view = viewOf(form, context)
  const password = form.get('password') ?? ''
  if (view.name === '' || password === '') {
    return signInPage(reply, { ...view, status: 422, fault: missing(view.name === '') })
  }
  const typed = readTypedName(view.name)
  const who = { user: typed.key, network: request.visit.from.network }
  const outcome = await guess(context, 'password', who, () =>
    lookAtPassword(typed.user, password, context),
  )
  switch (outcome.kind) {
    case 'later':
      return signInPage(reply.header('retry-after', retryAfterSeconds(outcome.retryAfterMs)), {
        ...view,
        status: 429,
        alert: `${waitText(outcome)}${outcome.banned ? '' : ' A passkey works at once.'}`,
      })
    case 'wrong': {
      const user = outcome.reason === 'unknown-user' ? null : typed.user
      writeDownFailure(request, context, { user, method: 'password', reason: outcome.reason })
      return signInPage(reply.header('www-authenticate', challenge), {
        ...view,
        status: 401,
        fault: { field: 'password', text: 'Name and password do not fit together. Try again.' },
      })
    }
    case 'right':
      return afterPassword(request, reply, { ...outcome.value, view })
    default:
      throw new TypeError('unknown outcome', { cause: outcome satisfies never })
  }
}

interface Known {
  readonly user: User
  readonly credentials: Credentials
}

/** The same questions and the same work for a name that nobody has. */
async function lookAtPassword(
  id: UserId | null,
  password: string,
  context: AppContext,
): Promise<Outcome<Known>> {
  const user = id === null ? null : await context.users.user(id)
  const found = id === null ? null : await context.users.credentials(id)
  const credentials = user === null ? null : found
  const stored = credentials?.password?.hash ?? null
  const result = await context.passwords.verify(password, stored)
  if (result === 'busy') return { kind: 'later', retryAfterMs: busyMs, banned: false }
  if (user === null || credentials === null) return { kind: 'wrong', reason: 'unknown-user' }
  if (stored === null) return { kind: 'wrong', reason: 'no-password' }
  if (result === 'wrong') return { kind: 'wrong', reason: 'wrong-password' }
  await context.users.passwordUsed(user.id, context.now())
  if (context.passwords.needsRehash(stored)) {
    const hash = await context.passwords.hash(password)
    if (hash !== null) await context.users.setPassword(user.id, hash, context.now())
  }
  return { kind: 'right', value: { user, credentials } }
}

/** A password is half of a sign-in. The other half is on a page of its own, which a reload does not send again. */
function afterPassword(
  request: FastifyRequest,
  reply: FastifyReply,
  known: Known & { readonly view: SignInView },
): FastifyReply {
  const { user, credentials, view } = known
  const context = reply.server.login
  if (credentials.totps.length === 0 && credentials.passkeys.length === 0) {
    writeDownFailure(request, context, {
      user: user.id,
      method: 'password',
      reason: 'no-second-factor',
    })
    return page(reply, {
      status: 403,
      title: 'A second factor is missing',
      lead: 'Your password is right. But a password alone opens nothing here, and your account has no authenticator app and no security key beside it.',
      body: html`<p>Sign in another way, or ask whoever runs this site for a new enrolment link.</p><p><a class="button quiet" href="/${signInQuery(view)}">Other ways to sign in</a></p>`,
    })
  }
  const { browser, from } = request.visit
  const { returnTo, reason, remember } = view
  const data = { user: user.id, returnTo, reason, remember }
  const flow = context.flows.begin('second-factor', data, { browser, network: from.network })
  const query = signInQuery({ ...view, name: user.id }).replace(/^\?/, '&')
  return goOn(reply, `/second-factor?flow=${flow.id}${query}`)
}

/** When there are too many to be looked at: nobody's fault, and soon over. */
const busyMs = 3_000
/** RFC 9110 §15.5.2: a 401 names a scheme. Not Basic, which makes browsers ask for a password on their own. */
export const challenge = 'Bearer realm="Gatehouse"'

function missing(isName: boolean): NonNullable<SignInView['fault']> {
  return isName
    ? { field: 'name', text: 'Type your name.' }
    : { field: 'password', text: 'Type your password.' }
}
