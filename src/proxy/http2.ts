// An exchange over HTTP/2, on the core stream API (the compatibility layer costs twice the CPU). Hot path.

import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Duplex, Readable } from 'node:stream'
import {
  type BodyObserver,
  drainLimitBytes,
  type Exchange,
  type ExchangeListener,
} from './exchange.ts'
import type { Peer } from './peer.ts'
import { RequestBody } from './request-body.ts'

const exchangeKey = Symbol('exchange')
interface WithExchange {
  [exchangeKey]?: Http2Exchange | undefined
}

const endStreamFlag = 0x1

export class Http2Exchange implements Exchange {
  readonly protocol = 'HTTP/2'
  readonly method: string
  readonly rawTarget: string
  readonly rawAuthority: string | null
  readonly rawHeaders: readonly string[]
  readonly peer: Peer
  readonly webSocket: boolean
  declaredBytes: number | null
  bytesIn = 0
  bytesOut = 0
  begun = false
  closed = false
  readonly #stream: ServerHttp2Stream
  #listener: ExchangeListener | null = null
  #body: RequestBody | null = null
  #observer: BodyObserver | null = null
  #awaitsDrain = false
  #length: number | null = null
  #held: Buffer | null = null
  #trailers: readonly string[] | null = null
  #continueExpected: boolean

  constructor(
    stream: ServerHttp2Stream,
    pseudo: {
      ':method'?: string | undefined
      ':path'?: string | undefined
      ':authority'?: string | undefined
      ':protocol'?: string | string[] | undefined
      expect?: string | undefined
      'content-length'?: string | undefined
    },
    peer: Peer,
    received: { flags: number; rawHeaders: readonly string[] },
  ) {
    const method = pseudo[':method'] ?? ''
    // RFC 8441 §4: an extended CONNECT is what HTTP/1.1 calls GET with Upgrade.
    this.webSocket = method === 'CONNECT' && pseudo[':protocol'] === 'websocket'
    this.method = this.webSocket ? 'GET' : method
    this.rawTarget = pseudo[':path'] ?? ''
    this.rawAuthority = pseudo[':authority'] ?? null
    this.rawHeaders = received.rawHeaders
    this.peer = peer
    this.#stream = stream
    this.#continueExpected = pseudo.expect !== undefined
    this.declaredBytes =
      this.webSocket || (received.flags & endStreamFlag) !== 0
        ? 0
        : Number(pseudo['content-length'] ?? Number.POSITIVE_INFINITY)
  }

  listen(listener: ExchangeListener): void {
    const first = this.#listener === null
    this.#listener = listener
    if (!first) return
    const stream: ServerHttp2Stream & WithExchange = this.#stream
    stream[exchangeKey] = this
    stream.on('close', onStreamClose)
    stream.on('error', ignore) // 'close' follows and says the same.
  }

  inform(status: number, headers: readonly string[]): void {
    if (this.begun || this.closed || this.#stream.destroyed) return
    try {
      this.#stream.additionalHeaders({ ':status': status, ...fields(headers) })
    } catch {
      // A backend said what Node refuses to send, such as two ETags. A hint is no loss; the answer follows.
    }
  }

  openBody(maxBytes: number | null, observer: BodyObserver): Readable {
    this.#observer = observer
    const body = new RequestBody(this.#stream, {
      maxBytes,
      observer: this,
      onFirstRead: this.#continueExpected ? () => this.inform(100, []) : null,
    })
    this.#body = body
    return body
  }

  bodyBytes(count: number): void {
    this.bytesIn += count
    this.#observer?.bodyBytes(count)
  }

  bodyEnded(): void {
    this.#observer?.bodyEnded()
  }

  begin(status: number, headers: string[], length: number | null): void {
    this.#length = length
    const stream = this.#stream
    if (!stream.destroyed) {
      headers.push(':status', String(status))
      // Trailers are known only at the end, so the stream must be told to ask for them. May throw: nothing is said then.
      stream.respond(headers, { waitForTrailers: length === null })
      if (length === null) stream.on('wantTrailers', onWantTrailers)
    }
    this.begun = true
  }

  write(chunk: Buffer): boolean {
    // The whole body came at once, so its end is the next thing to come: one DATA frame carries both.
    if (chunk.length === this.#length) {
      this.#held = chunk
      return true
    }
    this.bytesOut += chunk.length
    if (this.#stream.destroyed || this.#stream.write(chunk)) return true
    if (!this.#awaitsDrain) {
      this.#awaitsDrain = true
      this.#stream.once('drain', onStreamDrain)
    }
    return false
  }

  end(trailers: readonly string[] | null): void {
    this.#trailers = trailers
    const held = this.#held
    if (held !== null) this.bytesOut += held.length
    if (!this.#stream.destroyed) {
      if (held === null) this.#stream.end()
      else this.#stream.end(held)
    }
    this.#stopBody()
  }

  answer(status: number, headers: string[], body: Buffer): void {
    this.begun = true
    const stream = this.#stream
    if (stream.destroyed) return
    headers.push(':status', String(status))
    if (this.method === 'HEAD' || body.length === 0) {
      stream.respond(headers, { endStream: true })
    } else {
      this.bytesOut += body.length
      stream.respond(headers)
      stream.end(body)
    }
    this.#stopBody()
  }

  switchToWebSocket(headers: string[]): Duplex {
    headers.push(':status', '200')
    this.#stream.respond(headers)
    this.begun = true
    return this.#stream
  }

  abort(): void {
    this.#body?.destroy()
    if (this.#stream.destroyed) return
    // Before the answer began this is a refusal to go on; afterwards it marks the answer as cut.
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    this.#stream.destroy()
  }

  /** For the event handlers below. */
  drained(): void {
    this.#awaitsDrain = false
    this.#listener?.clientDrained()
  }

  /** For the event handlers below. */
  over(complete: boolean): void {
    if (this.closed) return
    this.closed = true
    const listener = this.#listener
    // Node's table of streams leaves closed ones behind in the old space for a while, and the garbage collector would copy
    // whatever hangs on them at every turn.
    const stream: ServerHttp2Stream & WithExchange = this.#stream
    stream[exchangeKey] = undefined
    this.#listener = null
    this.#body = null
    this.#observer = null
    listener?.clientClosed(complete)
  }

  /** For the event handlers below. */
  sendTrailers(): void {
    const trailers = this.#trailers
    try {
      this.#stream.sendTrailers(trailers === null ? {} : fields(trailers))
    } catch {
      // Called by Node itself: what a backend's trailers make it throw would end the process.
      this.abort()
    }
  }

  /** RFC 9113 §8.1: after a complete answer the rest of the request is refused with NO_ERROR. */
  #stopBody(): void {
    if (this.declaredBytes === 0 || this.#stream.readableEnded) return
    const body = this.#body
    if (body !== null) body.destroy()
    const stream = this.#stream
    if (
      this.#continueExpected ||
      (this.declaredBytes ?? Number.POSITIVE_INFINITY) > drainLimitBytes
    ) {
      stream.once('finish', () => {
        stream.close(constants.NGHTTP2_NO_ERROR)
        // What of the body stands in its buffer is thrown away: Node keeps a stream that was read from until it is read to its end.
        stream.resume()
      })
    } else {
      stream.resume()
    }
  }
}

function onStreamClose(this: ServerHttp2Stream & WithExchange): void {
  // `finish` can come after `close` here: ended, and closed without an error code, is what a whole answer looks like.
  // Node itself ends a stream whose session goes away, with NO_ERROR when the client said so; `aborted` tells.
  const whole = this.writableEnded && !this.aborted
  this[exchangeKey]?.over(whole && this.rstCode === constants.NGHTTP2_NO_ERROR)
}

function onStreamDrain(this: ServerHttp2Stream & WithExchange): void {
  this[exchangeKey]?.drained()
}

function onWantTrailers(this: ServerHttp2Stream & WithExchange): void {
  this[exchangeKey]?.sendTrailers()
}

function ignore(): void {}

function fields(flat: readonly string[]): Record<string, string | string[]> {
  // Without a prototype: a field named `constructor` must not find a function there.
  const out: Record<string, string | string[]> = Object.create(null)
  for (let i = 0; i < flat.length; i += 2) {
    const name = (flat[i] as string).toLowerCase()
    const value = flat[i + 1] as string
    const earlier = out[name]
    out[name] =
      earlier === undefined
        ? value
        : Array.isArray(earlier)
          ? [...earlier, value]
          : [earlier, value]
  }
  return out
}
