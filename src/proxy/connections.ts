// Every open connection, in one book: how many, whose, which are idle, which one goes when it is full. Hot path.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { networkOf } from './cidr.ts'
import type { Peer } from './peer.ts'

/** How many connections may be open. */
export interface ConnectionLimits {
  /**
   * All connections together, 1 or more. A TLS connection costs 50–90 kB here, so 1,000 of them are the
   * share of a machine with 1 GB that may be lost to holding connections open.
   */
  readonly total: number
  /**
   * Of one IPv4 address or one IPv6 /64, 1 or more. Does not count for Cloudflare, trusted proxies
   * and loopback, each of which stands for many visitors.
   */
  readonly perNetwork: number
  /** Of `total`, slots that only Cloudflare's peers may take: strangers who dial directly cannot shut the front door. */
  readonly reservedForCloudflare: number
}

export const defaultConnectionLimits: ConnectionLimits = {
  total: 1280,
  perNetwork: 100,
  reservedForCloudflare: 256,
}

/** One connection. Small on purpose, and without timers or closures of its own: there may be a thousand. */
export interface Connection {
  /** What was accepted. */
  readonly tcp: Socket
  /** The TCP socket while the handshake runs, then what HTTP is spoken on. */
  socket: Socket
  readonly address: string
  readonly cloudflare: boolean
  readonly trustedProxy: boolean
  /** `null` where the network is not counted. */
  readonly network: string | null
  kind: ConnectionKind
  /** `null` until the handshake is done. */
  peer: Peer | null
  /** Requests, streams and tunnels in flight. 0 and not in a handshake: idle. */
  active: number
  /** Milliseconds: since when it is idle, or in its handshake. */
  idleSince: number
  /** HTTP/1: the answer begun last, so that a shutdown can still put `Connection: close` on it. */
  response: ServerResponse | null
  session: ServerHttp2Session | null
  /** HTTP/2, once the session is closing: bytes seen at the last look, and when they last moved. Milliseconds. */
  closingBytes: number
  closingSince: number
  /** Token bucket of the HTTP/2 flood guard. */
  faults: number
  faultsAt: number
  /** A request asked for another protocol and was answered as a request: its answer is the last. */
  last: IncomingMessage | null
  /** An answer to a broken request was written; nothing else may follow. */
  failed: boolean
  /** Left the book already; its `close` event may still be on the way. */
  released: boolean
  older: Connection | null
  newer: Connection | null
}

const stalledHandshakeMs = 2000

export type ConnectionKind = 'handshake' | 'http1' | 'http2' | 'plain'

export type Refusal = 'total' | 'per-network'

export interface Connections {
  /** Takes a new TCP connection into the book, closing the oldest idle one if there is no room. */
  admit(socket: Socket, whose: Whose): Connection | Refusal
  /** The handshake is done (or there is none): from now on it counts as idle until a request begins. */
  ready(connection: Connection, kind: ConnectionKind): void
  begin(connection: Connection): void
  end(connection: Connection): void
  /** Forgets a connection that closed. Twice does no harm. */
  release(connection: Connection): void
  /** Closes HTTP/2 sessions that were idle too long; HTTP/1 has Node's own keep-alive timer. */
  closeExpired(idleTimeouts: { cloudflareMs: number; otherMs: number }): void
  /**
   * Ends HTTP/2 connections whose session is closing and on which nothing moves any more. Node reads no more from a
   * session that broke the protocol after its GOAWAY, so it would never learn that the other end is gone.
   */
  closeStalled(stalledMs: number): void
  /** A snapshot: safe to close its members while walking it. */
  all(): Connection[]
  readonly size: number
  stats(): ConnectionStats
}

export interface Whose {
  readonly address: string
  readonly cloudflare: boolean
  readonly trustedProxy: boolean
  /** Does not count against `perNetwork`. */
  readonly uncounted: boolean
}

export interface ConnectionStats {
  readonly open: Readonly<Record<ConnectionKind, number>>
  readonly cloudflare: number
  readonly idle: number
  readonly accepted: number
  readonly refused: Readonly<Record<Refusal, number>>
  /** Idle connections closed to make room. */
  readonly evicted: number
}

export function createConnections(
  limits: ConnectionLimits,
  deps: { readonly now: () => number },
): Connections {
  const { now } = deps
  const book = new Set<Connection>()
  const perNetwork = new Map<string, number>()
  const idleCloudflare = createIdleList()
  const idleOthers = createIdleList()
  const handshaking = createIdleList()
  const open: Record<ConnectionKind, number> = { handshake: 0, http1: 0, http2: 0, plain: 0 }
  const refused: Record<Refusal, number> = { total: 0, 'per-network': 0 }
  const maxOthers = Math.max(1, limits.total - limits.reservedForCloudflare)
  let cloudflareOpen = 0
  let accepted = 0
  let evicted = 0

  const listOf = (connection: Connection) =>
    connection.kind === 'handshake'
      ? handshaking
      : connection.cloudflare
        ? idleCloudflare
        : idleOthers

  function release(connection: Connection): void {
    if (connection.released) return
    connection.released = true
    book.delete(connection)
    listOf(connection).remove(connection)
    open[connection.kind] -= 1
    if (connection.cloudflare) cloudflareOpen -= 1
    if (connection.network !== null) {
      const left = (perNetwork.get(connection.network) ?? 1) - 1
      if (left === 0) perNetwork.delete(connection.network)
      else perNetwork.set(connection.network, left)
    }
    connection.response = null
  }

  /** The slot is free at once, although the socket's `close` comes a turn later. */
  function evict(connection: Connection | null): boolean {
    if (connection === null) return false
    evicted += 1
    release(connection)
    closeIdle(connection)
    return true
  }

  /** A handshake that takes this long when every slot is taken is more likely an attack than a slow phone. */
  function stalled(): Connection | null {
    const oldest = handshaking.oldest()
    return oldest !== null && now() - oldest.idleSince >= stalledHandshakeMs ? oldest : null
  }

  function refuse(reason: Refusal): Refusal {
    refused[reason] += 1
    return reason
  }

  return {
    admit(socket, whose) {
      const network = whose.uncounted || whose.cloudflare ? null : networkOf(whose.address)
      if (network !== null && (perNetwork.get(network) ?? 0) >= limits.perNetwork)
        return refuse('per-network')
      const othersFull = !whose.cloudflare && book.size - cloudflareOpen >= maxOthers
      if (othersFull && !evict(idleOthers.oldest() ?? stalled())) return refuse('total')
      const full = book.size >= limits.total
      if (full && !evict(idleOthers.oldest() ?? stalled() ?? idleCloudflare.oldest()))
        return refuse('total')
      const connection: Connection = {
        tcp: socket,
        socket,
        address: whose.address,
        cloudflare: whose.cloudflare,
        trustedProxy: whose.trustedProxy,
        network,
        kind: 'handshake',
        peer: null,
        active: 0,
        idleSince: now(),
        response: null,
        session: null,
        closingBytes: -1,
        closingSince: 0,
        faults: 0,
        faultsAt: 0,
        last: null,
        failed: false,
        released: false,
        older: null,
        newer: null,
      }
      accepted += 1
      book.add(connection)
      handshaking.append(connection)
      open.handshake += 1
      if (whose.cloudflare) cloudflareOpen += 1
      if (network !== null) perNetwork.set(network, (perNetwork.get(network) ?? 0) + 1)
      return connection
    },
    ready(connection, kind) {
      if (connection.released) return
      listOf(connection).remove(connection)
      open[connection.kind] -= 1
      open[kind] += 1
      connection.kind = kind
      connection.idleSince = now()
      listOf(connection).append(connection)
    },
    begin(connection) {
      if (connection.active === 0) listOf(connection).remove(connection)
      connection.active += 1
    },
    end(connection) {
      connection.active -= 1
      if (connection.active !== 0) return
      connection.response = null
      if (connection.released) return
      connection.idleSince = now()
      listOf(connection).append(connection)
    },
    release,
    closeExpired({ cloudflareMs, otherMs }) {
      const time = now()
      closeOlder(idleCloudflare, time - cloudflareMs)
      closeOlder(idleOthers, time - otherMs)
    },
    closeStalled(stalledMs) {
      const time = now()
      for (const connection of book) {
        const { session, tcp } = connection
        if (session === null || !(session.closed || session.destroyed)) continue
        const bytes = tcp.bytesRead + tcp.bytesWritten
        if (bytes !== connection.closingBytes) {
          connection.closingBytes = bytes
          connection.closingSince = time
        } else if (time - connection.closingSince >= stalledMs) {
          session.destroy()
          tcp.destroy()
        }
      }
    },
    all: () => [...book],
    get size() {
      return book.size
    },
    stats: () => ({
      open: { ...open },
      cloudflare: cloudflareOpen,
      idle: idleCloudflare.size() + idleOthers.size(),
      accepted,
      refused: { ...refused },
      evicted,
    }),
  }
}

/** Closes an idle connection in its protocol's own words: GOAWAY, or TLS's close_notify and FIN. */
export function closeIdle(connection: Connection): void {
  // `destroy` and not `close`: it sends GOAWAY too, but does not wait for the other end to hang up.
  const { session, socket } = connection
  if (session !== null && !session.destroyed) session.destroy()
  else socket.destroySoon()
}

function closeOlder(list: IdleList, before: number): void {
  let connection = list.oldest()
  while (connection !== null && connection.idleSince <= before) {
    const next = connection.newer
    if (connection.kind === 'http2') closeIdle(connection)
    connection = next
  }
}

/** Idle connections, oldest first: a doubly linked list through the connections themselves. */
interface IdleList {
  append(connection: Connection): void
  remove(connection: Connection): void
  oldest(): Connection | null
  size(): number
}

function createIdleList(): IdleList {
  let first: Connection | null = null
  let last: Connection | null = null
  let size = 0
  return {
    append(connection) {
      connection.older = last
      connection.newer = null
      if (last === null) first = connection
      else last.newer = connection
      last = connection
      size += 1
    },
    remove(connection) {
      const { older, newer } = connection
      if (older === null && newer === null && first !== connection) return
      if (older === null) first = newer
      else older.newer = newer
      if (newer === null) last = older
      else newer.older = older
      connection.older = null
      connection.newer = null
      size -= 1
    },
    oldest: () => first,
    size: () => size,
  }
}
