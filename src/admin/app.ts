// The admin application: requests of the gateway in, answers out, with Fastify and the guard between them.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Application, AppRequest, StreamAnswer } from '../app.ts'
import { maxAppBodyBytes } from '../app.ts'
import { csrfKeyOf } from '../auth/app/csrf-key.ts'
import { parseForm } from '../auth/app/forms.ts'
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
  const pending = new Map<string, Pending>()
  let ready: Promise<FastifyInstance> | null = null
  let count = 0

  async function handle(request: AppRequest): Promise<Answer | StreamAnswer> {
    const method = methods.find((each) => each === request.method)
    if (method === undefined) return methodNotAllowed
    ready ??= buildApp(context, pending).catch((error: unknown) => {
      ready = null
      throw error
    })
    const app = await ready
    count += 1
    const ticket = String(count)
    const entry: Pending = { request, stream: null }
    pending.set(ticket, entry)
    try {
      const response = await app.inject({
        method,
        // Its own reader of addresses would mend them; `rewriteUrl` puts in what the gateway checked.
        url: '/',
        headers: headersFor(request, ticket),
        ...(request.body.length > 0 && { payload: request.body }),
      })
      return entry.stream ?? answerOf(response, method === 'HEAD')
    } finally {
      pending.delete(ticket)
    }
  }

  return { handle }
}

interface Pending {
  readonly request: AppRequest
  stream: StreamAnswer | null
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
/** Carries the number of the request through Fastify. Written over whatever a client sends under this name. */
const ticketHeader = 'gatehouse-ticket'
/** The body was read by the gateway, and its length is that of what was read. */
const notPassedOn: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'expect'])
/** Of a connection that does not exist. */
const notAnswered: ReadonlySet<string> = new Set([
  'connection',
  'date',
  'keep-alive',
  'transfer-encoding',
  'content-length',
])

const methodNotAllowed: Answer = {
  status: 405,
  headers: ['allow', methods.join(', '), 'cache-control', 'no-store', 'content-length', '0'],
  body: Buffer.alloc(0),
}

async function buildApp(
  context: AdminContext,
  pending: ReadonlyMap<string, Pending>,
): Promise<FastifyInstance> {
  const [{ fastify }, key] = await Promise.all([import('fastify'), csrfKeyOf(context)])
  const pendingOf = (headers: FastifyRequest['headers']): Pending => {
    const found = pending.get(String(headers[ticketHeader]))
    if (found === undefined) throw new Error('a request that nobody made')
    return found
  }
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

function parsed(read: () => unknown, done: (error: Error | null, body?: unknown) => void): void {
  let body: unknown
  try {
    body = read()
  } catch (error) {
    done(error instanceof Error ? error : new Error('unreadable', { cause: error }))
    return
  }
  done(null, body)
}

function headersFor(request: AppRequest, ticket: string): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers))
    if (!notPassedOn.has(name)) headers[name] = value
  headers[ticketHeader] = ticket
  return headers
}

interface Injected {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, number | string | string[] | undefined>>
  readonly rawPayload: Buffer
}

function answerOf(response: Injected, isHead: boolean): Answer {
  const headers: string[] = []
  for (const [name, value] of Object.entries(response.headers)) {
    if (value === undefined || notAnswered.has(name)) continue
    // Several cookies are several lines (RFC 9110 §5.3).
    for (const line of Array.isArray(value) ? value : [value]) headers.push(name, String(line))
  }
  const length = isHead
    ? String(response.headers['content-length'] ?? 0)
    : String(response.rawPayload.length)
  headers.push('content-length', length)
  return {
    status: response.statusCode,
    headers,
    body: isHead ? Buffer.alloc(0) : response.rawPayload,
  }
}
