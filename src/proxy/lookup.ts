// Name resolution for connections to backends, which refuses addresses that must not be dialled.

import type { LookupAddress, LookupOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { ForbiddenAddressError } from './failure.ts'

/** The many-answers form of `dns.lookup`. */
export type ResolveAll = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/**
 * Wraps `dns.lookup`, so that a name cannot lead to the cloud's metadata service, whatever DNS says today
 * (a check at load time alone is beaten by changing the record afterwards).
 *
 * @param forbidden why an address is not dialled; `null`: it is fine.
 */
export function guardedLookup(
  resolveAll: ResolveAll,
  forbidden: (address: string) => string | null,
): LookupFunction {
  return (hostname, options, callback) => {
    resolveAll(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '', 0)
        return
      }
      const allowed = addresses.filter(({ address }) => forbidden(address) === null)
      const first = allowed[0]
      if (first === undefined) {
        const reason = addresses
          .map(({ address }) => `${address} (${forbidden(address)})`)
          .join(', ')
        callback(new ForbiddenAddressError(hostname, reason), '', 0)
      } else if (options.all === true) {
        callback(null, allowed)
      } else {
        callback(null, first.address, first.family)
      }
    })
  }
}

/**
 * All addresses of a name, for checks that may not wait for a slow name server.
 *
 * @throws Error when there are none, or none within `timeoutMs`.
 */
export function resolveWithin(
  resolveAll: ResolveAll,
  timeoutMs: number,
): (name: string) => Promise<readonly string[]> {
  return (name) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${name}: no answer`)), timeoutMs)
      resolveAll(name, { all: true }, (error, addresses) => {
        clearTimeout(timer)
        if (error === null) resolve(addresses.map(({ address }) => address))
        else reject(error)
      })
    })
}
