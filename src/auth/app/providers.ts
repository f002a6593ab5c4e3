// Signing in with an identity provider, and linking an account there: to the provider, and back from it.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { recently } from './account-guard.ts'
import type { AppContext } from './context.ts'
import { enrolledUser, refuseLink } from './enrolment.ts'
import { fieldOf, formOf, isTicked } from './forms.ts'
import { createGithub } from './github.ts'
import { refuseThrottled } from './key-pages.ts'
import { goOn } from './layout.ts'
import { type Provider, ProviderError } from './provider.ts'
import { createProviderAccounts } from './provider-accounts.ts'
import { type FinishParts, finishAttempt, refuseAttempt } from './provider-finish.ts'
import { beginProviderFlow, type ProviderPurpose, spendProviderFlow } from './provider-flow.ts'
import { refuseProvider, sendOff } from './provider-pages.ts'
import { readReason, readReturnTo } from './return-to.ts'
import { createSuspension, type Suspension } from './suspension.ts'

/** All there are. A new one is a line here. */
export function createProviders(
  context: Pick<AppContext, 'login' | 'secret' | 'settings'>,
): readonly Provider[] {
  const { secret, settings: store } = context
  return [createGithub({ settings: () => context.login().github, secret, store })]
}

/** What a first sign-in and the schedule share: who was disabled because a membership ended. */
export function createProviderSuspension(
  context: Pick<AppContext, 'users' | 'settings' | 'audit' | 'now' | 'sessions'>,
): Suspension {
  const { users, settings: store, audit, now, sessions } = context
  return createSuspension({ users, store, audit, now, changed: sessions.userChanged })
}

/**
 * `POST /provider/<name>` (`rd`, `reason`, `remember`; or `enrolment`) leads to the provider, `POST /provider/<name>/link`
 * too, from the account page. Its callback is whatever path the table says.
 */
export function registerProviders(app: FastifyInstance, context: AppContext): void {
  const { providers } = context
  const parts: FinishParts = {
    context,
    accounts: createProviderAccounts(context),
    suspension: createProviderSuspension(context),
  }
  for (const provider of providers) {
    app.post(`/provider/${provider.name}`, async (request, reply) => {
      const purpose = await readPurpose(request, context)
      if (purpose === null) return refuseLink(reply)
      return begin(request, reply, { context, provider, purpose })
    })
    app.post(
      `/provider/${provider.name}/link`,
      recently(context, '/account', (request, reply, { session }) => {
        const { user, ref } = session.record
        const purpose = { kind: 'link', user, session: ref } as const
        return begin(request, reply, { context, provider, purpose })
      }),
    )
  }
  // The path of a callback changes with the table, and routes of Fastify do not.
  app.route({
    method: 'GET',
    url: '/*',
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const { target } = request.visit.from
      const at = target.indexOf('?')
      const path = at === -1 ? target : target.slice(0, at)
      const here = providers.filter((provider) => provider.offer()?.callbackPath === path)
      if (here.length === 0) {
        reply.callNotFound()
        return reply
      }
      const query = new URLSearchParams(at === -1 ? '' : target.slice(at))
      return comeBack(request, reply, { parts, here, query })
    },
  })
}

/** @returns `null`: an enrolment that has ended. */
async function readPurpose(
  request: FastifyRequest,
  context: AppContext,
): Promise<ProviderPurpose | null> {
  const form = formOf(request)
  const enrolment = fieldOf(form, 'enrolment', 64)
  if (enrolment !== '') {
    const user = await enrolledUser(context, request, enrolment)
    return user === null ? null : { kind: 'enrol', user: user.id, enrolment }
  }
  return {
    kind: 'sign-in',
    returnTo: readReturnTo(fieldOf(form, 'rd', 4096), context),
    reason: readReason(fieldOf(form, 'reason', 32)),
    remember: isTicked(form, 'remember'),
  }
}

async function begin(
  request: FastifyRequest,
  reply: FastifyReply,
  what: {
    readonly context: AppContext
    readonly provider: Provider
    readonly purpose: ProviderPurpose
  },
): Promise<FastifyReply> {
  const { context, provider, purpose } = what
  const offer = provider.offer()
  if (offer === null) {
    reply.callNotFound()
    return reply
  }
  const again = purpose.kind !== 'sign-in' || purpose.reason !== null
  const attempt = beginProviderFlow(context, request, { provider, offer, purpose, again })
  try {
    const { href } = await provider.start(attempt)
    return offer.redirectsOn ? sendOff(reply, href, provider.label) : goOn(reply, href)
  } catch (error) {
    return fail(error, reply, what)
  }
}

async function comeBack(
  request: FastifyRequest,
  reply: FastifyReply,
  what: {
    readonly parts: FinishParts
    /** Those that share the path; one, as a rule. */
    readonly here: readonly Provider[]
    readonly query: URLSearchParams
  },
): Promise<FastifyReply> {
  const { parts, here, query } = what
  const { context } = parts
  const who = { network: request.visit.from.network }
  const pass = context.throttle.check('provider', who)
  if (!pass.ok) return refuseThrottled(reply, pass.retryAfterMs)
  const flow = spendProviderFlow(context, request, query)
  const provider = here.find(({ name }) => name === flow?.provider)
  if (flow === null || provider === undefined) {
    context.throttle.failed('provider', who)
    const label = here[0]?.label ?? ''
    return refuseProvider(reply, { fault: 'expired', label, purpose: null })
  }
  const { purpose, attempt } = flow
  try {
    // Never finished with another provider or client than it began with (RFC 9700 §4.4).
    if (provider.offer()?.issuer !== flow.issuer) {
      throw new ProviderError('invalid', 'settings-changed')
    }
    const account = await provider.finish(query, attempt)
    context.throttle.succeeded('provider', who)
    return await finishAttempt(request, reply, { ...parts, provider, account, purpose })
  } catch (error) {
    if (error instanceof ProviderError && error.code === 'invalid') {
      context.throttle.failed('provider', who)
    } else context.throttle.undone('provider', who)
    return fail(error, reply, { context, provider, purpose })
  }
}

function fail(
  error: unknown,
  reply: FastifyReply,
  what: {
    readonly context: AppContext
    readonly provider: Provider
    readonly purpose: ProviderPurpose
  },
): FastifyReply {
  if (!(error instanceof ProviderError)) throw error
  const { context, provider } = what
  const { code, detail } = error
  const fields = { provider: provider.name, code, detail, request: reply.request.visit.from.id }
  if (code === 'misconfigured' || code === 'unavailable') {
    context.log.warn('provider-failed', fields)
  } else {
    context.log.info('provider-refused', fields)
  }
  return refuseAttempt(reply, { ...what, account: null }, code)
}
