// People and what they sign in with: records, and the store that keeps them. Types alone.

import type { UserId } from '../model.ts'

/** Somebody who may sign in. */
export interface User {
  /** Lower case, `[a-z0-9][a-z0-9._-]{0,63}`; `auth/user-name.ts` makes one. */
  readonly id: UserId
  /** For people to read; any text without control characters, 1 to 80 characters. */
  readonly displayName: string
  readonly email: string | null
  readonly groups: readonly string[]
  readonly disabled: boolean
  /** WebAuthn user handle: 32 random bytes, base64url. Says nothing about the person (WebAuthn §14.6.1). */
  readonly handle: string
  /** Wall clock, milliseconds; all times here are. */
  readonly createdAt: number
  readonly lastSignInAt: number | null
}

/** A WebAuthn credential: a passkey (discoverable, user verified), or a key that is a second factor only. */
export interface Passkey {
  /** Credential id, base64url. */
  readonly id: string
  readonly user: UserId
  readonly kind: 'passkey' | 'security-key'
  /** COSE key. */
  readonly publicKey: Uint8Array
  readonly counter: number
  readonly transports: readonly string[]
  readonly deviceType: 'singleDevice' | 'multiDevice'
  readonly backedUp: boolean
  readonly aaguid: string
  /** The relying party it was made for. */
  readonly relyingParty: string
  readonly label: string
  readonly createdAt: number
  readonly lastUsedAt: number | null
}

export interface Password {
  /** PHC string or an older format that `auth/password-hash.ts` verifies. */
  readonly hash: string
  readonly createdAt: number
  readonly lastUsedAt: number | null
}

/** An authenticator app. */
export interface Totp {
  /** Random, for forms and logs. */
  readonly id: string
  readonly user: UserId
  /** Base32 (RFC 6238: SHA-1, 6 digits, 30 s). Encrypted at rest. */
  readonly secret: string
  readonly label: string
  /** Time step of the last code that was used; it and all before are spent. */
  readonly lastStep: number | null
  readonly createdAt: number
  readonly lastUsedAt: number | null
}

/** An account at an identity provider, such as GitHub. */
export interface LinkedAccount {
  /** `github`, … */
  readonly provider: string
  /** The provider's own immutable id. The login name is for display alone. */
  readonly subject: string
  readonly user: UserId
  readonly login: string
  /** To look at memberships again; `null`: none kept. Encrypted at rest. */
  readonly token: string | null
  /** When membership was last seen to hold. */
  readonly checkedAt: number
  readonly createdAt: number
  readonly lastUsedAt: number | null
}

/** All a person can sign in with. */
export interface Credentials {
  readonly passkeys: readonly Passkey[]
  readonly password: Password | null
  readonly totps: readonly Totp[]
  readonly accounts: readonly LinkedAccount[]
  /** Unused recovery codes. */
  readonly recoveryCodes: number
}

/** Which credential to remove. */
export type CredentialKey =
  | { readonly kind: 'passkey'; readonly id: string }
  | { readonly kind: 'password' }
  | { readonly kind: 'totp'; readonly id: string }
  | { readonly kind: 'account'; readonly provider: string; readonly subject: string }

/** A one-time link; the database knows its hash alone. */
export interface Link {
  /** SHA-256 of the secret in the link, base64url. */
  readonly hash: string
  readonly user: UserId
  readonly createdAt: number
  readonly expiresAt: number
}

/** Something a person should know, shown until he has seen it. */
export interface Notice {
  readonly id: number
  readonly user: UserId
  readonly at: number
  readonly kind:
    | 'new-device'
    | 'credential-added'
    | 'credential-removed'
    | 'recovery-code-used'
    | 'ban'
  /** A sentence for the person, plain text. */
  readonly text: string
}

export interface UserChange {
  readonly displayName?: string
  readonly email?: string | null
  readonly groups?: readonly string[]
  readonly disabled?: boolean
  readonly lastSignInAt?: number
}

/**
 * Where people are kept. Every call may reject with GatehouseError `store-unavailable` (locked, full, gone, corrupt);
 * a caller that cannot know must refuse. All implementations pass test/contract/user-store.ts.
 */
export interface UserStore {
  users(): Promise<readonly User[]>
  user(id: UserId): Promise<User | null>
  userByHandle(handle: string): Promise<User | null>
  /** @throws GatehouseError `user-exists`. */
  addUser(user: User): Promise<void>
  /** @returns `null`: there is no such user. */
  changeUser(id: UserId, change: UserChange): Promise<User | null>
  /** With all credentials, links, notices, sessions and tokens. @returns false: there was none. */
  removeUser(id: UserId): Promise<boolean>

  credentials(user: UserId): Promise<Credentials>
  /** @throws GatehouseError `credential-exists`. */
  addPasskey(passkey: Passkey): Promise<void>
  passkey(id: string): Promise<Passkey | null>
  /** Relying parties of all passkeys. */
  relyingParties(): Promise<readonly string[]>
  passkeyUsed(id: string, use: { counter: number; backedUp: boolean; at: number }): Promise<void>
  setPassword(user: UserId, hash: string, at: number): Promise<void>
  passwordUsed(user: UserId, at: number): Promise<void>
  addTotp(totp: Totp): Promise<void>
  /** Spends a time step, atomically. @returns false: it, or a later one, was spent before. */
  spendTotpStep(id: string, step: number, at: number): Promise<boolean>
  /** @throws GatehouseError `credential-exists`: linked to somebody (else) already. */
  addAccount(account: LinkedAccount): Promise<void>
  account(provider: string, subject: string): Promise<LinkedAccount | null>
  accounts(provider: string): Promise<readonly LinkedAccount[]>
  changeAccount(
    provider: string,
    subject: string,
    change: { login?: string; token?: string | null; checkedAt?: number; lastUsedAt?: number },
  ): Promise<void>
  /** Replaces all codes. Hashes: SHA-256 of the normalised code, base64url. */
  setRecoveryCodes(user: UserId, hashes: readonly string[], at: number): Promise<void>
  /** Spends a code, atomically. @returns false: unknown or spent. */
  spendRecoveryCode(user: UserId, hash: string, at: number): Promise<boolean>
  rename(user: UserId, key: CredentialKey, label: string): Promise<boolean>
  /**
   * Removes a credential, unless nothing would be left to sign in with: a passkey, a linked account, or a
   * password together with an authenticator app or security key. Atomic.
   */
  removeCredential(user: UserId, key: CredentialKey): Promise<'removed' | 'last' | 'absent'>
  /** Removes all credentials and recovery codes: for `user reset`. */
  removeCredentials(user: UserId): Promise<void>

  addLink(link: Link): Promise<void>
  /** @returns `null`: unknown, used or expired. Does not use it up. */
  link(hash: string, now: number): Promise<Link | null>
  /** Uses it up, atomically. @returns `null`: unknown, used or expired. */
  spendLink(hash: string, now: number): Promise<Link | null>
  /** @returns how many were withdrawn. */
  removeLinks(user: UserId): Promise<number>

  /** Devices somebody has signed in from: hash of a device cookie. @returns true: it was new. */
  rememberDevice(user: UserId, hash: string, at: number): Promise<boolean>
  addNotice(notice: Omit<Notice, 'id'>): Promise<void>
  notices(user: UserId): Promise<readonly Notice[]>
  dismissNotices(user: UserId, upTo: number): Promise<void>
}
