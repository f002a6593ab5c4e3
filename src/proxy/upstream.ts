// Connections to backends: the only file that names the HTTP client library. Hot path.

import { createRequire } from 'node:module'
import type { LookupFunction } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Client, Dispatcher } from 'undici'
import type { FailureCode } from '../errors.ts'
import type { UpstreamTarget } from '../model.ts'
import type {
  ResponseFields,
  Upstream,
  UpstreamCall,
  UpstreamListener,
  UpstreamRequest,
} from './call.ts'
import { CallCancelled, failureOf, isConnectFailure } from './failure.ts'

/**
 * The client alone: the package's front door also loads fetch, caches, mocks and WebSocket, 8 MB of memory that
 * nothing here uses. The version is pinned, and every test that forwards anything notices when this path moves.
 */
const HttpClient = createRequire(import.meta.url)(
  'undici/lib/dispatcher/client.js',
) as typeof Client

/**
 * Connections to one target at a time. A backend of this cloud is one small machine: beyond this, requests wait here
 * in order instead of swamping it.
 */
const maxConnections = 128
/** Requests that may wait for a connection; beyond this the answer is 503 at once. */
const maxWaiting = 256
/** Below the 5 s after which Node's own servers close an idle connection: the race is lost by closing first. */
const keepAliveMs = 4_000
/** What a backend's `Keep-Alive: timeout` hint may raise it to. */
const keepAliveMaxMs = 600_000
/** Response header section, bytes. */
const maxResponseHeaderBytes = 32_768
/** Connect failures in a row after which a target is left alone for a moment. */
const failuresUntilDown = 3
const coolDownMs = 2_000
/** A connection unused for so long is forgotten, milliseconds. */
const forgetAfterMs = 60_000

export interface UpstreamDeps {
  readonly readFile: (path: string) => Buffer
  /** Name resolution for connections; refuses forbidden addresses. Shaped as `dns.lookup`. */
  readonly lookup: LookupFunction
}

/** An upstream and what its keeper does with it. */
export interface KeptUpstream extends Upstream {
  readonly closed: boolean
  /** Forgets connections that were not used lately. */
  sweep(now: number): void
  /** Milliseconds without a request; 0 while one is under way. */
  unusedSince(now: number): number
  close(): void
}

/** @param serverName for TLS instead of the target's own; `null`: the target's. */
export function createUpstream(
  target: UpstreamTarget,
  connection: { readonly connectMs: number; readonly serverName: string | null },
  deps: UpstreamDeps,
): KeptUpstream {
  return new Pool(target, clientOptions(target, connection, deps))
}

/** A client that carries one request at a time, and what is known of its connection. */
interface Line {
  readonly client: Client
  /** Requests answered on the present connection; 0: a fresh one, or none. */
  served: number
  idleSince: number
}

/**
 * The library's own pool can be wedged for ever by a request that fails its validation, and does not tell whether
 * a connection was used before, which decides whether a request may be repeated. So: single clients, last used first.
 */
class Pool implements KeptUpstream {
  readonly name: string
  closed = false
  readonly #origin: string
  readonly #options: Client.Options
  readonly #idle: Line[] = []
  readonly #waiting: Call[] = []
  readonly #lines = new Set<Line>()
  #connectFailures = 0
  #downUntil = 0
  #lastUsed = 0

  constructor(target: UpstreamTarget, options: Client.Options) {
    const host = target.hostname.includes(':') ? `[${target.hostname}]` : target.hostname
    this.name = `${host}:${target.port}`
    this.#origin = `${target.scheme}://${this.name}`
    this.#options = options
  }

  send(request: UpstreamRequest, listener: UpstreamListener, now: number): UpstreamCall {
    this.#lastUsed = now
    const call = new Call(this, request, listener)
    if (this.#connectFailures >= failuresUntilDown) {
      if (now < this.#downUntil) {
        call.refuse('upstream-down')
        return call
      }
      // This one finds out; the others go on being refused meanwhile.
      this.#downUntil = now + coolDownMs
    }
    const line = this.#idle.pop() ?? this.#newLine()
    if (line !== null) call.start(line)
    else if (this.#waiting.length < maxWaiting) this.#waiting.push(call)
    else call.refuse('upstream-busy')
    return call
  }

  state(): { up: boolean; active: number; idle: number; waiting: number } {
    return {
      up: this.#connectFailures < failuresUntilDown,
      active: this.#lines.size - this.#idle.length,
      idle: this.#idle.length,
      waiting: this.#waiting.length,
    }
  }

  sweep(now: number): void {
    let kept = 0
    for (const line of this.#idle) {
      if (line.idleSince === 0) line.idleSince = now
      if (now - line.idleSince > forgetAfterMs) this.#forget(line)
      else this.#idle[kept++] = line
    }
    this.#idle.length = kept
  }

  unusedSince(now: number): number {
    return this.#lines.size > this.#idle.length ? 0 : now - this.#lastUsed
  }

  close(): void {
    this.closed = true
    for (const line of this.#idle) this.#forget(line)
    this.#idle.length = 0
  }

  /** For `Call`. */
  release(line: Line): void {
    line.idleSince = 0
    if (this.closed) {
      this.#forget(line)
      return
    }
    const next = this.#waiting.shift()
    if (next === undefined) this.#idle.push(line)
    else next.start(line)
  }

  /** For `Call`. */
  leaveQueue(call: Call): void {
    const at = this.#waiting.indexOf(call)
    if (at !== -1) this.#waiting.splice(at, 1)
  }

  /** For `Call`. */
  heard(failure: FailureCode | null): void {
    if (failure === null) {
      this.#connectFailures = 0
    } else if (isConnectFailure(failure)) {
      this.#connectFailures += 1
      this.#downUntil = this.#lastUsed + coolDownMs
    }
  }

  #newLine(): Line | null {
    if (this.#lines.size >= maxConnections) return null
    const line: Line = {
      client: new HttpClient(this.#origin, this.#options),
      served: 0,
      idleSince: 0,
    }
    line.client.on('connect', () => {
      line.served = 0
    })
    line.client.on('disconnect', () => {
      line.served = 0
    })
    this.#lines.add(line)
    return line
  }

  #forget(line: Line): void {
    this.#lines.delete(line)
    line.client.destroy().catch(ignore)
  }
}

/** One request on one line; the client library calls its `on…` methods. */
class Call implements UpstreamCall, Dispatcher.DispatchHandler {
  retried = false
  readonly #pool: Pool
  readonly #request: UpstreamRequest
  readonly #listener: UpstreamListener
  #line: Line | null = null
  #controller: Dispatcher.DispatchController | null = null
  #reused = false
  #answered = false
  #paused = false
  #cancelled: FailureCode | null = null
  #over = false

  constructor(pool: Pool, request: UpstreamRequest, listener: UpstreamListener) {
    this.#pool = pool
    this.#request = request
    this.#listener = listener
  }

  start(line: Line): void {
    this.#line = line
    this.#reused = line.served > 0
    const request = this.#request
    line.client.dispatch(
      {
        method: request.method as Dispatcher.HttpMethod,
        path: request.path,
        headers: request.headers,
        body: request.body,
        upgrade: request.webSocket ? 'websocket' : null,
      },
      this,
    )
  }

  refuse(code: FailureCode): void {
    // The caller gets its call first, then hears of the end.
    queueMicrotask(() => this.#fail(code, null))
  }

  pause(): void {
    this.#paused = true
    this.#controller?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#controller?.resume()
  }

  cancel(code: FailureCode): void {
    if (this.#over || this.#cancelled !== null) return
    this.#cancelled = code
    if (this.#line === null) {
      this.#pool.leaveQueue(this)
      this.#fail(code, null)
    } else if (this.#controller !== null) {
      this.#controller.abort(new CallCancelled(code))
    } else {
      // Still connecting, which cannot be stopped: the line comes back when the dial has ended.
      this.#over = true
      this.#listener.upstreamFailed(code, null)
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#cancelled !== null) controller.abort(new CallCancelled(this.#cancelled))
    else if (this.#paused) controller.pause()
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    fields: ResponseFields,
  ): void {
    this.#answered = true
    if (status < 200) {
      this.#listener.upstreamInterim(status, fields)
      return
    }
    this.#pool.heard(null)
    this.#listener.upstreamHead(status, fields)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#listener.upstreamData(chunk)
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: ResponseFields): void {
    const line = this.#release()
    if (line !== null) line.served += 1
    if (this.#over) return
    this.#over = true
    this.#listener.upstreamEnd(trailers)
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const code = failureOf(error)
    if (this.#mayRepeat(code)) {
      this.retried = true
      const line = this.#line
      this.#controller = null
      // The library has thrown the dead socket away: the same client dials anew.
      if (line !== null) {
        line.served = 0
        queueMicrotask(() => this.start(line))
        return
      }
    }
    this.#release()
    if (!this.#answered) this.#pool.heard(code)
    this.#fail(code, error)
  }

  onRequestUpgrade(
    _controller: Dispatcher.DispatchController,
    status: number,
    fields: ResponseFields,
    socket: Duplex,
  ): void {
    this.#release()
    if (this.#over) {
      socket.destroy()
      return
    }
    this.#over = true
    this.#pool.heard(null)
    this.#listener.upstreamSwitched(status, fields, socket)
  }

  #mayRepeat(code: FailureCode): boolean {
    return (
      code === 'upstream-reset' &&
      this.#reused &&
      !this.#answered &&
      !this.retried &&
      this.#cancelled === null &&
      this.#request.repeatable
    )
  }

  #release(): Line | null {
    const line = this.#line
    this.#line = null
    if (line !== null) this.#pool.release(line)
    return line
  }

  #fail(code: FailureCode, error: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#listener.upstreamFailed(code, error)
  }
}

function clientOptions(
  target: UpstreamTarget,
  { connectMs, serverName }: { readonly connectMs: number; readonly serverName: string | null },
  deps: UpstreamDeps,
): Client.Options {
  const connect: Record<string, unknown> = { timeout: connectMs, lookup: deps.lookup }
  const tls = target.tls
  if (tls !== null) {
    connect.servername = serverName ?? tls.serverName ?? undefined
    connect.rejectUnauthorized = !tls.insecureSkipUpstreamTlsVerify
    connect.ALPNProtocols = ['http/1.1']
    if (tls.caFile !== null) connect.ca = deps.readFile(tls.caFile)
    if (tls.clientCertificate !== null) {
      connect.cert = deps.readFile(tls.clientCertificate.certFile)
      connect.key = deps.readFile(tls.clientCertificate.keyFile)
    }
  }
  return {
    connect,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMaxMs,
    maxHeaderSize: maxResponseHeaderBytes,
    // Ours are counted from the last byte of the request and in both directions; see flights.ts.
    headersTimeout: 0,
    bodyTimeout: 0,
    strictContentLength: true,
  }
}

function ignore(): void {}
