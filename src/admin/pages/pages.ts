// The pages of the admin: which there are, and how a page refuses.

import type { FastifyInstance, FastifyReply } from 'fastify'
import { contentSecurityPolicy, escapeHtml, pageHead, pageStart } from '../../pages/html.ts'
import type { AdminParts } from '../parts.ts'
import { adminErrors, type Refused } from '../problem.ts'

/** Registers every page. */
export function registerPages(app: FastifyInstance, _parts: AdminParts): void {
  app.get('/', (_request, reply) => reply.status(303).header('location', '/api').send())
}

/** A refusal as a page; a script of ours that asked gets problem details instead. */
export function refusePage(reply: FastifyReply, refusal: Refused): FastifyReply {
  const { status, title } = adminErrors[refusal.code]
  const signIn = typeof refusal.more?.signIn === 'string' ? refusal.more.signIn : null
  const way = signIn === null ? '/' : signIn
  return reply
    .status(status)
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', contentSecurityPolicy)
    .send(
      `${pageHead}${pageStart(title)}<h1>${escapeHtml(title)}</h1><p>${escapeHtml(refusal.detail ?? '')}</p><p><a href="${escapeHtml(way)}">Go on</a></p></main></body></html>\n`,
    )
}
