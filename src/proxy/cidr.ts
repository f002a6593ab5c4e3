// IP addresses and CIDR ranges as numbers: reads them, tells whether one is inside. Hot path.

import { GatehouseError } from '../errors.ts'

/** IPv4 ranges as pairs of first and last address; IPv6 ranges as eight 16-bit groups and a prefix length. */
interface Ranges {
  readonly v4: Uint32Array
  readonly v6: readonly { readonly groups: Uint16Array; readonly prefix: number }[]
}

/**
 * Compiles a list of CIDR ranges (`10.0.0.0/8`, `2606:4700::/32`, a bare address counts as one address)
 * into a test. IPv4-mapped IPv6 (`::ffff:10.0.0.1`) is looked up as IPv4, on both sides.
 *
 * @returns a function that is `false` for everything that is not an IP address; it never throws.
 * @throws GatehouseError `cidr-invalid` names the first entry that is no range (RFC 4632, RFC 4291 §2.3).
 */
export function compileCidrs(list: readonly string[]): (ip: string) => boolean {
  const { v4, v6 } = compile(list)
  const scratch = new Uint16Array(8)
  return (ip) => {
    const address = parseIpv4(ip, 0, ip.length)
    if (address !== null) return inRanges(v4, address)
    if (!parseIpv6(ip, scratch)) return false
    if (isMapped(scratch)) return inRanges(v4, lowIpv4(scratch))
    for (const range of v6) if (samePrefix(range.groups, scratch, range.prefix)) return true
    return false
  }
}

/** `true` for a text that `compileCidrs` accepts as one entry. */
export function isCidr(text: string): boolean {
  return readCidr(text) !== null
}

/** Writes an IPv4-mapped IPv6 address as IPv4 and drops a zone (`fe80::1%eth0`); leaves all else alone. */
export function plainAddress(ip: string): string {
  if (ip.startsWith('::ffff:') && ip.indexOf('.') !== -1) return ip.slice(7)
  const zone = ip.indexOf('%')
  return zone === -1 ? ip : ip.slice(0, zone)
}

/**
 * The network one party is counted by: an IPv4 address itself, of IPv6 the first 64 bits, because whoever
 * has one address of a /64 has all of them (RFC 4291 §2.5.1). Text that is no address comes back as it is.
 */
export function networkOf(ip: string): string {
  if (ip.indexOf(':') === -1) return ip
  const groups = new Uint16Array(8)
  if (!parseIpv6(ip, groups)) return ip
  if (isMapped(groups)) return plainAddress(ip)
  return `${hex(groups, 0)}:${hex(groups, 1)}:${hex(groups, 2)}:${hex(groups, 3)}::/64`
}

function compile(list: readonly string[]): Ranges {
  const v4: [number, number][] = []
  const v6: { groups: Uint16Array; prefix: number }[] = []
  for (const text of list) {
    const cidr = readCidr(text)
    if (cidr === null)
      throw new GatehouseError('cidr-invalid', `not an address range: ${JSON.stringify(text)}`, {
        remedy: 'write it as 192.0.2.0/24 or 2001:db8::/32',
      })
    if (cidr.family === 4) v4.push([cidr.first, cidr.last])
    else v6.push(cidr)
  }
  return { v4: merge(v4), v6 }
}

/** Sorts and joins, so that one binary search over the first addresses decides. */
function merge(ranges: [number, number][]): Uint32Array {
  ranges.sort((a, b) => a[0] - b[0])
  const flat: number[] = []
  for (const [first, last] of ranges) {
    const end = flat.at(-1)
    if (end !== undefined && first <= end) flat[flat.length - 1] = Math.max(end, last)
    else flat.push(first, last)
  }
  return Uint32Array.from(flat)
}

function inRanges(flat: Uint32Array, address: number): boolean {
  let low = 0
  let high = flat.length >> 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((flat[middle * 2] ?? 0) <= address) low = middle + 1
    else high = middle
  }
  return low > 0 && address <= (flat[low * 2 - 1] ?? 0)
}

type Cidr =
  | { readonly family: 4; readonly first: number; readonly last: number }
  | { readonly family: 6; readonly groups: Uint16Array; readonly prefix: number }

function readCidr(text: string): Cidr | null {
  const slash = text.indexOf('/')
  const address = slash === -1 ? text : text.slice(0, slash)
  if (address.indexOf('%') !== -1) return null
  const v4 = parseIpv4(address, 0, address.length)
  if (v4 !== null) {
    const prefix = slash === -1 ? 32 : readPrefix(text, slash + 1, 32)
    return prefix === null ? null : v4Range(v4, prefix)
  }
  const groups = new Uint16Array(8)
  if (!parseIpv6(address, groups)) return null
  const prefix = slash === -1 ? 128 : readPrefix(text, slash + 1, 128)
  if (prefix === null) return null
  if (isMapped(groups) && prefix >= 96) return v4Range(lowIpv4(groups), prefix - 96)
  return { family: 6, groups, prefix }
}

function v4Range(address: number, prefix: number): Cidr {
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0
  const first = (address & mask) >>> 0
  return { family: 4, first, last: (first | ~mask) >>> 0 }
}

function readPrefix(text: string, from: number, max: number): number | null {
  const digits = text.slice(from)
  if (!/^(0|[1-9][0-9]{0,2})$/.test(digits)) return null
  const prefix = Number(digits)
  return prefix <= max ? prefix : null
}

function samePrefix(a: Uint16Array, b: Uint16Array, prefix: number): boolean {
  const whole = prefix >> 4
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false
  const rest = prefix & 15
  if (rest === 0) return true
  return ((a[whole] ?? 0) ^ (b[whole] ?? 0)) >> (16 - rest) === 0
}

function isMapped(groups: Uint16Array): boolean {
  for (let i = 0; i < 5; i++) if (groups[i] !== 0) return false
  return groups[5] === 0xffff
}

function lowIpv4(groups: Uint16Array): number {
  return (((groups[6] ?? 0) << 16) | (groups[7] ?? 0)) >>> 0
}

function hex(groups: Uint16Array, index: number): string {
  return (groups[index] ?? 0).toString(16)
}

/** Four decimal numbers, no leading zeros: `010` is octal to some readers and decimal to others. */
function parseIpv4(text: string, from: number, to: number): number | null {
  if (to - from < 7 || to - from > 15) return null
  let address = 0
  let octet = -1
  let octets = 0
  for (let i = from; i <= to; i++) {
    const c = i === to ? 0x2e : text.charCodeAt(i)
    if (c === 0x2e) {
      if (octet === -1) return null
      address = address * 256 + octet
      octets += 1
      octet = -1
    } else {
      if (c < 0x30 || c > 0x39 || octet === 0) return null
      octet = (octet === -1 ? 0 : octet * 10) + (c - 0x30)
      if (octet > 255) return null
    }
  }
  return octets === 4 ? address : null
}

/** RFC 4291 §2.2, all three forms, an optional zone ignored. Writes eight groups; `false`: not an address. */
function parseIpv6(text: string, groups: Uint16Array): boolean {
  const zone = text.indexOf('%')
  const end = zone === -1 ? text.length : zone
  if (end < 2 || end > 45) return false
  let index = 0
  let gap = -1
  let i = 0
  if (text.charCodeAt(0) === 0x3a) {
    if (text.charCodeAt(1) !== 0x3a) return false
    gap = 0
    i = 2
  }
  while (i < end) {
    if (index === 8) return false
    let stop = i
    let value = 0
    while (stop < end && text.charCodeAt(stop) !== 0x3a && text.charCodeAt(stop) !== 0x2e) {
      const digit = hexDigit(text.charCodeAt(stop))
      if (digit === -1 || stop - i === 4) return false
      value = value * 16 + digit
      stop += 1
    }
    if (stop < end && text.charCodeAt(stop) === 0x2e) {
      const v4 = parseIpv4(text, i, end)
      if (v4 === null || index > 6) return false
      groups[index++] = v4 >>> 16
      groups[index++] = v4 & 0xffff
      i = end
      break
    }
    if (stop === i) return false
    groups[index++] = value
    if (stop === end) {
      i = end
      break
    }
    i = stop + 1
    if (i === end) return false
    if (text.charCodeAt(i) === 0x3a) {
      if (gap !== -1) return false
      gap = index
      i += 1
    }
  }
  if (gap === -1) return index === 8
  if (index === 8) return false
  const tail = index - gap
  groups.copyWithin(8 - tail, gap, index)
  groups.fill(0, gap, 8 - tail)
  return true
}

function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30
  const lower = c | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
