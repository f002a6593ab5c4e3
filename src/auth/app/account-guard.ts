// Who may open the account pages, and who may change something there: both cookies, and for a change a recent login.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { originOf } from '../../sign-in-url.ts'
import type { User } from '../people.ts'
import type { Session } from '../sessions.ts'
import type { AppContext } from './context.ts'
import { html } from './html.ts'
import { refuse } from './layout.ts'

/** Who is at the account pages. */
export interface Owner {
  readonly user: User
  readonly session: Session
}

export type AccountHandler = (
  request: FastifyRequest,
  reply: FastifyReply,
  owner: Owner,
) => FastifyReply | Promise<FastifyReply>

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>

/** A handler for whoever is signed in by both cookies; others sign in first and come back to `page`. */
export function signedIn(context: AppContext, page: string, handler: AccountHandler): Handler {
  return async (request, reply) => {
    const { session } = request.visit
    const user = session === null ? null : await context.users.user(session.record.user)
    if (session === null || user === null || user.disabled) {
      return sendToSignIn(reply, context, page, null)
    }
    return handler(request, reply, { user, session })
  }
}

/**
 * As `signedIn`, for whoever has also shown credentials within `login.recentMs`; others show them again and come back
 * to `page`. What a form held is lost then: so the page with the form asks for the same.
 */
export function recently(context: AppContext, page: string, handler: AccountHandler): Handler {
  return signedIn(context, page, (request, reply, owner) =>
    isRecent(context, owner.session)
      ? handler(request, reply, owner)
      : sendToSignIn(reply, context, page, 'not-recent'),
  )
}

/** Was it shown lately enough who this is, to change an account? */
export function isRecent(context: AppContext, session: Session): boolean {
  const ageMs = context.now() - session.record.authenticatedAt
  // A clock that was set back proves nothing.
  return ageMs >= 0 && ageMs <= context.login().recentMs
}

/** Where one shows himself again and comes back to `page`, a path of ours. */
export function confirmUrl(context: AppContext, page: string): string {
  return signInAddress(context, page, 'not-recent')
}

function sendToSignIn(
  reply: FastifyReply,
  context: AppContext,
  page: string,
  reason: 'not-recent' | null,
): FastifyReply {
  const to = signInAddress(context, page, reason)
  if (!reply.request.visit.json) return reply.status(303).header('location', to).send()
  return refuse(reply, {
    status: reason === null ? 401 : 403,
    code: reason ?? 'sign-in-required',
    title: 'Please sign in again',
    lead: 'You have to sign in again for this. Reload the page.',
    body: html`<p><a class="button" href="${to}">Sign in</a></p>`,
  })
}

function signInAddress(context: AppContext, page: string, reason: 'not-recent' | null): string {
  const back = originOf(context.loginHost(), context.publicPort()) + page
  return `/?rd=${encodeURIComponent(back)}${reason === null ? '' : `&reason=${reason}`}`
}
