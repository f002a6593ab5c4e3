// The HTTP/1.x half of the listener: Node's parser with every limit set on purpose, and answers to what it refuses. Hot path.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { stackOf } from '../caught.ts'
import { offeredMethods } from '../errors.ts'
import { connectionKey, connectionOf } from './connection-key.ts'
import type { Connection, Connections } from './connections.ts'
import type { Peer } from './peer.ts'

/** What a part of the listener tells of a connection that ended before, or instead of, a request. */
export interface ConnectionFailure {
  readonly kind: 'accept' | 'tls' | 'http1' | 'http2' | 'refused' | 'handler'
  /** A stable word: `HPE_…`, `ERR_…`, or one of ours. */
  readonly code: string
  /** `null`: the connection was gone too fast to ask. */
  readonly address: string | null
  /** Text from the other side may be in it: at most 255 characters, not escaped. */
  readonly detail: string
}

export interface Http1Handlers {
  request(req: IncomingMessage, res: ServerResponse, peer: Peer, continueExpected: boolean): void
  /** `null`: nothing is ever upgraded here. */
  readonly upgrade:
    | ((req: IncomingMessage, socket: Duplex, head: Buffer, peer: Peer) => void)
    | null
  connectionFailure(event: ConnectionFailure): void
}

export interface Http1Timeouts {
  /** Milliseconds an unused kept connection stays open; also told to the client in `Keep-Alive`. */
  readonly keepAliveMs: number
  /** Milliseconds from the connection (or the previous request) to the end of a request's header. */
  readonly headersMs: number
  /** Milliseconds between two looks at who is late with a header: a late one may live this much longer. */
  readonly checkMs: number
}

/** Request line and all header fields. Cloudflare sends at most 32 KB; Node's own default of 16 KB would refuse some of that. */
export const maxHeaderBytes = 32 * 1024

/** Requests in flight on one connection, as many as HTTP/2 may have streams: Node itself would read on for ever. */
const maxPipelined = 100

/**
 * An HTTP/1 server that never listens: connections come by `emit('connection', socket)`.
 * After `begin` of a drain, answers say `Connection: close`: ask `draining`.
 */
export function createHttp1Server(
  timeouts: Http1Timeouts,
  handlers: Http1Handlers,
  deps: { readonly connections: Connections; readonly draining: () => boolean },
): Server {
  const { connections } = deps

  function onRequest(req: IncomingMessage, res: ServerResponse, continueExpected: boolean): void {
    const connection = connectionOf(req.socket)
    const peer = connection?.peer ?? null
    if (connection === undefined || peer === null) {
      req.socket.destroy()
      return
    }
    if (connection.active >= maxPipelined) {
      report(
        connection,
        'pipeline',
        `more than ${maxPipelined} requests without waiting for answers`,
      )
      req.socket.destroy()
      return
    }
    const { last } = connection
    // What seems to follow the last request is the rest of something that was lost.
    if (last !== null && last !== req) return
    connections.begin(connection)
    connection.response = res
    res.on('close', onResponseClose)
    if (deps.draining() || last !== null) res.shouldKeepAlive = false
    try {
      handlers.request(req, res, peer, continueExpected)
    } catch (error) {
      // A bug ends this request, never the process, and never as an answer that looks whole.
      handlers.connectionFailure(bugReport(error, connection))
      req.socket.destroy()
    }
  }

  /** One function for all answers, with the answer as `this`: no closure per request. */
  function onResponseClose(this: ServerResponse): void {
    const connection = connectionOf(this.req.socket)
    if (connection === undefined) return
    connections.end(connection)
    // Its header went out before the drain began and promised a kept connection: keep no longer than this answer.
    if (connection.active === 0 && deps.draining()) connection.socket.destroySoon()
  }

  /**
   * Node drops what follows a request whose upgrade was ignored, as far as it came in the same packet: whatever comes
   * then may begin anywhere, so the connection ends with this answer.
   */
  function mayUpgrade(req: IncomingMessage): boolean {
    if (handlers.upgrade !== null && isWebSocketUpgrade(req)) return true
    const connection = connectionOf(req.socket)
    if (connection !== undefined) connection.last = req
    return false
  }

  const server = createServer({
    // The header must be complete in this time, or a socket that sends a byte now and then holds a slot for ever
    // (Slowloris). Measured from the connection or the end of the previous request only once bytes come.
    headersTimeout: timeouts.headersMs,
    // Node's limit for a whole request, body included: a large upload over a slow line is no attack. Bodies
    // have idle timeouts per route instead.
    requestTimeout: 0,
    connectionsCheckingInterval: timeouts.checkMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    // Closing a little later than told spares clients the race of writing onto a socket that just closed.
    keepAliveTimeoutBuffer: 1000,
    maxHeaderSize: maxHeaderBytes,
    // Strict parsing is what stands between us and request smuggling (RFC 9112 §11.2).
    insecureHTTPParser: false,
    // RFC 9112 §3.2: 400 without Host on HTTP/1.1.
    requireHostHeader: true,
    // Headers are read flat; joined ones would hide duplicates of single-valued fields.
    joinDuplicateHeaders: false,
    // A body on an answer to HEAD, or with 204 and 304, is a bug to be seen, not a desync to be sent (RFC 9112 §6.3).
    rejectNonStandardBodyWrites: true,
    // A GET without a body needs no readable stream to be ended and closed for it: about 4 µs per request.
    optimizeEmptyRequests: true,
    // Nagle's algorithm would hold back small SSE events and WebSocket frames.
    noDelay: true,
    shouldUpgradeCallback: mayUpgrade,
  })
  // 0 is "no limit": Node's default silently drops what exceeds 2,000 pairs (CVE-2026-58044), and a header that one
  // reader sees and another does not is how checks are passed. The count is checked above, with 431.
  server.maxHeadersCount = 0
  // Idle sockets are the keep-alive timer's business; busy ones are the route's.
  server.timeout = 0

  server.on('request', (req, res) => onRequest(req, res, false))
  // Without this listener Node says "100 Continue" before anybody has asked whether the client may come in.
  server.on('checkContinue', (req, res) => onRequest(req, res, true))
  server.on('checkExpectation', (_req: IncomingMessage, res: ServerResponse) => {
    // RFC 9110 §10.1.1. The body may be on its way, so the connection ends here.
    res.writeHead(417, ['connection', 'close', 'content-length', '0'])
    res.end()
  })
  server.on('connect', (req: IncomingMessage, socket: Duplex) => {
    // RFC 9110 §9.3.6: this is no tunnel for strangers.
    socket.on('error', ignore)
    socket.end(refusals.connect)
    const connection = connectionOf(req.socket)
    report(connection, 'connect-refused', 'CONNECT')
  })
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    const connection = connectionOf(req.socket)
    // Behind an unanswered request the answers of two would share the socket: nobody sane pipelines a handshake.
    const busy = connection === undefined || connection.active > 0 || connection.last !== null
    if (busy || connection.peer === null || handlers.upgrade === null) {
      socket.destroy()
      return
    }
    // Never ended: a tunnel is in flight until its socket closes.
    connections.begin(connection)
    connection.response = null
    // One side of a tunnel may finish before the other; HTTP/1 itself must not (RFC 6455 §7.1.1).
    socket.allowHalfOpen = true
    try {
      handlers.upgrade(req, socket, head, connection.peer)
    } catch (error) {
      handlers.connectionFailure(bugReport(error, connection))
      socket.destroy()
    }
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const connection = connectionKey in socket ? connectionOf(socket) : undefined
    if (connection === undefined || connection.failed) {
      socket.destroy()
      return
    }
    connection.failed = true
    const code = error.code ?? 'unknown'
    if (code !== 'ECONNRESET' && code !== 'EPIPE') report(connection, code, error.message)
    const answer = answerTo(code)
    if (answer === null || !socket.writable || !mayAnswer(connection)) socket.destroy()
    else sendAndLinger(socket, answer)
  })

  function report(connection: Connection | undefined, code: string, detail: string): void {
    const address = connection?.address ?? null
    handlers.connectionFailure({ kind: 'http1', code, address, detail: detail.slice(0, 255) })
  }

  // Node starts looking for late headers when a server begins to listen, and this one never does.
  server.emit('listening')
  return server
}

/** Only the one token, alone: `h2c` and `TLS/1.0` open doors behind which nobody checks (h2c smuggling). */
function isWebSocketUpgrade(req: IncomingMessage): boolean {
  const { upgrade } = req.headers
  if (upgrade === undefined || upgrade.toLowerCase() !== 'websocket') return false
  // A handshake is a GET without a body (RFC 6455 §4.1); with one it goes the way of requests and is refused there.
  return (
    req.headers['content-length'] === undefined && req.headers['transfer-encoding'] === undefined
  )
}

/**
 * A refusal is written only where the client cannot take it for the answer to something else: nothing is in flight, or
 * the body of the one request in flight is what broke and its answer has not begun.
 */
function mayAnswer(connection: Connection): boolean {
  if (connection.active === 0) return true
  const { response } = connection
  if (connection.active > 1 || response === null) return false
  return !response.headersSent && !response.req.complete
}

/** `null`: the connection is broken, nobody would read an answer. */
function answerTo(code: string): Buffer | null {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return refusals.headersTooLarge
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return refusals.contentTooLarge
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return refusals.timeout
    default:
      return code.startsWith('HPE_') ? refusals.bad : null
  }
}

/**
 * Closing at once with unread bytes in the kernel sends RST, which can overtake the answer (RFC 9112 §9.6). So: answer, FIN,
 * then a second for the other side to read it.
 */
function sendAndLinger(socket: Duplex, answer: Buffer): void {
  socket.on('error', ignore)
  socket.end(answer)
  setTimeout(destroyLater, 1000, socket).unref()
}

function destroyLater(socket: Duplex): void {
  socket.destroy()
}

function ignore(): void {
  // The connection is being given up; that it also broke is no news.
}

export function bugReport(error: unknown, connection: Connection): ConnectionFailure {
  return {
    kind: 'handler',
    code: 'bug',
    address: connection.address,
    detail: stackOf(error).slice(0, 2000),
  }
}

const refusals = {
  bad: encode('400 Bad Request', ''),
  connect: encode('405 Method Not Allowed', `Allow: ${offeredMethods}\r\n`),
  timeout: encode('408 Request Timeout', ''),
  contentTooLarge: encode('413 Content Too Large', ''),
  headersTooLarge: encode('431 Request Header Fields Too Large', ''),
}

function encode(status: string, more: string): Buffer {
  const body = `${status}\n`
  return Buffer.from(
    `HTTP/1.1 ${status}\r\n${more}Content-Type: text/plain\r\nX-Content-Type-Options: nosniff\r\n` +
      `Cache-Control: no-store\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    'latin1',
  )
}
