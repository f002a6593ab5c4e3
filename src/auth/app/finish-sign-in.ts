// The one end of every way to sign in: the session, its cookies, what is written down, and on to where it leads.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatehouseError } from '../../errors.ts'
import {
  accountCookieName,
  cookieValues,
  deviceCookieName,
  sessionCookieName,
  setCookie,
} from '../cookie.ts'
import type { User } from '../people.ts'
import { newSecret, secretHash } from '../secret-text.ts'
import type { SignInMethod } from '../session-store.ts'
import type { Issued } from '../sessions.ts'
import { describeDevice } from './account-device.ts'
import type { AppContext } from './context.ts'
import { html } from './html.ts'
import { goOn, refuse } from './layout.ts'
import { readReason } from './return-to.ts'

/** What was shown, by whom, and where to go from here. */
export interface SignIn {
  readonly user: User
  readonly methods: readonly SignInMethod[]
  readonly passkey: boolean
  /** True with a passkey too. */
  readonly secondFactor: boolean
  readonly remember: boolean
  /** The provider account it came from, `github:583231`; `null`: none. */
  readonly account: string | null
  /** As `readReturnTo` gave it; `null`: the login host's own page. */
  readonly returnTo: string | null
  /** Why a signed-in person was asked again, as the query said; `null`: an ordinary sign-in. */
  readonly reason: string | null
}

/** How long a device is recognised, seconds: the most that browsers keep a cookie (RFC 6265bis §5.5). */
const deviceSeconds = 34_560_000

/**
 * Signs in. Whoever was signed in here as somebody else is not any more; who was asked to show himself again gets new
 * secrets for the same session, which is then worth what was shown now: the gateway looks at that, not at `reason`.
 *
 * @throws GatehouseError `store-unavailable`, `session-ended`: nobody is signed in.
 */
export async function finishSignIn(
  request: FastifyRequest,
  reply: FastifyReply,
  signIn: SignIn,
): Promise<FastifyReply> {
  const context = reply.server.login
  const { user } = signIn
  if (user.disabled) return refuseDisabled(request, reply, signIn)
  const issued = await issue(request, context, signIn)
  setSessionCookies(reply, context, issued)
  await Promise.all([
    rememberDevice(request, reply, user, issued),
    settle(context, noteSignIn(context, user)),
  ])
  context.knownClients.add(request.visit.from.network, context.now())
  writeDown(request, context, { event: 'sign-in', signIn, session: issued.session.record.ref })
  return goOn(reply, signIn.returnTo ?? '/')
}

/** Sets both cookies of a session. They last as long as it does when it is to be remembered, or as the browser runs. */
export function setSessionCookies(reply: FastifyReply, context: AppContext, issued: Issued): void {
  const { rememberAbsoluteMs } = context.login().sessions
  const { record } = issued.session
  const maxAge = record.remember ? { maxAgeSeconds: rememberAbsoluteMs / 1000 } : {}
  reply.header(
    'set-cookie',
    setCookie(sessionCookieName, issued.token, { ...maxAge, domain: context.domain() }),
  )
  reply.header('set-cookie', setCookie(accountCookieName, issued.accountToken, maxAge))
}

async function issue(
  request: FastifyRequest,
  context: AppContext,
  signIn: SignIn,
): Promise<Issued> {
  const { sessions } = context
  const { session, from } = request.visit
  const { user, methods, passkey, secondFactor, remember, account } = signIn
  const asked = readReason(signIn.reason) !== null
  if (asked && session?.record.user === user.id) {
    // A session must end with the provider account that vouched for it: one that knows of no such account cannot.
    const vouched = account === null || account === session.record.account
    if (vouched) return sessions.stepUp(session, { methods, passkey, secondFactor })
  }
  const issued = await sessions.begin({
    user,
    methods,
    passkey,
    secondFactor,
    remember,
    account,
    address: from.client,
    userAgent: from.headers['user-agent'] ?? '',
  })
  // After the new one: when the store fails, whoever was signed in still is.
  await endEarlier(request, context)
  return issued
}

/** The session this browser had, by whichever of its cookies: nobody could sign out of it any more. */
async function endEarlier(request: FastifyRequest, context: AppContext): Promise<void> {
  const { session, from } = request.visit
  const cookies = from.headers.cookie ?? ''
  const refs = cookieValues(cookies, sessionCookieName)
    .slice(0, 4)
    .flatMap((token) => context.sessions.find(token)?.record.ref ?? [])
  if (session !== null) refs.push(session.record.ref)
  if (refs.length > 0) await context.sessions.end([...new Set(refs)], 'replaced')
}

/** A device that is new to somebody who had others is announced to him. What fails here does not undo the sign-in. */
async function rememberDevice(
  request: FastifyRequest,
  reply: FastifyReply,
  user: User,
  issued: Issued,
): Promise<void> {
  const context = reply.server.login
  const { from } = request.visit
  const known = cookieValues(from.headers.cookie ?? '', deviceCookieName)
  const device =
    known.length === 1 && known[0] !== undefined ? known[0] : newSecret(context.randomBytes)
  reply.header('set-cookie', setCookie(deviceCookieName, device, { maxAgeSeconds: deviceSeconds }))
  const at = context.now()
  await settle(
    context,
    (async () => {
      const isNew = await context.users.rememberDevice(user.id, secretHash(device), at)
      if (!isNew || user.lastSignInAt === null) return
      const what = describeDevice(issued.session.record.userAgent)
      const text = `Signed in on a new device: ${what}, from ${from.client}.`
      await context.users.addNotice({ user: user.id, at, kind: 'new-device', text })
    })(),
  )
}

/** What comes back may say more than what was written: a command can have changed the user a moment ago. */
async function noteSignIn({ users, sessions, now }: AppContext, { id }: User): Promise<void> {
  const user = await users.changeUser(id, { lastSignInAt: now() })
  if (user !== null) sessions.userChanged(user)
}

/** Waits for something that must not undo a sign-in that has happened. */
async function settle(context: AppContext, work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    const code = error instanceof GatehouseError ? error.code : String(error)
    context.log.warn('sign-in-not-noted', { code })
  }
}

function refuseDisabled(
  request: FastifyRequest,
  reply: FastifyReply,
  signIn: SignIn,
): FastifyReply {
  const reason = 'disabled'
  writeDown(request, reply.server.login, { event: 'sign-in-failed', signIn, reason })
  // Only who has shown all that is asked for reads this.
  return refuse(reply, {
    status: 403,
    code: 'account-disabled',
    title: 'This account is switched off',
    lead: 'You are who you say, but this account may not sign in. Ask whoever runs this site.',
    body: html`<p><a class="button quiet" href="/">Sign in as somebody else</a></p>`,
  })
}

function writeDown(
  request: FastifyRequest,
  context: AppContext,
  what: { event: string; signIn: SignIn; session?: string; reason?: string },
): void {
  const { event, signIn, session = null, reason = null } = what
  const { from } = request.visit
  context.audit.write({
    at: context.now(),
    event,
    actor: signIn.user.id,
    user: signIn.user.id,
    client: from.client,
    request: from.id,
    details: {
      methods: signIn.methods.join(' '),
      secondFactor: signIn.secondFactor || signIn.passkey,
      account: signIn.account,
      again: readReason(signIn.reason),
      session,
      ...(reason !== null && { reason }),
    },
  })
}
