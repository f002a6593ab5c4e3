// Everything that listens: TCP, TLS, the choice between HTTP/1 and HTTP/2, caps, and the end of it all. Knows no routes.

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { isLoopback } from '../listen-address.ts'
import type { Host } from '../model.ts'
import { bind, boundAddress, type Endpoint } from './bind.ts'
import type { ServerContexts } from './certificates.ts'
import { plainAddress } from './cidr.ts'
import { attachConnection, connectionOf } from './connection-key.ts'
import {
  type Connection,
  type ConnectionLimits,
  type ConnectionStats,
  createConnections,
  defaultConnectionLimits,
} from './connections.ts'
import { drainConnections } from './drain.ts'
import { type ConnectionFailure, createHttp1Server } from './listen-http1.ts'
import { createHttp2Server, defaultFloodCeiling, type FloodCeiling } from './listen-http2.ts'
import { redirectToHttps } from './listen-plain.ts'
import { createTlsServer } from './listen-tls.ts'
import type { Peer } from './peer.ts'

export { peerOf } from './connection-key.ts'

/** What the gateway does with what arrives. */
export interface ListenHandlers {
  /** A request over HTTP/1.x. `continueExpected`: the client waits for 100 before it sends the body. */
  request(req: IncomingMessage, res: ServerResponse, peer: Peer, continueExpected: boolean): void
  /** `Upgrade: websocket` over HTTP/1.1. No byte of `socket` has been read beyond `head`. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, peer: Peer): void
  /** A stream of HTTP/2, core API. `rawHeaders` is the flat list with pseudo-headers. */
  stream(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    flags: number,
    rawHeaders: string[],
    peer: Peer,
  ): void
  /** A request on the plain HTTP port: it is redirected to https unless this returns `true` (and answers). */
  plain(req: IncomingMessage, res: ServerResponse, peer: Peer): boolean
  /** Connections that end before a request: parser errors, refused handshakes, timeouts, floods. */
  connectionFailure(event: ConnectionFailure): void
}

export interface ListenOptions {
  readonly https: readonly Endpoint[]
  /** Redirects to https. Empty: no plain port. */
  readonly http: readonly Endpoint[]
  /** The port visitors use for https, for redirects. */
  readonly publicPort: number
  /** PEM of the CA whose client certificates are asked for (Authenticated Origin Pulls); `null`: none are. */
  readonly originPullCa: string | null
  readonly limits?: Partial<ConnectionLimits>
  readonly timeouts?: Partial<ListenTimeouts>
  readonly floodCeiling?: FloodCeiling
}

export interface ListenTimeouts {
  /** TLS handshake, milliseconds. Three round trips of the slowest phone fit; an attacker's socket is gone soon. */
  readonly handshakeMs: number
  /** A request's header, milliseconds. Cloudflare sends it in one piece; 20 s is for a phone in a tunnel. */
  readonly headersMs: number
  /** How often late headers and idle HTTP/2 sessions are looked for, milliseconds. */
  readonly checkMs: number
  /**
   * Idle connections of Cloudflare, milliseconds. Cloudflare reuses them for 900 s: whoever hangs up first while
   * the other writes makes a visitor see 520, so it must not be us.
   */
  readonly cloudflareIdleMs: number
  /** Idle connections of everybody else, milliseconds: a page and its pictures, not a slot for the day. */
  readonly otherIdleMs: number
  /** An HTTP/2 session that said goodbye and moves no byte, milliseconds: long for a slow reader, short for a leak. */
  readonly stalledMs: number
  /** Idle connections on the plain port, milliseconds: it has one thing to say. */
  readonly plainIdleMs: number
}

export const defaultListenTimeouts: ListenTimeouts = {
  handshakeMs: 10_000,
  headersMs: 20_000,
  checkMs: 5_000,
  cloudflareIdleMs: 905_000,
  otherIdleMs: 30_000,
  stalledMs: 30_000,
  plainIdleMs: 5_000,
}

export interface ListenDeps {
  readonly certificates: {
    find(serverName: string): ServerContexts | null
    covers(host: Host): boolean
  }
  /** Is this address in Cloudflare's ranges? Asked once per connection. */
  readonly isCloudflare: (address: string) => boolean
  /** Is this address in the ranges whose word on the client's address counts? Asked once per connection. */
  readonly isTrustedProxy: (address: string) => boolean
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export interface ListenStats extends ConnectionStats {
  /** TLS handshakes that ended well, and how many of them were resumptions. */
  readonly handshakes: number
  readonly resumed: number
}

export interface Listener {
  /** @throws GatehouseError, see `bind.ts`; then nothing listens. */
  listen(): Promise<void>
  /**
   * Stops accepting, lets everything in flight finish, says goodbye to idle connections (GOAWAY, `Connection: close`),
   * and ends what is left after `deadlineMs`. Resolves when no connection is left. WebSockets are closed by whoever
   * holds them; those that nobody closed end at the deadline.
   */
  drain(deadlineMs: number): Promise<void>
  /** Ends everything at once. */
  closeNow(): void
  addresses(): { https: AddressInfo[]; http: AddressInfo[] }
  stats(): ListenStats
}

export function createListener(
  options: ListenOptions,
  handlers: ListenHandlers,
  deps: ListenDeps,
): Listener {
  const timeouts: ListenTimeouts = { ...defaultListenTimeouts, ...options.timeouts }
  const limits: ConnectionLimits = { ...defaultConnectionLimits, ...options.limits }
  const connections = createConnections(limits, { now: deps.now })
  let draining = false
  const shared = { connections, draining: () => draining }

  const perRequest = { headersMs: timeouts.headersMs, checkMs: timeouts.checkMs }
  const cloudflareHttp1 = createHttp1Server(
    { ...perRequest, keepAliveMs: timeouts.cloudflareIdleMs },
    handlers,
    shared,
  )
  const otherHttp1 = createHttp1Server(
    { ...perRequest, keepAliveMs: timeouts.otherIdleMs },
    handlers,
    shared,
  )
  const redirect = { publicPort: options.publicPort, known: deps.certificates.covers }
  const plainHttp1 = createHttp1Server(
    { ...perRequest, keepAliveMs: timeouts.plainIdleMs },
    {
      request(req, res, peer) {
        if (!handlers.plain(req, res, peer)) redirectToHttps(req, res, redirect)
      },
      upgrade: null,
      connectionFailure: handlers.connectionFailure,
    },
    shared,
  )
  const http2 = createHttp2Server(handlers, {
    connections,
    now: deps.now,
    ceiling: options.floodCeiling ?? defaultFloodCeiling,
  })
  const tls = createTlsServer(
    { originPullCa: options.originPullCa, handshakeMs: timeouts.handshakeMs },
    { established, failed },
    { find: deps.certificates.find, now: deps.now, randomBytes },
  )

  /** The handshake is done: from here on it is HTTP. */
  function established(connection: Connection, socket: TLSSocket, peer: Peer): void {
    connection.socket = socket
    connection.peer = peer
    attachConnection(socket, connection)
    if (socket.alpnProtocol === 'h2') {
      connections.ready(connection, 'http2')
      http2.accept(connection)
      if (draining) connection.session?.close()
    } else {
      connections.ready(connection, 'http1')
      const server = connection.cloudflare ? cloudflareHttp1 : otherHttp1
      server.emit('connection', socket)
    }
  }

  function failed(connection: Connection | undefined, code: string, detail: string): void {
    const address = connection?.address ?? null
    handlers.connectionFailure({ kind: 'tls', code, address, detail: detail.slice(0, 255) })
  }

  /** One function for all sockets, with the socket as `this`. */
  function onSocketClose(this: Socket): void {
    const connection = connectionOf(this)
    if (connection !== undefined) connections.release(connection)
  }

  /** Counts a TCP connection in, or ends it before it has cost a handshake. */
  function admit(socket: Socket): Connection | null {
    const { remoteAddress } = socket
    if (remoteAddress === undefined) {
      socket.destroy()
      return null
    }
    const address = plainAddress(remoteAddress)
    const trustedProxy = deps.isTrustedProxy(address)
    const connection = connections.admit(socket, {
      address,
      cloudflare: deps.isCloudflare(address),
      trustedProxy,
      uncounted: trustedProxy || isLoopback(address),
    })
    if (typeof connection === 'string') {
      // RST and not FIN: the address is spared a TIME_WAIT, and the client knows at once.
      socket.resetAndDestroy()
      handlers.connectionFailure({ kind: 'refused', code: connection, address, detail: '' })
      return null
    }
    attachConnection(socket, connection)
    socket.on('close', onSocketClose)
    return connection
  }

  function onTlsConnection(socket: Socket): void {
    if (admit(socket) !== null) tls.accept(socket)
  }

  function onPlainConnection(socket: Socket): void {
    const connection = admit(socket)
    if (connection === null) return
    connection.peer = {
      address: connection.address,
      trustedProxy: connection.trustedProxy,
      cloudflare: connection.cloudflare,
      serverName: null,
      clientCertificate: 'unasked',
      tlsVersion: null,
      lastAuthority: '',
      lastHost: null,
    }
    connections.ready(connection, 'plain')
    plainHttp1.emit('connection', socket)
  }

  const tcp = {
    // See createHttp1Server; for TLS it must be set here, where the TCP socket is made.
    noDelay: true,
    // Finds peers that vanished without a word: after a minute of silence the kernel asks.
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    // The mark at which a writer is told to wait. 64 KiB keeps a fast reader busy and is all that a slow one can make us hold.
    highWaterMark: 64 * 1024,
  }
  const httpsFronts = options.https.map(() => createServer(tcp, onTlsConnection))
  // HTTP/1 over TCP expects to see the client's FIN itself; TLS does that in its own layer.
  const httpFronts = options.http.map(() =>
    createServer({ ...tcp, allowHalfOpen: true }, onPlainConnection),
  )
  const fronts = [...httpsFronts, ...httpFronts]
  for (const front of fronts) {
    // accept(2) fails when the machine is short of memory or descriptors. It accepts again later; unheard, an 'error' would end it all.
    front.on('error', (error: NodeJS.ErrnoException) => {
      if (!front.listening) return
      const code = error.code ?? 'unknown'
      handlers.connectionFailure({ kind: 'accept', code, address: null, detail: error.message })
    })
  }

  const sweep = setInterval(() => {
    tls.rotateTicketKeys()
    const { cloudflareIdleMs, otherIdleMs } = timeouts
    connections.closeExpired({ cloudflareMs: cloudflareIdleMs, otherMs: otherIdleMs })
    connections.closeStalled(timeouts.stalledMs)
  }, timeouts.checkMs)
  sweep.unref()

  function stopAccepting(): void {
    draining = true
    for (const front of fronts) if (front.listening) front.close()
  }

  function finish(): void {
    clearInterval(sweep)
    for (const server of [cloudflareHttp1, otherHttp1, plainHttp1]) server.close()
  }

  return {
    async listen() {
      try {
        for (const [i, endpoint] of [...options.https, ...options.http].entries()) {
          const front = fronts[i]
          if (front !== undefined) await bind(front, endpoint)
        }
      } catch (error) {
        stopAccepting()
        finish()
        throw error
      }
    },
    async drain(deadlineMs) {
      stopAccepting()
      await drainConnections(connections, deadlineMs, { now: deps.now })
      finish()
    },
    closeNow() {
      stopAccepting()
      for (const connection of connections.all()) connection.socket.destroy()
      finish()
    },
    addresses: () => ({ https: addressesOf(httpsFronts), http: addressesOf(httpFronts) }),
    stats: () => ({ ...connections.stats(), ...tls.stats() }),
  }
}

function addressesOf(servers: readonly Server[]): AddressInfo[] {
  return servers.map(boundAddress).filter((address) => address !== null)
}
