// A session in memory, and what is said at its beginning. Types alone.

import type { Identity } from '../model.ts'
import type { User } from './people.ts'
import type { SessionRecord, SignInMethod } from './session-store.ts'

/** A person on a device, signed in. */
export interface Session {
  /** `lastSeenAt` and `lastAddress` are brought up to date by `list`, `byRef` and `flush`. Replaced on change. */
  readonly record: SessionRecord
  /** Replaced when the user changes. */
  readonly identity: Identity
  /** It was ended, or its secrets were replaced: for whoever remembers it from an earlier request. */
  readonly ended: boolean
  readonly activity: SessionActivity
}

/** When a session began and was used, by the steady clock in milliseconds: nobody is signed out by a clock that is set. */
export interface SessionActivity {
  readonly beganAt: number
  seenAt: number
  address: string
  /** Not in the store yet. */
  unsaved: boolean
}

/** What a sign-in has shown. */
export interface Shown {
  readonly methods: readonly SignInMethod[]
  readonly passkey: boolean
  readonly secondFactor: boolean
}

export interface NewSession extends Shown {
  readonly user: User
  readonly remember: boolean
  /** Provider account it depends on, `github:583231`; `null`: none. */
  readonly account: string | null
  readonly address: string
  readonly userAgent: string
}

/** A session with its secrets, which nobody sees again. */
export interface Issued {
  readonly session: Session
  /** Value of the session cookie. */
  readonly token: string
  /** Value of the login host's own cookie. */
  readonly accountToken: string
}
