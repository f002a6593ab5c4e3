// Requests to the login host that go wrong before or beside a page: what is said, and the way on.

import type { FastifyReply } from 'fastify'
import { GatehouseError } from '../../errors.ts'
import type { AppContext } from './context.ts'
import { hidden } from './controls.ts'
import type { CsrfFault } from './csrf.ts'
import { type Form, fieldOf } from './forms.ts'
import { type Html, html, noHtml } from './html.ts'
import { refuse } from './layout.ts'
import { maxReturnLength } from './return-to.ts'

/** A POST that may not be one of our own pages'. What was asked for travels on; nothing was done. */
export function refuseCsrf(reply: FastifyReply, fault: Exclude<CsrfFault, null>): FastifyReply {
  const { host } = reply.request.visit.from
  const way = startAgain(reply)
  switch (fault) {
    case 'cross-origin':
      return refuse(reply, {
        status: 403,
        code: 'cross-origin',
        title: 'That came from another site',
        lead: 'Another page sent this in your name, so nothing was done. If it was you, start here.',
        body: html`<p><a class="button" href="/">Go to ${host}</a></p>`,
      })
    case 'no-cookie':
      return refuse(reply, {
        status: 403,
        code: 'cookies-off',
        title: 'Cookies are switched off',
        lead: `Your browser did not send the cookie that this page gave it. Signing in needs cookies: allow them for ${host}, then try again.`,
        body: way,
      })
    case 'stale':
      return refuse(reply, {
        status: 403,
        code: 'stale-page',
        title: 'That page was out of date',
        lead: 'It was opened before something changed here. Nothing was done, and nothing is lost.',
        body: way,
      })
    default:
      throw new TypeError('unknown fault', { cause: fault satisfies never })
  }
}

/** No such page. */
export function refuseUnknown(reply: FastifyReply): FastifyReply {
  return refuse(reply, {
    status: 404,
    code: 'not-found',
    title: 'There is nothing here',
    lead: 'Check the address for a typing mistake.',
    body: html`<p><a class="button quiet" href="/">Sign in or see your account</a></p>`,
  })
}

/** Whatever a handler threw. What is not a client's or the store's fault is a bug: logged, and told with the request's id. */
export function refuseError(
  error: unknown,
  reply: FastifyReply,
  context: AppContext,
): FastifyReply {
  const code = codeOf(error)
  const known = refusals.get(code)
  const { from } = reply.request.visit
  if (known === undefined) {
    context.log.error('login-page-failed', {
      request: from.id,
      code,
      detail: error instanceof Error ? (error.stack ?? error.message) : 'no error',
    })
  } else if (known.status === 503) {
    context.log.warn('login-store-unavailable', { request: from.id })
  }
  const { status, title, lead, again, retryAfterSeconds } = known ?? unknownFault
  if (retryAfterSeconds !== null) reply.header('retry-after', String(retryAfterSeconds))
  const id = html`<p class="meta">Request <code>${from.id}</code></p>`
  return refuse(reply, {
    status,
    code: known === undefined ? 'internal-error' : code,
    title,
    lead,
    body: html`${again ? startAgain(reply) : noHtml}${status >= 500 && id}`,
  })
}

/** Back to the login page with everything that was on the way: where to, why, and the name. */
function startAgain(reply: FastifyReply): Html {
  const { body } = reply.request
  const form: Form = body instanceof Map ? body : new Map()
  const kept = (name: string, maxLength: number) => fieldOf(form, name, maxLength) || null
  const values = {
    rd: kept('rd', maxReturnLength),
    reason: kept('reason', 32),
    name: kept('name', 64),
  }
  return html`<form method="get" action="/">${hidden(values)}<button class="button" autofocus>Try again</button></form>`
}

interface Refusal {
  readonly status: number
  readonly title: string
  readonly lead: string
  readonly again: boolean
  readonly retryAfterSeconds: number | null
}

const unknownFault: Refusal = {
  status: 500,
  title: 'Something went wrong here',
  lead: 'It is not your fault, and nothing was done. The request id below leads to the cause.',
  again: true,
  retryAfterSeconds: null,
}

const signInAgain: Refusal = {
  status: 409,
  title: 'The session has ended',
  lead: 'It ended while this was under way, here or from another device. Please sign in again.',
  again: true,
  retryAfterSeconds: null,
}

const refusals: ReadonlyMap<string, Refusal> = new Map(
  Object.entries({
    'store-unavailable': {
      status: 503,
      title: 'Signing in does not work right now',
      lead: 'The gateway cannot reach its own records. Whoever is signed in stays so. Please try again in a moment.',
      again: true,
      retryAfterSeconds: 5,
    },
    'session-ended': signInAgain,
    // Removed while this was under way: his sessions are gone with him.
    'user-absent': signInAgain,
    'bad-form': unreadable(400, 'The gateway could not read what your browser sent.'),
    FST_ERR_CTP_BODY_TOO_LARGE: unreadable(413, 'What your browser sent is too large.'),
    FST_ERR_CTP_INVALID_MEDIA_TYPE: unreadable(
      415,
      'What your browser sent is of no kind that is read here.',
    ),
    FST_ERR_BAD_URL: unreadable(400, 'The address is not written as addresses are.'),
  }),
)

function unreadable(status: number, lead: string): Refusal {
  return { status, title: 'That could not be read', lead, again: true, retryAfterSeconds: null }
}

function codeOf(error: unknown): string {
  if (error instanceof GatehouseError) return error.code
  const code = error instanceof Error && 'code' in error ? error.code : null
  return typeof code === 'string' ? code : 'unknown'
}
