// The TLS half of the listener: the handshake, the certificate by server name, client certificates, tickets.

import type { Socket } from 'node:net'
import { createServer, type SecureContext, TLSSocket } from 'node:tls'
import { GatehouseError } from '../errors.ts'
import { parseHost } from '../host.ts'
import type { Host } from '../model.ts'
import type { ServerContexts } from './certificates.ts'
import { connectionOf } from './connection-key.ts'
import type { Connection } from './connections.ts'
import { checkOriginPullCa } from './origin-pull-ca.ts'
import type { Peer } from './peer.ts'
import { createTicketKeys, ticketKeyLifetimeMs } from './tickets.ts'
import { noTickets, tlsOptionFlags, tlsPolicy } from './tls-policy.ts'

export interface TlsHandlers {
  /** The handshake is done and the server name is one we have a certificate for. */
  established(connection: Connection, socket: TLSSocket, peer: Peer): void
  failed(connection: Connection | undefined, code: string, detail: string): void
}

export interface TlsPart {
  /** Begins the handshake on a TCP socket that `connection-key.ts` knows. */
  accept(socket: Socket): void
  rotateTicketKeys(): void
  stats(): { handshakes: number; resumed: number }
}

/** OpenSSL's errors carry a short reason; their message begins with an address in our memory. */
interface TlsError extends NodeJS.ErrnoException {
  readonly reason?: string
}

/** A fatal alert "unrecognized_name" in a record of its own (RFC 8446 §6, RFC 6066 §3). */
const unrecognizedName = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70])

/** @throws GatehouseError `origin-pull-ca-invalid`, see `origin-pull-ca.ts`. */
export function createTlsServer(
  options: { readonly originPullCa: string | null; readonly handshakeMs: number },
  handlers: TlsHandlers,
  deps: {
    readonly find: (serverName: string) => ServerContexts | null
    readonly now: () => number
    readonly randomBytes: (size: number) => Buffer
  },
): TlsPart {
  const { originPullCa } = options
  if (originPullCa !== null) checkOriginPullCa(originPullCa)
  const tickets = createTicketKeys({
    now: deps.now,
    randomBytes: deps.randomBytes,
    apply: (key) => server.setTicketKeys(key),
  })
  let handshakes = 0
  let resumed = 0

  const server = createServer({
    ...tlsPolicy,
    // No certificate here: whoever sends no server name, or an unknown one, gets no handshake.
    ca: originPullCa ?? [],
    requestCert: originPullCa !== null,
    // A missing certificate is answered by the gateway, per host and in HTTP, not by a broken handshake.
    rejectUnauthorized: false,
    // A resumed session carries no certificate to check, and one earned under an old CA must not open the door
    // of a new one: no tickets, and Node keeps no sessions of its own.
    secureOptions: originPullCa === null ? tlsOptionFlags : tlsOptionFlags | noTickets,
    ticketKeys: tickets.current(),
    sessionTimeout: ticketKeyLifetimeMs / 1000,
    handshakeTimeout: options.handshakeMs,
    ALPNProtocols: ['h2', 'http/1.1'],
    SNICallback: chooseContext,
  })

  /** Node calls it as a method of the TLSSocket. A throw in here once ended the process (CVE-2026-21637). */
  function chooseContext(
    this: unknown,
    serverName: string,
    done: (error: Error | null, context?: SecureContext) => void,
  ): void {
    const socket = this instanceof TLSSocket ? this : null
    let context: SecureContext | null = null
    try {
      context = contextFor(socket, deps.find(serverName))
    } catch {
      // Whatever broke: no certificate, no handshake.
    }
    if (context !== null) {
      done(null, context)
      return
    }
    if (socket !== null) rawSocketOf(socket)?.write(unrecognizedName)
    done(new GatehouseError('unknown-server-name', serverName))
  }

  server.on('secureConnection', (socket) => {
    const raw = rawSocketOf(socket)
    const connection = raw === null ? undefined : connectionOf(raw)
    const serverName = serverNameOf(socket)
    if (connection === undefined || serverName === undefined) {
      handlers.failed(connection, 'unknown-server-name', String(socket.servername))
      socket.destroy()
      return
    }
    handshakes += 1
    if (socket.isSessionReused()) resumed += 1
    handlers.established(connection, socket, {
      address: connection.address,
      trustedProxy: connection.trustedProxy,
      cloudflare: connection.cloudflare,
      serverName,
      clientCertificate: originPullCa === null ? 'unasked' : clientCertificateOf(socket),
      tlsVersion: socket.getProtocol(),
      lastAuthority: '',
      lastHost: null,
    })
  })
  /**
   * A resumed session skips SNICallback, and in TLS 1.3 it may come with any name, so ask again. In TLS 1.2 Node cannot
   * tell the name of a resumed session: `null`. Its ticket was earned with a name of ours. `undefined`: refuse.
   */
  function serverNameOf(socket: TLSSocket): Host | null | undefined {
    const { servername } = socket
    if (typeof servername !== 'string')
      return socket.isSessionReused() && socket.getProtocol() === 'TLSv1.2' ? null : undefined
    const host = parseHost(servername)
    return host === null || deps.find(host) === null ? undefined : host
  }

  server.on('tlsClientError', (error: TlsError, socket) => {
    const raw = rawSocketOf(socket)
    const connection = raw === null ? undefined : connectionOf(raw)
    handlers.failed(connection, error.code ?? 'unknown', error.reason ?? error.message)
    socket.destroy()
  })

  return {
    accept: (socket) => server.emit('connection', socket),
    rotateTicketKeys() {
      if (originPullCa === null) tickets.rotate()
    },
    stats: () => ({ handshakes, resumed }),
  }
}

/**
 * Node takes one certificate from the context named here, so OpenSSL's own choice among several never happens: the choice
 * is made by the signatures that the client and we both know (RFC 8446 §4.2.3).
 */
function contextFor(socket: TLSSocket | null, found: ServerContexts | null): SecureContext | null {
  if (found === null) return null
  if (found.alternative === null || socket === null) return found.preferred
  const signatures = socket.getSharedSigalgs()
  return signatures.some((name) => name.startsWith('ECDSA')) ? found.preferred : found.alternative
}

function clientCertificateOf(socket: TLSSocket): 'absent' | 'invalid' | 'valid' {
  if (socket.authorized) return 'valid'
  return socket.getPeerX509Certificate() === undefined ? 'absent' : 'invalid'
}

/**
 * The TCP socket below. Node has no public name for it; without it a connection that is refused in its handshake
 * could not be told from another. `test/e2e/listen-tls.test.ts` fails if a Node release renames it.
 */
function rawSocketOf(socket: TLSSocket): Socket | null {
  return (socket as TLSSocket & { readonly _parent?: Socket })._parent ?? null
}
