// What a forward asks of a backend and hears from it: types alone, so that the client behind them can be exchanged.

import type { Duplex, Readable } from 'node:stream'
import type { FailureCode } from '../errors.ts'

/** A request as a backend gets it. */
export interface UpstreamRequest {
  readonly method: string
  /** Origin-form target. */
  readonly path: string
  /** Flat list. */
  readonly headers: string[]
  readonly body: Readable | null
  readonly webSocket: boolean
  /** Whom its connection is counted for: an address, a network, or a session. */
  readonly client: string
  /** May be sent again on a fresh connection when a kept one turns out dead (RFC 9110 §9.2.2). */
  readonly repeatable: boolean
}

export type ResponseFields = Readonly<Record<string, string | string[] | undefined>>

/** Hears of an answer, in this order; `failed` ends it at any point. */
export interface UpstreamListener {
  upstreamInterim(status: number, fields: ResponseFields): void
  upstreamHead(status: number, fields: ResponseFields): void
  upstreamData(chunk: Buffer): void
  upstreamEnd(trailers: ResponseFields): void
  upstreamSwitched(status: number, fields: ResponseFields, socket: Duplex): void
  upstreamFailed(code: FailureCode, error: unknown): void
}

/** A request under way. */
export interface UpstreamCall {
  /** It was sent a second time because the first connection was dead. */
  readonly retried: boolean
  pause(): void
  resume(): void
  /** Ends it; the listener hears `failed` with this code unless it has heard the end already. */
  cancel(code: FailureCode): void
}

export interface Upstream {
  /** `host:port`, for logs and metrics. */
  readonly name: string
  send(request: UpstreamRequest, listener: UpstreamListener, now: number): UpstreamCall
  state(): {
    readonly up: boolean
    /** Connections have failed since then, one after the other; wall clock, milliseconds. `null`: the last one did not. */
    readonly failingSince: number | null
    readonly active: number
    readonly idle: number
    readonly waiting: number
  }
}
