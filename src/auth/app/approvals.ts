// New devices that wait for a signed-in one to vouch for them: in memory, five minutes each, used once.

import { createHash } from 'node:crypto'
import type { SessionRef, UserId } from '../../model.ts'

/** What the one who approves is shown, and what becomes of it. */
export interface Approval {
  /** 8 characters, as `readApprovalCode` returns them. */
  readonly code: string
  /** What the new device says it is. Untrusted text. */
  readonly userAgent: string
  readonly address: string
  readonly network: string
  /** Wall clock, milliseconds. */
  readonly createdAt: number
  readonly expiresAt: number
  readonly returnTo: string | null
  readonly reason: string | null
  readonly remember: boolean
  /** `null`: nobody has approved yet. */
  readonly grant: Grant | null
}

/** Who vouched, with which session. */
export interface Grant {
  readonly user: UserId
  readonly session: SessionRef
}

export interface Approvals {
  /** A browser has one at a time: a new one replaces it. */
  begin(
    browser: string,
    asks: Pick<Approval, 'userAgent' | 'address' | 'network' | 'returnTo' | 'reason' | 'remember'>,
  ): Approval
  /** The one this browser waits for. @returns `null`: none, expired, or refused. */
  of(browser: string): Approval | null
  /** As typed on the other device. @returns `null`: none waits with this code. */
  byCode(typed: string): Approval | null
  /** @returns false: nobody waits with this code any more, or it is approved already. */
  grant(code: string, grant: Grant): boolean
  refuse(code: string): void
  /** The approved one of this browser; it is used up. */
  take(browser: string): Approval | null
}

/** How long a code is good, milliseconds. */
export const approvalMs = 300_000

/** Letters and digits that nobody takes for one another (Crockford's Base 32); 40 bits in eight of them. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const codeLength = 8
/** All that wait; the oldest makes room. A code is then hit by one guess in two thousand million. */
const maxWaiting = 500
const maxPerNetwork = 10

/** `ABCD-EFGH`. */
export function writeApprovalCode(code: string): string {
  return `${code.slice(0, 4)}-${code.slice(4)}`
}

/** @returns `null`: it cannot be a code. Case, spaces and dashes do not matter. */
export function readApprovalCode(typed: string): string | null {
  if (typed.length > 32) return null
  const code = typed
    .toUpperCase()
    .replace(/[\s\p{Pd}]/gu, '')
    .replace(/[IL]/g, '1')
    .replace(/O/g, '0')
  const isCode = code.length === codeLength && [...code].every((c) => alphabet.includes(c))
  return isCode ? code : null
}

export function createApprovals(deps: {
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly randomBytes: (size: number) => Uint8Array
}): Approvals {
  // In order of insertion: the first is the oldest.
  const byBrowser = new Map<string, Approval>()

  function alive(approval: Approval): boolean {
    const now = deps.now()
    // A clock that was set back makes nothing older young again.
    return now >= approval.createdAt && now < approval.expiresAt
  }

  function makeRoom(network: string): void {
    for (const [key, approval] of byBrowser) {
      if (!alive(approval) || byBrowser.size >= maxWaiting) byBrowser.delete(key)
    }
    const same = [...byBrowser].filter(([, approval]) => approval.network === network)
    const [first] = same
    if (first !== undefined && same.length >= maxPerNetwork) byBrowser.delete(first[0])
  }

  function entryOf(code: string): [string, Approval] | null {
    for (const entry of byBrowser) if (entry[1].code === code && alive(entry[1])) return entry
    return null
  }

  function newCode(): string {
    for (;;) {
      const code = Array.from(deps.randomBytes(codeLength), (byte) => alphabet[byte % 32]).join('')
      if (entryOf(code) === null) return code
    }
  }

  function of(browser: string): Approval | null {
    const approval = byBrowser.get(keyOf(browser))
    return approval !== undefined && alive(approval) ? approval : null
  }

  return {
    begin(browser, asks) {
      byBrowser.delete(keyOf(browser))
      makeRoom(asks.network)
      const createdAt = deps.now()
      const approval: Approval = {
        ...asks,
        code: newCode(),
        createdAt,
        expiresAt: createdAt + approvalMs,
        grant: null,
      }
      byBrowser.set(keyOf(browser), approval)
      return approval
    },
    of,
    byCode(typed) {
      const code = readApprovalCode(typed)
      const found = code === null ? null : entryOf(code)
      return found === null || found[1].grant !== null ? null : found[1]
    },
    grant(code, grant) {
      const found = entryOf(code)
      if (found === null || found[1].grant !== null) return false
      byBrowser.set(found[0], { ...found[1], grant })
      return true
    },
    refuse(code) {
      const found = entryOf(code)
      if (found !== null && found[1].grant === null) byBrowser.delete(found[0])
    },
    take(browser) {
      const approval = of(browser)
      if (approval === null || approval.grant === null) return null
      byBrowser.delete(keyOf(browser))
      return approval
    },
  }
}

/** The browser's secret is not kept, only what it is known by. */
function keyOf(browser: string): string {
  return createHash('sha256').update(browser).digest('base64url')
}
