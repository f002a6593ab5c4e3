// What a person is in the middle of: bound to a browser, used once, over in time, bounded in number.

import { randomBytes } from 'node:crypto'
import t from 'tap'
import { createFlows, flowLifeMs } from '../../src/auth/app/flows.ts'
import type { UserId } from '../../src/model.ts'

const data = { user: 'ada' as UserId, returnTo: null, reason: null, remember: false }
const mine = { browser: 'my browser', network: '192.0.2.1' }

function start() {
  let clock = 0
  const flows = createFlows({ now: () => clock, randomBytes })
  return {
    flows,
    advance: (ms: number) => {
      clock += ms
    },
  }
}

t.test('a flow is found by its browser alone, as often as wanted, and spent once', async (t) => {
  const { flows } = start()
  const { id } = flows.begin('second-factor', data, mine)
  t.match(id, /^[\w-]{22}$/)
  t.equal(flows.find('second-factor', id, 'another browser'), null)
  t.equal(flows.spend('second-factor', id, 'another browser'), null)
  t.equal(flows.find('second-factor', id, mine.browser)?.data, data)
  t.equal(flows.find('second-factor', id, mine.browser)?.data, data)
  t.equal(flows.spend('second-factor', id, mine.browser)?.data, data)
  t.equal(flows.spend('second-factor', id, mine.browser), null)
  t.equal(flows.size, 0)
})

t.test('a flow of one kind is none of another', async (t) => {
  const { flows } = start()
  const { id } = flows.begin('second-factor', data, mine)
  t.equal(flows.spend('provider', id, mine.browser), null)
  t.not(flows.find('second-factor', id, mine.browser), null, 'it is still there')
})

t.test('it is over after ten minutes, or when it says', async (t) => {
  const { flows, advance } = start()
  const long = flows.begin('second-factor', data, mine)
  const short = flows.begin('second-factor', data, mine, 1000)
  advance(1000)
  t.equal(flows.find('second-factor', short.id, mine.browser), null)
  advance(flowLifeMs - 1001)
  t.not(flows.find('second-factor', long.id, mine.browser), null)
  advance(1)
  t.equal(flows.find('second-factor', long.id, mine.browser), null)
})

t.test('a network has fifty: the oldest makes room, and others keep theirs', async (t) => {
  const { flows } = start()
  const other = flows.begin('second-factor', data, { browser: 'b', network: '198.51.100.1' })
  const own = Array.from({ length: 60 }, () => flows.begin('second-factor', data, mine))
  t.equal(flows.size, 51)
  t.not(flows.find('second-factor', other.id, 'b'), null)
  t.equal(flows.find('second-factor', own[9]?.id ?? '', mine.browser), null)
  t.not(flows.find('second-factor', own[10]?.id ?? '', mine.browser), null)
})

t.test('ten thousand are all there may be, and what is over goes first', async (t) => {
  const { flows, advance } = start()
  for (let i = 0; i < 12_000; i++) {
    flows.begin('second-factor', data, { browser: 'b', network: `net-${i}` })
  }
  t.equal(flows.size, 10_000)
  advance(flowLifeMs)
  flows.begin('second-factor', data, mine)
  t.equal(flows.size, 1)
})
