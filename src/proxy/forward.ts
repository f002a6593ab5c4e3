// One request to an upstream, the answer streamed back. Hot path.

import type { Duplex, Readable } from 'node:stream'
import type { FailureCode } from '../errors.ts'
import type { RuntimeHeaderEdits, RuntimeRoute } from '../routes.ts'
import type { ResponseFields, Upstream, UpstreamCall, UpstreamListener } from './call.ts'
import type { BodyObserver, Exchange, ExchangeListener } from './exchange.ts'
import {
  ambiguousLength,
  answerHead,
  type CookieRules,
  interimHeaders,
  trailerFields,
} from './headers.ts'
import type { Ticker, Transfer } from './transfer.ts'
import { Tunnel } from './tunnel.ts'
import { acceptedProtocol, isAccepted } from './websocket.ts'

export interface ForwardPlan {
  readonly exchange: Exchange
  readonly upstream: Upstream
  readonly route: RuntimeRoute
  /** Whom connections are counted for. */
  readonly client: string
  /** Origin-form target for the backend. */
  readonly path: string
  /** Flat list for the backend. */
  readonly headers: string[]
  readonly requestId: string
  /** Filled in where the backend set none. Names in lower case. */
  readonly securityHeaders: readonly (readonly [string, string])[]
  readonly responseEdits: RuntimeHeaderEdits | null
  readonly cookies: CookieRules
  /** Key the backend must answer; `null` for plain requests. */
  readonly webSocketKey: string | null
  /** The client asked for trailers. */
  readonly trailers: boolean
}

/** Hears how a forward goes; one of `forwardFailed`, `forwardDone` ends it. */
export interface ForwardListener {
  /** The backend's final status is known and on its way to the client. */
  forwardBegun(status: number): void
  /** Nothing was sent to the client yet: the listener may still answer. */
  forwardFailed(code: FailureCode, error: unknown): void
  /** The exchange is over: `ok`, or why its answer was cut. */
  forwardDone(outcome: FailureCode | 'ok'): void
}

/** Methods that may be sent again when a kept connection was dead (RFC 9110 §9.2.2). */
const idempotent = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'PROPFIND',
  'REPORT',
  'MKCOL',
  'COPY',
  'MOVE',
  'UNLOCK',
])

/** Interim answers to one request, each up to 32 KB: a client that does not read them would have us keep all of them. */
const maxInterim = 32

export class Forward implements UpstreamListener, ExchangeListener, BodyObserver, Transfer {
  lastByteAt: number
  clientBytes = 0
  readonly #plan: ForwardPlan
  readonly #listener: ForwardListener
  readonly #ticker: Ticker
  #call: UpstreamCall | null = null
  #tunnel: Tunnel | null = null
  #body: Readable | null = null
  /** `request`: its body is under way; `waiting`: for the head; `answer`: its body is under way. */
  #phase: 'request' | 'waiting' | 'answer' = 'waiting'
  #clientSlow = false
  #interim = 0
  #over = false
  #upstreamOver = false
  /** Why we ended it ourselves, until the end is reported. */
  #cut: FailureCode | null = null

  constructor(plan: ForwardPlan, listener: ForwardListener, ticker: Ticker) {
    this.#plan = plan
    this.#listener = listener
    this.#ticker = ticker
    this.lastByteAt = ticker.now
  }

  /** It was sent a second time because a kept connection was dead. */
  get retried(): boolean {
    return this.#call?.retried ?? false
  }

  start(now: number): void {
    const { exchange, route, upstream } = this.#plan
    exchange.listen(this)
    const hasBody = exchange.declaredBytes !== 0
    if (hasBody) {
      this.#phase = 'request'
      this.#body = exchange.openBody(route.definition.maxBodyBytes, this)
    }
    this.#call = upstream.send(
      {
        method: exchange.method,
        path: this.#plan.path,
        headers: this.#plan.headers,
        body: this.#body,
        webSocket: exchange.webSocket,
        client: this.#plan.client,
        repeatable: !hasBody && !exchange.webSocket && idempotent.has(exchange.method),
      },
      this,
      now,
    )
  }

  check(now: number): void {
    if (this.#over) return
    if (this.#tunnel !== null) {
      this.#tunnel.check(now)
      return
    }
    const { headersMs, idleMs } = this.#plan.route.definition.timeouts
    const quietMs = now - this.lastByteAt
    if (this.#phase === 'waiting') {
      if (quietMs > headersMs) this.cancel('upstream-headers-timeout')
    } else if (idleMs > 0 && quietMs > idleMs) {
      if (this.#phase === 'request') this.cancel(this.#lateInRequest())
      else this.cancel(this.#clientSlow ? 'client-left' : 'upstream-idle-timeout')
    }
  }

  cancel(code: FailureCode): void {
    if (this.#over) return
    if (this.#tunnel !== null) {
      this.#tunnel.cancel(code)
      return
    }
    this.#cut ??= code
    // A client that does not read the rest of a complete answer has no call left to cancel.
    if (this.#upstreamOver) this.#plan.exchange.abort()
    else this.#call?.cancel(code)
  }

  goAway(code: FailureCode): void {
    this.#tunnel?.goAway(code)
  }

  // The request's body

  bodyBytes(count: number): void {
    this.clientBytes += count
    this.lastByteAt = this.#ticker.now
  }

  bodyEnded(): void {
    this.lastByteAt = this.#ticker.now
    if (this.#phase === 'request') this.#phase = 'waiting'
  }

  // The client

  clientDrained(): void {
    this.lastByteAt = this.#ticker.now
    this.#clientSlow = false
    this.#call?.resume()
  }

  clientClosed(complete: boolean): void {
    if (this.#over || this.#tunnel !== null) return
    this.#over = true
    if (complete && this.#upstreamOver) {
      this.#listener.forwardDone(this.#cut ?? 'ok')
    } else {
      this.#call?.cancel('client-left')
      this.#listener.forwardDone(this.#cut ?? 'client-left')
    }
  }

  // The upstream

  upstreamInterim(status: number, fields: ResponseFields): void {
    this.lastByteAt = this.#ticker.now
    // Nobody asked to switch protocols; whoever believed it would read what follows as frames (RFC 9110 §7.8).
    if (status === 101 || status < 100) this.cancel('upstream-invalid')
    else if (++this.#interim > maxInterim) this.cancel('upstream-invalid')
    else if (!this.#over) this.#plan.exchange.inform(status, interimHeaders(fields))
  }

  upstreamHead(status: number, fields: ResponseFields): void {
    if (this.#over) return
    this.lastByteAt = this.#ticker.now
    this.#phase = 'answer'
    if (status > 599) {
      // No status (RFC 9110 §15); over HTTP/2 Node could not even say it.
      this.cancel('upstream-invalid')
      return
    }
    const { exchange, requestId, securityHeaders, responseEdits, cookies } = this.#plan
    const head = answerHead(status, fields, {
      requestId,
      security: securityHeaders,
      edits: responseEdits,
      cookies,
    })
    if (head === ambiguousLength) {
      this.cancel('upstream-invalid')
      return
    }
    try {
      exchange.begin(status, head.headers, head.length)
    } catch {
      // Node refuses to send what the backend said: characters that no header may have.
      this.cancel('upstream-invalid')
      return
    }
    this.#listener.forwardBegun(status)
  }

  upstreamData(chunk: Buffer): void {
    if (this.#over) return
    this.lastByteAt = this.#ticker.now
    if (!this.#plan.exchange.write(chunk)) {
      this.#clientSlow = true
      this.#call?.pause()
    }
  }

  upstreamEnd(trailers: ResponseFields): void {
    if (this.#over) return
    this.#upstreamOver = true
    this.#clientSlow = true
    this.#plan.exchange.end(this.#plan.trailers ? trailerFields(trailers) : null)
  }

  upstreamFailed(code: FailureCode, error: unknown): void {
    if (this.#over) return
    this.#over = true
    const reason = this.#cut ?? code
    const { exchange } = this.#plan
    if (!exchange.begun) {
      this.#listener.forwardFailed(reason, error)
      return
    }
    exchange.abort()
    this.#listener.forwardDone(reason === 'upstream-reset' ? 'upstream-incomplete' : reason)
  }

  upstreamSwitched(status: number, fields: ResponseFields, socket: Duplex): void {
    const { exchange, route, requestId, webSocketKey, cookies } = this.#plan
    const valid = status === 101 && webSocketKey !== null && isAccepted(fields, webSocketKey)
    if (this.#over || !valid) {
      socket.on('error', ignore)
      socket.destroy()
      if (!this.#over) this.upstreamFailed('upstream-invalid', null)
      return
    }
    const head = answerHead(status, fields, {
      requestId,
      security: [],
      edits: this.#plan.responseEdits,
      cookies,
    })
    if (head === ambiguousLength) {
      socket.destroy()
      this.upstreamFailed('upstream-invalid', null)
      return
    }
    let client: Duplex
    try {
      client = exchange.switchToWebSocket(acceptedProtocol(head.headers, exchange.protocol, fields))
    } catch (error) {
      // As in `upstreamHead`. The call is over: nobody else would ever end this exchange.
      socket.on('error', ignore)
      socket.destroy()
      this.upstreamFailed('upstream-invalid', error)
      return
    }
    this.#tunnel = new Tunnel(
      { client, upstream: socket },
      {
        ticker: this.#ticker,
        idleMs: route.definition.timeouts.idleMs,
        over: (outcome) => this.#tunnelOver(outcome),
      },
    )
    this.#listener.forwardBegun(exchange.protocol === 'HTTP/2' ? 200 : 101)
    this.#tunnel.start()
  }

  /** Bytes of a WebSocket, for the record; 0 and 0 otherwise. */
  tunnelBytes(): { readonly fromClient: number; readonly toClient: number } {
    return this.#tunnel ?? noBytes
  }

  /** While a request's body stands still: bytes that lie here wait for the backend, and without any we wait for the client. */
  #lateInRequest(): FailureCode {
    const waiting = this.#body?.readableLength ?? 0
    return waiting > 0 ? 'upstream-idle-timeout' : 'request-timeout'
  }

  #tunnelOver(outcome: FailureCode | 'ok'): void {
    if (this.#over) return
    this.#over = true
    this.#listener.forwardDone(outcome)
  }
}

const noBytes = { fromClient: 0, toClient: 0 }

function ignore(): void {}
