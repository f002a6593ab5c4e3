// A network in CIDR notation, in one spelling.

import { isIP } from 'node:net'
import { parseIpv4, parseIpv6 } from './addresses.ts'

/** Why a text is no network, and what to write instead. */
export interface CidrFault {
  readonly what: string
  readonly remedy: string
}

/** Reads `10.0.0.0/8`, `2001:db8::/32` or a single address, which becomes `/32` or `/128`. */
export function readCidr(text: string): { readonly cidr: string } | CidrFault {
  const slash = text.indexOf('/')
  const address = slash === -1 ? text : text.slice(0, slash)
  const family = isIP(address)
  if (family === 0 || address.includes('%')) {
    return { what: 'is no IP network', remedy: 'write 10.0.0.0/8, 2001:db8::/32 or one address' }
  }
  const most = family === 4 ? 32 : 128
  const bits = slash === -1 ? most : prefixLength(text.slice(slash + 1), most)
  if (bits === null) {
    return { what: 'has no valid prefix length', remedy: `write /0 to /${most} after the address` }
  }
  const all = addressBits(address)
  const network = all.slice(0, bits).padEnd(most, '0')
  // 10.0.0.5/8 is either one address or a whole network; guessing would open the larger one.
  if (all !== network) {
    const meant = family === 4 ? `${formatIpv4Bits(network)}/${bits}` : 'the first address of it'
    return {
      what: 'names an address inside a network',
      remedy: `write ${meant} for the network, or ${address} for this address alone`,
    }
  }
  return { cidr: `${address.toLowerCase()}/${bits}` }
}

/** Whether every address of `inner` is in `outer`. Both as `readCidr` returns them. */
export function isInside(inner: string, outer: string): boolean {
  const [innerAddress = '', innerBits] = inner.split('/')
  const [outerAddress = '', outerBits] = outer.split('/')
  if (isIP(innerAddress) !== isIP(outerAddress)) return false
  const bits = Number(outerBits)
  if (Number(innerBits) < bits) return false
  return addressBits(innerAddress).slice(0, bits) === addressBits(outerAddress).slice(0, bits)
}

function prefixLength(text: string, most: number): number | null {
  if (!/^\d{1,3}$/.test(text)) return null
  const bits = Number(text)
  return bits <= most ? bits : null
}

/** `'0101…'`, 32 or 128 characters: networks are few and read once. */
function addressBits(address: string): string {
  if (isIP(address) === 4) return parseIpv4(address).toString(2).padStart(32, '0')
  return parseIpv6(address)
    .map((word) => word.toString(2).padStart(16, '0'))
    .join('')
}

function formatIpv4Bits(bits: string): string {
  return [0, 8, 16, 24].map((at) => Number.parseInt(bits.slice(at, at + 8), 2)).join('.')
}
