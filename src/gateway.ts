// The whole life of a request: admit it, then forward, page or refusal, then one record. Hot path.

import { type Admission, type AdmissionDeps, admit, type Request } from './admission.ts'
import type { FailureCode } from './errors.ts'
import { failures, offeredMethods } from './errors.ts'
import type { Flight, Flights } from './flights.ts'
import type { AccessEntry, EventLog } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Host, Identity, RequestId, SessionRef, UserId, VmId } from './model.ts'
import type { Answer, PageRequest, Pages } from './pages.ts'
import type { Exchange, ExchangeListener } from './proxy/exchange.ts'
import { errorCode } from './proxy/failure.ts'
import { Forward, type ForwardListener } from './proxy/forward.ts'
import { belowPrefix, requestHeaders, upstreamPath } from './proxy/headers.ts'
import type { RequestHead } from './proxy/request-head.ts'
import type { RequestTarget } from './proxy/target.ts'
import type { Transfer } from './proxy/transfer.ts'
import type { Upstreams } from './proxy/upstreams.ts'
import type { RuntimeRoute } from './routes.ts'

export interface GatewayDeps extends AdmissionDeps {
  readonly upstreams: Upstreams
  readonly flights: Flights
  readonly pages: Pages
  readonly record: (entry: AccessEntry) => void
  readonly metrics: Pick<Metrics, 'request'>
  readonly log: EventLog
  /** Wall clock that never goes back, milliseconds with fractions. */
  readonly now: () => number
  readonly nextId: () => RequestId
}

export interface Gateway {
  /** Takes an exchange to its end. Never throws: a bug ends this request with 500 and is logged. */
  handle(exchange: Exchange): void
}

export function createGateway(deps: GatewayDeps): Gateway {
  function handle(exchange: Exchange): void {
    const now = deps.now()
    const flight = new Exchanged(exchange, deps, now)
    deps.flights.add(flight)
    try {
      carryOut(admit(flight, deps, now), flight, now)
    } catch (error) {
      flight.crashed(error)
    }
  }

  function carryOut(admission: Admission, flight: Exchanged, now: number): void {
    flight.admittedAt = deps.now()
    switch (admission.kind) {
      case 'refuse':
        flight.refuse(admission.code)
        break
      case 'options':
        flight.answer({ status: 204, headers: ['allow', offeredMethods], body: nothing }, 'ok')
        break
      case 'page':
        flight.page(admission.target)
        break
      case 'forward':
        flight.forward(admission.webSocketKey, now)
        break
      default:
        throw new TypeError('unknown admission', { cause: admission satisfies never })
    }
  }

  return { handle }
}

const nothing = Buffer.alloc(0)
/** How long an answer of ours may take to be fetched, and the rest of its request to arrive, milliseconds. */
const ownAnswerMs = 30_000

/** An exchange and all that becomes known of it; one per request, so a prototype and no closures. */
class Exchanged implements Request, Flight, Transfer, ForwardListener, ExchangeListener {
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
  admittedAt = 0
  slot = -1
  readonly #deps: GatewayDeps
  #forward: Forward | null = null
  #upstreamName: string | null = null
  #begunAt = 0
  /** Coarse clock; -1: no answer of our own is on its way. */
  #answeredAt = -1
  #status = 0
  #outcome: FailureCode | 'ok' = 'ok'
  #recorded = false

  constructor(exchange: Exchange, deps: GatewayDeps, now: number) {
    this.exchange = exchange
    this.#deps = deps
    this.id = deps.nextId()
    this.startedAt = now
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

  get transfer(): Transfer | null {
    return this.#answeredAt === -1 ? this.#forward : this
  }

  // An answer of our own, as what watches over flights sees it

  get lastByteAt(): number {
    return this.#answeredAt
  }

  get clientBytes(): number {
    return this.exchange.bytesIn
  }

  /** Whoever neither takes the answer nor ends his request keeps his place no longer than this. */
  check(now: number): void {
    if (now - this.#answeredAt > ownAnswerMs) this.cancel()
  }

  cancel(): void {
    this.exchange.abort()
  }

  goAway(): void {}

  refuse(code: FailureCode): void {
    const { exchange } = this
    if (exchange.begun) {
      this.#outcome = code
      exchange.abort()
      return
    }
    const detail = code === 'maintenance' ? (this.route?.definition.maintenance ?? '') : ''
    const extra = detail === '' ? undefined : { detail }
    this.answer(this.#deps.pages.failure(code, this.#pageRequest(), extra), code)
  }

  page(target: Extract<Admission, { kind: 'page' }>['target']): void {
    const request = this.#pageRequest()
    if (target.kind !== 'redirect' || !target.keepPath) {
      this.answer(this.#deps.pages.target(target, request), 'ok')
      return
    }
    const below = this.#below()
    if (below === null) this.refuse('bad-target')
    else this.answer(this.#deps.pages.target(target, { ...request, below }), 'ok')
  }

  answer(answer: Answer, outcome: FailureCode | 'ok'): void {
    const { exchange } = this
    this.#outcome = outcome
    this.#status = answer.status
    this.#answeredAt = this.#deps.flights.ticker.now
    exchange.listen(this)
    exchange.answer(answer.status, this.#withOwnHeaders(answer.headers), answer.body)
    if (exchange.closed) this.#record()
  }

  forward(webSocketKey: string | null, now: number): void {
    const { exchange, head, target, host, route } = this
    const upstream = route?.upstream ?? null
    if (route === null || upstream === null || head === null || target === null || host === null) {
      throw new TypeError('admitted without a target')
    }
    const path = upstreamPath(route, target.rawPath, target.query)
    if (path === null) {
      this.refuse('bad-target')
      return
    }
    const table = this.#deps.table()
    const pool = this.#deps.upstreams.get(
      upstream,
      route.definition.timeouts,
      route.keepServerName ? host : null,
    )
    this.#upstreamName = pool.name
    const { publicPort } = this.#deps
    const visited = publicPort === 443 ? host : `${host}:${publicPort}`
    const headers = requestHeaders(
      head,
      {
        upstreamHost: upstreamHost(route, visited, pool.name),
        host: visited,
        port: String(publicPort),
        client: this.client,
        scheme: exchange.peer.tlsVersion === null ? 'http' : 'https',
        requestId: this.id,
        via: `${exchange.protocol === 'HTTP/2' ? '2' : exchange.protocol.slice(5)} ${this.#deps.pseudonym}`,
        maxForwards: lowered(head.maxForwards),
        webSocketKey,
        identity: null,
      },
      route.requestEdits,
    )
    this.#forward = new Forward(
      {
        exchange,
        upstream: pool,
        route,
        client: this.session ?? this.network,
        path,
        headers,
        requestId: this.id,
        securityHeaders: table.definition.securityHeaders,
        webSocketKey,
        trailers: head.trailers,
      },
      this,
      this.#deps.flights.ticker,
    )
    this.#forward.start(now)
  }

  // What the forward says

  forwardBegun(status: number): void {
    this.#begunAt = this.#deps.now()
    this.#status = status
  }

  forwardFailed(code: FailureCode, error: unknown): void {
    const { level } = failures[code]
    if (level !== null) {
      this.#deps.log[level]('upstream-failed', {
        id: this.id,
        code,
        upstream: this.#upstreamName,
        cause: errorCode(error),
      })
    }
    try {
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

  clientDrained(): void {}

  clientClosed(complete: boolean): void {
    if (!complete && this.#outcome === 'ok') this.#outcome = 'client-left'
    this.#record()
  }

  #record(): void {
    if (this.#recorded) return
    this.#recorded = true
    const deps = this.#deps
    deps.flights.remove(this)
    const { exchange, startedAt, route } = this
    const endedAt = deps.now()
    const tunnel = this.#forward?.tunnelBytes()
    const status =
      this.#status === 0
        ? failures[this.#outcome === 'ok' ? 'client-left' : this.#outcome].status
        : this.#status
    const entry = {
      time: startedAt,
      id: this.id,
      client: this.client,
      user: this.user,
      session: this.session,
      host: this.host ?? '',
      method: exchange.method,
      path: this.target?.rawPath ?? '',
      protocol: exchange.protocol,
      status,
      requestBytes: exchange.bytesIn + (tunnel?.fromClient ?? 0),
      responseBytes: exchange.bytesOut + (tunnel?.toClient ?? 0),
      totalMs: endedAt - startedAt,
      admitMs: this.admittedAt - startedAt,
      upstreamMs: this.#begunAt === 0 ? 0 : this.#begunAt - this.admittedAt,
      route: route?.id ?? null,
      upstream: this.#upstreamName,
      outcome: this.#outcome,
      droppedHeaders: this.head?.dropped ?? null,
      retried: this.#forward?.retried ?? false,
      webSocket: exchange.webSocket,
    }
    deps.metrics.request(entry)
    deps.record(entry)
  }

  #reportCrash(error: unknown): void {
    this.#deps.log.error('request-crashed', {
      id: this.id,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  }

  #withOwnHeaders(headers: readonly string[]): string[] {
    const out = [...headers, 'x-request-id', this.id]
    for (const [name, value] of this.#deps.table().definition.securityHeaders) {
      if (!headers.includes(name)) out.push(name, value)
    }
    return out
  }

  /** What of path and query lies below the route, as it was sent; `null`: the route's path is spelled otherwise. */
  #below(): string | null {
    const { target, route } = this
    if (target === null || route === null) return null
    const rest = belowPrefix(target.rawPath, route.definition.path)
    return rest === null ? null : rest + target.query
  }

  #pageRequest(): PageRequest {
    return {
      accept: this.head?.accept ?? null,
      // gRPC runs over HTTP/2 alone; over HTTP/1 a client cannot choose to be answered 200 by naming it.
      contentType: this.exchange.protocol === 'HTTP/2' ? (this.head?.contentType ?? null) : null,
      method: this.exchange.method,
      id: this.id,
      host: this.host,
      loginHost: this.#deps.table().definition.loginHost,
    }
  }
}

function upstreamHost(route: RuntimeRoute, visited: string, name: string): string {
  const policy = route.definition.upstreamHost
  switch (policy.kind) {
    case 'keep':
      return visited
    case 'target':
      return name
    case 'fixed':
      return policy.host
    default:
      return policy satisfies never
  }
}

/** RFC 9110 §7.6.2; only OPTIONS and TRACE carry it, and 0 never comes here. */
function lowered(maxForwards: string | null): string | null {
  if (maxForwards === null || !/^[1-9]\d{0,3}$/.test(maxForwards)) return null
  return String(Number(maxForwards) - 1)
}
