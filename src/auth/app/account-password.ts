// Setting or changing the password.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { maxPasswordBytes } from '../password-hash.ts'
import type { User } from '../people.ts'
import { noteChange } from './account-change.ts'
import { recently } from './account-guard.ts'
import type { AppContext } from './context.ts'
import { alert, checkbox, csrfField } from './controls.ts'
import { fieldOf, formOf, isTicked } from './forms.ts'
import { html } from './html.ts'
import { goOn, page } from './layout.ts'
import { passwordFault, passwordFields } from './new-password.ts'

const path = '/account/password'

interface View {
  readonly user: User
  readonly others: boolean
  readonly status?: number
  readonly error?: string | null
  readonly problem?: string
}

/** `GET` and `POST /account/password`. */
export function registerAccountPassword(app: FastifyInstance, context: AppContext): void {
  app.get(
    path,
    recently(context, path, (request, reply, { user }) =>
      passwordPage(request, reply, { user, others: true }),
    ),
  )
  app.post(
    path,
    recently(context, path, async (request, reply, { user, session }) => {
      const form = formOf(request)
      const others = isTicked(form, 'others')
      const error = passwordFault(form, user)
      if (error !== null) return passwordPage(request, reply, { user, others, status: 422, error })
      const hash = await context.passwords.hash(fieldOf(form, 'password', maxPasswordBytes))
      if (hash === null) {
        const problem = 'There is much going on. Please try again.'
        return passwordPage(request, reply, { user, others, status: 429, problem })
      }
      await context.users.setPassword(user.id, hash, context.now())
      const ended = others
        ? await context.sessions.endUser(user.id, 'password-changed', session.record.ref)
        : 0
      await noteChange(context, request, {
        user: user.id,
        event: 'credential-added',
        details: { kind: 'password', sessionsEnded: ended },
        notice: { kind: 'credential-added', text: 'The password was changed.' },
      })
      return goOn(reply, '/account')
    }),
  )
}

function passwordPage(request: FastifyRequest, reply: FastifyReply, view: View): FastifyReply {
  const { user, others, status = 200, error = null, problem = null } = view
  return page(reply, {
    title: 'Choose a password',
    lead: 'It counts together with an authenticator app or a security key.',
    status,
    body: html`${alert(problem)}<form class="stack" method="post" action="${path}">${csrfField(request)}${passwordFields(user, error)}${checkbox('others', 'Sign out my other devices', others)}<button class="button">Save</button></form><ul class="links"><li><a href="/account">Back to your account</a></li></ul>`,
  })
}
