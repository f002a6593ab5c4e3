// The schedule that looks at linked accounts again: whose sessions end, when, and whose do not.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { noHtml } from '../../src/auth/app/html.ts'
import { createMembership, patienceMs } from '../../src/auth/app/membership.ts'
import type { Provider, Standing } from '../../src/auth/app/provider.ts'
import { createSuspension } from '../../src/auth/app/suspension.ts'
import type { AuditEntry } from '../../src/auth/audit.ts'
import type { LinkedAccount, User } from '../../src/auth/people.ts'
import { createSessions } from '../../src/auth/sessions.ts'
import type { EventLog } from '../../src/log.ts'
import type { UserId } from '../../src/model.ts'
import { createKeyRing } from '../../src/store/key-file.ts'
import { openStore } from '../../src/store/sqlite-store.ts'
import { createVault } from '../../src/store/vault.ts'

const hour = 3_600_000
const start = Date.UTC(2026, 10, 21)

type Word = Partial<Standing> & Pick<Standing, 'verdict'>

async function setUp(t: Test) {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-membership-'))
  const vault = createVault(createKeyRing({ file: join(directory, 'key'), secret: () => null }))
  const events: { event: string; [field: string]: unknown }[] = []
  const note =
    (level: string) =>
    (event: string, fields: object = {}) =>
      void events.push({ level, event, ...fields })
  const log: EventLog = {
    debug: note('debug'),
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
  }
  const store = await openStore({ file: join(directory, 'db'), vault, log, busyMs: 250 })
  t.teardown(async () => {
    await store.close()
    rmSync(directory, { recursive: true })
  })
  let now = start
  const sessions = createSessions({
    store: store.sessions,
    users: store.users,
    limits: () => ({
      idleMs: 1e12,
      absoluteMs: 1e12,
      rememberIdleMs: 1e12,
      rememberAbsoluteMs: 1e12,
    }),
    now: () => now,
    steady: () => now,
    onEnded: () => {},
    onChanged: () => {},
    log,
  })
  await sessions.load()

  const words = new Map<string, Word>()
  const asked: string[] = []
  let atOnce = 0
  let mostAtOnce = 0
  /** While set, the provider hangs until it is broken off. */
  let hangs = false
  let offered = true
  const provider: Provider = {
    name: 'toy',
    label: 'Toy',
    icon: noHtml,
    offer: () =>
      offered
        ? {
            callbackPath: '/toy',
            origin: 'https://toy.test',
            issuer: 'toy',
            redirectsOn: false,
            recheckMs: hour,
          }
        : null,
    start: () => Promise.reject(new Error('not asked')),
    finish: () => Promise.reject(new Error('not asked')),
    revoke: () => Promise.resolve(),
    async stillAllowed({ subject }, signal) {
      asked.push(subject)
      atOnce += 1
      mostAtOnce = Math.max(mostAtOnce, atOnce)
      await new Promise<void>((done) => {
        if (hangs) signal.addEventListener('abort', () => done())
        else setImmediate(done)
      })
      atOnce -= 1
      const word = words.get(subject) ?? { verdict: 'yes' }
      return { reason: 'toy', left: false, login: null, ...word }
    },
  }
  const audited: AuditEntry[] = []
  const audit = {
    write: (entry: AuditEntry) => void audited.push(entry),
    list: () => Promise.resolve([]),
    flush: () => Promise.resolve(),
  }
  let edition = { version: 1 }
  const membership = createMembership({
    providers: [provider],
    edition: () => edition,
    users: store.users,
    sessions,
    suspension: createSuspension({
      users: store.users,
      store: store.settings,
      audit,
      now: () => now,
      changed: sessions.userChanged,
    }),
    audit,
    log,
    now: () => now,
    random: () => 0.5,
  })
  t.teardown(() => membership.stop())

  return {
    store,
    sessions,
    membership,
    words,
    asked,
    events,
    audited,
    mostAtOnce: () => mostAtOnce,
    hang(value: boolean) {
      hangs = value
    },
    offer(value: boolean) {
      offered = value
    },
    edit(value: object) {
      edition = { ...edition, ...value }
    },
    /** An hour later and so on; then one look. */
    async pass(ms: number) {
      now += ms
      await membership.tick()
    },
    set(ms: number) {
      now = ms
    },
    /** Somebody with a linked account and a session that came from it. `founded`: the account made the user. */
    async person(name: string, options: { founded?: boolean } = {}) {
      const user: User = {
        id: name as UserId,
        displayName: name,
        email: null,
        groups: [],
        disabled: false,
        handle: randomBytes(32).toString('base64url'),
        createdAt: options.founded === true ? now : now - hour,
        lastSignInAt: null,
      }
      await store.users.addUser(user)
      const account: LinkedAccount = {
        provider: 'toy',
        subject: name,
        user: user.id,
        login: name,
        token: null,
        checkedAt: now,
        createdAt: now,
        lastUsedAt: now,
      }
      await store.users.addAccount(account)
      const shown = { methods: ['provider'], passkey: false, secondFactor: false } as const
      const common = { user, remember: false, address: '127.0.0.1', userAgent: '' }
      await sessions.begin({ ...common, ...shown, account: `toy:${name}` })
      await sessions.begin({ ...common, ...shown, account: null })
      return user
    },
    /** Sessions that came from the account, and the others of the person. */
    left: (name: string) => {
      const own = sessions.list(name as UserId)
      const byAccount = own.filter(({ record }) => record.account !== null).length
      return `${byAccount} + ${own.length - byAccount}`
    },
  }
}

t.test(
  'an account is asked about at the start, then once in the time the table says',
  async (t) => {
    const { pass, asked, person, store } = await setUp(t)
    await person('ana')
    await pass(0)
    t.strictSame(asked, ['ana'])
    await pass(1_000)
    await pass(30 * 60_000)
    t.equal(asked.length, 1)
    await pass(31 * 60_000)
    t.equal(asked.length, 2)
    const account = await store.users.account('toy', 'ana')
    t.equal(account?.checkedAt, start + 1_000 + 61 * 60_000)
  },
)

t.test('a no ends the sessions of that account at once, and no others', async (t) => {
  const { pass, person, words, left, audited, events } = await setUp(t)
  await person('ana')
  await person('ben')
  words.set('ana', { verdict: 'no', reason: 'not-listed' })
  await pass(0)
  t.equal(left('ana'), '0 + 1', 'she can still be here by another way')
  t.equal(left('ben'), '1 + 1')
  t.match(audited, [
    {
      event: 'membership-ended',
      actor: 'gateway',
      user: 'ana',
      details: { account: 'toy:ana', reason: 'not-listed', sessions: 1 },
    },
  ])
  t.match(events, [{ level: 'info', event: 'membership-ended', reason: 'not-listed' }])
  await pass(hour)
  await pass(hour)
  t.equal(audited.length, 1, 'what did not change is not news')
  t.equal(events.length, 1)
})

t.test('who cannot be checked stays for 24 hours since the last answer', async (t) => {
  const { pass, person, words, left, events, audited, asked } = await setUp(t)
  await person('ana')
  words.set('ana', { verdict: 'unknown', reason: 'timeout' })
  await pass(0)
  t.equal(left('ana'), '1 + 1')
  t.match(events, [{ level: 'warn', event: 'membership-unknown', reason: 'timeout' }])
  await pass(2 * 60_000)
  t.equal(asked.length, 2, 'asked again soon, not in an hour')
  await pass(patienceMs - 2 * 60_000 - 1)
  t.equal(left('ana'), '1 + 1', 'a millisecond before')
  t.equal(events.length, 1)
  await pass(2 * hour)
  t.equal(left('ana'), '0 + 1')
  t.match(audited, [{ event: 'membership-ended', details: { reason: 'unknown-for-too-long' } }])
})

t.test('one answer in between begins the 24 hours anew', async (t) => {
  const { pass, person, words, left } = await setUp(t)
  await person('ana')
  words.set('ana', { verdict: 'unknown' })
  await pass(0)
  await pass(23 * hour)
  words.set('ana', { verdict: 'yes' })
  await pass(2 * hour)
  words.set('ana', { verdict: 'unknown' })
  await pass(23 * hour)
  t.equal(left('ana'), '1 + 1')
  await pass(2 * hour)
  t.equal(left('ana'), '0 + 1')
})

t.test('who signs in while an old question hangs is not thrown out by its answer', async (t) => {
  const { pass, person, words, left, store, sessions } = await setUp(t)
  const user = await person('ana')
  words.set('ana', { verdict: 'unknown' })
  await pass(0)
  const before = store.users.accounts
  // The list was read before she came back; the account itself is read after.
  Object.assign(store.users, {
    accounts: async (provider: string) => {
      const list = await before(provider)
      const at = start + patienceMs + hour
      await store.users.changeAccount('toy', 'ana', { checkedAt: at })
      return list
    },
  })
  await pass(patienceMs + hour)
  t.equal(left('ana'), '1 + 1')
  t.equal(sessions.list(user.id).length, 2)
})

t.test('an edit of the table is looked at without waiting for the hour', async (t) => {
  const { pass, person, words, left, edit, asked } = await setUp(t)
  await person('ana')
  await pass(0)
  words.set('ana', { verdict: 'no', reason: 'not-listed' })
  await pass(1_000)
  t.equal(left('ana'), '1 + 1')
  edit({})
  await pass(1_000)
  t.equal(asked.length, 1, 'read again, and nothing changed')
  edit({ version: 2 })
  await pass(1_000)
  t.equal(left('ana'), '0 + 1')
})

t.test('an edit is looked at even while the provider hangs', async (t) => {
  const { pass, person, words, left, edit, hang, membership } = await setUp(t)
  for (let i = 0; i < 6; i++) await person(`p${i}`)
  hang(true)
  const stuck = membership.tick()
  await new Promise((resolve) => setImmediate(resolve))
  hang(false)
  words.set('p5', { verdict: 'no' })
  edit({ version: 2 })
  await pass(1_000)
  await stuck
  t.equal(left('p5'), '0 + 1')
  t.equal(left('p0'), '1 + 1', 'what was broken off says nothing')
})

t.test('four questions at a time, after an edit more', async (t) => {
  const { pass, person, mostAtOnce, asked, edit } = await setUp(t)
  await pass(0)
  for (let i = 0; i < 20; i++) await person(`p${i}`)
  await pass(61_000)
  t.equal(asked.length, 20)
  t.equal(mostAtOnce(), 4)
  edit({ version: 2 })
  await pass(1)
  t.ok(mostAtOnce() > 4)
})

t.test('an account that is not linked any more takes its sessions along', async (t) => {
  const { pass, person, left, store, audited } = await setUp(t)
  const user = await person('ana')
  await store.users.setPassword(user.id, 'x', start)
  await store.users.addTotp({
    id: 'a',
    user: user.id,
    secret: 'AAAA',
    label: 'phone',
    lastStep: null,
    createdAt: start,
    lastUsedAt: null,
  })
  await store.users.removeCredential(user.id, { kind: 'account', provider: 'toy', subject: 'ana' })
  await pass(0)
  t.equal(left('ana'), '0 + 1')
  t.match(audited, [{ details: { reason: 'account-unlinked' } }])
})

t.test(
  'who was let in as a member and is none any more is disabled, until he is one again',
  async (t) => {
    const { pass, person, words, store, audited, left } = await setUp(t)
    const ana = await person('ana', { founded: true })
    const ben = await person('ben')
    for (const name of ['ana', 'ben']) words.set(name, { verdict: 'no', left: true })
    await pass(0)
    t.equal((await store.users.user(ana.id))?.disabled, true)
    t.equal(left('ana'), '0 + 0', 'no session of hers is left')
    t.equal((await store.users.user(ben.id))?.disabled, false, 'whom the owner added')
    t.equal(left('ben'), '0 + 1')
    t.match(audited.find(({ event }) => event === 'user-disabled')?.details, {
      reason: 'membership-ended',
    })

    t.comment('the owner knows better')
    await store.users.changeUser(ana.id, { disabled: false })
    await pass(2 * hour)
    t.equal((await store.users.user(ana.id))?.disabled, false, 'his word stands')

    t.comment('back, and gone again')
    words.set('ana', { verdict: 'yes' })
    await pass(2 * hour)
    words.set('ana', { verdict: 'no', left: true })
    await pass(2 * hour)
    t.equal((await store.users.user(ana.id))?.disabled, true)
    words.set('ana', { verdict: 'yes' })
    await pass(2 * hour)
    t.equal((await store.users.user(ana.id))?.disabled, false)
  },
)

t.test('whom the owner disabled is not enabled by a membership', async (t) => {
  const { pass, person, store } = await setUp(t)
  const ana = await person('ana', { founded: true })
  await store.users.changeUser(ana.id, { disabled: true })
  await pass(0)
  await pass(2 * hour)
  t.equal((await store.users.user(ana.id))?.disabled, true)
})

t.test(
  'a clock that is set back silences nothing, one that is set forward ends nothing',
  async (t) => {
    const { pass, person, asked, left, set } = await setUp(t)
    await person('ana')
    await pass(0)
    await pass(48 * hour)
    t.equal(left('ana'), '1 + 1', 'the provider said yes')
    set(start - 365 * 24 * hour)
    const before = asked.length
    await pass(0)
    t.equal(asked.length, before + 1)
  },
)

t.test('a store that fails ends nothing, and the next look tries again', async (t) => {
  const { pass, person, store, words, left, events } = await setUp(t)
  await person('ana')
  words.set('ana', { verdict: 'no' })
  const { accounts } = store.users
  const down = Object.assign(new Error('locked'), { code: 'store-unavailable' })
  Object.assign(store.users, { accounts: () => Promise.reject(down) })
  await pass(0)
  t.equal(left('ana'), '1 + 1')
  t.match(events, [{ event: 'membership-check-failed', code: 'store-unavailable' }])
  Object.assign(store.users, { accounts })
  await pass(61_000)
  t.equal(left('ana'), '0 + 1')
})

t.test('an edit that came while the store failed is not forgotten', async (t) => {
  const { pass, person, store, words, left, edit } = await setUp(t)
  await person('ana')
  await pass(0)
  words.set('ana', { verdict: 'no' })
  const { accounts } = store.users
  Object.assign(store.users, { accounts: () => Promise.reject(new Error('locked')) })
  edit({ version: 2 })
  await pass(1_000)
  Object.assign(store.users, { accounts })
  await pass(1_000)
  t.equal(left('ana'), '0 + 1')
})

t.test('what is under way at the end is broken off', async (t) => {
  const { person, hang, membership, left, words } = await setUp(t)
  await person('ana')
  words.set('ana', { verdict: 'no' })
  hang(true)
  const stuck = membership.tick()
  await new Promise((resolve) => setImmediate(resolve))
  await membership.stop()
  await stuck
  t.equal(left('ana'), '1 + 1', 'and says nothing')
})
