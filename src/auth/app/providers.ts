// Signing in with an identity provider, and linking an account there: to the provider, and back from it.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { SessionRef, UserId } from '../../model.ts'
import { recently } from './account-guard.ts'
import type { AppContext } from './context.ts'
import { fieldOf, formOf, isTicked, jsonOf, textOf } from './forms.ts'
import { createGithub } from './github.ts'
import { refuseThrottled } from './key-pages.ts'
import { goOn } from './layout.ts'
import { type Attempt, type Provider, ProviderError, type ProviderOffer } from './provider.ts'
import { createProviderAccounts, type ProviderAccounts } from './provider-accounts.ts'
import { finishProviderLink, finishProviderSignIn, refuseAttempt } from './provider-finish.ts'
import { refuseProvider } from './provider-pages.ts'
import { readReason, readReturnTo } from './return-to.ts'
import { createSuspension, type Suspension } from './suspension.ts'

declare module './flows.ts' {
  interface FlowData {
    provider: ProviderFlow
  }
}

/** What is remembered while somebody is at the provider. */
export interface ProviderFlow {
  readonly provider: string
  /** Of the offer it began with. */
  readonly issuer: string
  /** The second part of `state`. */
  readonly seed: string
  readonly attempt: Omit<Attempt, 'state'>
  readonly purpose:
    | {
        readonly kind: 'sign-in'
        readonly returnTo: string | null
        readonly reason: string | null
        readonly remember: boolean
      }
    | { readonly kind: 'link'; readonly user: UserId; readonly session: SessionRef }
}

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
  return createSuspension({
    users,
    store,
    audit,
    now,
    changed: sessions.userChanged,
  })
}

interface ProviderParts {
  readonly accounts: ProviderAccounts
  readonly suspension: Suspension
}

/**
 * `POST /provider/<name>` (`rd`, `reason`, `remember`) leads to the provider, and `POST /provider/<name>/link` from the
 * account page; its callback is whatever path the table says.
 */
export function registerProviders(
  app: FastifyInstance,
  context: AppContext,
  providers: readonly Provider[] = createProviders(context),
): void {
  const parts: ProviderParts = {
    accounts: createProviderAccounts(context),
    suspension: createProviderSuspension(context),
  }
  for (const provider of providers) {
    app.post(`/provider/${provider.name}`, async (request, reply) => {
      const { rd, reason, remember } = wishesOf(request)
      const returnTo = readReturnTo(rd, context)
      const purpose = { kind: 'sign-in', returnTo, reason, remember } as const
      return begin(request, reply, { context, provider, purpose, again: reason !== null })
    })
    app.post(
      `/provider/${provider.name}/link`,
      recently(context, '/account', (request, reply, { session }) => {
        const { user, ref } = session.record
        const purpose = { kind: 'link', user, session: ref } as const
        return begin(request, reply, { context, provider, purpose, again: true })
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
      if (here.length === 0) return reply.callNotFound()
      return comeBack(request, reply, {
        context,
        parts,
        here,
        query: new URLSearchParams(at === -1 ? '' : target.slice(at)),
      })
    },
  })
}

/** What the login page sends along: fields of a form, or JSON. */
function wishesOf(request: FastifyRequest) {
  if (request.visit.json) {
    const json = jsonOf(request)
    const remember = json.remember === true
    return { rd: textOf(json, 'rd'), reason: readReason(textOf(json, 'reason')), remember }
  }
  const form = formOf(request)
  const remember = isTicked(form, 'remember')
  return { rd: fieldOf(form, 'rd', 4096), reason: readReason(fieldOf(form, 'reason')), remember }
}

async function begin(
  request: FastifyRequest,
  reply: FastifyReply,
  what: {
    readonly context: AppContext
    readonly provider: Provider
    readonly purpose: ProviderFlow['purpose']
    readonly again: boolean
  },
): Promise<FastifyReply> {
  const { context, provider, purpose, again } = what
  const { visit } = request
  const offer = provider.offer()
  if (offer === null) {
    reply.callNotFound()
    return reply
  }
  const random = () => context.randomBytes(32).toString('base64url')
  const attempt = {
    verifier: random(),
    nonce: random(),
    redirectUri: visit.from.origin + offer.callbackPath,
    again,
  }
  const data = { provider: provider.name, issuer: offer.issuer, seed: random(), attempt, purpose }
  const owner = { browser: visit.browser, network: visit.from.network }
  const flow = context.flows.begin('provider', data, owner)
  try {
    const url = await provider.start({ ...attempt, state: stateOf(flow.id, data) })
    return goOn(reply, url.href)
  } catch (error) {
    return fail(error, reply, { context, provider, purpose })
  }
}

async function comeBack(
  request: FastifyRequest,
  reply: FastifyReply,
  what: {
    readonly context: AppContext
    readonly parts: ProviderParts
    /** Those that share the path; one, as a rule. */
    readonly here: readonly Provider[]
    readonly query: URLSearchParams
  },
): Promise<FastifyReply> {
  const { context, parts, here, query } = what
  const { visit } = request
  const who = { network: visit.from.network }
  const pass = context.throttle.check('provider', who)
  if (!pass.ok) return refuseThrottled(reply, pass.retryAfterMs)
  const flow = spendFlow(request, context, query)
  const provider = here.find(({ name }) => name === flow?.data.provider)
  if (flow === null || provider === undefined) {
    context.throttle.failed('provider', who)
    const label = here[0]?.label ?? ''
    return refuseProvider(reply, {
      fault: 'expired',
      label,
      purpose: 'sign-in',
      rd: null,
      reason: null,
    })
  }
  const { data } = flow
  const { purpose } = data
  try {
    checkOffer(provider.offer(), data)
    const account = await provider.finish(query, {
      ...data.attempt,
      state: stateOf(flow.id, data),
    })
    context.throttle.succeeded('provider', who)
    const done = { context, ...parts, provider, account }
    return purpose.kind === 'link'
      ? await finishProviderLink(request, reply, { ...done, purpose })
      : await finishProviderSignIn(request, reply, { ...done, purpose })
  } catch (error) {
    const isForged = error instanceof ProviderError && error.code === 'invalid'
    if (isForged) context.throttle.failed('provider', who)
    else context.throttle.undone('provider', who)
    return fail(error, reply, { context, provider, purpose })
  }
}

/** The attempt that the callback's `state` names, if it is this browser's; used up. */
function spendFlow(request: FastifyRequest, context: AppContext, query: URLSearchParams) {
  const { browser, browserKnown } = request.visit
  const states = query.getAll('state')
  const parts = /^([\w-]{1,64})\.([\w-]{43})$/.exec(states[0] ?? '')
  if (!browserKnown || states.length !== 1 || parts === null) return null
  const flow = context.flows.spend('provider', parts[1] ?? '', browser)
  return flow !== null && flow.data.seed === parts[2] ? flow : null
}

/** The flow's id finds it, the seed makes 256 bits more that nobody can guess (RFC 6749 §10.12). */
function stateOf(id: string, data: Pick<ProviderFlow, 'seed'>): string {
  return `${id}.${data.seed}`
}

/** An attempt is never finished with another provider or client than it began with (RFC 9700 §4.4). */
function checkOffer(offer: ProviderOffer | null, data: ProviderFlow): void {
  if (offer?.issuer !== data.issuer) throw new ProviderError('invalid', 'settings-changed')
}

function fail(
  error: unknown,
  reply: FastifyReply,
  what: {
    readonly context: AppContext
    readonly provider: Provider
    readonly purpose: ProviderFlow['purpose']
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
