// Networks that signed in within thirty days: remembered, bounded, forgotten.

import t from 'tap'
import { createKnownClients } from '../../src/auth/known-clients.ts'
import { createEventList, createMemoryStores } from '../fixtures/memory-stores.ts'

const day = 86_400_000
const start = Date.UTC(2026, 10, 21)

function setUp(stores = createMemoryStores()) {
  const clock = { now: start }
  const log = createEventList()
  const known = createKnownClients({ settings: stores.settings, now: () => clock.now, log })
  return { stores, clock, log, known }
}

t.test('a network is known for thirty days after the last sign-in', async (t) => {
  const { known } = setUp()
  t.equal(known.has('203.0.113.7', start), false)
  known.add('203.0.113.7', start)
  t.equal(known.has('203.0.113.7', start + 30 * day - 1), true)
  t.equal(known.has('203.0.113.7', start + 30 * day), false)
  t.equal(known.has('203.0.113.8', start), false)
  known.add('203.0.113.7', start + day)
  t.equal(known.has('203.0.113.7', start + 31 * day - 1), true)
})

t.test('it is still known after a restart, and no longer than before', async (t) => {
  const { known, stores } = setUp()
  known.add('2001:db8:0:1::/64', start)
  await known.flush()
  const next = setUp(stores)
  await next.known.load()
  t.equal(next.known.has('2001:db8:0:1::/64', start + day), true)
  t.equal(next.known.has('2001:db8:0:1::/64', start + 30 * day), false)
  const late = setUp(stores)
  late.clock.now += 30 * day
  await late.known.load()
  t.equal(late.known.size, 0)
})

t.test('only what is new is written', async (t) => {
  const { known, stores } = setUp()
  await known.flush()
  t.strictSame(stores.calls, [])
  known.add('203.0.113.7', start)
  await known.flush()
  known.add('203.0.113.7', start + 1000)
  await known.flush()
  t.strictSame(stores.calls, ['settings.set'])
  known.add('203.0.113.7', start + day)
  await known.flush()
  t.equal(stores.calls.length, 2)
})

t.test('a store that refuses is tried again, and said once', async (t) => {
  const { known, stores, log } = setUp()
  known.add('203.0.113.7', start)
  stores.refuse(true)
  await known.flush()
  await known.flush()
  t.equal(log.events.length, 1)
  t.equal(known.has('203.0.113.7', start), true)
  stores.refuse(false)
  await known.flush()
  t.ok(stores.values.has('known-clients'))
})

t.test('a reading forgets nothing that is newer', async (t) => {
  const { known, stores } = setUp()
  known.add('203.0.113.7', start)
  await known.flush()
  known.add('203.0.113.7', start + day)
  known.add('203.0.113.8', start + day)
  await known.load()
  t.equal(known.has('203.0.113.7', start + 31 * day - 1), true)
  t.equal(known.has('203.0.113.8', start + day), true)
  stores.refuse(true)
  await t.rejects(known.load(), { code: 'store-unavailable' })
  t.equal(known.size, 2)
})

t.test('ten thousand at a time; who signed in longest ago is forgotten first', async (t) => {
  const { known, stores } = setUp()
  for (let i = 0; i < 10_000; i++) known.add(`n${i}`, start)
  known.add('n0', start + 1)
  known.add('new', start + 2)
  t.equal(known.size, 10_000)
  t.equal(known.has('n1', start), false)
  t.equal(known.has('n0', start), true)
  t.equal(known.has('new', start), true)
  await known.flush()
  const next = setUp(stores)
  next.known.add('young', start)
  await next.known.load()
  t.equal(next.known.size, 10_000)
  t.equal(next.known.has('young', start), true)
})

t.test('what cannot be read is nothing, and a time to come is now', async (t) => {
  for (const text of ['', '{', '{}', 'null', '[1,[2],["a"],["b","c"],[null,1]]']) {
    const { known, stores } = setUp()
    stores.values.set('known-clients', text)
    await known.load()
    t.equal(known.size, 0, text)
  }
  const { known, stores } = setUp()
  stores.values.set('known-clients', JSON.stringify([['a', start + 1000 * day]]))
  await known.load()
  t.equal(known.has('a', start + 29 * day), true)
  t.equal(known.has('a', start + 30 * day), false)
})
