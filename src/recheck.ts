// Looks again at everything under way after people, sessions or the table changed, and ends what may not go on.

import type { Place } from './auth/identify.ts'
import { decide } from './auth/policy.ts'
import type { FailureCode } from './errors.ts'
import type { Flight, Flights } from './flights.ts'
import type { EventLog } from './log.ts'
import type { Identity, SessionRef } from './model.ts'
import { OwnStream } from './own-transfer.ts'
import type { RouteTable } from './routes.ts'
import { originOf } from './sign-in-url.ts'

export interface RecheckDeps {
  readonly table: () => RouteTable
  readonly flights: Flights
  /** Who that is by now; `null`: the session, the token or the network is no more. */
  readonly identityOf: (session: SessionRef, place: Place, now: number) => Identity | null
  /** Under lockdown: whether strangers of that network are kept out. */
  readonly isShut: (network: string) => boolean
  readonly now: () => number
  readonly log: EventLog
}

/**
 * Whether it is under way for one of these sessions, which have ended. Not the request that ended it: the page that says so is a
 * whole answer of our own.
 */
export function endsWith(flight: Flight, ended: ReadonlySet<SessionRef>): boolean {
  if (flight.session === null || !ended.has(flight.session)) return false
  return flight.route?.upstream != null || flight.transfer instanceof OwnStream
}

/** @returns a function that looks at all flights and says how many it ended. */
export function createRecheck(deps: RecheckDeps): () => number {
  function verdict(flight: Flight): FailureCode | null {
    const { host, target, exchange, route } = flight.request
    if (host === null || target === null || route === null || route.upstream === null) return null
    const table = deps.table()
    const { client, network } = flight.request
    if (flight.session === null && route !== table.acme && deps.isShut(network)) return 'lockdown'
    // The fallback and the plain port stand beside the table, and ask nobody who he is.
    if (route === table.fallback || route === table.acme || route.definition.line === 0) return null
    const current = table.match(host, target.path)
    if (current === null) return 'not-found'
    const now = deps.now()
    const place = { client, networks: current.networks }
    const identity = flight.session === null ? null : deps.identityOf(flight.session, place, now)
    const decision = decide(current.policy, identity, {
      method: exchange.method,
      // Where it came from was looked at when it began.
      webSocket: false,
      origin: null,
      fetchSite: null,
      ownOrigin: originOf(host, 443),
      allowedOrigins: [],
      path: target.path,
      now,
    })
    switch (decision.kind) {
      case 'allow':
        return null
      case 'sign-in':
        // How lately somebody signed in is asked of a request, not of what it started.
        if (decision.reason === 'not-recent') return null
        return flight.session === null ? 'sign-in-required' : 'session-ended'
      case 'deny':
        return 'forbidden'
      default:
        throw new TypeError('unknown decision', { cause: decision satisfies never })
    }
  }

  return () => {
    let ended = 0
    for (const flight of deps.flights.list()) {
      let code: FailureCode | null = 'internal-error'
      try {
        code = verdict(flight)
      } catch (error) {
        // What cannot be judged does not go on.
        deps.log.error('recheck-crashed', { id: flight.id, error: String(error) })
      }
      if (code === null || flight.transfer === null) continue
      flight.transfer.cancel(code)
      ended += 1
    }
    return ended
  }
}
