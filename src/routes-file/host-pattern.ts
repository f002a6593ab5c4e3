// The `host:` of a route: a name under the domain, the domain itself, a wildcard, or a full name.

import { isIP } from 'node:net'
import { parseHost } from '../host.ts'
import type { Host, HostPattern } from '../model.ts'

/**
 * Reads a host as the file writes it: `photos`, `@`, `*`, `*.x`, `www.example.org`.
 * A name without a dot is under the domain; a name with a dot is complete.
 *
 * @returns `null` for what is no DNS name, an IP address included: TLS server names cannot be addresses.
 */
export function readHostPattern(text: string, domain: Host): HostPattern | null {
  if (text === '@') return { kind: 'exact', host: domain }
  if (text === '*') return { kind: 'wildcard', suffix: domain }
  if (text.startsWith('*.')) {
    const suffix = readName(text.slice(2), domain)
    return suffix === null ? null : { kind: 'wildcard', suffix }
  }
  const host = readName(text, domain)
  return host === null ? null : { kind: 'exact', host }
}

/** A name under the domain, or a full one. */
export function readName(text: string, domain: Host): Host | null {
  const host = parseHost(text)
  if (host === null || isIP(host) !== 0) return null
  return host.includes('.') ? host : parseHost(`${host}.${domain}`)
}

/** How a route's host is written in its id: short under the domain (`photos`, `@`, `*`), in full elsewhere. */
export function shortHost(pattern: HostPattern, domain: Host): string {
  const star = pattern.kind === 'wildcard'
  const name = star ? pattern.suffix : pattern.host
  if (name === domain) return star ? '*' : '@'
  const end = `.${domain}`
  const label = name.endsWith(end) ? name.slice(0, -end.length) : name
  // `a.b` under the domain would read like the foreign name `a.b`.
  const short = label.includes('.') ? name : label
  return star ? `*.${short}` : short
}
