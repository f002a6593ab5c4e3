// What would happen to this address for this person: an explanation as the admin shows it.

import type { Identity } from '../model.ts'
import type { RouteTable } from '../routes.ts'
import { explainRequest } from './explain.ts'
import { someAddress, splitUrl } from './request.ts'

export interface PersonQuestion {
  readonly url: string
  readonly method: string
  /** As somebody who has just signed in; `null`: a stranger. */
  readonly identity: Identity | null
  /** `null`: some address of the internet. */
  readonly client: string | null
}

export interface PersonAnswer {
  /** Sentences in the order in which things are decided. */
  readonly steps: readonly string[]
  readonly outcome: 'allow' | 'sign-in' | 'deny' | 'not-found' | 'other'
  /** Id of the route that takes it; `null`: none does. */
  readonly route: string | null
}

/** RFC 9110 §5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/

/**
 * Pure. The time is 0: `authenticatedAt` of the identity is negative, or 0 for just now.
 *
 * @returns `null`: the address is none that could come here.
 */
export function explainForPerson(
  table: RouteTable,
  { url, method, identity, client }: PersonQuestion,
  publicPort: number,
): PersonAnswer | null {
  const written = splitUrl(url.trim())
  if (written === null || written.authority === '' || !token.test(method)) return null
  const cloudflare = table.definition.trustedProxies.kind === 'cloudflare'
  // As a browser does it: what changes something comes from the page itself.
  const isSafe = method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
  const { steps, outcome, status, verdict } = explainRequest(
    table,
    {
      url,
      ...written,
      method,
      identity,
      origin: null,
      fetchSite: isSafe ? null : 'same-origin',
      from: client ?? someAddress,
      cloudflare,
    },
    publicPort,
  )
  const route = steps.find(({ step }) => step === 'route')?.says ?? null
  const id = table.routes.find((each) => each.id === route)?.id ?? null
  return {
    steps: [
      ...steps.map(({ step, says, details }) => [`${step}: ${says}`, ...details].join(' ')),
      verdict,
    ],
    outcome: outcomeOf(outcome, status),
    route: id,
  }
}

function outcomeOf(outcome: string, status: number | null): PersonAnswer['outcome'] {
  switch (outcome) {
    case 'forward':
    case 'page':
    case 'options':
      return 'allow'
    case 'sign-in-required':
      return 'sign-in'
    case 'forbidden':
    case 'cross-origin':
    case 'client-address':
    case 'not-through-cloudflare':
      return 'deny'
    case 'not-found':
      return 'not-found'
    default:
      // The request is at fault; else something of ours is, or it is meant to be so.
      return status !== null && status < 500 ? 'deny' : 'other'
  }
}
