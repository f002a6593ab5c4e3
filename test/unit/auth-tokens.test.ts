// Personal tokens: what they open, when they stop, and what a store that refuses changes about that.

import t from 'tap'
import { secretHash } from '../../src/auth/secret-text.ts'
import type { TokenRecord } from '../../src/auth/token-store.ts'
import { createTokens, type NewToken, type Token, tokenCovers } from '../../src/auth/tokens.ts'
import type { SessionRef, UserId } from '../../src/model.ts'
import { createEventList, createMemoryStores, testUser } from '../fixtures/memory-stores.ts'

const diego = testUser('diego', { displayName: 'Diego', groups: ['admins'] })
const start = Date.UTC(2026, 10, 21)

function setUp(stores = createMemoryStores()) {
  const people = new Map([[diego.id, diego]])
  const clock = { now: start }
  const ended: { refs: readonly SessionRef[]; reason: string }[] = []
  const log = createEventList()
  const tokens = createTokens({
    store: stores.tokens,
    user: (id) => people.get(id) ?? null,
    now: () => clock.now,
    onEnded: (refs, reason) => ended.push({ refs, reason }),
    log,
  })
  return { stores, tokens, people, clock, ended, log }
}

const asked: NewToken = {
  user: diego.id,
  label: 'phone',
  hosts: null,
  methods: null,
  paths: null,
  wake: null,
  scopes: [],
  expiresAt: null,
}

t.test('a token is found by its text, which only its owner has', async (t) => {
  const { tokens, stores } = setUp()
  const { record, text } = await tokens.create(asked)
  t.match(text, /^gth_[\w-]{43}$/)
  t.match(record.id, /^[\w-]{8}$/)
  t.equal(record.hash, secretHash(text))
  t.notMatch(JSON.stringify([...stores.tokenRecords.values()]), text.slice(4))
  const token = tokens.find(text, start)
  t.strictSame(token?.identity, {
    user: 'diego',
    name: 'Diego',
    email: null,
    groups: ['admins'],
    session: `token:${record.id}`,
    via: 'token',
    passkey: false,
    secondFactor: false,
    authenticatedAt: null,
    mayWake: false,
  })
  const waking = await tokens.create({ ...asked, wake: { hours: null, perDay: 3 } })
  t.equal(tokens.find(waking.text, start)?.identity.mayWake, true)
})

t.test('no other text finds one, however long', async (t) => {
  const { tokens } = setUp()
  const { text, record } = await tokens.create(asked)
  const wrong = ['', 'gth_', text.slice(4), `${text}x`, ` ${text}`, text.toUpperCase(), record.hash]
  for (const other of [
    ...wrong,
    `gth_${record.hash}`,
    'gth_'.repeat(10_000),
    `${text.slice(0, 46)}+`,
  ]) {
    t.equal(tokens.find(other, start), null)
  }
})

t.test('it stops when it expires, and what it has under way is ended once', async (t) => {
  const { tokens, clock, ended } = setUp()
  const { text, record } = await tokens.create({ ...asked, expiresAt: start + 1000 })
  t.not(tokens.find(text, start + 999), null)
  t.equal(tokens.find(text, start + 1000), null)
  const token = tokens.byId(record.id)
  if (token === null) throw new Error('gone')
  t.equal(tokens.isUsable(token, start + 999), true)
  t.equal(tokens.isUsable(token, start + 1000), false)
  tokens.sweep()
  t.strictSame(ended, [])
  clock.now = start + 1000
  tokens.sweep()
  tokens.sweep()
  t.strictSame(ended, [{ refs: [`token:${record.id}`], reason: 'expired' }])
  t.equal(tokens.list(diego.id).length, 1, 'its owner still sees it')
})

t.test('it is worth what its user is worth', async (t) => {
  const { tokens, people } = setUp()
  const { text } = await tokens.create(asked)
  people.set(diego.id, { ...diego, groups: [] })
  t.strictSame(tokens.find(text, start)?.identity.groups, [])
  people.set(diego.id, { ...diego, disabled: true })
  t.equal(tokens.find(text, start), null)
  people.delete(diego.id)
  t.equal(tokens.find(text, start), null)
  people.set(diego.id, diego)
  t.strictSame(tokens.find(text, start)?.identity.groups, ['admins'])
})

t.test('it opens the hosts, methods and paths it names, and nothing else', async (t) => {
  const { tokens } = setUp()
  const all = { host: 'git.example.com', method: 'GET', path: '/api/v1' }
  const { text } = await tokens.create({
    ...asked,
    hosts: ['git.example.com', 'dav.example.com'],
    methods: ['GET', 'PROPFIND'],
    paths: ['/api/**'],
    expiresAt: start + 1000,
  })
  const token = found(tokens.find(text, start))
  t.equal(tokenCovers(token, all, start), true)
  t.equal(tokenCovers(token, { ...all, host: 'dav.example.com' }, start), true)
  t.equal(tokenCovers(token, { ...all, method: 'PROPFIND' }, start), true)
  for (const change of [
    { host: 'example.com' },
    { host: 'x.git.example.com' },
    { method: 'POST' },
    { method: 'get' },
    { path: '/' },
    { path: '/API/v1' },
    { path: '/apiary' },
  ]) {
    t.equal(tokenCovers(token, { ...all, ...change }, start), false, JSON.stringify(change))
  }
  t.equal(tokenCovers(token, all, start + 1000), false)
  const open = found(tokens.find((await tokens.create(asked)).text, start))
  t.equal(tokenCovers(open, { host: 'any.example', method: 'ODD', path: '/' }, start), true)
})

t.test('an empty list of hosts, methods or paths opens nothing', async (t) => {
  const { tokens } = setUp()
  for (const scope of [{ hosts: [] }, { methods: [] }, { paths: [] }]) {
    const { text } = await tokens.create({ ...asked, ...scope })
    const request = { host: 'git.example.com', method: 'GET', path: '/' }
    t.equal(tokenCovers(found(tokens.find(text, start)), request, start), false)
  }
})

t.test('the store comes first: what it refuses is not given out', async (t) => {
  const { tokens, stores } = setUp()
  stores.refuse(true)
  await t.rejects(tokens.create(asked), { code: 'store-unavailable' })
  t.equal(tokens.size, 0)
})

t.test('a user has a hundred tokens at most', async (t) => {
  const { tokens } = setUp()
  for (let i = 0; i < 100; i++) await tokens.create(asked)
  await t.rejects(tokens.create(asked), { code: 'too-many-tokens' })
  t.equal(tokens.size, 100)
})

t.test('a revoked token is dead at once, also when the store refuses, and stays so', async (t) => {
  const { tokens, stores, ended, clock, log } = setUp()
  const { text, record } = await tokens.create(asked)
  const token = found(tokens.find(text, start))
  stores.refuse(true)
  t.equal(await tokens.remove([record.id, 'unknown'], 'revoked'), 1)
  t.equal(tokens.find(text, start), null)
  t.equal(token.ended, true)
  t.equal(tokens.isUsable(token, start), false)
  t.strictSame(ended, [{ refs: [`token:${record.id}`], reason: 'revoked' }])
  await t.rejects(tokens.load(), { code: 'store-unavailable' })
  stores.refuse(false)
  await tokens.load()
  t.equal(tokens.find(text, start), null)
  t.equal(stores.tokenRecords.size, 1)
  clock.now += 6000
  tokens.sweep()
  await new Promise(setImmediate)
  t.equal(stores.tokenRecords.size, 0)
  t.strictSame(
    log.events.map(({ event }) => event),
    ['store-refuses', 'store-works-again'],
  )
})

t.test('panic ends all tokens', async (t) => {
  const { tokens, stores, ended } = setUp()
  const one = await tokens.create(asked)
  await tokens.create(asked)
  t.equal(await tokens.removeAll('panic'), 2)
  t.equal(tokens.find(one.text, start), null)
  t.equal(stores.tokenRecords.size, 0)
  t.equal(ended[0]?.refs.length, 2)
})

t.test('a reading of the store brings what is new and ends what is gone', async (t) => {
  const { tokens, stores, ended } = setUp()
  const kept = await tokens.create(asked)
  const gone = await tokens.create(asked)
  const text = `gth_${'x'.repeat(43)}`
  const added: TokenRecord = { ...kept.record, id: 'added', hash: secretHash(text) }
  stores.tokenRecords.set(added.id, added)
  stores.tokenRecords.delete(gone.record.id)
  await tokens.load()
  t.equal(tokens.find(text, start)?.record.id, 'added')
  t.not(tokens.find(kept.text, start), null)
  t.equal(tokens.find(gone.text, start), null)
  t.strictSame(ended, [{ refs: [`token:${gone.record.id}`], reason: 'revoked' }])
})

t.test(
  'a reading that is older than a token, or than its end, changes nothing about it',
  async (t) => {
    const { tokens, stores } = setUp()
    const old = await tokens.create(asked)
    const release = stores.hold('tokens.all', 'after')
    const loading = tokens.load()
    await new Promise(setImmediate)
    const young = await tokens.create(asked)
    await tokens.remove([old.record.id], 'revoked')
    release()
    await loading
    t.equal(tokens.find(old.text, start), null)
    t.not(tokens.find(young.text, start), null)
  },
)

t.test('patterns that nobody can read open nothing', async (t) => {
  const { tokens, stores } = setUp()
  const text = `gth_${'x'.repeat(43)}`
  const paths = [null] as unknown as string[]
  stores.tokenRecords.set('bad', { ...sample('bad'), hash: secretHash(text), paths })
  await tokens.load()
  const token = found(tokens.find(text, start))
  t.equal(tokenCovers(token, { host: 'a.example', method: 'GET', path: '/' }, start), false)
})

t.test('the last use is shown, and written in batches', async (t) => {
  const { tokens, stores } = setUp()
  const { text, record } = await tokens.create(asked)
  const token = found(tokens.find(text, start))
  tokens.used(token, '203.0.113.7', start + 5.5)
  t.match(tokens.list()[0]?.record, { lastUsedAt: start + 5, lastAddress: '203.0.113.7' })
  t.equal(stores.tokenRecords.get(record.id)?.lastUsedAt, null)
  stores.refuse(true)
  await tokens.flush()
  stores.refuse(false)
  await tokens.flush()
  t.match(stores.tokenRecords.get(record.id), { lastUsedAt: start + 5, lastAddress: '203.0.113.7' })
  t.match(tokens.byId(record.id)?.record, { lastUsedAt: start + 5 })
  stores.calls.length = 0
  await tokens.flush()
  t.strictSame(stores.calls, [])
  t.equal(tokens.byId('unknown'), null)
  t.strictSame(tokens.list('nobody' as UserId), [])
})

function found(token: Token | null): Token {
  if (token === null) throw new Error('no token')
  return token
}

function sample(id: string): TokenRecord {
  return { ...asked, id, hash: '', createdAt: start, lastUsedAt: null, lastAddress: null }
}
