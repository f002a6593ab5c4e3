// An exchange and all that becomes known of it, from its admission to its one record. Hot path.

import type { Admission, Request } from './admission.ts'
import type { Applications } from './app.ts'
import { type AppCallListener, callApp } from './app-call.ts'
import { guardedSetCookie, withoutOwnCookies } from './auth/cookie.ts'
import { ownAuthorization } from './auth/identify.ts'
import type { FailureCode } from './errors.ts'
import { failures } from './errors.ts'
import type { Flight, Flights } from './flights.ts'
import { lowered, maskTokens, upstreamHost, withoutReferrer } from './forward-facts.ts'
import type { AccessEntry, EventLog } from './log.ts'
import type { Metrics } from './metrics.ts'
import type {
  Host,
  Identity,
  IdentityHeaderNames,
  RequestId,
  SessionRef,
  UserId,
  VmId,
} from './model.ts'
import { appRequestOf, belowRoute, extraOf, pageRequestOf, withOwnHeaders } from './own-answer.ts'
import type { Answer, Pages } from './pages.ts'
import type { Exchange, ExchangeListener } from './proxy/exchange.ts'
import { errorCode } from './proxy/failure.ts'
import { Forward, type ForwardListener } from './proxy/forward.ts'
import { removeField, requestHeaders, upstreamPath } from './proxy/headers.ts'
import type { RequestHead } from './proxy/request-head.ts'
import type { RequestTarget } from './proxy/target.ts'
import type { Transfer } from './proxy/transfer.ts'
import type { Upstreams } from './proxy/upstreams.ts'
import type { RouteTable, RuntimeRoute } from './routes.ts'
import { opensPage, signInUrlOf } from './sign-in-answer.ts'
import type { SignInReason } from './sign-in-url.ts'

export interface ExchangedDeps {
  readonly table: () => RouteTable
  readonly upstreams: Upstreams
  readonly flights: Flights
  readonly pages: Pages
  /** What we answer ourselves beyond a page: login, account, admin. */
  readonly applications: Applications
  /** What a backend is told of a person: flat. */
  readonly identityHeaders: (
    identity: Identity,
    names: IdentityHeaderNames,
    host: Host,
  ) => readonly string[]
  readonly record: (entry: AccessEntry) => void
  readonly metrics: Pick<Metrics, 'request'>
  readonly log: EventLog
  /** Wall clock that never goes back, milliseconds with fractions. */
  readonly now: () => number
  readonly nextId: () => RequestId
  /** The port visitors use: 443 unless the gateway stands behind a port mapping. */
  readonly publicPort: number
  /** Our pseudonym in `Via`. */
  readonly pseudonym: string
}

const nothing = Buffer.alloc(0)
/** How long an answer of ours may take to be fetched, and the rest of its request to arrive, milliseconds. */
const ownAnswerMs = 30_000

/** One per request, so a prototype and no closures. */
export class Exchanged
  implements Request, Flight, Transfer, ForwardListener, ExchangeListener, AppCallListener
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
  open = false
  admittedAt = 0
  slot = -1
  readonly #deps: ExchangedDeps
  #forward: Forward | null = null
  #upstreamName: string | null = null
  #begunAt = 0
  /** Coarse clock; -1: no answer of our own is on its way. */
  #answeredAt = -1
  #status = 0
  #outcome: FailureCode | 'ok' = 'ok'
  #recorded = false
  #listening = false

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
  ask(app: 'login' | 'admin'): void {
    this.#answeredAt = this.#deps.flights.ticker.now
    this.#listen()
    const request = appRequestOf(this, this.#deps)
    callApp(this.#deps.applications[app], this.exchange, { request, listener: this })
  }

  appAnswered(answer: Answer): void {
    if (!this.exchange.closed) this.answer(answer, 'ok')
  }

  appFailed(code: FailureCode): void {
    if (!this.exchange.closed) this.refuse(code)
  }

  /** From here on it is the application that takes its time. */
  bodyEnded(): void {
    this.#answeredAt = this.#deps.flights.ticker.now
  }

  page(target: Extract<Admission, { kind: 'page' }>['target']): void {
    const request = pageRequestOf(this, this.#deps)
    if (target.kind !== 'redirect' || !target.keepPath) {
      this.answer(this.#deps.pages.target(target, request), 'ok')
      return
    }
    const below = belowRoute(this)
    if (below === null) this.refuse('bad-target')
    else this.answer(this.#deps.pages.target(target, request, below), 'ok')
  }

  answer(answer: Answer, outcome: FailureCode | 'ok'): void {
    const { exchange } = this
    this.#outcome = outcome
    this.#status = answer.status
    this.#answeredAt = this.#deps.flights.ticker.now
    this.#listen()
    exchange.answer(answer.status, withOwnHeaders(answer.headers, this.id, this.#deps), answer.body)
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
    const { definition } = route
    const own = this.#withoutOwnCredentials(head)
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
        identity: own,
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
        responseEdits:
          this.pathToken === null ? route.responseEdits : withoutReferrer(route.responseEdits),
        cookies: { host, parentAllowed: definition.parentCookies, guard: guardedSetCookie },
        webSocketKey,
        trailers: head.trailers,
      },
      this,
      this.#deps.flights.ticker,
    )
    this.#forward.start(now)
  }

  /**
   * Takes what signs in here out of what goes on.
   *
   * @returns what the backend is told of who asks. Nothing on a public route: there no Origin is looked at, so a backend
   *   that acted for the person would act for whoever made the browser ask.
   */
  #withoutOwnCredentials(head: RequestHead): readonly string[] | null {
    const { identity, route, host } = this
    if (head.cookie !== null) head.cookie = withoutOwnCookies(head.cookie)
    if (head.authorization !== null && ownAuthorization(head.authorization)) {
      removeField(head.forward, 'authorization')
    }
    if (identity === null || route === null || host === null || this.open) return null
    return this.#deps.identityHeaders(identity, route.definition.identityHeaders, host)
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

  bodyBytes(): void {}

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
      path: maskTokens(this.target?.rawPath ?? '', this.pathToken),
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

  #listen(): void {
    if (this.#listening) return
    this.#listening = true
    this.exchange.listen(this)
  }

  #reportCrash(error: unknown): void {
    this.#deps.log.error('request-crashed', {
      id: this.id,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  }
}
