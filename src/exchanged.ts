// An exchange and all that becomes known of it, from its admission to its one record. Hot path.

import { accessEntryOf, movedBy } from './access-entry.ts'
import type { Request } from './admission.ts'
import type { Application, Applications, StreamAnswer } from './app.ts'
import { maxAppBodyBytes, maxWakeBodyBytes } from './app.ts'
import { type AppCallListener, callApp } from './app-call.ts'
import type { BodyRoom } from './body-room.ts'
import { stackOf } from './caught.ts'
import { type FailureCode, failures } from './errors.ts'
import type { Flight, Flights } from './flights.ts'
import { type ForwardPlanDeps, planForward } from './forward-plan.ts'
import type { Gate, Passing, UseKind, WakeAction, Waking } from './gate.ts'
import { type ArrivalFacts, arrivalOf, Held, type HeldListener } from './held.ts'
import type { AccessEntry, EventLog } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Host, Identity, RequestId, SessionRef, UserId, VmId } from './model.ts'
import {
  appRequestOf,
  extraOf,
  pageRequestOf,
  targetFactsOf,
  withOwnHeaders,
} from './own-answer.ts'
import { OwnAnswer, OwnStream } from './own-transfer.ts'
import type { Answer, OwnTarget, Pages } from './pages.ts'
import type { Exchange, ExchangeListener } from './proxy/exchange.ts'
import { errorCode, neverArrived } from './proxy/failure.ts'
import { Forward, type ForwardListener, type ForwardPlan } from './proxy/forward.ts'
import type { RequestHead } from './proxy/request-head.ts'
import type { RequestTarget } from './proxy/target.ts'
import type { Transfer } from './proxy/transfer.ts'
import type { RuntimeRoute } from './routes.ts'
import { opensPage, signInUrlOf } from './sign-in-answer.ts'
import type { SignInReason } from './sign-in-url.ts'
import { isOngoing, useKindOf, userOfMachine } from './use-kind.ts'

export interface ExchangedDeps extends ForwardPlanDeps, ArrivalFacts {
  readonly flights: Flights
  readonly pages: Pages
  /** What we answer ourselves beyond a page: login, account, admin. */
  readonly applications: Applications
  /** What they keep of bodies. */
  readonly bodies: BodyRoom
  readonly waking: Waking
  readonly record: (entry: AccessEntry) => void
  readonly metrics: Pick<Metrics, 'request'>
  readonly log: EventLog
  /** Wall clock that never goes back, milliseconds with fractions. */
  readonly now: () => number
  readonly nextId: () => RequestId
}

const nothing = Buffer.alloc(0)
const maxWaits = 5
/** Read at once and not kept: no request makes one of its own. */
const passing: { -readonly [Key in keyof Passing]: Passing[Key] } = {
  kind: 'program',
  session: null,
  counts: 'auto',
}

/** One per request, so a prototype and no closures. */
export class Exchanged
  implements Request, Flight, ForwardListener, ExchangeListener, AppCallListener, HeldListener
{
  readonly exchange: Exchange
  readonly id: RequestId
  readonly startedAt: number
  client = ''
  network = ''
  host: Host | null = null
  target: RequestTarget | null = null
  head: RequestHead | null = null
  route: RuntimeRoute | null = null
  identity: Identity | null = null
  pathToken: string | null = null
  wakeAction: WakeAction | null = null
  open = false
  admittedAt = 0
  slot = -1
  readonly #deps: ExchangedDeps
  #forward: Forward | null = null
  #upstreamName: string | null = null
  #begunAt = 0
  /** An answer of our own that is on its way. */
  #own: OwnAnswer | OwnStream | null = null
  #status = 0
  #outcome: FailureCode | 'ok' = 'ok'
  #recorded = false
  #listening = false
  #plan: ForwardPlan | null = null
  #held: Held | null = null
  /** How often its machine was thought awake and was not. */
  #waits = 0
  #webSocketKey: string | null = null
  /** What it is to a machine that may sleep; `null`: it did not go on to one. */
  #useKind: UseKind | null = null

  constructor(exchange: Exchange, deps: ExchangedDeps, now: number) {
    this.exchange = exchange
    this.#deps = deps
    this.id = deps.nextId()
    this.startedAt = now
  }

  get request(): Request {
    return this
  }

  get user(): UserId | null {
    return this.identity?.user ?? null
  }

  get session(): SessionRef | null {
    return this.identity?.session ?? null
  }

  get vm(): VmId | null {
    return this.route?.upstream?.vm ?? null
  }

  moved(): { readonly fromClient: number; readonly toClient: number } | null {
    return this.#forward === null ? null : movedBy(this.exchange, this.#forward)
  }

  get transfer(): Transfer | null {
    return this.#held ?? this.#own ?? this.#forward
  }

  refuse(code: FailureCode): void {
    const { exchange } = this
    if (exchange.begun) {
      this.#outcome = code
      exchange.abort()
      return
    }
    const extra = extraOf(this, code, this.#deps)
    this.answer(this.#deps.pages.failure(code, pageRequestOf(this, this.#deps), extra), code)
  }

  /** A person who opens a page is sent to sign in and comes back; everybody else is told where that would be. */
  signIn(reason: SignInReason): void {
    const signIn = signInUrlOf(this, reason, this.#deps)
    if (signIn === null || !opensPage(this)) {
      this.refuse('sign-in-required')
      return
    }
    const headers = ['location', signIn, 'content-length', '0', 'cache-control', 'no-store']
    this.answer({ status: 303, headers, body: nothing }, 'sign-in-required')
  }

  /** Asks one of our own applications. */
  ask(application: Application, maxBytes = maxAppBodyBytes): void {
    this.#answersItself()
    const request = appRequestOf(this, this.#deps)
    const room = this.#deps.bodies
    callApp(application, this.exchange, { request, listener: this, room, maxBytes })
  }

  appAnswered(answer: Answer | StreamAnswer): void {
    const { exchange } = this
    if (exchange.closed) return
    try {
      if ('open' in answer) this.#stream(answer)
      else this.answer(answer, 'ok')
    } catch (error) {
      this.crashed(error)
    }
  }

  #stream(answer: StreamAnswer): void {
    this.#status = 200
    this.#begunAt = this.#deps.now()
    const stream = new OwnStream(this.exchange, this.#deps.flights.ticker)
    this.#own = stream
    this.exchange.begin(200, withOwnHeaders(answer.headers, this.id, this.#deps), null)
    stream.open(answer)
  }

  appFailed(code: FailureCode): void {
    if (!this.exchange.closed) this.refuse(code)
  }

  /** From here on it is the application that takes its time. */
  bodyEnded(): void {
    if (this.#own !== null) this.#own.lastByteAt = this.#deps.flights.ticker.now
  }

  page(target: OwnTarget): void {
    const facts = targetFactsOf(this, target, this.#deps)
    if (facts === null) this.refuse('bad-target')
    else this.answer(this.#deps.pages.target(target, pageRequestOf(this, this.#deps), facts), 'ok')
  }

  answer(answer: Answer, outcome: FailureCode | 'ok'): void {
    const { exchange } = this
    this.#outcome = outcome
    this.#status = answer.status
    this.#answersItself()
    exchange.answer(answer.status, withOwnHeaders(answer.headers, this.id, this.#deps), answer.body)
    if (exchange.closed) this.#record()
  }

  forward(webSocketKey: string | null, now: number): void {
    const gate = this.route?.gate ?? null
    if (gate !== null && !this.#passes(gate, webSocketKey)) return
    this.#plan ??= planForward(this, webSocketKey, this.#deps)
    if (this.#plan === null) {
      this.refuse('bad-target')
      return
    }
    this.#upstreamName = this.#plan.upstream.name
    this.#forward = new Forward(this.#plan, this, this.#deps.flights.ticker)
    this.#forward.start(now)
  }

  // A machine that may be asleep

  /** One of our own paths about it. */
  aboutMachine(action: WakeAction): void {
    const arrival = this.route?.gate == null ? null : arrivalOf(this, 'navigation', this.#deps)
    this.ask(this.#deps.waking.application(action, arrival), maxWakeBodyBytes)
  }

  /** @returns false: not now. It waits, or was answered. */
  #passes(gate: Gate, webSocketKey: string | null): boolean {
    const { exchange, head, identity, route } = this
    if (head === null || route === null) throw new TypeError('admitted without a head')
    const kind = useKindOf(exchange, head, identity)
    if (gate.open) {
      this.#useKind = kind
      gate.passes(this.#passing(kind, route))
      return true
    }
    const arrival = arrivalOf(this, kind, this.#deps)
    const held = new Held(arrival, gate, { listener: this, now: this.#deps.flights.ticker.now })
    this.#held = held
    this.#webSocketKey = webSocketKey
    this.#listening = false
    this.#listen()
    const reception = held.arrive()
    if (reception.kind === 'held') return false
    this.#held = null
    if (reception.kind === 'refuse') this.#giveUp(reception.code, reception.retryAfterSeconds)
    else {
      const path = this.target === null ? '/' : this.target.rawPath + this.target.query
      const request = pageRequestOf(this, this.#deps)
      this.answer(this.#deps.waking.page(arrival, reception, { request, path }), 'waking')
    }
    return false
  }

  #passing(kind: UseKind, route: RuntimeRoute): Passing {
    passing.kind = kind
    const { wake, countsAsUse } = route.definition
    passing.session = userOfMachine(this, wake, this.#deps.isKnownClient)
    passing.counts = countsAsUse
    return passing
  }

  heldReleased(): void {
    this.#held = null
    if (this.exchange.closed) return
    try {
      this.forward(this.#webSocketKey, this.#deps.now())
    } catch (error) {
      this.crashed(error)
    }
  }

  heldGivenUp(code: FailureCode, retryAfterSeconds: number | null): void {
    this.#held = null
    if (this.exchange.closed) return
    try {
      this.#giveUp(code, retryAfterSeconds)
    } catch (error) {
      this.crashed(error)
    }
  }

  #giveUp(code: FailureCode, retryAfterSeconds: number | null): void {
    const request = pageRequestOf(this, this.#deps)
    const extra = retryAfterSeconds === null ? undefined : { retryAfterSeconds }
    this.answer(this.#deps.pages.failure(code, request, extra), code)
  }

  /** The machine was thought awake and is not: what it has not seen a byte of can wait again. */
  #waitsAgain(code: FailureCode): boolean {
    const gate = this.route?.gate ?? null
    const { exchange } = this
    if (gate === null || exchange.begun || exchange.closed || exchange.bytesIn > 0) return false
    if (!neverArrived(code) || this.#waits === maxWaits) return false
    this.#waits += 1
    gate.refused()
    if (gate.open) return false
    this.#forward = null
    return !this.#passes(gate, this.#webSocketKey)
  }

  // What the forward says

  forwardBegun(status: number): void {
    this.#begunAt = this.#deps.now()
    this.#status = status
  }

  forwardFailed(code: FailureCode, error: unknown): void {
    try {
      if (this.#waitsAgain(code)) return
      const { level } = failures[code]
      if (level !== null) {
        this.#deps.log[level]('upstream-failed', {
          id: this.id,
          code,
          upstream: this.#upstreamName,
          cause: errorCode(error),
        })
      }
      this.refuse(code)
    } catch (crash) {
      this.crashed(crash)
    }
  }

  /** A bug ends this request: with 500 where that can still be said, and recorded and let go of in any case. */
  crashed(error: unknown): void {
    this.#reportCrash(error)
    try {
      this.refuse('internal-error')
    } catch (again) {
      this.#reportCrash(again)
      this.#outcome = 'internal-error'
      this.exchange.abort()
      this.#record()
    }
  }

  forwardDone(outcome: FailureCode | 'ok'): void {
    this.#outcome = outcome
    this.#record()
  }

  // What the client does while an answer of our own is on its way

  clientDrained(): void {
    this.#own?.clientDrained()
  }

  bodyBytes(): void {}

  clientClosed(complete: boolean): void {
    this.#held?.left()
    this.#held = null
    this.#own?.left()
    if (!complete && this.#outcome === 'ok') this.#outcome = 'client-left'
    this.#record()
  }

  #record(): void {
    if (this.#recorded) return
    this.#recorded = true
    const deps = this.#deps
    deps.flights.remove(this)
    const entry = accessEntryOf(this, {
      endedAt: deps.now(),
      status: this.#status,
      outcome: this.#outcome,
      begunAt: this.#begunAt,
      upstream: this.#upstreamName,
      forward: this.#forward,
    })
    const { route, vm } = this
    if (this.#useKind !== null && route !== null && vm !== null) {
      const bytes = isOngoing(this) ? 0 : entry.requestBytes + entry.responseBytes
      deps.waking.ended(vm, this.#passing(this.#useKind, route), bytes)
    }
    deps.metrics.request(entry)
    deps.record(entry)
  }

  #answersItself(): void {
    this.#own = new OwnAnswer(this.exchange, this.#deps.flights.ticker.now)
    this.#listen()
  }

  #listen(): void {
    if (this.#listening) return
    this.#listening = true
    this.exchange.listen(this)
  }

  #reportCrash(error: unknown): void {
    this.#deps.log.error('request-crashed', {
      id: this.id,
      error: stackOf(error),
    })
  }
}
