// Desks for people, and for what they and their programs are signed in with. Types alone.

import type { User } from '../../auth/people.ts'
import type { SessionRecord } from '../../auth/session-store.ts'
import type { TokenRecord } from '../../auth/token-store.ts'
import type { Host, SessionRef, UserId } from '../../model.ts'

// --- People ---

/** What somebody has to sign in with, without secrets. */
export interface PersonCredentials {
  readonly passkeys: readonly CredentialView[]
  readonly securityKeys: readonly CredentialView[]
  readonly password: { readonly createdAt: number; readonly lastUsedAt: number | null } | null
  readonly authenticatorApps: readonly CredentialView[]
  readonly accounts: readonly {
    readonly provider: string
    readonly subject: string
    readonly login: string
    readonly lastUsedAt: number | null
  }[]
  /** Unused ones. */
  readonly recoveryCodes: number
}

export interface CredentialView {
  readonly id: string
  readonly label: string
  readonly createdAt: number
  readonly lastUsedAt: number | null
}

export interface Person {
  readonly user: User
  readonly credentials: PersonCredentials
  readonly sessions: number
  readonly tokens: number
  /** May open the admin. */
  readonly administers: boolean
}

/** A one-time link with which somebody enrols. Whoever has it can take the account over: shown once, never kept. */
export interface Invitation {
  readonly url: string
  /** Wall clock, milliseconds. */
  readonly expiresAt: number
}

/** Which credential an administrator takes away. Ids as in `PersonCredentials`. */
export type CredentialChoice =
  | { readonly kind: 'passkey' | 'security-key' | 'totp'; readonly id: string }
  | { readonly kind: 'password' }
  | { readonly kind: 'account'; readonly provider: string; readonly subject: string }

/** Who may sign in. Every call may reject with GatehouseError `store-unavailable`; changes are in force when it resolves. */
export interface PeopleDesk {
  /** By name. */
  list(): Promise<readonly Person[]>
  person(id: UserId): Promise<Person | null>
  /** May somebody open the admin who is as this one says? */
  administers(user: User): boolean
  /** @throws GatehouseError `user-exists`. */
  add(input: {
    readonly id: UserId
    readonly displayName: string
    readonly email: string | null
    readonly groups: readonly string[]
  }): Promise<Person>
  /** @returns `null`: there is no such person. */
  change(
    id: UserId,
    change: {
      readonly displayName?: string
      readonly email?: string | null
      readonly groups?: readonly string[]
    },
  ): Promise<Person | null>
  /** Sessions end, unused links are withdrawn. @returns how many sessions ended; `null`: there is no such person. */
  disable(id: UserId): Promise<number | null>
  /** @returns false: there is no such person. */
  enable(id: UserId): Promise<boolean>
  /** Withdraws earlier links. @returns `null`: there is no such person. */
  invite(id: UserId, lifeMs: number): Promise<Invitation | null>
  /** Takes all credentials away, ends all sessions, and makes a link to begin anew. */
  reset(id: UserId, lifeMs: number): Promise<(Invitation & { readonly ended: number }) | null>
  removeCredential(id: UserId, choice: CredentialChoice): Promise<'removed' | 'last' | 'absent'>
  /** For good, with all that is theirs. @returns false: there was no such person. */
  remove(id: UserId): Promise<boolean>
}

// --- Sessions ---

/** As the store has it, without hashes: they are of no use to anybody who reads this. */
export interface SessionView
  extends Omit<SessionRecord, 'hash' | 'accountHash' | 'passkey' | 'secondFactor'> {
  /** `Firefox on Linux`. */
  readonly device: string
}

export interface SessionsDesk {
  /** Last seen first. */
  list(user: UserId | null): readonly SessionView[]
  /** @returns whose it was; `null`: there is none. */
  end(ref: string): Promise<SessionView | null>
  /** @param except stays: the one of whoever asks. @returns how many ended. */
  endUser(user: UserId, except: SessionRef | null): Promise<number>
  endAll(except: SessionRef | null): Promise<number>
  /** Every session, token and unused link ends, the own one included. */
  panic(): Promise<{ readonly sessions: number; readonly tokens: number; readonly links: number }>
}

// --- Tokens ---

/** As the store has it, without the hash. */
export type TokenView = Omit<TokenRecord, 'hash'>

export interface TokensDesk {
  /** Newest first. */
  list(user: UserId | null): readonly TokenView[]
  byId(id: string): TokenView | null
  /** Whether a token can be good for this host: a route of the table takes it, and it is not the login host. */
  isRouted(host: Host): boolean
  /** `text` is the token itself, shown once. @throws GatehouseError `too-many-tokens`, `store-unavailable`. */
  add(
    input: Omit<TokenView, 'id' | 'createdAt' | 'lastUsedAt' | 'lastAddress'>,
  ): Promise<{ readonly token: TokenView; readonly text: string }>
  /** @returns what it was; `null`: there is none. */
  revoke(id: string): Promise<TokenView | null>
  revokeUser(user: UserId): Promise<number>
}
