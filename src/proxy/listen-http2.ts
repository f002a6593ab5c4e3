// The HTTP/2 half of the listener: settings, limits, and the guard against floods of cheap frames. Hot path.

import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { constants, createSecureServer, type Http2SecureServer } from 'node:http2'
import { GatehouseError } from '../errors.ts'
import { attachConnection, connectionOf } from './connection-key.ts'
import type { Connection, Connections } from './connections.ts'
import { bugReport, type ConnectionFailure, maxHeaderBytes } from './listen-http1.ts'
import type { Peer } from './peer.ts'

export interface Http2Handlers {
  stream(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    flags: number,
    rawHeaders: string[],
    peer: Peer,
  ): void
  connectionFailure(event: ConnectionFailure): void
}

/** How many cheap, useless frames one connection may send: a token bucket. */
export interface FloodCeiling {
  /** Resets, pings and settings frames at once. A browser that leaves a page cancels up to 100 streams in one go. */
  readonly burst: number
  readonly perSecond: number
}

export const defaultFloodCeiling: FloodCeiling = { burst: 400, perSecond: 20 }

/**
 * What one stream may send before we have read any of it. 256 KiB a round trip is 40 Mbit/s over 50 ms; Node's 64 KiB would be 10.
 */
const streamWindowBytes = 256 * 1024
/**
 * What all streams of a connection may send unread: the most that a peer can make us hold. Cloudflare's connections carry
 * many visitors, and one of them with a stalled upload must not stop the others.
 */
const connectionWindowBytes = { cloudflare: 4 * 1024 * 1024, other: 1024 * 1024 }

/** Known to Node 24 and 26; their type definitions lag behind. */
const notInNodesTypes: object = { maxOutstandingSettings: 4 }

/** An HTTP/2 server that never listens: sockets come by `accept`. */
export interface Http2Part {
  accept(connection: Connection): void
  readonly server: Http2SecureServer
}

export function createHttp2Server(
  handlers: Http2Handlers,
  deps: {
    readonly connections: Connections
    readonly now: () => number
    readonly ceiling: FloodCeiling
  },
): Http2Part {
  const { connections } = deps
  /** Node makes the session, and tells of it, inside the `emit` of `accept`. */
  let accepting: Connection | null = null

  const server = createSecureServer({
    settings: {
      // RFC 9113 §6.5.2 recommends no fewer than 100. More would only make each reset storm larger.
      maxConcurrentStreams: 100,
      initialWindowSize: streamWindowBytes,
      maxHeaderListSize: maxHeaderBytes,
      // WebSockets over HTTP/2 (RFC 8441 §3).
      enableConnectProtocol: true,
      // Nothing is pushed; a server must not say 1 anyway (RFC 9113 §6.5.2).
      enablePush: false,
    },
    // Header pairs of one stream: twice what a busy browser sends through Cloudflare. Beyond: ENHANCE_YOUR_CALM.
    maxHeaderListPairs: 200,
    // Megabytes one session may make us keep in headers, frames and unsent answers; new streams are refused beyond.
    maxSessionMemory: 4,
    // Frames that break the protocol, over the session's whole life: a healthy client sends none (RFC 9113 §5.4.1).
    maxSessionInvalidFrames: 200,
    // Streams refused for being too many, over the session's whole life. Node counts a cancelled stream as open for a
    // moment longer than the client does, so a page that cancels 100 requests and sends 100 more is refused some; not a
    // thousand times. Node's default of 100 would end such a session.
    maxSessionRejectedStreams: 1000,
    // Unanswered pings and settings of ours; we send almost none.
    maxOutstandingPings: 4,
    ...notInNodesTypes,
    // Entries of one SETTINGS frame; RFC 9113 knows six, RFC 8441 one more.
    maxSettings: 16,
    // nghttp2's own brake on resets, behind ours: it knows only GOAWAY(INTERNAL_ERROR).
    streamResetBurst: 1000,
    streamResetRate: 50,
    // Only ALPN "h2" is handed to this server, so this never runs; short all the same.
    unknownProtocolTimeout: 1000,
    // A second `authorization` or `content-type` is an error of the stream, not two values (RFC 9110 §5.3).
    strictSingleValueFields: true,
    // Nothing is verified by this server's own (unused) context; empty saves parsing the system's roots.
    ca: [],
  })

  server.on('session', (session) => {
    const connection = accepting
    if (connection === null) {
      session.destroy()
      return
    }
    attachConnection(session, connection)
    connection.session = session
    session.on('ping', onCheapFrame)
    session.on('remoteSettings', onCheapFrame)
    session.setLocalWindowSize(
      connection.cloudflare ? connectionWindowBytes.cloudflare : connectionWindowBytes.other,
    )
  })

  server.on('stream', (stream: ServerHttp2Stream, headers, flags, rawHeaders) => {
    const connection = stream.session === undefined ? undefined : connectionOf(stream.session)
    const peer = connection?.peer ?? null
    if (connection === undefined || peer === null) {
      // Reset before we heard of it: the frames came in one packet, and the session may be gone with it.
      stream.destroy()
      return
    }
    attachConnection(stream, connection)
    connections.begin(connection)
    stream.on('close', onStreamClose)
    try {
      handlers.stream(stream, headers, flags, rawHeaders, peer)
    } catch (error) {
      handlers.connectionFailure(bugReport(error, connection))
      stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    }
  })

  server.on('sessionError', (error: NodeJS.ErrnoException, session: ServerHttp2Session) => {
    const address = connectionOf(session)?.address ?? null
    if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return
    handlers.connectionFailure({
      kind: 'http2',
      code: error.code ?? 'unknown',
      address,
      detail: error.message.slice(0, 255),
    })
  })

  /** One function for all streams, with the stream as `this`: no closure per request. */
  function onStreamClose(this: ServerHttp2Stream): void {
    const connection = connectionOf(this)
    if (connection === undefined) return
    connections.end(connection)
    // Resets of either side count: a client can also make *us* reset, with frames that break the rules
    // (CVE-2023-44487 and its successor CVE-2025-8671).
    if (this.rstCode !== constants.NGHTTP2_NO_ERROR) countFault(connection)
  }

  function onCheapFrame(this: ServerHttp2Session): void {
    const connection = connectionOf(this)
    if (connection !== undefined) countFault(connection)
  }

  function countFault(connection: Connection): void {
    const time = deps.now()
    // Cloudflare's connections carry many visitors, and one of them must not end it for all so easily.
    const scale = connection.cloudflare ? 10 : 1
    const burst = deps.ceiling.burst * scale
    const drained = ((time - connection.faultsAt) / 1000) * deps.ceiling.perSecond * scale
    connection.faults = Math.max(0, connection.faults - Math.max(0, drained)) + 1
    connection.faultsAt = time
    if (connection.faults <= burst) return
    const { session } = connection
    if (session === null || session.destroyed) return
    // RFC 9113 §10.5: such a connection is closed with ENHANCE_YOUR_CALM. 'sessionError' reports it.
    const what = `more than ${burst} resets, pings and settings at once`
    session.destroy(new GatehouseError('flood', what), constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }

  return {
    accept(connection) {
      accepting = connection
      try {
        server.emit('secureConnection', connection.socket)
      } finally {
        accepting = null
      }
    },
    server,
  }
}
