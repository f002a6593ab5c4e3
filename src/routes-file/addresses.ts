// Which addresses a backend may have: not the machine's own metadata service, no broadcast, no loophole
// in the spelling. The rules hold for addresses in the file, for resolved names, and for the address dialled.

import { isIP } from 'node:net'

/**
 * Why no backend may live at this address. Loopback and private networks are allowed: backends live there.
 *
 * @param ip an IPv4 or IPv6 literal without brackets; a zone (`%eth0`) is ignored.
 * @returns the reason, or `null` when the address may be dialled. What is no address literal is refused.
 */
export function forbiddenAddress(ip: string): string | null {
  switch (isIP(ip)) {
    case 4:
      return forbidden4(parseIpv4(ip))
    case 6:
      return forbidden6(parseIpv6(ip))
    default:
      return 'is not an IP address'
  }
}

/** Whether packets to the address leave through the internet: not loopback, private, shared or unique local. */
export function isPublicAddress(ip: string): boolean {
  const family = isIP(ip)
  if (family === 4) {
    const n = parseIpv4(ip)
    return !privateNetworks.some(({ network, bits }) => inNetwork4(n, network, bits))
  }
  if (family !== 6) return false
  const words = parseIpv6(ip)
  const embedded = embedded4(words)
  if (embedded !== null) return isPublicAddress(formatIpv4(embedded))
  const first = words[0] ?? 0
  const loopback = words.slice(0, 7).every((w) => w === 0) && words[7] === 1
  return !loopback && (first & 0xfe00) !== 0xfc00 && (first & 0xffc0) !== 0xfe80
}

/** One spelling per address, so that two can be compared: IPv4-mapped IPv6 becomes IPv4; `null`: no address. */
export function canonicalAddress(ip: string): string | null {
  const family = isIP(ip)
  if (family === 4) return ip
  if (family !== 6) return null
  const words = parseIpv6(ip)
  const mapped = words.slice(0, 5).every((w) => w === 0) && words[5] === 0xffff
  if (mapped) return formatIpv4(lowBits(words))
  return words.map((w) => w.toString(16)).join(':')
}

/**
 * Host names of the metadata services of the large clouds, and everything below them. They hand out the
 * machine's credentials to whoever asks (the classic end of every SSRF).
 */
export function isMetadataName(name: string): boolean {
  const plain = name.toLowerCase().replace(/\.$/, '')
  return metadataNames.some((known) => plain === known || plain.endsWith(`.${known}`))
}

const metadataNames = [
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
  'metadata.platformequinix.com',
]

interface Network4 {
  readonly network: number
  readonly bits: number
}

interface Refused4 extends Network4 {
  readonly reason: string
}

const refused4: readonly Refused4[] = [
  refuse4('0.0.0.0', 8, 'means "this machine", whatever it is (RFC 1122 §3.2.1.3)'),
  refuse4('169.254.0.0', 16, "is link-local: the cloud's metadata service lives there (RFC 3927)"),
  refuse4('192.0.0.0', 24, 'is reserved for protocols; a metadata service lives there (RFC 6890)'),
  refuse4('100.100.100.200', 32, "is Alibaba Cloud's metadata service"),
  refuse4('168.63.129.16', 32, "is Azure's wire server"),
  refuse4('224.0.0.0', 4, 'is multicast (RFC 5771)'),
  refuse4('240.0.0.0', 4, 'is reserved or broadcast (RFC 1112 §4, RFC 919)'),
]

const privateNetworks: readonly Network4[] = [
  network4('127.0.0.0', 8),
  network4('10.0.0.0', 8),
  network4('172.16.0.0', 12),
  network4('192.168.0.0', 16),
  // Shared address space (RFC 6598): Tailscale and carriers' NAT.
  network4('100.64.0.0', 10),
  network4('169.254.0.0', 16),
]

/** Metadata services inside unique local space: AWS, Google Cloud, Oracle Cloud. */
const metadata6 = new Map([
  ['fd00:ec2:0:0:0:0:0:254', "is AWS's metadata service"],
  ['fd20:ce:0:0:0:0:0:254', "is Google Cloud's metadata service"],
  ['fd00:c1:0:0:0:0:a9fe:a9fe', "is Oracle Cloud's metadata service"],
])

function forbidden4(n: number): string | null {
  for (const { network, bits, reason } of refused4) {
    if (inNetwork4(n, network, bits)) return reason
  }
  return null
}

function forbidden6(words: readonly number[]): string | null {
  if (words.every((w) => w === 0)) return 'is the unspecified address (RFC 4291 §2.5.2)'
  const embedded = embedded4(words)
  if (embedded !== null) {
    const reason = forbidden4(embedded)
    return reason === null ? null : `stands for ${formatIpv4(embedded)}, which ${reason}`
  }
  const first = words[0] ?? 0
  if ((first & 0xffc0) === 0xfe80) return 'is link-local (RFC 4291 §2.5.6)'
  if ((first & 0xff00) === 0xff00) return 'is multicast (RFC 4291 §2.7)'
  return metadata6.get(words.map((w) => w.toString(16)).join(':')) ?? null
}

/**
 * The IPv4 address that a translator or tunnel on the way would turn this one into.
 * `null` for ordinary IPv6, `::1` included.
 */
function embedded4(words: readonly number[]): number | null {
  const [a, b, c, d, e, f, g, h] = words
  const zero = (...some: readonly (number | undefined)[]) => some.every((w) => w === 0)
  // ::ffff:0:0/96 mapped (RFC 4291 §2.5.5.2) and ::ffff:0:0:0/96 translated (RFC 2765 §2.1).
  if (zero(a, b, c, d, e) && f === 0xffff) return lowBits(words)
  if (zero(a, b, c, d, f) && e === 0xffff) return lowBits(words)
  // ::/96 compatible (RFC 4291 §2.5.5.1), which leaves ::1 alone.
  if (zero(a, b, c, d, e, f) && !(g === 0 && h === 1)) return lowBits(words)
  // 64:ff9b::/96 (RFC 6052 §2.1) and the local-use 64:ff9b:1::/48 (RFC 8215).
  if (a === 0x64 && b === 0xff9b && (zero(c, d, e, f) || c === 1)) return lowBits(words)
  // 2002::/16, 6to4 (RFC 3056 §2); Teredo, 2001::/32, carries the client inverted (RFC 4380 §4).
  if (a === 0x2002) return (((b ?? 0) << 16) | (c ?? 0)) >>> 0
  if (a === 0x2001 && b === 0) return ~lowBits(words) >>> 0
  return null
}

function refuse4(address: string, bits: number, reason: string): Refused4 {
  return { ...network4(address, bits), reason }
}

function network4(address: string, bits: number): Network4 {
  return { network: parseIpv4(address), bits }
}

function inNetwork4(n: number, network: number, bits: number): boolean {
  const shift = 32 - bits
  return bits === 0 || n >>> shift === network >>> shift
}

/** The 32 bits of a dotted IPv4 literal that `isIP` has accepted. */
export function parseIpv4(text: string): number {
  let n = 0
  for (const part of text.split('.')) n = n * 256 + Number(part)
  return n >>> 0
}

function formatIpv4(n: number): string {
  return [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255].join('.')
}

/** The eight words of an IPv6 literal that `isIP` has accepted; a zone is ignored. */
export function parseIpv6(text: string): readonly number[] {
  const address = text.split('%')[0] ?? ''
  const [head = '', tail] = address.split('::')
  const front = words(head)
  const back = tail === undefined ? [] : words(tail)
  const zeros = Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => 0)
  return [...front, ...zeros, ...back]
}

function words(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)]
    const n = parseIpv4(part)
    return [n >>> 16, n & 0xffff]
  })
}

function lowBits(all: readonly number[]): number {
  return (((all[6] ?? 0) << 16) | (all[7] ?? 0)) >>> 0
}
