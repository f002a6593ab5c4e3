// Whose word on the client's address counts, from `trustedProxies:` of the table.

import type { TrustedProxies } from '../model.ts'
import { compileCidrs } from './cidr.ts'
import type { AddressSource } from './client-address.ts'

export interface Trust {
  readonly source: AddressSource
  readonly isTrusted: (address: string) => boolean
}

/** @param isCloudflare membership in Cloudflare's ranges as they are at the moment of asking. */
export function createTrust(
  proxies: TrustedProxies,
  isCloudflare: (address: string) => boolean,
): Trust {
  switch (proxies.kind) {
    case 'none':
      return { source: 'peer', isTrusted: () => false }
    case 'cloudflare':
      return { source: 'cloudflare', isTrusted: isCloudflare }
    case 'list':
      return { source: 'forwarded-for', isTrusted: compileCidrs(proxies.cidrs) }
    default:
      return proxies satisfies never
  }
}
