// The pages of the admin: which there are, and how a page refuses.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { html } from '../../auth/app/html.ts'
import { signInAddress } from '../guard.ts'
import type { AdminParts } from '../parts.ts'
import { adminErrors, type Refused } from '../problem.ts'
import { registerAssets } from './assets.ts'
import { barePage } from './layout.ts'
import { registerRouteTable } from './route-table.ts'

/** Every page. One more is a line more; the order does not matter. */
const pages: readonly ((app: FastifyInstance) => void)[] = [registerAssets, registerRouteTable]

/** Registers every page. */
export function registerPages(app: FastifyInstance, parts: AdminParts): void {
  app.decorate('admin', parts)
  for (const register of pages) register(app)
}

/** A refusal as a page; a script of ours that asked gets problem details instead. */
export function refusePage(reply: FastifyReply, refusal: Refused): FastifyReply {
  const { code, detail, errors = [] } = refusal
  const { status, title } = adminErrors[code]
  const way =
    code === 'recent-login-required' || code === 'sign-in-required'
      ? html`<a class="button" href="${signInUrl(reply, code)}">Sign in</a>`
      : html`<a class="button quiet" href="${cameFrom(reply.request) ?? '/'}">Go back</a>`
  return barePage(reply, {
    title,
    status,
    body: html`${detail !== undefined && html`<p class="lead">${detail}</p>`}${
      errors.length > 0 && html`<ul>${errors.map(({ message }) => html`<li>${message}</li>`)}</ul>`
    }<p class="go">${way}</p>${status >= 500 && html`<p class="meta">Request <code>${String(reply.request.id)}</code></p>`}`,
  })
}

/** The page with the form, where somebody whose sign-in has grown old goes on. */
function signInUrl(reply: FastifyReply, code: Refused['code']): string {
  const { request, server } = reply
  const origin = originOf(request)
  const address = signInAddress({ origin }, server.admin.context, cameFrom(request) ?? '/')
  return code === 'recent-login-required' ? `${address}&reason=not-recent` : address
}

function originOf(request: FastifyRequest): string {
  const { origin, host } = request.headers
  return request.caller?.from.origin ?? origin ?? `https://${host}`
}

/** Path of the page of ours that this came from; `null`: not known. */
function cameFrom(request: FastifyRequest): string | null {
  const { referer } = request.headers
  const origin = originOf(request)
  if (referer === undefined || !referer.startsWith(`${origin}/`)) return null
  const path = referer.slice(origin.length)
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(path) ? path : null
}
