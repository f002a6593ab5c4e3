// Opens a listening socket, and says in plain words why it could not.

import type { AddressInfo, Server } from 'node:net'
import { GatehouseError } from '../errors.ts'

/** Where to listen: an address and a port, or a socket that somebody else opened for us. */
export type Endpoint =
  | {
      /** An IP address; `null`: all, IPv6 and IPv4. */
      readonly host: string | null
      /** 0 to 65535; 0: any free one. */
      readonly port: number
    }
  /** A file descriptor that is bound and listening already (`activation.ts`). */
  | { readonly fd: number }

/**
 * @throws GatehouseError `port-forbidden`, `port-in-use`, `address-unavailable`, `fd-invalid`, or
 *   `listen-failed` for the rest, each with a remedy.
 */
export function bind(server: Server, endpoint: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException) => reject(explain(cause, endpoint))
    server.once('error', onError)
    const onListening = () => {
      server.off('error', onError)
      resolve()
    }
    // 511 is what Node and nginx ask for; the kernel cuts it to net.core.somaxconn.
    if ('fd' in endpoint) server.listen({ fd: endpoint.fd, backlog: 511 }, onListening)
    else if (endpoint.host === null)
      server.listen({ port: endpoint.port, backlog: 511 }, onListening)
    else server.listen({ host: endpoint.host, port: endpoint.port, backlog: 511 }, onListening)
  })
}

/** The address a server really listens on; `null`: it does not, or on a path. */
export function boundAddress(server: Server): AddressInfo | null {
  const address = server.address()
  return address === null || typeof address === 'string' ? null : address
}

function explain(cause: NodeJS.ErrnoException, endpoint: Endpoint): GatehouseError {
  const where =
    'fd' in endpoint
      ? `the inherited socket ${endpoint.fd}`
      : `${endpoint.host ?? 'all addresses'}, port ${endpoint.port}`
  switch (cause.code) {
    case 'EACCES':
    case 'EPERM':
      return new GatehouseError('port-forbidden', `not allowed to listen on ${where}`, {
        remedy:
          'ports below 1024 need systemd socket activation (packaging/), the capability CAP_NET_BIND_SERVICE, or a higher port with --https and --http',
        cause,
      })
    case 'EADDRINUSE':
      return new GatehouseError('port-in-use', `somebody else listens on ${where}`, {
        remedy:
          '`gatehouse doctor` names the process; stop it, or choose another port with --https and --http',
        cause,
      })
    case 'EADDRNOTAVAIL':
      return new GatehouseError('address-unavailable', `this machine does not have ${where}`, {
        remedy: 'give an address of this machine, or none to listen on all of them',
        cause,
      })
    case 'EINVAL':
    case 'EBADF':
    case 'ENOTSOCK':
      return new GatehouseError('fd-invalid', `${where} is not a socket that can be listened on`, {
        remedy: 'check LISTEN_FDS and the Sockets= of the service unit',
        cause,
      })
    default:
      return new GatehouseError('listen-failed', `cannot listen on ${where}: ${cause.message}`, {
        remedy: 'choose another address or port with --https and --http',
        cause,
      })
  }
}
