// Finds free ports on loopback.

import { createServer } from 'node:net'

/**
 * The first port from `wanted` on that can be bound on 127.0.0.1; 0: any free one. Somebody else may take it
 * before it is used: the gateway then says so.
 *
 * @param taken ports already promised to others.
 * @throws Error when none of twenty is free.
 */
export async function freePort(wanted: number, taken: readonly number[]): Promise<number> {
  for (let port = wanted; port < wanted + 20; port++) {
    const bound = taken.includes(port) && port !== 0 ? null : await bind(port)
    if (bound !== null) return bound
  }
  throw new Error(`none of the ports ${wanted} to ${wanted + 19} is free`)
}

function bind(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(null))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      const bound = address === null || typeof address === 'string' ? null : address.port
      server.close(() => resolve(bound))
    })
  })
}
