// Reads what `--https`, `--http` and `--ops` take: a port, an address with a port, or `off`.

import { isIP } from 'node:net'

/** Where a listener binds. */
export interface ListenAddress {
  /** IP literal without brackets; `null`: every address, IPv6 and IPv4. */
  readonly host: string | null
  /** 0–65535; 0: any free port, for tests. */
  readonly port: number
}

/** `null` in `address` means `off`. A string is the reason for refusal. */
export type ListenReading = { readonly address: ListenAddress | null } | string

/** `443`, `127.0.0.1:8443`, `[::1]:8443`, `localhost:8443`, `*:443` or `off`. */
export function readListenAddress(text: string): ListenReading {
  if (text === 'off') return { address: null }
  if (/^\d+$/.test(text)) return withPort(null, text)
  const parts = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]]+)|(\*)):(\d+)$/.exec(text)
  if (parts === null) {
    if (isIP(text) !== 0) return 'is an address without a port'
    return 'is neither a port, nor address:port, nor [v6]:port, nor off'
  }
  const [, v6, name, , port = ''] = parts
  if (v6 !== undefined)
    return isIP(v6) === 6 ? withPort(v6, port) : 'has no IPv6 address in brackets'
  if (name === '*') return withPort(null, port)
  if (name === 'localhost') return withPort('127.0.0.1', port)
  // A host name could resolve to another address tomorrow: what is bound must be what is written.
  if (name === undefined || isIP(name) !== 4) return 'has no IP address before the port'
  return withPort(name, port)
}

/** As it is written on the command line. */
export function formatListenAddress(address: ListenAddress | null): string {
  if (address === null) return 'off'
  if (address.host === null) return String(address.port)
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`
}

/** An address that only this machine can reach: 127.0.0.0/8 (RFC 1122 §3.2.1.3) and ::1 (RFC 4291 §2.5.3). */
export function isLoopback(address: string): boolean {
  return address === '::1' || (address.startsWith('127.') && isIP(address) === 4)
}

/** Two listeners that cannot both be bound. */
export function overlaps(a: ListenAddress, b: ListenAddress): boolean {
  if (a.port === 0 || a.port !== b.port) return false
  const any = (host: string | null) => host === null || host === '::' || host === '0.0.0.0'
  return any(a.host) || any(b.host) || a.host === b.host
}

function withPort(host: string | null, digits: string): ListenReading {
  const port = Number(digits)
  if (digits.length > 5 || port > 65535) return 'has a port above 65535'
  return { address: Object.freeze({ host, port }) }
}
