// The login host's side of the way into the admin: a session of both cookies is worth a code there, good once.

import type { FastifyInstance } from 'fastify'
import { parseHost } from '../../host.ts'
import type { Host } from '../../model.ts'
import { originOf } from '../../sign-in-url.ts'
import type { AdminEntrances } from '../admin-entrances.ts'
import type { User } from '../people.ts'
import { isSecretAt, secretLength } from '../secret-text.ts'
import type { AppContext } from './context.ts'
import { queryOf } from './forms.ts'
import { html } from './html.ts'
import { refuse } from './layout.ts'

/** What the login application knows of the admin. */
export interface AdminDoor {
  /** The same object that the admin application has. */
  readonly entrances: AdminEntrances
  /** Does the table have the admin at this host? No other is given a code. */
  readonly isAdminHost: (host: Host) => boolean
  /** Whose tokens may have scopes of the admin; absent: nobody is offered any. */
  readonly mayAdminister?: (user: User) => boolean
}

const path = '/admin-entrance'
const maxPathLength = 4096

/** `GET /admin-entrance?host&state&to`: back to the admin's host with a code, or to the sign-in page first. */
export function registerAdminEntrance(app: FastifyInstance, context: AppContext): void {
  app.get(path, (request, reply) => {
    const { session, from } = request.visit
    const state = queryOf(request, 'state')
    const to = queryOf(request, 'to') ?? '/'
    const host = parseHost(queryOf(request, 'host') ?? '')
    const isOurs = host !== null && context.adminDoor?.isAdminHost(host) === true
    if (!isOurs || state === null || !isState(state) || to.length > maxPathLength) {
      return refuse(reply, {
        status: 400,
        code: 'bad-entrance',
        title: 'That leads nowhere',
        lead: 'This address is for the way to the admin page, and something in it is missing.',
        body: html`<p><a class="button quiet" href="/">See your account</a></p>`,
      })
    }
    if (session === null) {
      const back = encodeURIComponent(from.origin + from.target)
      return reply.status(303).header('location', `/?rd=${back}`).send()
    }
    const code = context.adminDoor?.entrances.open({ session: session.record.ref, state, host })
    const query = new URLSearchParams({ code: code ?? '', state, to })
    const origin = originOf(host, context.publicPort())
    return reply.status(303).header('location', `${origin}/.entrance?${query}`).send()
  })
}

function isState(text: string): boolean {
  return text.length === secretLength && isSecretAt(text, 0)
}
