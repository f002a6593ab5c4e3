// Personal tokens for programs as they are kept, and the store that keeps them. Types alone.

import type { UserId } from '../model.ts'

/** Limits of a token's right to start machines. */
export interface TokenWake {
  /** Minutes since midnight, UTC; `from` may be later than `to`. `null`: at any time. */
  readonly hours: { readonly from: number; readonly to: number } | null
  /** Starts a day. */
  readonly perDay: number
}

/** A token at rest. Times are wall clock, milliseconds. */
export interface TokenRecord {
  /** Random, for forms, logs and commands: 8 characters, no secret. */
  readonly id: string
  /** SHA-256 of the token, base64url. */
  readonly hash: string
  readonly user: UserId
  readonly label: string
  /** Hosts it is good for; `null`: every host of the table but login and admin. */
  readonly hosts: readonly string[] | null
  /** Upper case; `null`: every method. */
  readonly methods: readonly string[] | null
  /** Patterns as in access rules; `null`: every path. */
  readonly paths: readonly string[] | null
  /** `null`: may start no machine. */
  readonly wake: TokenWake | null
  /** Further rights by name, such as `vm:wake`; of the API. */
  readonly scopes: readonly string[]
  readonly createdAt: number
  /** `null`: never. */
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
  readonly lastAddress: string | null
}

/** Where tokens are kept. All implementations pass test/contract/token-store.ts. */
export interface TokenStore {
  all(): Promise<readonly TokenRecord[]>
  add(token: TokenRecord): Promise<void>
  /** @returns how many there were. */
  remove(ids: readonly string[]): Promise<number>
  removeAll(): Promise<number>
  touch(used: readonly { id: string; lastUsedAt: number; lastAddress: string }[]): Promise<void>
}
