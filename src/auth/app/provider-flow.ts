// What is remembered on our side while somebody is at a provider, and how the way back finds it: `state` (RFC 6749 §10.12).

import type { FastifyRequest } from 'fastify'
import type { SessionRef, UserId } from '../../model.ts'
import type { AppContext } from './context.ts'
import type { Attempt, Provider, ProviderOffer } from './provider.ts'

declare module './flows.ts' {
  interface FlowData {
    provider: ProviderFlow
  }
}

/** What it is for. */
export type ProviderPurpose =
  | {
      readonly kind: 'sign-in'
      /** As `readReturnTo` gave it. */
      readonly returnTo: string | null
      readonly reason: string | null
      readonly remember: boolean
    }
  /** From the account page, by the person of that session. */
  | { readonly kind: 'link'; readonly user: UserId; readonly session: SessionRef }
  /** As the first credential of a one-time link. */
  | { readonly kind: 'enrol'; readonly user: UserId; readonly enrolment: string }

export interface ProviderFlow {
  readonly provider: string
  /** Of the offer it began with. */
  readonly issuer: string
  readonly seed: string
  readonly attempt: Omit<Attempt, 'state'>
  readonly purpose: ProviderPurpose
}

/** Begins one, bound to this browser, good for ten minutes and one callback. */
export function beginProviderFlow(
  context: AppContext,
  request: FastifyRequest,
  what: {
    readonly provider: Provider
    readonly offer: ProviderOffer
    readonly purpose: ProviderPurpose
    readonly again: boolean
  },
): Attempt {
  const { browser, from } = request.visit
  const { provider, offer, purpose, again } = what
  const random = () => context.randomBytes(32).toString('base64url')
  const redirectUri = from.origin + offer.callbackPath
  const attempt = { verifier: random(), nonce: random(), redirectUri, again }
  const data = { provider: provider.name, issuer: offer.issuer, seed: random(), attempt, purpose }
  const flow = context.flows.begin('provider', data, { browser, network: from.network })
  return { ...attempt, state: stateOf(flow.id, data) }
}

/** @returns the flow that the callback's `state` names, used up; `null`: unknown, used, too old, another browser's. */
export function spendProviderFlow(
  context: AppContext,
  request: FastifyRequest,
  query: URLSearchParams,
): (ProviderFlow & { readonly attempt: Attempt }) | null {
  const { browser, browserKnown } = request.visit
  const states = query.getAll('state')
  const parts = /^([\w-]{1,64})\.([\w-]{43})$/.exec(states[0] ?? '')
  if (!browserKnown || states.length !== 1 || parts === null) return null
  const flow = context.flows.spend('provider', parts[1] ?? '', browser)
  if (flow === null || flow.data.seed !== parts[2]) return null
  const { data, id } = flow
  return { ...data, attempt: { ...data.attempt, state: stateOf(id, data) } }
}

/** The flow's id finds it, the seed adds 256 bits that nobody can guess. */
function stateOf(id: string, data: Pick<ProviderFlow, 'seed'>): string {
  return `${id}.${data.seed}`
}
