// How a page refuses: the reason, and the way on.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { html } from '../../auth/app/html.ts'
import { signInAddress } from '../guard.ts'
import { adminErrors, type Refused } from '../problem.ts'
import { barePage } from './layout.ts'

/** A refusal as a page. It works before it is known who asks. */
export function refusePage(reply: FastifyReply, refusal: Refused): FastifyReply {
  const { code, detail, errors = [] } = refusal
  const { status, title } = adminErrors[code]
  const signIn = signInUrl(reply, refusal)
  const way =
    signIn === null
      ? html`<a class="button quiet" href="${cameFrom(reply.request) ?? '/'}">Go back</a>`
      : html`<a class="button" href="${signIn}">Sign in</a>`
  return barePage(reply, {
    title,
    status,
    body: html`${detail !== undefined && html`<p class="lead">${detail}</p>`}${
      errors.length > 0 && html`<ul>${errors.map(({ message }) => html`<li>${message}</li>`)}</ul>`
    }<p class="go">${way}</p>${status >= 500 && html`<p class="meta">Request <code>${String(reply.request.id)}</code></p>`}`,
  })
}

/** Back to the page with the form, where somebody whose sign-in has grown old goes on. `null`: that would not help. */
function signInUrl({ request, server }: FastifyReply, { code, more }: Refused): string | null {
  if (code !== 'recent-login-required' && code !== 'sign-in-required') return null
  const known = typeof more?.signIn === 'string' ? more.signIn : null
  const page = cameFrom(request)
  if (page === null || !isKnown(request)) return known
  const address = signInAddress(request.caller.from, server.admin.context, page)
  return code === 'recent-login-required' ? `${address}&reason=not-recent` : address
}

/** Before the guard has let somebody in there is no caller. */
function isKnown(request: FastifyRequest): boolean {
  const caller: unknown = request.caller
  return typeof caller === 'object' && caller !== null
}

/** Path of the page of ours that this came from; `null`: not known. */
function cameFrom(request: FastifyRequest): string | null {
  const { referer } = request.headers
  if (referer === undefined || !isKnown(request)) return null
  const { origin } = request.caller.from
  if (!referer.startsWith(`${origin}/`)) return null
  const path = referer.slice(origin.length)
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(path) ? path : null
}
