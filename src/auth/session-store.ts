// Sessions as they are kept, and the store that keeps them. Types alone.

import type { SessionRef, UserId } from '../model.ts'

/** What was shown to sign in. `approved`: another signed-in device vouched for this one. */
export type SignInMethod =
  | 'passkey'
  | 'security-key'
  | 'password'
  | 'totp'
  | 'provider'
  | 'recovery-code'
  | 'approved'

/** A session at rest. Times are wall clock, milliseconds. */
export interface SessionRecord {
  /** SHA-256 of the cookie's value, base64url; the value itself is nowhere. */
  readonly hash: string
  /** For logs and lists: 12 characters base64url, random, no secret. Stays through rotation. */
  readonly ref: SessionRef
  readonly user: UserId
  /** SHA-256 of the login host's own `__Host-` cookie, base64url. */
  readonly accountHash: string
  /** The provider account it came from, `github:583231`; `null`: none. When that ends, so does the session. */
  readonly account: string | null
  readonly methods: readonly SignInMethod[]
  readonly passkey: boolean
  readonly secondFactor: boolean
  readonly remember: boolean
  readonly createdAt: number
  /** When credentials were last shown. */
  readonly authenticatedAt: number
  readonly lastSeenAt: number
  /** Address it began from, and was last seen from. */
  readonly firstAddress: string
  readonly lastAddress: string
  /** What the browser says it is, cut to 256 characters. Untrusted text. */
  readonly userAgent: string
}

/** Where sessions are kept. All implementations pass test/contract/session-store.ts. */
export interface SessionStore {
  /** Everything, at start and after somebody else changed it. */
  all(): Promise<readonly SessionRecord[]>
  add(record: SessionRecord): Promise<void>
  /** Replaces by `ref`, atomically. @returns false: it was removed meanwhile, and stays so. */
  rotate(record: SessionRecord): Promise<boolean>
  /** @returns how many there were. */
  remove(refs: readonly SessionRef[]): Promise<number>
  removeAll(): Promise<number>
  touch(
    seen: readonly { ref: SessionRef; lastSeenAt: number; lastAddress: string }[],
  ): Promise<void>
}
