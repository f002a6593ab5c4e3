// One request and the way to answer it, whatever the HTTP version: what gateway, forward and tunnel work with.

import type { Duplex, Readable } from 'node:stream'
import type { Peer } from './peer.ts'

/** Hears what becomes of the client's side. Set once per exchange, before anything is written. */
export interface ExchangeListener {
  /** The client can take more bytes after a `write` that returned false. */
  clientDrained(): void
  /** The exchange is over, once. `complete`: the whole answer was handed to the operating system. */
  clientClosed(complete: boolean): void
}

/** Hears of the bytes of a request body as they pass. */
export interface BodyObserver {
  bodyBytes(count: number): void
  bodyEnded(): void
}

export interface Exchange {
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2'
  readonly method: string
  /** Request target (RFC 9112 §3.2) or `:path`. */
  readonly rawTarget: string
  /** `:authority` (RFC 9113 §8.3.1); `null` over HTTP/1. */
  readonly rawAuthority: string | null
  /** Flat list as received; HTTP/2 pseudo-headers included. */
  readonly rawHeaders: readonly string[]
  readonly peer: Peer
  /** Asks for a WebSocket: RFC 6455 §4.2.1 or RFC 8441 §4. */
  readonly webSocket: boolean
  /** Bytes of body the head announces; Infinity: some, unknown; 0: none; `null`: the head was not read yet. Set by whoever reads it. */
  declaredBytes: number | null
  /** Body bytes received and sent so far. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** The header section of the final answer is out: no failure page can be sent any more. */
  readonly begun: boolean
  /** The client is gone, or the answer is complete. */
  readonly closed: boolean

  listen(listener: ExchangeListener): void
  /** Interim answer (RFC 9110 §15.2); does nothing for HTTP/1.0 or once the answer has begun. */
  inform(status: number, headers: readonly string[]): void
  /**
   * Opens the body, once. `100 Continue` is sent when the first byte is asked for.
   *
   * @param maxBytes the stream fails with code `BODY_TOO_LARGE` beyond this; `null`: no limit.
   */
  openBody(maxBytes: number | null, observer: BodyObserver): Readable
  /**
   * Sends status and headers of an answer whose body follows by `write` and `end`.
   *
   * @param length of the body as the headers declare it; `null`: unknown, and trailers may follow.
   */
  begin(status: number, headers: string[], length: number | null): void
  /** @returns false when the client is slower: wait for `clientDrained`. */
  write(chunk: Buffer): boolean
  /** @param trailers flat list, or `null`. */
  end(trailers: readonly string[] | null): void
  /** A whole answer at once. The body is left out for HEAD. */
  answer(status: number, headers: string[], body: Buffer): void
  /** Accepts the WebSocket; the result carries its bytes both ways. */
  switchToWebSocket(headers: string[]): Duplex
  /** Cuts the answer so that it cannot be taken for a complete one. */
  abort(): void
}

/** The largest rest of a refused body that is read and thrown away to keep a connection; beyond it is closed. */
export const drainLimitBytes = 65_536
