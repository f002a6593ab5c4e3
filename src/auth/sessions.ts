// Sessions in memory, as requests find them; the store only keeps them over a restart.

import { randomBytes as systemRandomBytes } from 'node:crypto'
import { GatehouseError } from '../errors.ts'
import type { EventLog } from '../log.ts'
import type { Identity, SessionLimits, SessionRef, UserId } from '../model.ts'
import { createDirectory } from './directory.ts'
import type { User, UserStore } from './people.ts'
import { createRemovals } from './removals.ts'
import { newSecret, type RandomBytes, randomText, sameHash, secretHash } from './secret-text.ts'
import type { SessionRecord, SessionStore, SignInMethod } from './session-store.ts'

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

export interface Sessions {
  /**
   * Reads people and sessions from the store: at start, and after somebody else changed it. What vanished there ends,
   * what is new appears, changes of users apply. One at a time; a call during another reads once more after it.
   *
   * @throws GatehouseError `store-unavailable`: memory stays as it was.
   */
  load(): Promise<void>
  /** Whose cookie is this? One hash and one look-up. @returns `null`: nobody's, or it has expired. */
  find(token: string): Session | null
  /** Is a session that was found earlier on this connection still good? */
  isLive(session: Session): boolean
  /** After `find` or `isLive` in the same turn: it was used, from there. */
  seen(session: Session, address: string): void
  /** For pages that change an account: both cookies, of the same session. */
  bySecrets(token: string, accountToken: string): Session | null
  /**
   * Begins one; in the store first. At most 100 per user: the one unused longest ends.
   *
   * @throws GatehouseError `store-unavailable`; `session-ended`: the user was disabled or signed out everywhere meanwhile.
   */
  begin(input: NewSession): Promise<Issued>
  /**
   * The same person has shown credentials again: new secrets under the same `ref`, the old ones are dead at once. The
   * session is worth what was shown now: an old second factor does not get younger by a password. Age goes on.
   *
   * @throws GatehouseError `store-unavailable`: the session is as it was; `session-ended`.
   */
  stepUp(session: Session, shown: Shown): Promise<Issued>
  /** Last used first. */
  list(user?: UserId): readonly Session[]
  byRef(ref: string): Session | null
  /** Ends some; in memory at once, in the store as soon as it can. Never rejects. @returns how many there were. */
  end(refs: readonly SessionRef[], reason: string): Promise<number>
  endUser(user: UserId, reason: string, except?: SessionRef): Promise<number>
  /** All that came from a provider account. */
  endAccount(account: string, reason: string): Promise<number>
  endAll(reason: string): Promise<number>
  /** A user as memory has him; `null`: there is none. */
  user(id: UserId): User | null
  /** A user was added or changed by this process: applies at once, without a reading of the store. */
  userChanged(user: User): void
  /** Ends what has expired and tries refused removals again. To be called every 500 ms. */
  sweep(): void
  /** Writes when sessions were last seen. Never rejects. To be called every 30 s and at the end. */
  flush(): Promise<void>
  readonly size: number
}

export interface SessionsDeps {
  readonly store: SessionStore
  readonly users: UserStore
  readonly limits: () => SessionLimits
  /** Wall clock, milliseconds. */
  readonly now: () => number
  /** A clock that nobody sets, milliseconds. */
  readonly steady: () => number
  readonly randomBytes?: RandomBytes
  /** Sessions ended: what they have under way must end too. */
  readonly onEnded: (refs: readonly SessionRef[], reason: string) => void
  /** A user changed: what is under way must be decided again. */
  readonly onChanged: () => void
  readonly log: EventLog
}

const maxPerUser = 100
const maxUserAgentLength = 256
const retryMs = 5_000

interface Live extends Session {
  record: SessionRecord
  identity: Identity
  ended: boolean
  /** Position in the order of arrival: a reading of the store says nothing of those that came after it began. */
  readonly order: number
}

/** A session on its way into the store. */
interface Beginning {
  readonly ref: SessionRef
  readonly user: UserId
  readonly account: string | null
  cancelled: boolean
}

export function createSessions(deps: SessionsDeps): Sessions {
  const { store, log, steady, now, randomBytes = systemRandomBytes } = deps
  const byHash = new Map<string, Live>()
  const byRef = new Map<SessionRef, Live>()
  const byUser = new Map<UserId, Set<Live>>()
  const beginnings = new Set<Beginning>()
  const people = createDirectory()
  const removals = createRemovals<SessionRef>({
    remove: (refs) => store.remove(refs),
    report: (error) => reportStore('session-removal', error),
  })
  let arrivals = 0
  let loading: Promise<void> = Promise.resolve()
  let stepping: Promise<unknown> = Promise.resolve()
  /** The steady clock as the last look at a session read it. */
  let tick = steady()
  let retryAt = 0
  let touchFailing = false

  function find(token: string): Session | null {
    const session = byHash.get(secretHash(token))
    return session !== undefined && isLive(session) ? session : null
  }

  function isLive(session: Session): boolean {
    tick = steady()
    return !session.ended && !hasExpired(session, tick)
  }

  function hasExpired({ record, activity }: Session, at: number): boolean {
    const limits = deps.limits()
    return record.remember
      ? at - activity.seenAt > limits.rememberIdleMs ||
          at - activity.beganAt > limits.rememberAbsoluteMs
      : at - activity.seenAt > limits.idleMs || at - activity.beganAt > limits.absoluteMs
  }

  function seen({ activity }: Session, address: string): void {
    activity.seenAt = tick
    activity.address = address
    activity.unsaved = true
  }

  function bySecrets(token: string, accountToken: string): Session | null {
    const session = find(token)
    if (session === null) return null
    return sameHash(secretHash(accountToken), session.record.accountHash) ? session : null
  }

  function load(): Promise<void> {
    const next = loading.then(loadOnce)
    loading = next.catch(() => {})
    return next
  }

  async function loadOnce(): Promise<void> {
    const known = arrivals
    const mark = people.mark()
    // Sessions before people: whoever has a session here and is missing there is gone, and not merely new.
    const records = await store.all()
    const users = await deps.users.users()
    const changed = people.replace(users, mark)
    const present = new Set<SessionRef>()
    const dead: SessionRef[] = []
    for (const record of records) {
      present.add(record.ref)
      // Of what memory knows, memory knows better: nobody but this process writes a session a second time.
      if (byRef.has(record.ref) || removals.has(record.ref)) continue
      const user = people.user(record.user)
      if (user === null || user.disabled || hasExpired(admit(record, user), steady())) {
        dead.push(record.ref)
      }
    }
    const vanished = [...byRef.values()].filter(
      ({ order, record }) => order <= known && !present.has(record.ref),
    )
    leave(vanished, 'revoked')
    void end(dead, 'expired')
    for (const id of changed) applyUser(id)
    if (changed.length > 0) deps.onChanged()
  }

  /** Puts a record into memory. */
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
    if (byRef.get(ref) === session) byRef.delete(ref)
    const own = byUser.get(user)
    own?.delete(session)
    if (own?.size === 0) byUser.delete(user)
  }

  async function begin(input: NewSession): Promise<Issued> {
    const { user, methods, passkey, secondFactor, remember, account, address } = input
    const at = Math.floor(now())
    const secrets = newSecrets()
    const record: SessionRecord = {
      hash: secretHash(secrets.token),
      ref: randomText(9, randomBytes) as SessionRef,
      user: user.id,
      accountHash: secretHash(secrets.accountToken),
      account,
      methods,
      passkey,
      secondFactor: secondFactor || passkey,
      remember,
      createdAt: at,
      authenticatedAt: at,
      lastSeenAt: at,
      firstAddress: address,
      lastAddress: address,
      userAgent: input.userAgent.slice(0, maxUserAgentLength),
    }
    if (people.user(user.id) === null) people.put(user)
    await putOrUndo(record)
    const session = byRef.get(record.ref) ?? admit(record, people.user(user.id) ?? user)
    endSurplus(session)
    return { session, ...secrets }
  }

  /** One after the other: of two at once the store would keep one and memory the other. */
  function stepUp(session: Session, shown: Shown): Promise<Issued> {
    const next = stepping.then(() => rotate(session, shown))
    stepping = next.catch(() => {})
    return next
  }

  async function rotate({ record: { ref, user: id } }: Session, shown: Shown): Promise<Issued> {
    const before = byRef.get(ref)
    if (before === undefined || before.record.user !== id || !isLive(before)) throw ended()
    const secrets = newSecrets()
    const record: SessionRecord = {
      ...upToDate(before),
      hash: secretHash(secrets.token),
      accountHash: secretHash(secrets.accountToken),
      methods: shown.methods,
      passkey: shown.passkey,
      secondFactor: shown.secondFactor || shown.passkey,
      authenticatedAt: Math.floor(now()),
    }
    await putOrUndo(record)
    const user = people.user(id)
    if (before.ended || user === null) throw ended()
    // A new object: whoever remembers the old one by the old cookie sees that it has ended.
    drop(before)
    const after: Live = { ...before, record, identity: identityOf(record, user), ended: false }
    after.activity.seenAt = steady()
    insert(after)
    return { session: after, ...secrets }
  }

  /** Writes a record; takes it away again when the person was signed out while that was under way. */
  async function putOrUndo(record: SessionRecord): Promise<void> {
    const { ref, user, account } = record
    const beginning: Beginning = { ref, user, account, cancelled: false }
    beginnings.add(beginning)
    try {
      await store.put(record)
    } finally {
      beginnings.delete(beginning)
    }
    if (!beginning.cancelled && people.user(user)?.disabled === false) return
    await end([ref], 'ended')
    throw ended()
  }

  function newSecrets(): { token: string; accountToken: string } {
    return { token: newSecret(randomBytes), accountToken: newSecret(randomBytes) }
  }

  function endSurplus(newest: Session): void {
    const own = byUser.get(newest.record.user)
    if (own === undefined || own.size <= maxPerUser) return
    let idlest: Session | null = null
    for (const session of own) {
      if (session === newest) continue
      if (idlest === null || session.activity.seenAt < idlest.activity.seenAt) idlest = session
    }
    if (idlest !== null) void end([idlest.record.ref], 'too-many')
  }

  function list(user?: UserId): readonly Session[] {
    const sessions = [...(user === undefined ? byRef.values() : (byUser.get(user) ?? []))]
    for (const session of sessions) upToDate(session)
    return sessions.sort((a, b) => b.activity.seenAt - a.activity.seenAt)
  }

  function byRefUpToDate(ref: string): Session | null {
    const session = byRef.get(ref as SessionRef)
    if (session === undefined) return null
    upToDate(session)
    return session
  }

  function upToDate(session: Live): SessionRecord {
    const { activity } = session
    if (activity.unsaved) {
      const lastSeenAt = Math.floor(now() - (steady() - activity.seenAt))
      session.record = { ...session.record, lastSeenAt, lastAddress: activity.address }
    }
    return session.record
  }

  async function end(refs: readonly SessionRef[], reason: string): Promise<number> {
    const sessions: Live[] = []
    for (const ref of refs) {
      const session = byRef.get(ref)
      if (session !== undefined) sessions.push(session)
    }
    cancel(({ ref }) => refs.includes(ref))
    leave(sessions, reason)
    await removals.add(refs)
    return sessions.length
  }

  function endUser(user: UserId, reason: string, except?: SessionRef): Promise<number> {
    cancel((beginning) => beginning.user === user && beginning.ref !== except)
    const own = [...(byUser.get(user) ?? [])]
    return end(
      own.map(({ record }) => record.ref).filter((ref) => ref !== except),
      reason,
    )
  }

  function endAccount(account: string, reason: string): Promise<number> {
    cancel((beginning) => beginning.account === account)
    const refs: SessionRef[] = []
    for (const { record } of byRef.values()) if (record.account === account) refs.push(record.ref)
    return end(refs, reason)
  }

  async function endAll(reason: string): Promise<number> {
    cancel(() => true)
    const sessions = [...byRef.values()]
    leave(sessions, reason)
    await removals.add(
      sessions.map(({ record }) => record.ref),
      () => store.removeAll(),
    )
    return sessions.length
  }

  /** Out of memory, all at once, before anybody waits for anything. */
  function leave(sessions: readonly Live[], reason: string): void {
    if (sessions.length === 0) return
    for (const session of sessions) drop(session)
    deps.onEnded(
      sessions.map(({ record }) => record.ref),
      reason,
    )
  }

  /** What is on its way into the store must not outlive an end that came first. */
  function cancel(isMeant: (beginning: Beginning) => boolean): void {
    for (const beginning of beginnings) if (isMeant(beginning)) beginning.cancelled = true
  }

  function userChanged(user: User): void {
    if (!people.put(user)) return
    applyUser(user.id)
    deps.onChanged()
  }

  function applyUser(id: UserId): void {
    const user = people.user(id)
    if (user === null) void endUser(id, 'user-removed')
    else if (user.disabled) void endUser(id, 'user-disabled')
    else {
      for (const session of byUser.get(id) ?? []) {
        session.identity = identityOf(session.record, user)
      }
    }
  }

  function sweep(): void {
    const at = steady()
    const expired: SessionRef[] = []
    for (const session of byRef.values()) {
      if (hasExpired(session, at)) expired.push(session.record.ref)
    }
    if (expired.length > 0) void end(expired, 'expired')
    if (removals.waiting === 0 || at < retryAt) return
    retryAt = at + retryMs
    void removals.retry()
  }

  async function flush(): Promise<void> {
    await removals.retry()
    const unsaved = [...byRef.values()].filter(({ activity }) => activity.unsaved)
    if (unsaved.length === 0) return
    const seenNow = unsaved.map((session) => {
      const { ref, lastSeenAt, lastAddress } = upToDate(session)
      session.activity.unsaved = false
      return { ref, lastSeenAt, lastAddress }
    })
    try {
      await store.touch(seenNow)
      if (touchFailing) reportStore('last-seen', null)
      touchFailing = false
    } catch (error) {
      for (const { activity } of unsaved) activity.unsaved = true
      if (!touchFailing) reportStore('last-seen', error)
      touchFailing = true
    }
  }

  function reportStore(what: string, error: unknown): void {
    if (error === null) log.info('session-store-works-again', { what })
    else log.warn('session-store-failed', { what, ...describe(error) })
  }

  return {
    load,
    find,
    isLive,
    seen,
    bySecrets,
    begin,
    stepUp,
    list,
    byRef: byRefUpToDate,
    end,
    endUser,
    endAccount,
    endAll,
    user: people.user,
    userChanged,
    sweep,
    flush,
    get size() {
      return byRef.size
    },
  }
}

function identityOf(record: SessionRecord, user: User): Identity {
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

function ended(): GatehouseError {
  return new GatehouseError('session-ended', 'the session was ended meanwhile', {
    remedy: 'sign in again',
  })
}

function describe(error: unknown): { code: string; detail: string } {
  if (error instanceof GatehouseError) return { code: error.code, detail: error.message }
  return { code: 'unexpected', detail: error instanceof Error ? error.message : String(error) }
}
