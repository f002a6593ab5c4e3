// Who is asking, by address: the peer, or what a trusted proxy says of it. Hot path.

import { isIP } from 'node:net'
import type { Peer } from './peer.ts'

/** How the address of the client behind a trusted proxy is learnt. */
export type AddressSource = 'peer' | 'cloudflare' | 'forwarded-for'

export interface AddressHeaders {
  readonly cfConnectingIp: string | null
  readonly forwardedFor: string | null
}

/**
 * The client's address. Headers count only when the peer is a trusted proxy; anything but one valid address there
 * leaves the peer's own (so nobody can choose a bucket or an allow-list entry by writing a header).
 *
 * @param isTrusted membership in the trusted ranges, for walking `X-Forwarded-For` from the right.
 */
export function clientAddress(
  peer: Peer,
  headers: AddressHeaders,
  trust: { readonly source: AddressSource; readonly isTrusted: (address: string) => boolean },
): string {
  if (!peer.trustedProxy) return peer.address
  switch (trust.source) {
    case 'peer':
      return peer.address
    case 'cloudflare':
      return validAddress(headers.cfConnectingIp) ?? peer.address
    case 'forwarded-for':
      return headers.forwardedFor === null
        ? peer.address
        : lastUntrusted(headers.forwardedFor, peer.address, trust.isTrusted)
    default:
      return trust.source satisfies never
  }
}

/** Each proxy appends who spoke to it: the first address from the right that is no proxy of ours is the client. */
function lastUntrusted(
  list: string,
  peerAddress: string,
  isTrusted: (address: string) => boolean,
): string {
  let client = peerAddress
  let end = list.length
  while (end > 0) {
    const comma = list.lastIndexOf(',', end - 1)
    const address = validAddress(list.slice(comma + 1, end).trim())
    if (address === null) return client
    client = address
    if (!isTrusted(address)) return client
    end = comma
  }
  return client
}

function validAddress(text: string | null): string | null {
  if (text === null || isIP(text) === 0) return null
  const address = text.toLowerCase()
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
