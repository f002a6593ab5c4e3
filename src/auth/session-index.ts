// The sessions of this process by cookie, by reference and by user, with their ages; knows no store.

import type { Identity, SessionLimits, SessionRef, UserId } from '../model.ts'
import type { User } from './people.ts'
import type { Session } from './session.ts'
import type { SessionRecord } from './session-store.ts'

/** A session as its keeper may change it. */
export interface Live extends Session {
  record: SessionRecord
  identity: Identity
  ended: boolean
  /** Position in the order of arrival: a reading of the store says nothing of those that came after it began. */
  readonly order: number
}

export interface SessionIndex {
  byHash(hash: string): Live | undefined
  byRef(ref: SessionRef): Live | undefined
  of(user: UserId): Iterable<Live>
  all(): IterableIterator<Live>
  /** Takes a record in; how old it is follows from its times and the wall clock of now. */
  admit(record: SessionRecord, user: User): Live
  /** Takes a session out: it has ended. */
  drop(session: Live): void
  /** The record of a session under new secrets; what remembers the old object sees that it has ended. */
  replace(before: Live, record: SessionRecord, user: User): Live
  hasExpired(session: Session, at: number): boolean
  /** With the time and place it was last seen. */
  upToDate(session: Live): SessionRecord
  /** How many ever came in. */
  readonly arrivals: number
  readonly size: number
}

export interface SessionIndexDeps {
  readonly limits: () => SessionLimits
  /** Wall clock, milliseconds. */
  readonly now: () => number
  /** A clock that nobody sets, milliseconds. */
  readonly steady: () => number
}

export function createSessionIndex({ limits, now, steady }: SessionIndexDeps): SessionIndex {
  const byHash = new Map<string, Live>()
  const byRef = new Map<SessionRef, Live>()
  const byUser = new Map<UserId, Set<Live>>()
  let arrivals = 0

  function admit(record: SessionRecord, user: User): Live {
    const wall = now()
    const at = steady()
    // A wall clock that stands before the last use was set back, or not set yet: the session is no younger for it.
    const age = Math.max(wall, record.lastSeenAt) - record.createdAt
    const session: Live = {
      record,
      identity: identityOf(record, user),
      ended: false,
      order: ++arrivals,
      activity: {
        beganAt: at - Math.max(0, age),
        seenAt: at - Math.max(0, wall - record.lastSeenAt),
        address: record.lastAddress,
        unsaved: false,
      },
    }
    insert(session)
    return session
  }

  function insert(session: Live): void {
    const { hash, ref, user } = session.record
    byHash.set(hash, session)
    byRef.set(ref, session)
    const own = byUser.get(user)
    if (own === undefined) byUser.set(user, new Set([session]))
    else own.add(session)
  }

  function drop(session: Live): void {
    const { hash, ref, user } = session.record
    session.ended = true
    byHash.delete(hash)
    byRef.delete(ref)
    const own = byUser.get(user)
    own?.delete(session)
    if (own?.size === 0) byUser.delete(user)
  }

  function replace(before: Live, record: SessionRecord, user: User): Live {
    drop(before)
    const { order, activity } = before
    activity.seenAt = steady()
    const identity = identityOf(record, user)
    const after: Live = { record, identity, ended: false, order, activity }
    insert(after)
    return after
  }

  function hasExpired({ record, activity }: Session, at: number): boolean {
    const { idleMs, absoluteMs, rememberIdleMs, rememberAbsoluteMs } = limits()
    const idle = at - activity.seenAt
    const age = at - activity.beganAt
    return record.remember
      ? idle > rememberIdleMs || age > rememberAbsoluteMs
      : idle > idleMs || age > absoluteMs
  }

  function upToDate(session: Live): SessionRecord {
    const { activity } = session
    if (activity.unsaved) {
      const lastSeenAt = Math.floor(now() - (steady() - activity.seenAt))
      session.record = { ...session.record, lastSeenAt, lastAddress: activity.address }
    }
    return session.record
  }

  return {
    byHash: (hash) => byHash.get(hash),
    byRef: (ref) => byRef.get(ref),
    of: (user) => byUser.get(user) ?? nobody,
    all: () => byRef.values(),
    admit,
    drop,
    replace,
    hasExpired,
    upToDate,
    get arrivals() {
      return arrivals
    },
    get size() {
      return byRef.size
    },
  }
}

/** Who the policy sees in a session. */
export function identityOf(record: SessionRecord, user: User): Identity {
  return {
    user: user.id,
    name: user.displayName,
    email: user.email,
    groups: user.groups,
    session: record.ref,
    via: 'session',
    passkey: record.passkey,
    secondFactor: record.secondFactor || record.passkey,
    authenticatedAt: record.authenticatedAt,
    mayWake: true,
  }
}

const nobody: readonly Live[] = []
