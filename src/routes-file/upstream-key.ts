// One name per backend, so that two routes can be compared.

import { isIP } from 'node:net'
import type { UpstreamTarget } from '../model.ts'
import { canonicalAddress } from './addresses.ts'

/** `84.235.234.87:3000`, `[2001:db8:0:0:0:0:0:7]:80`: one spelling per address; names are not resolved, `localhost` is. */
export function upstreamKey(target: UpstreamTarget): string {
  const name = target.hostname === 'localhost' ? '127.0.0.1' : target.hostname
  const address = canonicalAddress(name) ?? name
  return `${isIP(address) === 6 ? `[${address}]` : address}:${target.port}`
}
