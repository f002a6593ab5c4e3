// A request that waits for its machine: its body unread, its client watched, its place given back.

import type { Request } from './admission.ts'
import { tokenIdOf } from './auth/tokens.ts'
import type { FailureCode } from './errors.ts'
import type { Arrival, Gate, Reception, UseKind, Waiter } from './gate.ts'
import type { Identity, RequestId } from './model.ts'
import type { Transfer } from './proxy/transfer.ts'
import { opensPage } from './sign-in-answer.ts'
import { isIncidental } from './use-kind.ts'

export interface HeldListener {
  /** The machine answers. */
  heldReleased(): void
  heldGivenUp(code: FailureCode, retryAfterSeconds: number | null): void
}

/** One per waiting request. Watched over like a transfer: what ends a session ends its waiting too. */
export class Held implements Waiter, Transfer {
  readonly arrival: Arrival
  readonly clientBytes = 0
  readonly #gate: Gate
  readonly #listener: HeldListener
  readonly #since: number
  #over = false

  /** @param now coarse clock, milliseconds. */
  constructor(arrival: Arrival, gate: Gate, options: { listener: HeldListener; now: number }) {
    this.arrival = arrival
    this.#gate = gate
    this.#listener = options.listener
    this.#since = options.now
  }

  get lastByteAt(): number {
    return this.#since
  }

  arrive(): Reception {
    return this.#gate.arrive(this)
  }

  release(): void {
    if (this.#over) return
    this.#over = true
    this.#listener.heldReleased()
  }

  giveUp(code: FailureCode, retryAfterSeconds: number | null): void {
    if (this.#over) return
    this.#over = true
    this.#listener.heldGivenUp(code, retryAfterSeconds)
  }

  /** The gate keeps the time; this is for a gate that has forgotten somebody. */
  check(now: number): void {
    if (now - this.#since > forgottenMs) this.cancel('waking')
  }

  goAway(code: FailureCode): void {
    this.cancel(code)
  }

  cancel(code: FailureCode): void {
    if (this.#over) return
    this.left()
    this.#listener.heldGivenUp(code, null)
  }

  /** Nobody waits any more. */
  left(): void {
    if (this.#over) return
    this.#over = true
    this.#gate.leave(this)
  }
}

/** Longer than anything may be held, milliseconds. */
const forgottenMs = 900_000

export interface ArrivalFacts {
  /** Whether somebody signed in from there within 30 days. */
  readonly isKnownClient: (network: string) => boolean
  /** Whether this identity may start machines, at this moment. */
  readonly mayWake: (identity: Identity) => boolean
}

/** A request as the machine's gate sees it. */
export function arrivalOf(
  request: Request & { readonly id: RequestId },
  kind: UseKind,
  facts: ArrivalFacts,
): Arrival {
  const { exchange, head, host, route, identity } = request
  if (route === null || route.gate === null || head === null || host === null) {
    throw new TypeError('arrived without a gate')
  }
  const { definition, gate } = route
  return {
    id: request.id,
    vm: gate.vm,
    port: gate.port,
    routeId: route.id,
    service: definition.service,
    host,
    method: exchange.method,
    kind: kind !== 'incidental' && isIncidental(exchange, head) ? 'incidental' : kind,
    rule: definition.wake,
    knownClient: facts.isKnownClient(request.network),
    user: identity?.user ?? null,
    session: identity?.session ?? null,
    token: identity?.via === 'token' ? tokenIdOf(identity.session) : null,
    network: request.network,
    mayWake: identity?.mayWake === true && facts.mayWake(identity),
    webSocket: exchange.webSocket,
    declaredBytes: exchange.declaredBytes ?? 0,
    page: opensPage(request),
  }
}
