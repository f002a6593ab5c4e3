// What a page about a sleeping machine shows to whoever came: from the arrival and the machine's state. Pure.

import type { Arrival, Reception } from '../gate.ts'
import type { WaitingView } from '../pages/waiting.ts'
import { type Refusal, waitingStatus } from './events.ts'
import type { Machine } from './machine.ts'
import { mayPress } from './who-may-wake.ts'

export interface ViewFacts {
  /** `null`: it is not in the table any more; then it counts as ready. */
  readonly machine: Machine | null
  readonly refusal: Refusal | null
  /** Where a stranger signs in, with the way back; `null`: it would not help. */
  readonly signIn: string | null
  /** Path and query of the page, as they were sent. */
  readonly path: string
  readonly publicPort: number
}

/** The view for `renderWaiting`. Strangers are told no more than that it sleeps or comes. */
export function waitingViewOf(
  arrival: Arrival,
  reception: Extract<Reception, { kind: 'page' }>,
  facts: ViewFacts,
): WaitingView {
  const { machine, refusal } = facts
  const { waking, retryAfterSeconds } = reception
  const known = arrival.user !== null
  const status =
    machine === null
      ? ({ kind: 'ready' } as const)
      : waitingStatus(machine, { port: arrival.port, refusal: known || waking ? refusal : null })
  return {
    path: facts.path,
    service: arrival.service,
    status: status.kind === 'resting' && !known && !waking ? { kind: 'asleep' } : status,
    waking,
    mayStart: mayPress(arrival),
    signIn: known ? null : facts.signIn,
    live: known || (waking && arrival.knownClient),
    retryAfterSeconds,
    publicPort: facts.publicPort,
  }
}
