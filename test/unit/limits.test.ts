// Token buckets: exact, bounded in memory, and counted by what one customer owns.

import t from 'tap'
import { createLimiter } from '../../src/limits.ts'
import { networkOf } from '../../src/proxy/cidr.ts'

const limit = { perSecond: 10, burst: 5 }

t.test('a burst passes, then the steady rate', async (t) => {
  const limiter = createLimiter()
  let now = 1000
  for (let i = 0; i < 5; i++) t.equal(limiter.take('a', limit, now), true)
  t.equal(limiter.take('a', limit, now), false)
  now += 99
  t.equal(limiter.take('a', limit, now), false, 'a tenth of a second is not over')
  now += 1
  t.equal(limiter.take('a', limit, now), true)
  t.equal(limiter.take('a', limit, now), false)
  now += 3_600_000
  let passed = 0
  while (limiter.take('a', limit, now)) passed += 1
  t.equal(passed, 5, 'an hour of silence saves no more than a burst')
})

t.test('clients do not share a bucket', async (t) => {
  const limiter = createLimiter()
  for (let i = 0; i < 9; i++) limiter.take('a', limit, 0)
  t.equal(limiter.take('b', limit, 0), true)
})

t.test('a clock that went back gives nothing and takes nothing', async (t) => {
  const limiter = createLimiter()
  for (let i = 0; i < 5; i++) limiter.take('a', limit, 10_000)
  t.equal(limiter.take('a', limit, 0), false)
  t.equal(limiter.take('a', limit, 100), true, 'time counts from the new reading on')
})

t.test('a limit without burst still lets one through', async (t) => {
  const limiter = createLimiter()
  t.equal(limiter.take('a', { perSecond: 1, burst: 0 }, 0), true)
  t.equal(limiter.take('a', { perSecond: 1, burst: 0 }, 0), false)
  t.equal(limiter.take('a', { perSecond: 1, burst: 0 }, 1000), true)
})

t.test('a hundred thousand addresses take no more memory than twenty thousand', async (t) => {
  const limiter = createLimiter()
  for (let i = 0; i < 100_000; i++)
    limiter.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, limit, i)
  t.equal(limiter.size, 20_000)
})

t.test(
  'an IPv6 customer is one client however the address is spelled (RFC 6177, RFC 5952)',
  async (t) => {
    for (const [a, b] of [
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:ffff::'],
      ['2001:db8:1:2::', '2001:db8:1:2::1'],
      ['2001:db8::1', '2001:db8::ffff:0:0:1'],
      ['2001:db8:0:0:1:2:3:4', '2001:db8::5'],
      ['2001:0:0:5::1', '2001::5:1:2:3:4'],
      ['2001:db8:0:5::1', '2001:db8::5:1:2:3:4'],
      ['::1', '::2:0:0:1'],
      ['fe80::1', 'fe80:0:0:0:1::'],
    ] as const) {
      t.equal(networkOf(a), networkOf(b), `${a} and ${b}`)
    }
    for (const [a, b] of [
      ['2001:db8:1:2::1', '2001:db8:1:3::1'],
      ['2001::5:1:2:3:4', '2001::6:1:2:3:4'],
      ['2001:db8::5:1:2:3:4', '2001:db8::1'],
      ['192.0.2.1', '192.0.2.2'],
    ] as const) {
      t.not(networkOf(a), networkOf(b), `${a} and ${b}`)
    }
    t.equal(networkOf('192.0.2.1'), '192.0.2.1')
    t.equal(networkOf(''), '')
  },
)

t.test('a flood of new clients does not wash one clean who is being refused', (t) => {
  const limiter = createLimiter()
  const limit = { perSecond: 1, burst: 2 }
  t.ok(limiter.take('bad', limit, 0))
  t.ok(limiter.take('bad', limit, 0))
  t.notOk(limiter.take('bad', limit, 0))
  for (let i = 0; i < 60_000; i++) limiter.take(`new ${i}`, limit, i / 1000)
  t.notOk(limiter.take('bad', limit, 60), 'still refused')
  t.equal(limiter.size, 20_000)
  t.end()
})
