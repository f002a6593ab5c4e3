// Adding an authenticator app to an account.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { User } from '../people.ts'
import { noteChange } from './account-change.ts'
import { recently } from './account-guard.ts'
import {
  type AuthenticatorSetUp,
  authenticatorFields,
  beginAuthenticator,
  findAuthenticator,
  provenAuthenticator,
} from './authenticator-set-up.ts'
import type { AppContext } from './context.ts'
import { alert, csrfField, field } from './controls.ts'
import { fieldOf, formOf } from './forms.ts'
import { html } from './html.ts'
import { maxLabelLength } from './label.ts'
import { goOn, page } from './layout.ts'

const path = '/account/authenticators'

interface View {
  readonly user: User
  readonly setUp: AuthenticatorSetUp
  readonly label?: string
  readonly status?: number
  readonly error?: string | null
  readonly problem?: string | null
}

/** `GET` and `POST /account/authenticators`. */
export function registerAccountAuthenticators(app: FastifyInstance, context: AppContext): void {
  app.get(
    path,
    recently(context, path, async (request, reply, { user }) => {
      const setUp = await beginAuthenticator(context, request, user)
      return addPage(request, reply, { user, setUp })
    }),
  )
  app.post(
    path,
    recently(context, path, async (request, reply, { user }) => {
      const form = formOf(request)
      const label = fieldOf(form, 'label')
      const setUp = findAuthenticator(context, request, { user, flow: fieldOf(form, 'setup', 64) })
      if (setUp === null) {
        const fresh = await beginAuthenticator(context, request, user)
        const problem = 'That took too long. Please scan the new code.'
        return addPage(request, reply, { user, setUp: fresh, label, status: 422, problem })
      }
      const code = fieldOf(form, 'code', 16)
      const totp = await provenAuthenticator(context, { user, setUp, code, label })
      if (totp === null) {
        const error = 'That is not the code of this key right now.'
        return addPage(request, reply, { user, setUp, label, status: 422, error })
      }
      // Used up before it is stored: sent twice, it is stored once.
      if (context.flows.spend('authenticator-set-up', setUp.flow, request.visit.browser) === null) {
        return goOn(reply, '/account')
      }
      await context.users.addTotp(totp)
      await noteChange(context, request, {
        user: user.id,
        event: 'credential-added',
        details: { kind: 'totp', label: totp.label },
        notice: { kind: 'credential-added', text: `Added: the authenticator app “${totp.label}”.` },
      })
      return goOn(reply, '/account')
    }),
  )
}

async function addPage(
  request: FastifyRequest,
  reply: FastifyReply,
  view: View,
): Promise<FastifyReply> {
  const { user, setUp, label = '', status = 200, error = null, problem = null } = view
  const fields = await authenticatorFields(reply.server.login, { user, setUp, error })
  const name = field({
    name: 'label',
    label: 'Name',
    value: label,
    hint: 'Such as “Phone”. May stay empty.',
    attributes: `maxlength="${maxLabelLength}" autocomplete="off"`,
  })
  return page(reply, {
    title: 'Add an authenticator app',
    lead: 'It shows a new code every 30 seconds, which counts together with your password.',
    status,
    body: html`${alert(problem)}<form class="stack" method="post" action="${path}">${csrfField(request)}${fields}${name}<button class="button">Add the app</button></form><ul class="links"><li><a href="/account">Back to your account</a></li></ul>`,
  })
}
