// How guessing is slowed down: counts, delays, and what they may cost in memory. What it stops: test/security/login-guessing.

import t from 'tap'
import { createThrottle, type Throttle } from '../../src/auth/app/throttle.ts'

function start(known: readonly string[] = []) {
  let clock = 1_000_000
  const bans: string[] = []
  const throttle = createThrottle({
    steady: () => clock,
    isKnown: (network) => known.includes(network),
    onBan: (network) => bans.push(network),
  })
  const advance = (ms: number) => {
    clock += ms
  }
  return { throttle, advance, bans }
}

const ada = { user: 'ada', network: '192.0.2.1' }

function fail(throttle: Throttle, times: number, who = ada): void {
  for (let i = 0; i < times; i++)
    if (throttle.check('password', who).ok) throttle.failed('password', who)
}

t.test('what was right counts for nothing, before and after', async (t) => {
  const { throttle } = start()
  fail(throttle, 2)
  t.ok(throttle.check('password', ada).ok)
  throttle.succeeded('password', ada)
  fail(throttle, 2)
  t.ok(throttle.check('password', ada).ok, 'the count began anew')
})

t.test('what came to nothing is as if it had not been', async (t) => {
  const { throttle } = start()
  for (let i = 0; i < 100; i++) {
    t.ok(throttle.check('password', ada).ok)
    throttle.undone('password', ada)
  }
  t.equal(throttle.size, 0)
})

t.test('each kind counts for itself', async (t) => {
  const { throttle } = start()
  fail(throttle, 3)
  t.notOk(throttle.check('password', ada).ok)
  t.ok(throttle.check('second-factor', ada).ok)
})

t.test('an account is forgotten after a day, a network after an hour', async (t) => {
  const { throttle, advance } = start()
  fail(throttle, 3)
  advance(24 * 3_600_000 + 1)
  fail(throttle, 2)
  t.ok(throttle.check('password', ada).ok)
})

t.test('failures of a network that lie more than an hour apart never ban it', async (t) => {
  const { throttle, advance, bans } = start()
  for (let i = 0; i < 60; i++) {
    const who = { user: `user-${i}`, network: '192.0.2.1' }
    t.ok(throttle.check('password', who).ok)
    throttle.failed('password', who)
    advance(6 * 60_000 + 1)
  }
  t.strictSame(bans, [])
})

t.test('strangers do not hold up a network that signed in lately', async (t) => {
  const { throttle } = start(['192.0.2.1'])
  for (let i = 0; i < 10; i++) fail(throttle, 1, { user: 'ada', network: `198.51.100.${i}` })
  t.notOk(throttle.check('password', { user: 'ada', network: '203.0.113.1' }).ok)
  t.ok(throttle.check('password', ada).ok)
  fail(throttle, 3)
  t.notOk(throttle.check('password', ada).ok, 'but its own guesses count')
})

t.test('a ban can be lifted', async (t) => {
  const { throttle, advance, bans } = start()
  for (let i = 0; bans.length === 0 && i < 100; i++) {
    fail(throttle, 1, { user: `user-${i}`, network: '192.0.2.1' })
    advance(31_000)
  }
  t.strictSame(
    throttle.bans().map(({ network }) => network),
    ['192.0.2.1'],
  )
  t.notOk(throttle.lift('198.51.100.1'))
  t.ok(throttle.lift('192.0.2.1'))
  t.notOk(throttle.lift('192.0.2.1'))
  t.ok(throttle.check('passkey', { network: '192.0.2.1' }).ok)
})

t.test(
  'a flood of names and networks takes no more memory, and does not wash clean who is held up',
  async (t) => {
    const { throttle } = start()
    fail(throttle, 3)
    for (let i = 0; i < 30_000; i++) {
      const who = { user: `user-${i}`, network: `net-${i}` }
      throttle.check('password', who)
      throttle.failed('password', who)
    }
    t.ok(throttle.size <= 20_000, `${throttle.size}`)
    t.notOk(throttle.check('password', { ...ada, network: '203.0.113.9' }).ok)
  },
)
