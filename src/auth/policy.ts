// May this request pass? Pure: policy, identity and a few facts in, one Decision out. Hot path.

import type { Decision, Identity, Policy } from '../model.ts'

/** What a decision depends on beside who is asking. */
export interface RequestFacts {
  readonly method: string
  readonly webSocket: boolean
  /** `Origin` (RFC 6454 §7), or `null`. */
  readonly origin: string | null
  /** `Sec-Fetch-Site` (W3C Fetch Metadata), or `null`. */
  readonly fetchSite: string | null
  /** The origin this host has for a browser: `https://name`, with the port when it is not 443. */
  readonly ownOrigin: string
  readonly allowedOrigins: readonly string[]
}

const allow: Decision = { kind: 'allow' }
const signIn: Decision = { kind: 'sign-in', reason: 'no-session' }
const notAMember: Decision = { kind: 'deny', reason: 'not-a-member' }
const crossOrigin: Decision = { kind: 'deny', reason: 'cross-origin' }

/** Decides. Everything that is not allowed by name is refused. */
export function decide(policy: Policy, identity: Identity | null, facts: RequestFacts): Decision {
  switch (policy.kind) {
    case 'public':
      return allow
    case 'signed-in':
      return identity === null ? signIn : fromHere(facts)
    case 'members':
      if (identity === null) return signIn
      return isMember(policy, identity) ? fromHere(facts) : notAMember
    default:
      // Only a snapshot that somebody wrote by hand can say this: it ends as 500, never as allowed.
      throw new TypeError('unknown policy', { cause: policy satisfies never })
  }
}

/**
 * The parent-domain cookie is sent with requests that any sibling host's page makes. So on a private route,
 * what changes something (or opens a WebSocket) must come from the host's own pages or a listed origin:
 * `same-site` is exactly the attack. A program sends neither header and is let through.
 */
function fromHere(facts: RequestFacts): Decision {
  if (!facts.webSocket && isSafe(facts.method)) return allow
  const { origin } = facts
  if (origin !== null) {
    if (origin === facts.ownOrigin || facts.allowedOrigins.includes(origin)) return allow
    return crossOrigin
  }
  const site = facts.fetchSite
  return site === null || site === 'same-origin' || site === 'none' ? allow : crossOrigin
}

/** RFC 9110 §9.2.1, and WebDAV's reading methods (RFC 4918 §9.1, RFC 3253 §3.6). */
function isSafe(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
    case 'PROPFIND':
    case 'REPORT':
      return true
    default:
      return false
  }
}

function isMember(
  policy: { readonly users: readonly string[]; readonly groups: readonly string[] },
  identity: Identity,
): boolean {
  if (policy.users.includes(identity.user)) return true
  for (const group of policy.groups) if (identity.groups.includes(group)) return true
  return false
}
