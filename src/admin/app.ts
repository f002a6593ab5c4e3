// The admin application: requests of the gateway in, answers out, with Fastify and the guard between them.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Application, AppRequest, StreamAnswer } from '../app.ts'
import { maxAppBodyBytes } from '../app.ts'
import { csrfKeyOf } from '../auth/app/csrf-key.ts'
import { parseForm } from '../auth/app/forms.ts'
import { createInjection, type KeptOf, noSchemas, parsed } from '../auth/app/injection.ts'
import { GatehouseError } from '../errors.ts'
import type { Answer } from '../pages/answer.ts'
import { registerApi } from './api/register.ts'
import type { AdminContext } from './context.ts'
import { createDesks } from './desks/desks.ts'
import { registerEntrance, sendToEntrance } from './entrance.ts'
import { enter, guardChange, guardRead, signInFirst } from './guard.ts'
import { parseStrictJson } from './json.ts'
import { createPerform } from './operation.ts'
import { refusePage, registerPages } from './pages/pages.ts'
import type { AdminParts } from './parts.ts'
import { type AdminErrorCode, type Refused, refused } from './problem.ts'
import { refuseReply } from './reply.ts'

/** Fastify and all pages are loaded when the first request comes. */
export function createAdminApp(context: AdminContext): Application {
  const inject = createInjection<Pending>(methods, (pendingOf) => buildApp(context, pendingOf))
  return {
    async handle(request): Promise<Answer | StreamAnswer> {
      const pending: Pending = { request, stream: null }
      const answer = await inject(request, pending)
      return pending.stream ?? answer
    },
  }
}

interface Pending {
  readonly request: AppRequest
  stream: StreamAnswer | null
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

async function buildApp(
  context: AdminContext,
  pendingOf: KeptOf<Pending>,
): Promise<FastifyInstance> {
  const [{ fastify }, key] = await Promise.all([import('fastify'), csrfKeyOf(context)])
  const fromOf = (request: FastifyRequest) => pendingOf(request.headers).request
  const desks = createDesks(context)
  const parts: AdminParts = {
    context,
    desks,
    perform: createPerform({ desks, audit: context.audit, now: context.now }),
  }
  const refuse = (request: FastifyRequest, reply: FastifyReply, refusal: Refused) => {
    const from = fromOf(request)
    return wantsPage(from) ? refusePage(reply, refusal) : refuseReply(reply, refusal, from)
  }
  const refuseError = (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
    refuse(request, reply, refusalOf(error, fromOf(request), context))

  const app = fastify({
    logger: false,
    schemaController: noSchemas,
    bodyLimit: maxAppBodyBytes,
    routerOptions: { maxParamLength: 1024 },
    genReqId: (raw) => pendingOf(raw.headers).request.id,
    rewriteUrl: (raw) => pendingOf(raw.headers).request.target,
    frameworkErrors: (error, request, reply) => refuseError(error, request, reply),
  })
  app.decorateRequest('caller')
  app.decorateRequest('stream', null)
  app.addHook('onRequest', async (request, reply) => {
    const from = fromOf(request)
    reply.headers(commonHeaders)
    if (request.routeOptions.config.entrance === true) return undefined
    const entry = enter(from, context, key)
    if (entry.kind === 'refused') {
      const { signIn } = entry.more ?? {}
      const toSignIn = entry.code === 'sign-in-required' && typeof signIn === 'string'
      return toSignIn && isNavigation(from)
        ? reply.status(303).header('location', signIn).send()
        : refuse(request, reply, entry)
    }
    const fault =
      from.method === 'GET' || from.method === 'HEAD' ? guardRead(from, isApi(from)) : null
    if (fault !== null) return refuse(request, reply, fault)
    if (entry.kind === 'enter') {
      return isNavigation(from)
        ? sendToEntrance(reply, from, context)
        : refuse(request, reply, signInFirst(from, context, null))
    }
    if (entry.caller.session === null && !isApi(from)) {
      return refuse(request, reply, refused('forbidden', { detail: 'Tokens are for /api alone.' }))
    }
    request.caller = entry.caller
    return undefined
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    (request, body, done) =>
      // Forms are for pages: what an operation is sent has one reading.
      isApi(fromOf(request))
        ? done(new GatehouseError('unsupported-media-type', 'a form'))
        : parsed(() => parseForm(Buffer.from(body), formLimits), done),
  )
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    parsed(() => parseStrictJson(Buffer.from(body)), done),
  )
  app.addHook('preHandler', async (request, reply) => {
    const { method, routeOptions, caller } = request
    if (method === 'GET' || method === 'HEAD' || routeOptions.config.entrance === true) {
      return undefined
    }
    const needsRecent = routeOptions.config.readOnly !== true
    const fault = guardChange(caller, csrfTokenOf(request), needsRecent, context)
    return fault === null ? undefined : refuse(request, reply, fault)
  })
  app.addHook('onSend', async (request, _reply, payload: unknown) => {
    pendingOf(request.headers).stream = request.stream
    return payload
  })
  app.setErrorHandler((error, request, reply) => refuseError(error, request, reply))
  app.setNotFoundHandler((request, reply) => refuse(request, reply, refused('not-found')))
  registerEntrance(app, context, {
    key,
    from: (request) => fromOf(request),
    refuse: (reply, refusal) => refuse(reply.request, reply, refusal),
  })
  registerApi(app, parts)
  registerPages(app, parts)
  await app.ready()
  return app
}

/** Pages show how the house is: no cache keeps them, no other site learns their address, frames them or reads them. */
const commonHeaders = {
  'cache-control': 'no-store',
  // Of whatever is no page; pages name what they load.
  'content-security-policy': `default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** A form can hold the whole table. */
const formLimits = { maxFields: 400, maxValueLength: maxAppBodyBytes }

/** As Fastify's router reads it, for which `/%61pi/` is `/api/`. What it cannot decode leads nowhere. */
function isApi({ target }: AppRequest): boolean {
  const [path = ''] = target.split('?', 1)
  if (!path.includes('%')) return path.startsWith('/api/')
  try {
    return decodeURIComponent(path).startsWith('/api/')
  } catch {
    return false
  }
}

/** A person opens a page; not a script, not a frame. */
function isNavigation(from: AppRequest): boolean {
  const { 'sec-fetch-mode': mode, 'sec-fetch-dest': dest, accept = '' } = from.headers
  if ((from.method !== 'GET' && from.method !== 'HEAD') || isApi(from)) return false
  if (mode === undefined) return accept.includes('text/html')
  return mode === 'navigate' && (dest === undefined || dest === 'document')
}

function wantsPage(from: AppRequest): boolean {
  const { accept = '' } = from.headers
  return !isApi(from) && accept.includes('text/html')
}

function csrfTokenOf({ body, headers }: FastifyRequest): string | null {
  if (body instanceof Map) {
    const value: unknown = body.get('_csrf')
    return typeof value === 'string' ? value : null
  }
  const header = headers['x-csrf-token']
  return typeof header === 'string' ? header : null
}

/** What is not a client's or the store's fault is a bug: logged, and told with the request's id. */
function refusalOf(error: unknown, from: AppRequest, context: AdminContext): Refused {
  const code = codeOf(error)
  const known = knownErrors.get(code)
  if (known === 'unavailable') context.log.warn('admin-store-unavailable', { request: from.id })
  if (known !== undefined) {
    return error instanceof GatehouseError && known !== 'unavailable'
      ? refused(known, { detail: error.message })
      : refused(known)
  }
  context.log.error('admin-failed', {
    request: from.id,
    code,
    detail: error instanceof Error ? (error.stack ?? error.message) : 'no error',
  })
  return refused('internal-error')
}

const knownErrors: ReadonlyMap<string, AdminErrorCode> = new Map([
  ['bad-request', 'bad-request'],
  ['bad-form', 'bad-request'],
  ['unsupported-media-type', 'unsupported-media-type'],
  ['store-unavailable', 'unavailable'],
  ['routes-unreadable', 'unavailable'],
  ['routes-unwritable', 'unavailable'],
  ['user-exists', 'exists'],
  ['too-many-tokens', 'too-many'],
  ['FST_ERR_CTP_BODY_TOO_LARGE', 'too-large'],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 'unsupported-media-type'],
  ['FST_ERR_CTP_EMPTY_TYPE', 'unsupported-media-type'],
  ['FST_ERR_BAD_URL', 'bad-request'],
  ['FST_ERR_MAX_PARAM_LENGTH', 'not-found'],
])

function codeOf(error: unknown): string {
  if (error instanceof GatehouseError) return error.code
  const code = error instanceof Error && 'code' in error ? error.code : null
  return typeof code === 'string' ? code : 'unknown'
}
