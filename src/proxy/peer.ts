// What is known of a connection once its handshake is done; shared by all requests on it. Hot path.

import type { Host } from '../model.ts'

export interface Peer {
  /** Address of the other end of the TCP connection; IPv4-mapped IPv6 is written as IPv4. */
  readonly address: string
  /** The other end is in the trusted proxy ranges, so its word on the client's address counts. */
  readonly trustedProxy: boolean
  /** The other end is in Cloudflare's ranges. */
  readonly cloudflare: boolean
  /**
   * TLS server name of the handshake, one that we have a certificate for; `null`: a connection without TLS, or a resumed
   * TLS 1.2 session, whose name Node does not tell (its ticket was earned with a name of ours).
   */
  readonly serverName: Host | null
  /** `unasked`: no client certificate was asked for on this listener. */
  readonly clientCertificate: 'unasked' | 'absent' | 'invalid' | 'valid'
  /** `TLSv1.3`, `TLSv1.2`, or `null` without TLS. */
  readonly tlsVersion: string | null
  /** Memory of the last authority read on this connection: most connections name one host. */
  lastAuthority: string
  lastHost: Host | null
}
