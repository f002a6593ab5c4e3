// Sessions in memory, as requests find them; the store only keeps them over a restart.

import { randomBytes as systemRandomBytes } from 'node:crypto'
import { GatehouseError } from '../errors.ts'
import type { EventLog } from '../log.ts'
import type { SessionLimits, SessionRef, UserId } from '../model.ts'
import { createDirectory } from './directory.ts'
import type { User, UserStore } from './people.ts'
import { createRemovals } from './removals.ts'
import { newSecret, type RandomBytes, randomText, sameHash, secretHash } from './secret-text.ts'
import type { Issued, NewSession, Session, Shown } from './session.ts'
import { createSessionIndex, identityOf, type Live } from './session-index.ts'
import type { SessionRecord, SessionStore } from './session-store.ts'
import { createStoreTrouble } from './store-trouble.ts'

export type { Issued, NewSession, Session, Shown } from './session.ts'

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
  /** After `find`, in the same turn: it was used, from there. */
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
  /** Writes what was seen, and what could not be removed before. Never rejects. To be called every 30 s and at the end. */
  flush(): Promise<void>
  readonly size: number
}

export interface SessionsDeps {
  readonly store: SessionStore
  readonly users: Pick<UserStore, 'users'>
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

/** A session on its way into the store. */
interface Beginning {
  readonly ref: SessionRef
  readonly user: UserId
  readonly account: string | null
  cancelled: boolean
}

export function createSessions(deps: SessionsDeps): Sessions {
  const { store, log, steady, now, randomBytes = systemRandomBytes } = deps
  const index = createSessionIndex({ limits: deps.limits, now, steady })
  const beginnings = new Set<Beginning>()
  const people = createDirectory()
  const removals = createRemovals<SessionRef>({
    remove: (refs) => store.remove(refs),
    now: steady,
    trouble: createStoreTrouble(log, 'session-removal'),
  })
  const trouble = createStoreTrouble(log, 'last-seen')
  let loading: Promise<void> = Promise.resolve()
  let stepping: Promise<unknown> = Promise.resolve()
  /** The steady clock as the last look at a session read it. */
  let tick = steady()

  function find(token: string): Session | null {
    const session = index.byHash(secretHash(token))
    if (session === undefined) return null
    tick = steady()
    return index.hasExpired(session, tick) ? null : session
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
    const known = index.arrivals
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
      if (index.byRef(record.ref) !== undefined || removals.has(record.ref)) continue
      const user = people.user(record.user)
      if (user === null || user.disabled || index.hasExpired(index.admit(record, user), steady())) {
        dead.push(record.ref)
      }
    }
    const vanished = [...index.all()].filter(
      ({ order, record }) => order <= known && !present.has(record.ref),
    )
    leave(vanished, 'revoked')
    void end(dead, 'expired')
    for (const id of changed) applyUser(id)
    if (changed.length > 0) deps.onChanged()
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
    await keepOrUndo(record, () => store.add(record))
    const session = index.byRef(record.ref) ?? index.admit(record, people.user(user.id) ?? user)
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
    const before = index.byRef(ref)
    if (before === undefined || before.record.user !== id) throw ended()
    if (index.hasExpired(before, steady())) throw ended()
    const secrets = newSecrets()
    const record: SessionRecord = {
      ...index.upToDate(before),
      hash: secretHash(secrets.token),
      accountHash: secretHash(secrets.accountToken),
      methods: shown.methods,
      passkey: shown.passkey,
      secondFactor: shown.secondFactor || shown.passkey,
      authenticatedAt: Math.floor(now()),
    }
    const isThere = await keepOrUndo(record, () => store.rotate(record))
    if (!isThere) {
      leave([before], 'revoked')
      throw ended()
    }
    const user = people.user(id)
    if (before.ended || user === null) throw ended()
    const after = index.replace(before, record, user)
    return { session: after, ...secrets }
  }

  /** Writes a record; takes it away again when the person was signed out while that was under way. */
  async function keepOrUndo<T>(record: SessionRecord, write: () => Promise<T>): Promise<T> {
    const { ref, user, account } = record
    const beginning: Beginning = { ref, user, account, cancelled: false }
    beginnings.add(beginning)
    let result: T
    try {
      result = await write()
    } finally {
      beginnings.delete(beginning)
    }
    if (!beginning.cancelled && people.user(user)?.disabled === false) return result
    await end([ref], 'ended')
    throw ended()
  }

  function newSecrets(): { token: string; accountToken: string } {
    return { token: newSecret(randomBytes), accountToken: newSecret(randomBytes) }
  }

  function endSurplus(newest: Session): void {
    const others = [...index.of(newest.record.user)].filter((session) => session !== newest)
    const surplus = others
      .sort((a, b) => a.activity.seenAt - b.activity.seenAt)
      .slice(0, Math.max(0, others.length + 1 - maxPerUser))
    void end(refsOf(surplus), 'too-many')
  }

  function list(user?: UserId): readonly Session[] {
    const sessions = [...(user === undefined ? index.all() : index.of(user))]
    for (const session of sessions) index.upToDate(session)
    return sessions.sort((a, b) => b.activity.seenAt - a.activity.seenAt)
  }

  function byRefUpToDate(ref: string): Session | null {
    const session = index.byRef(ref as SessionRef)
    if (session === undefined) return null
    index.upToDate(session)
    return session
  }

  async function end(refs: readonly SessionRef[], reason: string): Promise<number> {
    const sessions: Live[] = []
    for (const ref of refs) {
      const session = index.byRef(ref)
      if (session !== undefined) sessions.push(session)
    }
    cancel(({ ref }) => refs.includes(ref))
    leave(sessions, reason)
    await removals.add(refs)
    return sessions.length
  }

  function endUser(user: UserId, reason: string, except?: SessionRef): Promise<number> {
    cancel((beginning) => beginning.user === user && beginning.ref !== except)
    const refs = refsOf([...index.of(user)]).filter((ref) => ref !== except)
    return end(refs, reason)
  }

  function endAccount(account: string, reason: string): Promise<number> {
    cancel((beginning) => beginning.account === account)
    const refs: SessionRef[] = []
    for (const { record } of index.all()) if (record.account === account) refs.push(record.ref)
    return end(refs, reason)
  }

  async function endAll(reason: string): Promise<number> {
    cancel(() => true)
    const sessions = [...index.all()]
    leave(sessions, reason)
    await removals.add(refsOf(sessions), () => store.removeAll())
    return sessions.length
  }

  /** Out of memory, all at once, before anybody waits for anything. */
  function leave(sessions: readonly Live[], reason: string): void {
    if (sessions.length === 0) return
    for (const session of sessions) index.drop(session)
    deps.onEnded(refsOf(sessions), reason)
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
      for (const session of index.of(id)) {
        session.identity = identityOf(session.record, user)
      }
    }
  }

  function sweep(): void {
    const at = steady()
    const expired: SessionRef[] = []
    for (const session of index.all()) {
      if (index.hasExpired(session, at)) expired.push(session.record.ref)
    }
    if (expired.length > 0) void end(expired, 'expired')
    removals.retryNowAndThen()
  }

  async function flush(): Promise<void> {
    await removals.retry()
    const unsaved = [...index.all()].filter(({ activity }) => activity.unsaved)
    if (unsaved.length === 0) return
    const seenNow = unsaved.map((session) => {
      const { ref, lastSeenAt, lastAddress } = index.upToDate(session)
      session.activity.unsaved = false
      return { ref, lastSeenAt, lastAddress }
    })
    try {
      await store.touch(seenNow)
      trouble.worked()
    } catch (error) {
      for (const { activity } of unsaved) activity.unsaved = true
      trouble.failed(error)
    }
  }

  return {
    load,
    find,
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
      return index.size
    },
  }
}

function refsOf(sessions: readonly Session[]): SessionRef[] {
  return sessions.map(({ record }) => record.ref)
}

function ended(): GatehouseError {
  return new GatehouseError('session-ended', 'the session was ended meanwhile', {
    remedy: 'sign in again',
  })
}
