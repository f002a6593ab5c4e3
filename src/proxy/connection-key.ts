// How a socket, an HTTP/2 session or a stream leads to what is known of its connection. Hot path.

import type { Connection } from './connections.ts'
import type { Peer } from './peer.ts'

/** A property and not a WeakMap: one load per request instead of a hash lookup, and nothing to collect. */
export const connectionKey: unique symbol = Symbol('gatehouse.connection')

/** Something that may carry a connection. */
export interface Carrier {
  [connectionKey]?: Connection
}

/** `undefined`: not one of ours. */
export function connectionOf(carrier: object): Connection | undefined {
  return (carrier as Carrier)[connectionKey]
}

export function attachConnection(carrier: object, connection: Connection): void {
  const target = carrier as Carrier
  target[connectionKey] = connection
}

/** Ends the connection under a socket with RST, which nobody takes for the end of an answer. */
export function resetConnection(socket: object): void {
  connectionOf(socket)?.tcp.resetAndDestroy()
}

/**
 * What is known of the other end of a socket that came from the listener; `null` for any other socket, and while the TLS
 * handshake runs.
 */
export function peerOf(socket: object): Peer | null {
  return connectionOf(socket)?.peer ?? null
}
