// Enrolling with a password and an authenticator app, on one page and without JavaScript.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { maxPasswordBytes } from '../password-hash.ts'
import type { User } from '../people.ts'
import {
  type AuthenticatorSetUp,
  authenticatorFields,
  beginAuthenticator,
  findAuthenticator,
  provenAuthenticator,
} from './authenticator-set-up.ts'
import type { AppContext } from './context.ts'
import { alert, csrfField, hidden } from './controls.ts'
import { enrolledUser, finishEnrolment, refuseLink } from './enrolment.ts'
import { fieldOf, formOf, queryOf } from './forms.ts'
import { html } from './html.ts'
import { page } from './layout.ts'
import { passwordFault, passwordFields } from './new-password.ts'

interface PasswordPage {
  readonly user: User
  readonly enrolment: string
  readonly setUp: AuthenticatorSetUp
  readonly status?: number
  readonly passwordError?: string | null
  readonly codeError?: string | null
  readonly problem?: string
}

/** `GET` and `POST /enrol/password`. */
export function registerEnrolPassword(app: FastifyInstance, context: AppContext): void {
  app.get('/enrol/password', async (request, reply) => {
    const enrolment = queryOf(request, 'flow') ?? ''
    const user = await enrolledUser(context, request, enrolment)
    if (user === null) return refuseLink(reply)
    const setUp = await beginAuthenticator(context, request, user)
    return passwordPage(request, reply, { user, enrolment, setUp })
  })

  app.post('/enrol/password', async (request, reply) => {
    const form = formOf(request)
    const enrolment = fieldOf(form, 'flow', 64)
    const user = await enrolledUser(context, request, enrolment)
    if (user === null) return refuseLink(reply)
    const kept = findAuthenticator(context, request, { user, flow: fieldOf(form, 'setup', 64) })
    const setUp = kept ?? (await beginAuthenticator(context, request, user))
    const again = (parts: Partial<PasswordPage>) =>
      passwordPage(request, reply, { user, enrolment, setUp, ...parts })
    const passwordError = passwordFault(form, user)
    const proof = { user, setUp, code: fieldOf(form, 'code', 16), label: '' }
    const totp = kept === null ? null : await provenAuthenticator(context, proof)
    if (kept === null) {
      return again({ status: 422, problem: 'That took too long. Please scan the new code.' })
    }
    const codeError = totp === null ? 'That is not the code of this key right now.' : null
    if (passwordError !== null || totp === null) {
      return again({ status: 422, passwordError, codeError })
    }
    const hash = await context.passwords.hash(fieldOf(form, 'password', maxPasswordBytes))
    if (hash === null) {
      return again({ status: 429, problem: 'There is much going on. Please try again.' })
    }
    return finishEnrolment(request, reply, {
      flow: enrolment,
      credential: {
        what: 'a password and an authenticator app',
        methods: ['password', 'totp'],
        passkey: false,
        secondFactor: true,
        account: null,
        async store({ id }) {
          // The app first: a password alone would be a way in with one factor.
          await context.users.addTotp(totp)
          await context.users.setPassword(id, hash, context.now())
        },
      },
    })
  })
}

async function passwordPage(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: PasswordPage,
): Promise<FastifyReply> {
  const { user, enrolment, setUp, status = 200, problem = null } = parts
  const { passwordError = null, codeError = null } = parts
  const fields = await authenticatorFields(reply.server.login, { user, setUp, error: codeError })
  return page(reply, {
    title: 'Password and authenticator app',
    lead: 'Two things: one you know, and one you have.',
    status,
    body: html`${alert(problem)}<form class="stack" method="post" action="/enrol/password">${csrfField(request)}${hidden({ flow: enrolment })}${passwordFields(user, passwordError)}<h2>Authenticator app</h2><p class="hint">Scan this with an app such as Aegis, Ente Auth, Google Authenticator or your password manager.</p>${fields}<button class="button">Finish</button></form><ul class="links"><li><a href="/enrol?flow=${enrolment}">Another way</a></li></ul>`,
  })
}
