// Connections to backends: the only file that names the HTTP client library. Hot path.

import { createRequire } from 'node:module'
import type { Duplex } from 'node:stream'
import type { buildConnector as BuildConnector, Client, Dispatcher } from 'undici'
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
import { createFairShare } from './fair-share.ts'
import { type UpstreamDeps, upstreamOptions } from './upstream-options.ts'

/**
 * The client alone: the package's front door also loads fetch, caches, mocks and WebSocket, 8 MB of memory that
 * nothing here uses. The version is pinned, and every test that forwards anything notices when this path moves.
 */
const requireClient = createRequire(import.meta.url)
const HttpClient = requireClient('undici/lib/dispatcher/client.js') as typeof Client
const buildConnector = requireClient('undici/lib/core/connect.js') as typeof BuildConnector

/**
 * Connections to one target at a time. A backend of this cloud is one small machine: beyond this, requests wait here
 * in order instead of swamping it.
 */
const maxConnections = 128
/** Requests that may wait for a connection, some 5 kB each; beyond this the answer is 503 at once. */
const maxWaiting = 2_000
/** Connect failures in a row after which a target is left alone for a moment. */
const failuresUntilDown = 3
const coolDownMs = 2_000
/** A connection unused for so long is forgotten, milliseconds. */
const forgetAfterMs = 60_000

/** An upstream and what its keeper does with it. */
export interface KeptUpstream extends Upstream {
  readonly closed: boolean
  /** Forgets connections that were not used lately. */
  sweep(now: number): void
  /** Milliseconds without a request; 0 while one is under way. */
  unusedSince(now: number): number
  /** Keeps no connection from now on; requests under way, and those that wait, go on to their end. */
  close(): void
}

/** @param serverName for TLS instead of the target's own; `null`: the target's. */
export function createUpstream(
  target: UpstreamTarget,
  connection: { readonly connectMs: number; readonly serverName: string | null },
  deps: UpstreamDeps,
): KeptUpstream {
  return new Pool(target, upstreamOptions(target, connection, deps))
}

/** A client that carries one request at a time, and what is known of its connection. */
interface Line {
  readonly client: Client
  /** Requests answered on the present connection; 0: a fresh one, or none. */
  served: number
  /** The present connection was reset: what ended there with it did not end by itself. */
  broken: boolean
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
  readonly #connect: BuildConnector.connector
  readonly #idle: Line[] = []
  readonly #waiting: Call[] = []
  readonly #lines = new Set<Line>()
  readonly #share = createFairShare(maxConnections)
  #connectFailures = 0
  #downUntil = 0
  #failingSince = 0
  #lastUsed = 0

  constructor(target: UpstreamTarget, options: Client.Options) {
    const host = target.hostname.includes(':') ? `[${target.hostname}]` : target.hostname
    this.name = `${host}:${target.port}`
    this.#origin = `${target.scheme}://${this.name}`
    this.#options = options
    this.#connect = buildConnector({ allowH2: options.allowH2 ?? false, ...options.connect })
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
    const line = this.#lineFor(request.client)
    if (line !== null) call.start(line)
    else if (this.#waiting.length < maxWaiting) this.#waiting.push(call)
    else call.refuse('upstream-busy')
    return call
  }

  state(): ReturnType<Upstream['state']> {
    return {
      up: this.#connectFailures < failuresUntilDown,
      failingSince: this.#connectFailures === 0 ? null : this.#failingSince,
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
    this.#forgetIdle()
  }

  /** For `Call`. */
  release(line: Line, client: string): void {
    line.idleSince = 0
    this.#share.give(client)
    this.#idle.push(line)
    if (this.#waiting.length > 0) this.#startWaiting()
    if (this.closed) this.#forgetIdle()
  }

  /** In order of arrival, but for those whose client holds its share already while connections are short. */
  #startWaiting(): void {
    const free = this.#free()
    const at = this.#waiting.findIndex((call) => this.#share.mayTake(call.client, free))
    const call = this.#waiting[at]
    const line = call === undefined ? null : this.#lineFor(call.client)
    if (call === undefined || line === null) return
    this.#waiting.splice(at, 1)
    call.start(line)
  }

  #free(): number {
    return maxConnections - this.#lines.size + this.#idle.length
  }

  #lineFor(client: string): Line | null {
    if (!this.#share.mayTake(client, this.#free())) return null
    const line = this.#idle.pop() ?? this.#newLine()
    if (line !== null) this.#share.take(client)
    return line
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
      if (this.#connectFailures === 0) this.#failingSince = this.#lastUsed
      this.#connectFailures += 1
      this.#downUntil = this.#lastUsed + coolDownMs
    }
  }

  #newLine(): Line | null {
    if (this.#lines.size >= maxConnections) return null
    const connect: BuildConnector.connector = (options, callback) => {
      this.#connect(options, (...result) => {
        line.served = 0
        line.broken = false
        result[1]?.once('error', () => {
          line.broken = true
        })
        callback(...result)
      })
    }
    const client = new HttpClient(this.#origin, { ...this.#options, connect })
    const line: Line = { client, served: 0, broken: false, idleSince: 0 }
    line.client.on('disconnect', () => {
      line.served = 0
    })
    this.#lines.add(line)
    return line
  }

  #forgetIdle(): void {
    for (const line of this.#idle) this.#forget(line)
    this.#idle.length = 0
  }

  #forget(line: Line): void {
    this.#lines.delete(line)
    line.client.destroy().catch(ignore)
  }
}

/** One request on one line; the client library calls its `on…` methods. */
class Call implements UpstreamCall, Dispatcher.DispatchHandler {
  retried = false
  readonly client: string
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
    this.client = request.client
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
    const line = this.#line
    if (line !== null) line.served += 1
    this.#release()
    if (this.#over) return
    // The library takes the reset of a connection for the end of an answer without length (RFC 9112 §8).
    if (line?.broken) {
      this.#fail('upstream-incomplete', null)
      return
    }
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
    if (line !== null) this.#pool.release(line, this.client)
    return line
  }

  #fail(code: FailureCode, error: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#listener.upstreamFailed(code, error)
  }
}

function ignore(): void {}
