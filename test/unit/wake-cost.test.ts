// What a machine costs, what its budget allows, what the gateway itself sends.

import t from 'tap'
import type { Alert } from '../../src/alerts.ts'
import type { UserId, VmId } from '../../src/model.ts'
import type { VmCost } from '../../src/model-machines.ts'
import { createCost, moneyFor } from '../../src/wake/cost.ts'
import type { SmallFile } from '../../src/wake/small-file.ts'
import type { WakeReason } from '../../src/wake/vm-state.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'
import { fakeMachine, flex } from '../fixtures/wake-machine.ts'

const priced: VmCost = { perHour: 0.6, currency: 'USD', budget: 10, atBudget: 'manual' }

function memoryFile(): SmallFile & { value: unknown } {
  const file = {
    value: null as unknown,
    read: async () => structuredClone(file.value),
    async write(value: unknown) {
      file.value = structuredClone(value)
    },
  }
  return file
}

function house(cost: VmCost | null, file = memoryFile()) {
  const clock = createFakeClock()
  const state = { minutes: 0, sent: 5_000, month: '2026-11' }
  const machine = fakeMachine(clock, { power: { cost } })
  Object.assign(machine, { awakeMinutes: () => ({ [state.month]: state.minutes }) })
  const alerts: Alert[] = []
  const costs = createCost({
    machines: () => [machine],
    sentBytes: () => state.sent,
    file,
    now: clock.now,
    alert: (alert) => void alerts.push(alert),
  })
  return { clock, state, machine, costs, alerts, file }
}

const button: WakeReason = { kind: 'person', user: 'diego' as UserId }
const command: WakeReason = { kind: 'person', user: null }
const schedule: WakeReason = { kind: 'schedule' }
const token: WakeReason = { kind: 'token', user: 'diego' as UserId, token: 'ci' }
const request: WakeReason = {
  kind: 'request',
  request: 'r1' as never,
  user: 'diego' as UserId,
  route: 'photos',
}

t.test('an hour costs what an hour costs', async (t) => {
  t.equal(moneyFor(90, 0.6), 0.6 * 1.5)
  const { costs, machine, state } = house(priced)
  state.minutes = 500
  t.strictSame(costs.of(machine), {
    month: '2026-11',
    minutesAwake: 500,
    money: { currency: 'USD', budget: 10, atBudget: 'manual', spent: 5 },
  })
})

t.test('without a price there are minutes and no money, and no limit', async (t) => {
  const { costs, machine, state } = house(null)
  state.minutes = 1_000_000
  t.strictSame(costs.of(machine), { month: '2026-11', minutesAwake: 1_000_000, money: null })
  t.equal(costs.budget(machine), 'ok')
  t.ok(costs.mayStart(flex, request))
})

t.test('a month is a month where the machine is', async (t) => {
  const { clock, costs, machine } = house(priced)
  clock.jumpWall(Date.UTC(2026, 10, 30, 23, 30) - clock.now())
  t.equal(costs.of(machine).month, '2026-12', 'Berlin is an hour ahead')
  t.equal(costs.traffic().month, '2026-11')
})

t.test('80 % is near, 100 % is over', async (t) => {
  const { costs, machine, state } = house(priced)
  for (const [minutes, expected] of [
    [799, 'ok'],
    [800, 'near'],
    [999, 'near'],
    [1_000, 'over'],
  ] as const) {
    state.minutes = minutes
    t.equal(costs.budget(machine), expected, `${minutes} minutes`)
  }
})

t.test('who may start it when the budget is used up', async (t) => {
  const everybody = { button, command, schedule, token, request }
  const allowed = {
    warn: ['button', 'command', 'schedule', 'token', 'request'],
    manual: ['button', 'command'],
    refuse: [],
  } as const
  for (const atBudget of ['warn', 'manual', 'refuse'] as const) {
    const { costs, state, machine } = house({ ...priced, atBudget })
    state.minutes = 999
    for (const [name, by] of Object.entries(everybody))
      t.ok(costs.mayStart(flex, by), `${atBudget}, below: ${name}`)
    t.notOk(costs.isExhausted(machine))
    state.minutes = 1_000
    const may = Object.entries(everybody).flatMap(([name, by]) =>
      costs.mayStart(flex, by) ? [name] : [],
    )
    t.strictSame(may, allowed[atBudget], atBudget)
    t.equal(costs.isExhausted(machine), atBudget !== 'warn')
  }
})

t.test('a new month begins with nothing spent', async (t) => {
  const { clock, costs, machine, state } = house({ ...priced, atBudget: 'refuse' })
  state.minutes = 2_000
  t.notOk(costs.mayStart(flex, request))
  clock.jumpWall(10 * 24 * 3_600_000)
  t.ok(costs.mayStart(flex, request))
  t.equal(costs.of(machine).month, '2026-12')
})

t.test('a machine that is not known has no budget', async (t) => {
  t.ok(house(priced).costs.mayStart('other' as VmId, request))
})

t.test('80 % and 100 % are said once, over a restart too', async (t) => {
  const first = house(priced)
  first.state.minutes = 850
  first.costs.look()
  first.costs.look()
  t.strictSame(
    first.alerts.map(({ id, level }) => [id, level]),
    [['budget:flex:near', 'warn']],
  )
  await first.costs.flush()
  const second = house(priced, first.file)
  await second.costs.load()
  second.state.minutes = 900
  second.costs.look()
  t.strictSame(second.alerts, [])
  second.state.minutes = 1_200
  second.costs.look()
  t.equal(second.alerts.length, 1)
  t.match(second.alerts, [{ id: 'budget:flex:over', level: 'critical', vm: 'flex' }])
  t.match(second.alerts[0]?.text, /12\.00 of 10\.00 USD in 2026-11\. Until the month ends only/)
})

t.test('the next month is warned of anew', async (t) => {
  const { clock, state, costs, alerts } = house(priced)
  state.minutes = 850
  costs.look()
  clock.jumpWall(10 * 24 * 3_600_000)
  state.month = '2026-12'
  costs.look()
  t.equal(alerts.length, 2)
})

t.test('what the gateway sends is counted by month, over a restart too', async (t) => {
  const first = house(null)
  first.state.sent += 300_000_000
  t.equal(first.costs.traffic().bytes, 300_000_000, 'at once')
  first.costs.look()
  t.equal(first.costs.traffic().bytes, 300_000_000, 'once')
  await first.costs.flush()
  const second = house(null, first.file)
  await second.costs.load()
  second.state.sent += 1
  t.equal(second.costs.traffic().bytes, 300_000_001)
  second.clock.jumpWall(10 * 24 * 3_600_000)
  second.costs.look()
  t.strictSame(second.costs.traffic(), { month: '2026-12', bytes: 1, freeBytes: 1e9 })
})

t.test('the free traffic is spoken of before it is used up, and when it is', async (t) => {
  const { state, costs, alerts } = house(null)
  for (const bytes of [700_000_000, 100_000_000, 100_000_000, 100_000_000, 100_000_000]) {
    state.sent += bytes
    costs.look()
  }
  t.strictSame(
    alerts.map(({ id, text }) => [id, text]),
    [
      ['traffic:near', '0.80 of 1 GB in 2026-11'],
      ['traffic:over', '1.00 of 1 GB in 2026-11'],
    ],
  )
})

t.test('a file of another time or hand is no reason to fail', async (t) => {
  for (const value of [7, [], { sentBytes: { '2026-11': 'x' }, told: 3 }, { sentBytes: null }]) {
    const file = memoryFile()
    file.value = value
    const { costs } = house(null, file)
    await costs.load()
    t.equal(costs.traffic().bytes, 0)
  }
})
