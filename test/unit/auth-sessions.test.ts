// Sessions: begun, found, replaced and ended; with a store that refuses, a clock that jumps, and other hands in the store.

import t from 'tap'
import { secretHash } from '../../src/auth/secret-text.ts'
import type { SessionRecord } from '../../src/auth/session-store.ts'
import { createSessions, type NewSession } from '../../src/auth/sessions.ts'
import type { SessionLimits, SessionRef } from '../../src/model.ts'
import { createEventList, createMemoryStores, testUser } from '../fixtures/memory-stores.ts'

const hour = 3_600_000
const day = 24 * hour
const diego = testUser('diego', {
  displayName: 'Diego',
  email: 'd@example.com',
  groups: ['admins'],
})
const maria = testUser('maria')

function setUp(stores = createMemoryStores()) {
  const clock = { wall: Date.UTC(2026, 10, 21), steady: 1_000_000 }
  const ended: { refs: readonly SessionRef[]; reason: string }[] = []
  const log = createEventList()
  const limits: { -readonly [Name in keyof SessionLimits]: number } = {
    idleMs: hour,
    absoluteMs: 10 * hour,
    rememberIdleMs: 10 * day,
    rememberAbsoluteMs: 30 * day,
  }
  let changed = 0
  if (stores.people.size === 0) for (const user of [diego, maria]) stores.people.set(user.id, user)
  const sessions = createSessions({
    store: stores.sessions,
    users: stores.users,
    limits: () => limits,
    now: () => clock.wall,
    steady: () => clock.steady,
    onEnded: (refs, reason) => ended.push({ refs, reason }),
    onChanged: () => {
      changed += 1
    },
    log,
  })
  function pass(ms: number) {
    clock.wall += ms
    clock.steady += ms
  }
  return { stores, sessions, clock, pass, ended, log, limits, changes: () => changed }
}

const signIn: NewSession = {
  user: diego,
  methods: ['password', 'totp'],
  passkey: false,
  secondFactor: true,
  remember: false,
  account: null,
  address: '203.0.113.7',
  userAgent: 'Firefox',
}

/** Lets everything that needs no clock and no socket come to its end. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

t.test(
  'a session that began is found by its token, and its identity says what was shown',
  async (t) => {
    const { sessions, stores, clock } = setUp()
    const { session, token, accountToken } = await sessions.begin(signIn)
    t.equal(sessions.find(token), session)
    t.match(token, /^[\w-]{43}$/)
    t.match(session.record.ref, /^[\w-]{12}$/)
    t.strictSame(session.identity, {
      user: 'diego',
      name: 'Diego',
      email: 'd@example.com',
      groups: ['admins'],
      session: session.record.ref,
      via: 'session',
      passkey: false,
      secondFactor: true,
      authenticatedAt: clock.wall,
      mayWake: true,
    })
    const stored = [...stores.sessionRecords.values()]
    t.strictSame(stored, [session.record])
    t.equal(stored[0]?.hash, secretHash(token))
    t.notMatch(JSON.stringify(stored), token, 'the store does not know the secret')
    t.notMatch(JSON.stringify(stored), accountToken)
    t.equal(sessions.size, 1)
  },
)

t.test('a passkey is two factors', async (t) => {
  const { sessions } = setUp()
  const shown = { methods: ['passkey'], passkey: true, secondFactor: false } as const
  const { session } = await sessions.begin({ ...signIn, ...shown })
  t.equal(session.identity.secondFactor, true)
  t.equal(session.identity.passkey, true)
})

t.test('no other token finds a session', async (t) => {
  const { sessions } = setUp()
  const { token, accountToken } = await sessions.begin(signIn)
  for (const text of [
    '',
    token.slice(1),
    `${token}x`,
    token.toLowerCase(),
    accountToken,
    secretHash(token),
  ]) {
    t.equal(sessions.find(text), null)
  }
})

t.test('account pages need both cookies of the same session', async (t) => {
  const { sessions } = setUp()
  const one = await sessions.begin(signIn)
  const two = await sessions.begin(signIn)
  t.equal(sessions.bySecrets(one.token, one.accountToken), one.session)
  t.equal(sessions.bySecrets(one.token, two.accountToken), null)
  t.equal(sessions.bySecrets(one.token, one.token), null)
  t.equal(sessions.bySecrets(one.token, ''), null)
  t.equal(sessions.bySecrets('', one.accountToken), null)
})

t.test('a store that refuses grants nothing: no session begins', async (t) => {
  const { sessions, stores } = setUp()
  stores.refuse(true)
  await t.rejects(sessions.begin(signIn), { code: 'store-unavailable' })
  t.equal(sessions.size, 0)
})

t.test('a disabled or removed user gets no session', async (t) => {
  const { sessions, stores } = setUp()
  stores.people.set(diego.id, { ...diego, disabled: true })
  await sessions.load()
  await t.rejects(sessions.begin(signIn), { code: 'session-ended' }, 'the caller’s copy is old')
  const nobody = testUser('nobody', { disabled: true })
  await t.rejects(sessions.begin({ ...signIn, user: nobody }), { code: 'session-ended' })
  await settled()
  t.equal(stores.sessionRecords.size, 0)
  t.equal(sessions.size, 0)
})

t.test('a session ends when it is not used for so long', async (t) => {
  const { sessions, pass, ended, stores } = setUp()
  const { token, session } = await sessions.begin(signIn)
  pass(hour)
  t.equal(sessions.find(token), session)
  pass(1)
  t.equal(sessions.find(token), null, 'at once, before anybody sweeps')
  t.equal(sessions.bySecrets(token, ''), null)
  sessions.sweep()
  t.strictSame(ended, [{ refs: [session.record.ref], reason: 'expired' }])
  t.equal(session.ended, true)
  await settled()
  t.equal(stores.sessionRecords.size, 0)
})

t.test('use keeps it alive, up to its greatest age', async (t) => {
  const { sessions, pass } = setUp()
  const { token, session } = await sessions.begin(signIn)
  for (let i = 0; i < 10; i++) {
    pass(hour)
    t.equal(sessions.find(token), session)
    sessions.seen(session, '203.0.113.8')
  }
  pass(1)
  t.equal(sessions.find(token), null)
})

t.test(
  'one that is remembered has limits of its own, and an edit of the limits counts at once',
  async (t) => {
    const { sessions, pass, limits } = setUp()
    const { token } = await sessions.begin({ ...signIn, remember: true })
    pass(9 * day)
    t.not(sessions.find(token), null)
    limits.rememberIdleMs = day
    t.equal(sessions.find(token), null)
  },
)

t.test('a wall clock that jumps ends nobody and lets nobody live longer', async (t) => {
  const { sessions, clock, pass } = setUp()
  const { token, session } = await sessions.begin(signIn)
  for (const jump of [365 * day, -730 * day]) {
    clock.wall += jump
    t.equal(sessions.find(token), session)
    sessions.sweep()
    t.equal(session.ended, false)
  }
  clock.wall = 0
  pass(hour + 1)
  t.equal(sessions.find(token), null)
})

t.test('after a restart sessions are as old as they were', async (t) => {
  const before = setUp()
  const { token, session } = await before.sessions.begin(signIn)
  before.pass(hour / 2)
  before.sessions.find(token)
  before.sessions.seen(session, '203.0.113.9')
  await before.sessions.flush()

  const restarted = (later: number) => {
    const next = setUp(before.stores)
    next.clock.wall = before.clock.wall + later
    next.clock.steady = 5
    return next
  }
  const soon = restarted(hour - 1)
  await soon.sessions.load()
  t.equal(soon.sessions.find(token)?.record.lastAddress, '203.0.113.9')
  const late = restarted(hour + 1)
  await late.sessions.load()
  t.equal(late.sessions.find(token), null)
  t.equal(late.sessions.size, 0)
  await settled()
  t.equal(before.stores.sessionRecords.size, 0)
})

t.test('a clock that stands at 1970 after a restart makes nobody younger', async (t) => {
  const before = setUp()
  const { token, session } = await before.sessions.begin(signIn)
  for (let i = 0; i < 9; i++) {
    before.pass(hour)
    before.sessions.find(token)
    before.sessions.seen(session, '203.0.113.9')
  }
  await before.sessions.flush()
  const next = setUp(before.stores)
  next.clock.wall = 0
  await next.sessions.load()
  next.pass(hour)
  t.not(next.sessions.find(token), null)
  sessionSeen(next.sessions, token)
  next.pass(1)
  t.equal(next.sessions.find(token), null, 'ten hours in all')
})

t.test(
  'a step-up gives new secrets under the same reference, and the old ones are dead at once',
  async (t) => {
    const { sessions, stores, pass, clock, ended } = setUp()
    const first = await sessions.begin({ ...signIn, account: 'github:1' })
    pass(1000)
    const shown = { methods: ['passkey'], passkey: true, secondFactor: true } as const
    const next = await sessions.stepUp(first.session, shown)
    t.equal(next.session.record.ref, first.session.record.ref)
    t.equal(sessions.find(first.token), null)
    t.equal(first.session.ended, true)
    t.equal(sessions.bySecrets(next.token, first.accountToken), null)
    t.equal(sessions.bySecrets(next.token, next.accountToken), next.session)
    t.equal(next.session.identity.passkey, true)
    t.equal(next.session.identity.authenticatedAt, clock.wall)
    t.equal(next.session.record.createdAt, clock.wall - 1000)
    t.equal(next.session.record.account, 'github:1')
    t.strictSame([...stores.sessionRecords.values()], [next.session.record])
    t.strictSame(ended, [], 'what is under way goes on: it is the same session')
    t.equal(sessions.size, 1)
    t.equal(sessions.byRef(first.session.record.ref), next.session)
  },
)

t.test('a step-up does not make the session younger', async (t) => {
  const { sessions, pass } = setUp()
  const first = await sessions.begin({ ...signIn, remember: true })
  pass(9 * day)
  sessionSeen(sessions, first.token)
  let issued = await sessions.stepUp(first.session, signIn)
  for (let i = 0; i < 3; i++) {
    pass(7 * day)
    issued = await sessions.stepUp(issued.session, signIn)
  }
  t.not(sessions.find(issued.token), null)
  pass(1)
  t.equal(sessions.find(issued.token), null)
})

t.test(
  'a step-up counts for what was shown now: an old second factor does not get younger',
  async (t) => {
    const { sessions } = setUp()
    const first = await sessions.begin(signIn)
    const shown = { methods: ['password'], passkey: false, secondFactor: false } as const
    const { session } = await sessions.stepUp(first.session, shown)
    t.equal(session.identity.secondFactor, false)
  },
)

t.test('a step-up that the store refuses changes nothing', async (t) => {
  const { sessions, stores } = setUp()
  const first = await sessions.begin(signIn)
  stores.refuse(true)
  await t.rejects(sessions.stepUp(first.session, signIn), { code: 'store-unavailable' })
  t.equal(sessions.find(first.token), first.session)
})

t.test('two step-ups at once both succeed, and the store agrees with memory', async (t) => {
  const { sessions, stores } = setUp()
  const first = await sessions.begin(signIn)
  const [one, two] = await Promise.all([
    sessions.stepUp(first.session, signIn),
    sessions.stepUp(first.session, signIn),
  ])
  t.equal(sessions.find(one.token), null)
  t.equal(sessions.find(two.token), two.session)
  t.equal(stores.sessionRecords.get(two.session.record.ref)?.hash, secretHash(two.token))
})

t.test('a session that ended cannot be stepped up', async (t) => {
  const { sessions, stores } = setUp()
  const { session } = await sessions.begin(signIn)
  await sessions.end([session.record.ref], 'signed-out')
  await t.rejects(sessions.stepUp(session, signIn), { code: 'session-ended' })
  t.equal(stores.sessionRecords.size, 0)
})

t.test('ending is in force before anything is awaited', async (t) => {
  const { sessions, stores, ended } = setUp()
  const one = await sessions.begin(signIn)
  const two = await sessions.begin(signIn)
  const done = sessions.end([one.session.record.ref, 'unknown' as SessionRef], 'revoked')
  t.equal(sessions.find(one.token), null)
  t.equal(one.session.ended, true)
  t.strictSame(ended, [{ refs: [one.session.record.ref], reason: 'revoked' }])
  t.equal(await done, 1)
  t.not(sessions.find(two.token), null)
  t.equal(stores.sessionRecords.size, 1)
})

t.test('all of a user end, but for the one he uses', async (t) => {
  const { sessions, stores } = setUp()
  const mine = await sessions.begin(signIn)
  const others = [await sessions.begin(signIn), await sessions.begin(signIn)]
  const marias = await sessions.begin({ ...signIn, user: maria })
  t.equal(await sessions.endUser(diego.id, 'signed-out-everywhere', mine.session.record.ref), 2)
  t.not(sessions.find(mine.token), null)
  t.not(sessions.find(marias.token), null)
  for (const { token } of others) t.equal(sessions.find(token), null)
  t.equal(stores.sessionRecords.size, 2)
})

t.test('all that came from a provider’s account end with it', async (t) => {
  const { sessions } = setUp()
  const github = await sessions.begin({ ...signIn, account: 'github:1' })
  const other = await sessions.begin({ ...signIn, account: 'github:12' })
  t.equal(await sessions.endAccount('github:1', 'left'), 1)
  t.equal(sessions.find(github.token), null)
  t.not(sessions.find(other.token), null)
})

t.test('panic ends all', async (t) => {
  const { sessions, stores } = setUp()
  const tokens = [await sessions.begin(signIn), await sessions.begin({ ...signIn, user: maria })]
  t.equal(await sessions.endAll('panic'), 2)
  for (const { token } of tokens) t.equal(sessions.find(token), null)
  t.equal(sessions.size, 0)
  t.equal(stores.sessionRecords.size, 0)
})

t.test(
  'what the store refuses to remove is dead all the same, is not read again, and goes later',
  async (t) => {
    for (const end of ['end', 'endUser', 'endAll'] as const) {
      const { sessions, stores, pass, log } = setUp()
      const { token, session } = await sessions.begin(signIn)
      stores.refuse(true)
      if (end === 'end') await sessions.end([session.record.ref], 'revoked')
      else if (end === 'endUser') await sessions.endUser(diego.id, 'revoked')
      else await sessions.endAll('panic')
      t.equal(sessions.find(token), null)
      t.equal(stores.sessionRecords.size, 1)
      const causes = log.events.filter(({ level }) => level === 'warn')
      t.match(causes, [{ event: 'store-refuses', fields: { code: 'store-unavailable' } }])
      await t.rejects(sessions.load(), { code: 'store-unavailable' })
      stores.refuse(false)
      await sessions.load()
      t.equal(sessions.find(token), null, 'a reading does not bring it back')
      pass(6000)
      sessions.sweep()
      await settled()
      t.equal(stores.sessionRecords.size, 0, end)
      t.equal(log.events.at(-1)?.event, 'store-works-again')
    }
  },
)

t.test('at the end nothing that was revoked is left behind in the store', async (t) => {
  const { sessions, stores } = setUp()
  const { session } = await sessions.begin(signIn)
  stores.refuse(true)
  await sessions.end([session.record.ref], 'revoked')
  stores.refuse(false)
  await sessions.flush()
  t.equal(stores.sessionRecords.size, 0, 'without waiting for the next attempt')
})

t.test('a locked store is not asked at every sweep', async (t) => {
  const { sessions, stores, pass } = setUp()
  const { session } = await sessions.begin(signIn)
  stores.refuse(true)
  await sessions.end([session.record.ref], 'revoked')
  stores.calls.length = 0
  for (let i = 0; i < 40; i++) {
    pass(500)
    sessions.sweep()
    await settled()
  }
  t.ok(stores.calls.length <= 4, `${stores.calls.length} calls in 20 s`)
})

t.test(
  'a store that fails leaves everybody signed in, and what was seen is written later',
  async (t) => {
    const { sessions, stores, pass, log } = setUp()
    const { token, session } = await sessions.begin(signIn)
    stores.refuse(true)
    await t.rejects(sessions.load())
    pass(1000)
    t.equal(sessions.find(token), session)
    sessions.seen(session, '198.51.100.1')
    await sessions.flush()
    await sessions.flush()
    const { ref } = session.record
    t.not(stores.sessionRecords.get(ref)?.lastAddress, '198.51.100.1')
    t.equal(log.events.filter(({ event }) => event === 'store-refuses').length, 1, 'said once')
    stores.refuse(false)
    await sessions.flush()
    t.match(stores.sessionRecords.get(ref), {
      lastAddress: '198.51.100.1',
      lastSeenAt: session.record.createdAt + 1000,
    })
    stores.calls.length = 0
    await sessions.flush()
    t.strictSame(stores.calls, [], 'nothing new, nothing written')
  },
)

t.test('lists show the last use, the latest first', async (t) => {
  const { sessions, pass } = setUp()
  const one = await sessions.begin(signIn)
  pass(10)
  const two = await sessions.begin(signIn)
  await sessions.begin({ ...signIn, user: maria })
  pass(10)
  sessions.find(one.token)
  sessions.seen(one.session, '198.51.100.1')
  const list = sessions.list(diego.id)
  t.strictSame(list, [one.session, two.session])
  t.equal(list[0]?.record.lastAddress, '198.51.100.1')
  t.equal(list[0]?.record.lastSeenAt, one.session.record.createdAt + 20)
  t.equal(sessions.list().length, 3)
  t.strictSame(sessions.list('nobody' as never), [])
  t.equal(sessions.byRef('nothing'), null)
})

t.test('a hundred sessions per user: the one unused longest makes room', async (t) => {
  const { sessions, pass } = setUp()
  const issued = []
  for (let i = 0; i < 100; i++) {
    issued.push(await sessions.begin(signIn))
    pass(10)
  }
  const [oldest, second] = issued
  if (oldest === undefined || second === undefined) throw new Error('none')
  sessionSeen(sessions, oldest.token)
  const newest = await sessions.begin(signIn)
  t.equal(sessions.size, 100)
  t.equal(sessions.find(second.token), null)
  t.not(sessions.find(oldest.token), null)
  t.not(sessions.find(newest.token), null)
})

t.test(
  'a change of the user from outside applies, and what is under way is looked at again',
  async (t) => {
    const { sessions, stores, changes } = setUp()
    await sessions.load()
    const { session, token } = await sessions.begin(signIn)
    const before = changes()
    stores.people.set(diego.id, { ...diego, groups: [], displayName: 'D.' })
    await sessions.load()
    t.equal(sessions.find(token), session)
    t.strictSame(session.identity.groups, [])
    t.equal(session.identity.name, 'D.')
    t.equal(changes(), before + 1)
    await sessions.load()
    t.equal(changes(), before + 1, 'only when something changed')
    stores.people.set(diego.id, { ...diego, groups: [], displayName: 'D.', lastSignInAt: 7 })
    await sessions.load()
    t.equal(changes(), before + 1, 'nothing that a request depends on')
  },
)

t.test('disabling and removing a user ends his sessions for good', async (t) => {
  for (const what of ['disabled', 'removed'] as const) {
    const { sessions, stores, ended } = setUp()
    await sessions.load()
    const { token } = await sessions.begin(signIn)
    const marias = await sessions.begin({ ...signIn, user: maria })
    if (what === 'disabled') stores.people.set(diego.id, { ...diego, disabled: true })
    else stores.people.delete(diego.id)
    await sessions.load()
    t.equal(sessions.find(token), null)
    t.equal(ended[0]?.reason, `user-${what}`)
    stores.people.set(diego.id, diego)
    await settled()
    await sessions.load()
    t.equal(sessions.find(token), null, 'not even when he is back')
    t.not(sessions.find(marias.token), null)
    t.equal(sessions.user(diego.id)?.disabled, false)
  }
})

t.test('a change by this process applies without the store', async (t) => {
  const { sessions, stores, changes } = setUp()
  await sessions.load()
  const { session, token } = await sessions.begin(signIn)
  const before = changes()
  stores.refuse(true)
  sessions.userChanged({ ...diego, groups: ['family'] })
  t.strictSame(session.identity.groups, ['family'])
  t.equal(changes(), before + 1)
  sessions.userChanged({ ...diego, disabled: true })
  t.equal(sessions.find(token), null)
})

t.test(
  'a session that somebody removed from the store ends, and one that he added is there',
  async (t) => {
    const { sessions, stores, ended } = setUp()
    const one = await sessions.begin(signIn)
    const two = await sessions.begin(signIn)
    const added: SessionRecord = {
      ...two.session.record,
      ref: 'restored' as SessionRef,
      hash: secretHash('x'.repeat(43)),
    }
    stores.sessionRecords.delete(one.session.record.ref)
    stores.sessionRecords.set(added.ref, added)
    await sessions.load()
    t.equal(sessions.find(one.token), null)
    t.strictSame(ended, [{ refs: [one.session.record.ref], reason: 'revoked' }])
    t.equal(sessions.find(two.token), two.session)
    t.equal(sessions.find('x'.repeat(43))?.record.ref, 'restored')
  },
)

t.test('a reading that began before a session did does not end it', async (t) => {
  const { sessions, stores } = setUp()
  const release = stores.hold('sessions.all', 'after')
  const loading = sessions.load()
  await settled()
  const { token } = await sessions.begin(signIn)
  release()
  await loading
  t.not(sessions.find(token), null)
})

t.test('a reading that saw a session which has ended since does not bring it back', async (t) => {
  const { sessions, stores } = setUp()
  const { token, session } = await sessions.begin(signIn)
  const release = stores.hold('sessions.all', 'after')
  const loading = sessions.load()
  await settled()
  await sessions.end([session.record.ref], 'revoked')
  release()
  await loading
  t.equal(sessions.find(token), null)
  t.equal(sessions.size, 0)
})

t.test(
  'a reading that saw secrets which were replaced since does not bring them back',
  async (t) => {
    const { sessions, stores } = setUp()
    const first = await sessions.begin(signIn)
    const release = stores.hold('sessions.all', 'after')
    const loading = sessions.load()
    await settled()
    const next = await sessions.stepUp(first.session, signIn)
    release()
    await loading
    t.equal(sessions.find(first.token), null)
    t.not(sessions.find(next.token), null)
  },
)

t.test('a reading while a session is half begun makes one session of it, not two', async (t) => {
  const { sessions, stores } = setUp()
  const release = stores.hold('sessions.add', 'after')
  const beginning = sessions.begin(signIn)
  await settled()
  await sessions.load()
  release()
  const { session, token } = await beginning
  t.equal(sessions.find(token), session)
  t.equal(sessions.size, 1)
  await sessions.end([session.record.ref], 'signed-out')
  t.equal(sessions.find(token), null)
})

t.test('whoever is signed out everywhere while he signs in is not signed in', async (t) => {
  const { stores, sessions } = setUp()
  await sessions.load()
  const ways: readonly (() => void)[] = [
    () => void sessions.endUser(diego.id, 'signed-out-everywhere'),
    () => void sessions.endAccount('github:1', 'left'),
    () => void sessions.endAll('panic'),
    () => sessions.userChanged({ ...diego, disabled: true }),
  ]
  for (const end of ways) {
    const release = stores.hold('sessions.add', 'before')
    const beginning = sessions.begin({ ...signIn, account: 'github:1' })
    await settled()
    end()
    release()
    await t.rejects(beginning, { code: 'session-ended' })
    await settled()
    t.equal(sessions.size, 0)
    t.equal(stores.sessionRecords.size, 0)
  }
})

t.test('a session revoked during its step-up stays revoked', async (t) => {
  const { sessions, stores } = setUp()
  const { session } = await sessions.begin(signIn)
  const release = stores.hold('sessions.rotate', 'before')
  const steppingUp = sessions.stepUp(session, signIn)
  await settled()
  void sessions.end([session.record.ref], 'revoked')
  release()
  await t.rejects(steppingUp, { code: 'session-ended' })
  await settled()
  t.equal(sessions.size, 0)
  t.equal(stores.sessionRecords.size, 0)
})

t.test('a session that another process revoked does not come back by a step-up', async (t) => {
  const { sessions, stores, ended } = setUp()
  const { session, token } = await sessions.begin(signIn)
  stores.sessionRecords.clear()
  await t.rejects(sessions.stepUp(session, signIn), { code: 'session-ended' })
  t.equal(sessions.find(token), null, 'nor does it go on')
  t.equal(session.ended, true)
  t.equal(stores.sessionRecords.size, 0)
  t.strictSame(ended, [{ refs: [session.record.ref], reason: 'revoked' }])
})

t.test('two readings at once read one after the other', async (t) => {
  const { sessions, stores } = setUp()
  const release = stores.hold('sessions.all', 'after')
  const first = sessions.load()
  await settled()
  const { session } = await sessions.begin(signIn)
  stores.sessionRecords.delete(session.record.ref)
  const second = sessions.load()
  release()
  await Promise.all([first, second])
  t.equal(session.ended, true, 'the second one saw what happened before it was asked for')
})

t.test('of two readings the one asked for last has the last word', async (t) => {
  const { sessions, stores } = setUp()
  const { session } = await sessions.begin(signIn)
  const added = { ...session.record, ref: 'added' as SessionRef, hash: secretHash('x'.repeat(43)) }
  stores.sessionRecords.set(added.ref, added)
  const release = stores.hold('sessions.all', 'after')
  const first = sessions.load()
  await settled()
  stores.sessionRecords.delete(added.ref)
  const second = sessions.load()
  await settled()
  release()
  await Promise.all([first, second])
  t.equal(sessions.find('x'.repeat(43)), null)
})

t.test('a reading that is older than a change by this process does not undo it', async (t) => {
  const { sessions, stores } = setUp()
  await sessions.load()
  const release = stores.hold('users', 'after')
  const loading = sessions.load()
  await settled()
  const disabled = { ...diego, disabled: true }
  stores.people.set(diego.id, disabled)
  sessions.userChanged(disabled)
  release()
  await loading
  t.equal(sessions.user(diego.id)?.disabled, true)
})

t.test('a failed reading does not stop the next one', async (t) => {
  const { sessions, stores } = setUp()
  stores.refuse(true)
  await t.rejects(sessions.load())
  stores.refuse(false)
  await sessions.load()
  t.equal(sessions.user(diego.id)?.displayName, 'Diego')
})

function sessionSeen(sessions: ReturnType<typeof createSessions>, token: string): void {
  const session = sessions.find(token)
  if (session === null) throw new Error('no session')
  sessions.seen(session, '203.0.113.9')
}
