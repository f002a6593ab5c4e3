// The login application: requests of the gateway in, answers out, with Fastify between them.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AppRequest, PageApplication } from '../../app.ts'
import { maxAppBodyBytes } from '../../app.ts'
import type { Answer } from '../../pages/answer.ts'
import { registerAccount } from './account.ts'
import { registerAdminEntrance } from './admin-entrance.ts'
import { registerApprove } from './approve.ts'
import { registerAssets } from './assets.ts'
import type { AppContext } from './context.ts'
import { csrfFault } from './csrf.ts'
import { csrfKeyOf } from './csrf-key.ts'
import { registerEnrol } from './enrol.ts'
import { formOf, jsonOf, parseForm, parseJson, textOf } from './forms.ts'
import { registerLogin } from './login.ts'
import { registerPasskeys } from './passkeys.ts'
import { registerProviders } from './providers.ts'
import { registerRecovery } from './recovery.ts'
import { refuseCsrf, refuseError, refuseUnknown } from './refusals.ts'
import { registerSecondFactor } from './second-factor.ts'
import { registerSecurityKeys } from './security-keys.ts'
import { registerServices } from './services.ts'
import { registerSignOut } from './sign-out.ts'
import { visitOf } from './visit.ts'

/** Every page of the login host. A page more is a line more; the order does not matter. */
const pages: readonly ((app: FastifyInstance, context: AppContext) => void)[] = [
  registerLogin,
  registerSecondFactor,
  registerRecovery,
  registerServices,
  registerSignOut,
  registerPasskeys,
  registerSecurityKeys,
  registerEnrol,
  registerProviders,
  registerAccount,
  registerApprove,
  registerAdminEntrance,
  registerAssets,
]

/** Fastify is loaded when the first request comes: a gateway whose people are all signed in never needs it. */
export function createLoginApp(context: AppContext): PageApplication {
  const pending = new Map<string, AppRequest>()
  let ready: Promise<FastifyInstance> | null = null
  let count = 0

  async function handle(request: AppRequest): Promise<Answer> {
    if (!methods.includes(request.method)) return methodNotAllowed
    ready ??= buildApp(context, pending).catch((error: unknown) => {
      ready = null
      throw error
    })
    const app = await ready
    count += 1
    const ticket = String(count)
    pending.set(ticket, request)
    try {
      const response = await app.inject({
        method: request.method === 'POST' ? 'POST' : request.method === 'HEAD' ? 'HEAD' : 'GET',
        // Its own reader of addresses would mend them; `rewriteUrl` puts in what the gateway checked.
        url: '/',
        headers: headersFor(request, ticket),
        ...(request.method === 'POST' && { payload: request.body }),
      })
      return answerOf(response, request.method === 'HEAD')
    } finally {
      pending.delete(ticket)
    }
  }

  return { handle }
}

const methods: readonly string[] = ['GET', 'HEAD', 'POST']
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
  context: AppContext,
  pending: ReadonlyMap<string, AppRequest>,
): Promise<FastifyInstance> {
  const [{ fastify }, csrfKey] = await Promise.all([import('fastify'), csrfKeyOf(context)])
  const requestOf = (headers: FastifyRequest['headers']): AppRequest => {
    const request = pending.get(String(headers[ticketHeader]))
    if (request === undefined) throw new Error('a request that nobody made')
    return request
  }
  const app = fastify({
    logger: false,
    // No page has a schema: what would compile them is 4 MB, and is not loaded.
    schemaController: { compilersFactory: { buildValidator: noSchema, buildSerializer: noSchema } },
    bodyLimit: maxAppBodyBytes,
    genReqId: (raw) => requestOf(raw.headers).id,
    rewriteUrl: (raw) => requestOf(raw.headers).target,
    frameworkErrors: (error, request, reply) => {
      request.visit = visitOf(requestOf(request.headers), { ...context, csrfKey })
      refuseError(error, reply, context)
    },
  })
  app.decorate('login', context)
  app.decorateRequest('visit')
  app.addHook('onRequest', async (request, reply) => {
    request.visit = visitOf(requestOf(request.headers), { ...context, csrfKey })
    reply.headers(commonHeaders)
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    (_request, body, done) => parsed(() => parseForm(Buffer.from(body)), done),
  )
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    parsed(() => parseJson(Buffer.from(body)), done),
  )
  app.addHook('preHandler', async (request, reply) => guardPost(request, reply))
  app.setErrorHandler((error, _request, reply) => refuseError(error, reply, context))
  app.setNotFoundHandler((_request, reply) => refuseUnknown(reply))
  for (const register of pages) register(app, context)
  await app.ready()
  return app
}

function noSchema(): never {
  throw new Error('a page with a schema')
}

/** Pages show who somebody is: no cache keeps them, no other site learns their address or holds their window. */
const commonHeaders = {
  'cache-control': 'no-store',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  // For browsers that do not know frame-ancestors; the gateway's own default would let this host frame itself.
  'x-frame-options': 'DENY',
}

/** Every POST of ours is one of our own pages', or it does nothing. */
async function guardPost(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  if (request.method !== 'POST') return undefined
  const { visit } = request
  const token = visit.json
    ? (visit.from.headers['x-csrf-token'] ?? textOf(jsonOf(request), '_csrf'))
    : (formOf(request).get('_csrf') ?? null)
  const tokens = [visit.csrf, ...visit.csrfOfTabs]
  const expected = { tokens, browserKnown: visit.browserKnown }
  const fault = csrfFault(visit.from, token, expected)
  return fault === null ? undefined : refuseCsrf(reply, fault)
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
