// The login application: requests of the gateway in, answers out, with Fastify between them.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AppRequest, PageApplication } from '../../app.ts'
import { maxAppBodyBytes } from '../../app.ts'
import { registerAccount } from './account.ts'
import { registerAdminEntrance } from './admin-entrance.ts'
import { registerApprove } from './approve.ts'
import { registerAssets } from './assets.ts'
import type { AppContext } from './context.ts'
import { csrfFault } from './csrf.ts'
import { csrfKeyOf } from './csrf-key.ts'
import { registerEnrol } from './enrol.ts'
import { formOf, jsonOf, parseForm, parseJson, textOf } from './forms.ts'
import { createInjection, type KeptOf, noSchemas, parsed } from './injection.ts'
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
  const inject = createInjection<AppRequest>(['GET', 'HEAD', 'POST'], (requestOf) =>
    buildApp(context, requestOf),
  )
  return { handle: (request) => inject(request, request) }
}

async function buildApp(
  context: AppContext,
  requestOf: KeptOf<AppRequest>,
): Promise<FastifyInstance> {
  const [{ fastify }, csrfKey] = await Promise.all([import('fastify'), csrfKeyOf(context)])
  const app = fastify({
    logger: false,
    schemaController: noSchemas,
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
