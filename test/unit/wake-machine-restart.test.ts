// One machine over restarts of the gateway and jumps of the clock: nothing is lost, nothing billed twice.

import t from 'tap'
import type { Machine } from '../../src/wake/machine.ts'
import { diego, hourMs, machineHouse, minuteMs } from '../fixtures/machine-house.ts'

t.test('so many starts an hour and no more, across a restart of the gateway', async (t) => {
  const it = machineHouse({ startsPerHour: 2 })
  const { machine, clock, is, ready, cloud } = it
  await machine.start()
  for (let start = 0; start < 2; start += 1) {
    t.equal(machine.want(diego), 'ok')
    await ready()
    machine.letSleep('idle')
    await is('asleep')
  }
  t.equal(machine.want(diego), 'too-many-starts')
  t.equal(machine.state.kind, 'asleep')
  const again = await it.reborn()
  t.equal(again.want(diego), 'too-many-starts')
  t.equal(cloud.count('start'), 2)
  await clock.advance(hourMs)
  t.equal(again.want(diego), 'ok')
  await ready(again)
})

t.test('the gateway is killed in each state, and the machine ends in the wanted one', async (t) => {
  type House = ReturnType<typeof machineHouse>
  const wanted = async ({ machine }: House) => void machine.want(diego)
  const up = async (it: House) => {
    await wanted(it)
    await it.ready()
  }
  const down = async (it: House) => {
    await up(it)
    it.machine.letSleep('idle')
  }
  const wait = (ms: number, before: (it: House) => Promise<void>) => async (it: House) => {
    await before(it)
    await it.clock.advance(ms)
  }
  const cases: readonly [
    string,
    'up' | 'down',
    Machine['state']['kind'],
    (it: House) => Promise<void>,
  ][] = [
    ['asleep', 'down', 'asleep', async () => {}],
    ['a start just asked for', 'up', 'starting', wait(0, wanted)],
    ['a start accepted', 'up', 'starting', wait(3_000, wanted)],
    ['booting', 'up', 'booting', wait(26_000, wanted)],
    ['awake', 'up', 'awake', up],
    [
      'draining',
      'down',
      'draining',
      async (it) => {
        await up(it)
        it.world.inFlight = 1
        it.machine.letSleep('idle')
      },
    ],
    ['a stop just asked for', 'down', 'stopping', wait(0, down)],
    ['a stop accepted', 'down', 'stopping', wait(3_000, down)],
    [
      'a stop that fails',
      'down',
      'stopping',
      async (it) => {
        await up(it)
        it.cloud.fail('soft-stop', 'unavailable', 3)
        it.machine.letSleep('idle')
        await it.clock.advance(3_000)
      },
    ],
    [
      'wanted while stopping',
      'up',
      'stopping',
      async (it) => {
        await wait(3_000, down)(it)
        it.machine.want(diego)
        await it.clock.settle()
      },
    ],
    [
      'resting',
      'up',
      'resting',
      async (it) => {
        it.cloud.fail('start', 'capacity', 2)
        await wait(3_000, wanted)(it)
      },
    ],
  ]
  for (const [title, end, kind, prepare] of cases) {
    for (const downMs of [0, 5_000, 5 * minuteMs]) {
      const it = machineHouse()
      await it.machine.start()
      await prepare(it)
      t.equal(it.machine.state.kind, kind, title)
      const starts = it.cloud.count('start')
      it.world.inFlight = 0
      const again = await it.reborn(downMs)
      await it.clock.advance(20 * minuteMs)
      const story = `killed: ${title}, for ${downMs} ms`
      t.equal(it.cloud.state, end === 'up' ? 'running' : 'stopped', story)
      t.equal(again.state.kind, end === 'up' ? 'awake' : 'asleep', story)
      if (end === 'down' || kind === 'booting' || kind === 'awake')
        t.equal(it.cloud.count('start'), starts, `${story}: not started again`)
      if (end === 'up') t.match(again.history().at(-1), { by: diego, endedAt: null }, story)
      else
        t.notOk(
          again.history().some(({ endedAt }) => endedAt === null),
          story,
        )
    }
  }
})

t.test(
  'the wall clock jumps in every state: nothing is late, early, or billed twice',
  async (t) => {
    for (const jump of [-400 * 24 * hourMs, -hourMs, hourMs, 400 * 24 * hourMs]) {
      const { machine, cloud, clock, ready, is } = machineHouse()
      await machine.start()
      cloud.fail('start', 'capacity', 1)
      machine.want(diego)
      await is('resting')
      clock.jumpWall(jump)
      t.equal(machine.eta().retryAt, clock.now() + 30_000)
      await clock.advance(32_000)
      t.equal(machine.state.kind, 'starting')
      clock.jumpWall(-jump)
      await ready()
      clock.jumpWall(jump)
      await clock.advance(10 * minuteMs)
      t.equal(machine.state.kind, 'awake')
      machine.letSleep('idle')
      await clock.advance(1_000)
      clock.jumpWall(-jump)
      await is('asleep')
      const [record] = machine.history()
      t.ok(Math.abs((record?.awakeMs ?? 0) - cloud.runningMs) < 4_000, `${record?.awakeMs}`)
      const minutes = Object.values(machine.awakeMinutes()).reduce((sum, each) => sum + each, 0)
      t.ok(Math.abs(minutes * minuteMs - cloud.runningMs) < 4_000)
      t.equal(cloud.count('start'), 2)
    }
  },
)

t.test(
  'history: what woke it, how long each phase took, why it stopped, what it cost',
  async (t) => {
    const cost = { perHour: 0.36, currency: 'USD', budget: null, atBudget: 'warn' } as const
    const { machine, cloud, clock, ready, is, journal } = machineHouse({ cost })
    await machine.start()
    const wantedAt = clock.now()
    machine.want(diego)
    await ready()
    t.match(machine.history(), [{ by: diego, wantedAt, endedAt: null, stopReason: null }])
    await clock.advance(hourMs)
    machine.letSleep('idle')
    await is('asleep')
    const [record] = machine.history()
    t.match(record, {
      attempts: 1,
      fault: null,
      stopReason: 'idle',
      currency: 'USD',
      endedAt: clock.now(),
    })
    t.ok((record?.acceptedMs ?? Number.NaN) < 1_000)
    t.ok(Math.abs((record?.runningMs ?? 0) - 20_000) < 4_000)
    t.ok(Math.abs((record?.readyMs ?? 0) - 30_000) < 4_000)
    t.ok(Math.abs((record?.stopMs ?? 0) - 15_000) < 4_000)
    t.ok(Math.abs((record?.awakeMs ?? 0) - cloud.runningMs) < 4_000)
    t.ok(Math.abs((record?.cost ?? 0) - (cloud.runningMs / hourMs) * 0.36) < 0.001)
    t.strictSame(journal.data.history, machine.history())
    t.strictSame(journal.data.intent, { kind: 'asleep' })
    t.equal(machine.eta().expectedMs, record?.readyMs)
  },
)

t.test('minutes go to the month in which they fall, in the time zone of the table', async (t) => {
  const { machine, clock, ready } = machineHouse({ timeZone: 'Europe/Berlin' })
  await machine.start()
  // Berlin's November ends at 23:00 UTC.
  await clock.advance(Date.UTC(2026, 10, 30, 22) - clock.now())
  machine.want(diego)
  await ready()
  await clock.advance(2 * hourMs)
  const minutes = machine.awakeMinutes()
  t.ok(Math.abs((minutes['2026-11'] ?? 0) - 60) < 6, `${minutes['2026-11']}`)
  t.ok(Math.abs((minutes['2026-12'] ?? 0) - 60) < 6, `${minutes['2026-12']}`)
})

t.test('minutes count on over a crash, and are not lost with it', async (t) => {
  const it = machineHouse()
  await it.machine.start()
  it.machine.want(diego)
  await it.ready()
  await it.clock.advance(hourMs)
  const again = await it.reborn(10 * minuteMs)
  await it.ready(again)
  const total = Object.values(again.awakeMinutes()).reduce((sum, each) => sum + each, 0)
  t.ok(Math.abs(total * minuteMs - it.cloud.runningMs) < 10_000)
  t.equal(again.history().length, 1)
  t.ok(Math.abs((again.history()[0]?.awakeMs ?? 0) - it.cloud.runningMs) < 10_000)
})

t.test('after a stop of the process nothing is asked, told or written any more', async (t) => {
  const { machine, cloud, clock, journal, ready } = machineHouse()
  await machine.start()
  machine.want(diego)
  await ready()
  const stopped = machine.stop()
  await stopped
  const { length } = cloud.calls
  const { writes } = journal
  machine.want(diego)
  machine.letSleep('idle')
  machine.portRefused(2283)
  await clock.advance(24 * hourMs)
  t.equal(cloud.calls.length, length)
  t.equal(journal.writes, writes)
  t.equal(cloud.state, 'running', 'the machine stays as it is')
  t.equal(clock.pending, 0)
  t.match(journal.data.intent, { kind: 'awake', by: diego })
})

t.test('a process that ends before it began writes over nothing', async (t) => {
  const { machine, journal } = machineHouse()
  await machine.stop()
  t.equal(journal.writes, 0)
  await machine.start()
  t.equal(journal.writes, 0)
})

t.test('while it runs the disk is never far behind', async (t) => {
  const { machine, clock, journal, ready } = machineHouse()
  await machine.start()
  machine.want(diego)
  await ready()
  for (let look = 0; look < 20; look += 1) {
    await clock.advance(7 * minuteMs)
    const { countedAt } = journal.data
    t.ok(countedAt !== null && clock.now() - countedAt <= 5 * minuteMs)
  }
})

t.test('a stop that goes on after a restart costs until it is done', async (t) => {
  const it = machineHouse()
  await it.machine.start()
  it.machine.want(diego)
  await it.ready()
  it.cloud.fail('soft-stop', 'unavailable', Number.POSITIVE_INFINITY)
  it.cloud.fail('stop', 'unavailable', Number.POSITIVE_INFINITY)
  it.machine.letSleep('idle')
  await it.clock.advance(minuteMs)
  const again = await it.reborn()
  await it.clock.advance(2 * hourMs)
  const total = Object.values(again.awakeMinutes()).reduce((sum, each) => sum + each, 0)
  t.ok(Math.abs(total * minuteMs - it.cloud.runningMs) < 10_000, `${total}`)
})

t.test('who waits for another start does not hear of the last one', async (t) => {
  const { machine, cloud, clock, ready, is } = machineHouse()
  await machine.start()
  machine.want(diego)
  await ready()
  machine.letSleep('idle')
  await is('asleep')
  await clock.advance(hourMs)
  cloud.console('start')
  await is('booting')
  t.ok(machine.eta().elapsedMs < minuteMs)
})
