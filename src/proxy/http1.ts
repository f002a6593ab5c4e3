// An exchange over HTTP/1.0 or 1.1, on Node's own parser and writer. Hot path.

import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import { resetConnection } from './connection-key.ts'
import {
  type BodyObserver,
  drainLimitBytes,
  type Exchange,
  type ExchangeListener,
} from './exchange.ts'
import type { Peer } from './peer.ts'
import { RequestBody } from './request-body.ts'

/** How long an answered client may go on sending before its connection is cut, milliseconds (RFC 9112 §9.6). */
const lingerMs = 2_000

const exchangeKey = Symbol('exchange')
interface WithExchange {
  [exchangeKey]?: Http1Exchange
}

/** A prototype, not closures: one of these is made per request, and 50 thousand a minute are not unusual. */
export class Http1Exchange implements Exchange {
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1'
  readonly method: string
  readonly rawTarget: string
  readonly rawAuthority = null
  readonly rawHeaders: readonly string[]
  readonly peer: Peer
  readonly webSocket: boolean
  declaredBytes: number | null = null
  bytesIn = 0
  bytesOut = 0
  begun = false
  closed = false
  readonly #req: IncomingMessage
  #res: ServerResponse | null
  readonly #continueExpected: boolean
  #listener: ExchangeListener | null = null
  #body: RequestBody | null = null
  #observer: BodyObserver | null = null
  #awaitsDrain = false
  #length: number | null = null
  #held: Buffer | null = null
  /** The raw socket of an upgrade request, and the bytes that came with it. */
  readonly #socket: Duplex | null
  readonly #head: Buffer | null

  constructor(
    req: IncomingMessage,
    res: ServerResponse | null,
    peer: Peer,
    details: { continueExpected: boolean; upgrade: { socket: Duplex; head: Buffer } | null },
  ) {
    this.protocol = req.httpVersionMinor === 0 ? 'HTTP/1.0' : 'HTTP/1.1'
    this.method = req.method ?? ''
    this.rawTarget = req.url ?? ''
    this.rawHeaders = req.rawHeaders
    this.peer = peer
    this.#req = req
    this.#res = res
    this.#continueExpected = details.continueExpected
    this.webSocket = details.upgrade !== null
    this.#socket = details.upgrade?.socket ?? null
    this.#head = details.upgrade?.head ?? null
  }

  listen(listener: ExchangeListener): void {
    const first = this.#listener === null
    this.#listener = listener
    if (!first) return
    if (this.#res !== null) {
      this.#hear(this.#res)
    } else if (this.#socket !== null) {
      const socket: Duplex & WithExchange = this.#socket
      socket[exchangeKey] = this
      socket.on('close', onUpgradeClose)
      // A socket that nobody reads does not tell that the client has left.
      socket.on('readable', onEarlyBytes)
      socket.on('end', onEarlyEnd)
      socket.on('error', ignore)
    }
  }

  inform(status: number, headers: readonly string[]): void {
    const socket = this.#res?.socket
    if (this.protocol === 'HTTP/1.0' || this.begun || this.closed || !socket) return
    socket.write(headText(status, headers), 'latin1')
  }

  openBody(maxBytes: number | null, observer: BodyObserver): Readable {
    this.#observer = observer
    const body = new RequestBody(this.#req, {
      maxBytes,
      observer: this,
      onFirstRead: this.#continueExpected ? () => this.#sendContinue() : null,
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
    this.begun = true
    this.#length = length
    const res = this.#response()
    if (this.#leavesBodyBehind()) res.shouldKeepAlive = false
    res.writeHead(status, headers)
  }

  write(chunk: Buffer): boolean {
    const res = this.#res
    if (res === null) return true
    // The whole body came at once, so its end is the next thing to come: head and body go out in one write.
    if (chunk.length === this.#length) {
      this.#held = chunk
      return true
    }
    this.bytesOut += chunk.length
    if (res.write(chunk)) return true
    if (!this.#awaitsDrain) {
      this.#awaitsDrain = true
      res.once('drain', onResponseDrain)
    }
    return false
  }

  end(trailers: readonly string[] | null): void {
    const res = this.#res
    if (res === null) return
    if (trailers !== null && res.chunkedEncoding) res.addTrailers(pairs(trailers))
    // A body that the backend did not wait for is no longer wanted.
    if (this.#leavesBodyBehind()) this.#linger(res)
    const held = this.#held
    if (held === null) {
      res.end()
    } else {
      this.bytesOut += held.length
      res.end(held)
    }
  }

  answer(status: number, headers: string[], body: Buffer): void {
    this.begun = true
    const res = this.#response()
    // An ambiguous request leaves its connection ambiguous (RFC 9112 §2.2, §3).
    if (status === 400) res.shouldKeepAlive = false
    if (this.#leavesBodyBehind()) this.#linger(res)
    res.writeHead(status, headers)
    if (this.method === 'HEAD' || body.length === 0) {
      res.end()
    } else {
      this.bytesOut += body.length
      res.end(body)
    }
  }

  switchToWebSocket(headers: string[]): Duplex {
    const socket = this.#socket
    if (socket === null) throw new TypeError('not an upgrade request')
    this.begun = true
    stopWaiting(socket)
    socket.write(headText(101, headers), 'latin1')
    if (this.#head !== null && this.#head.length > 0) socket.unshift(this.#head)
    return socket
  }

  abort(): void {
    // The rest of a body nobody reads any more must not keep the connection alive.
    this.#body?.destroy()
    // To HTTP/1.0 the end of the connection is the end of the answer (RFC 9112 §6.3 item 8), unless it is RST.
    if (this.begun && this.#length === null && this.protocol === 'HTTP/1.0') {
      resetConnection(this.#req.socket)
    }
    if (this.#res !== null) this.#res.destroy()
    else this.#socket?.destroy()
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
    this.#listener?.clientClosed(complete)
  }

  #sendContinue(): void {
    if (!this.begun && this.protocol === 'HTTP/1.1') this.#res?.writeContinue()
  }

  /** An upgrade request that is refused is answered on its bare socket, which is then closed. */
  #response(): ServerResponse {
    if (this.#res !== null) return this.#res
    const res = new ServerResponse(this.#req)
    const socket = this.#socket as Socket
    res.shouldKeepAlive = false
    res.assignSocket(socket)
    // Node's server has let go of this socket: nobody else tells the answer that there is room again.
    socket.on('drain', () => res.emit('drain'))
    res.on('finish', () => endSocket(socket))
    this.#res = res
    // `listen` heard the socket; from here the answer tells whether all was sent.
    socket.off('close', onUpgradeClose)
    stopWaiting(socket)
    this.#hear(res)
    return res
  }

  #hear(res: ServerResponse & WithExchange): void {
    res[exchangeKey] = this
    res.on('close', onResponseClose)
  }

  /** Whether so much of the body may still come that reading it costs more than a new connection. */
  #leavesBodyBehind(): boolean {
    if (this.declaredBytes === 0 || this.webSocket) return false
    const req = this.#req
    if (req.complete) return false
    this.declaredBytes ??= declaredBytes(req)
    return this.declaredBytes - this.bytesIn > drainLimitBytes || this.#continueExpected
  }

  /**
   * Closing a socket with unread bytes makes the kernel send RST, which can destroy the answer before the client
   * has read it (RFC 9112 §9.6): half-close, read a little more, then close.
   */
  #linger(res: ServerResponse): void {
    this.#body?.destroy()
    const req = this.#req
    const socket = res.socket
    if (!socket) return
    res.shouldKeepAlive = false
    let allowance = drainLimitBytes
    const timer = setTimeout(() => socket.destroy(), lingerMs)
    timer.unref()
    req.on('data', (chunk: Buffer) => {
      allowance -= chunk.length
      if (allowance < 0) socket.destroy()
    })
    req.on('error', ignore)
    socket.once('close', () => clearTimeout(timer))
    socket.destroySoon = () => {
      socket.end()
      req.resume()
      if (req.complete) socket.destroy()
      else req.once('end', () => socket.destroy())
    }
  }
}

/** Half-closes, so that the answer is not lost to RST, and waits no longer than `lingerMs` for the other side. */
function endSocket(socket: Socket): void {
  socket.end()
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
}

function onResponseClose(this: ServerResponse & WithExchange): void {
  this[exchangeKey]?.over(this.writableFinished)
}

/** What comes before the backend's 101 stays in the socket's buffer; its end is looked for behind it. */
function onEarlyBytes(this: Duplex): void {
  if (this.readableLength === 0) this.read(0)
}

function onEarlyEnd(this: Duplex): void {
  this.destroy()
}

function stopWaiting(socket: Duplex): void {
  socket.off('readable', onEarlyBytes)
  socket.off('end', onEarlyEnd)
}

function onUpgradeClose(this: Duplex & WithExchange): void {
  this[exchangeKey]?.over(false)
}

function onResponseDrain(this: ServerResponse & WithExchange): void {
  this[exchangeKey]?.drained()
}

function ignore(): void {}

/** RFC 9112 §6.3. Cold: builds Node's header object; only for requests that are refused before they were read. */
function declaredBytes(req: IncomingMessage): number {
  if (req.headers['transfer-encoding'] !== undefined) return Number.POSITIVE_INFINITY
  return Number(req.headers['content-length'] ?? 0)
}

function headText(status: number, headers: readonly string[]): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`
  return `${text}\r\n`
}

function pairs(flat: readonly string[]): [string, string][] {
  const out: [string, string][] = []
  for (let i = 0; i < flat.length; i += 2) out.push([flat[i] as string, flat[i + 1] as string])
  return out
}
