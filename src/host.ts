// The one way to make a Host. Hot path.

import type { Host } from './model.ts'

/** Longest DNS name in presentation form (RFC 1035 §2.3.4). */
const maxHostLength = 253
const maxLabelLength = 63

/**
 * Reads the value of a `Host` header, an `:authority` or the authority of an absolute-form target.
 * Lower-cases, drops the port and one trailing dot.
 *
 * @returns `null` for anything that is not a DNS name or an IPv4 address with an optional port: user
 *   information, IPv6 literals (no route can name one), empty labels, non-ASCII, white space.
 *   RFC 9112 §3.2, RFC 3986 §3.2.2.
 */
export function parseAuthority(text: string): Host | null {
  let end = text.length
  const colon = text.indexOf(':')
  if (colon !== -1) {
    if (!isPort(text, colon + 1)) return null
    end = colon
  }
  return parseName(text, end)
}

/** Reads a bare DNS name, as TLS's server name (RFC 6066 §3) or a line of routes.yaml gives it. */
export function parseHost(text: string): Host | null {
  return parseName(text, text.length)
}

function parseName(text: string, length: number): Host | null {
  let end = length
  if (end > 1 && text.charCodeAt(end - 1) === 0x2e) end -= 1
  if (end === 0 || end > maxHostLength) return null
  let label = 0
  let upper = false
  for (let i = 0; i < end; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x2e) {
      if (label === 0 || label > maxLabelLength) return null
      if (text.charCodeAt(i - 1) === 0x2d) return null
      label = 0
      continue
    }
    const lower = c >= 0x61 && c <= 0x7a
    const digit = c >= 0x30 && c <= 0x39
    if (!lower && !digit) {
      if (c >= 0x41 && c <= 0x5a) upper = true
      else if (c === 0x2d && label > 0) {
        // A hyphen inside a label.
      } else if (c !== 0x5f) return null // An underscore is no host name, but DNS and users have it.
    }
    label += 1
  }
  if (label === 0 || label > maxLabelLength || text.charCodeAt(end - 1) === 0x2d) return null
  const name = end === text.length ? text : text.slice(0, end)
  return (upper ? name.toLowerCase() : name) as Host
}

function isPort(text: string, from: number): boolean {
  const digits = text.length - from
  // RFC 3986 §3.2.3 allows an empty port: `host:`.
  if (digits > 5) return false
  let port = 0
  for (let i = from; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c < 0x30 || c > 0x39) return false
    port = port * 10 + (c - 0x30)
  }
  return port <= 65535
}
