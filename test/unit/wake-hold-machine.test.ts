// The doors and a real machine behind them, on a cloud that does not exist: what one side says is what the other understands.

import t from 'tap'
import type { Reception } from '../../src/gate.ts'
import type { SessionRef } from '../../src/model.ts'
import type { VmPower } from '../../src/model-machines.ts'
import { createGates } from '../../src/wake/hold.ts'
import { createMachine } from '../../src/wake/machine.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'
import { arrivalOf, changeOf, flex, strangerOf, waiterFor } from '../fixtures/wake-machine.ts'
import {
  createFakeApp,
  createFakeCloud,
  createKeptLog,
  createMemoryJournal,
  poweredVm,
} from '../fixtures/wake-provider.ts'

function build(power: Partial<VmPower> = {}) {
  const clock = createFakeClock()
  const cloud = createFakeCloud(clock)
  const app = createFakeApp(clock, cloud)
  const log = createKeptLog()
  let inFlight = 0
  const machine = createMachine({
    definition: poweredVm(flex, power),
    provider: cloud.provider,
    journal: createMemoryJournal(),
    probe: app.probe,
    now: clock.now,
    steady: clock.steady,
    after: clock.after,
    random: () => 0.5,
    mayStart: () => true,
    inFlight: () => inFlight,
    alert: () => {},
    log,
  })
  const gates = createGates({
    machine: () => machine,
    use: { passes: () => {} },
    steady: clock.steady,
    now: clock.now,
    after: clock.after,
    log,
  })
  const gate = gates.gateFor(flex, 8080, 'http')
  /** @returns what it heard, with the time since it came. */
  function arrive(arrival = changeOf()): { said: Reception; heard: readonly string[] } {
    const waiter = waiterFor(arrival)
    return { said: gate.arrive(waiter), heard: waiter.heard }
  }
  return {
    clock,
    cloud,
    app,
    machine,
    gates,
    gate,
    arrive,
    busy(count: number) {
      inFlight = count
    },
  }
}

const session = (n: number) => ({ session: `session-${n}` as SessionRef })

t.test('many come while it sleeps: one start, all through when it answers', async (t) => {
  const { clock, cloud, machine, gate, gates, arrive } = build()
  await machine.start()
  const first = arrive(arrivalOf())
  t.match(first.said, { kind: 'page', waking: true })
  const waiting = Array.from({ length: 50 }, (_, i) => arrive(changeOf(session(i))))
  t.ok(waiting.every(({ said }) => said.kind === 'held'))
  t.match(arrive(changeOf()).said, { kind: 'refuse', code: 'hold-full' })
  await clock.until(() => machine.isReady(8080))
  t.equal(cloud.count('start'), 1)
  await clock.advance(3_000)
  t.ok(waiting.every(({ heard }) => heard[0] === 'released'))
  t.equal(gate.open, true)
  t.equal(gates.stats().held, 0)
  gates.stop()
  await machine.stop()
  t.equal(clock.pending, 0)
})

t.test('who comes before the cloud was heard is held, and starts it', async (t) => {
  const { clock, cloud, machine, arrive } = build()
  const early = arrive()
  t.equal(early.said.kind, 'held')
  const poll = arrive(arrivalOf({ kind: 'script', page: false }))
  t.equal(poll.said.kind, 'held')
  await machine.start()
  await clock.until(() => early.heard.length > 0)
  t.strictSame([early.heard, poll.heard], [['released'], ['released']])
  t.equal(cloud.count('start'), 1)
})

t.test('a poll before the cloud was heard starts nothing, and hears that it sleeps', async (t) => {
  const { clock, cloud, machine, arrive } = build()
  const poll = arrive(arrivalOf({ kind: 'script', page: false }))
  await machine.start()
  await clock.advance(1_000)
  t.strictSame(poll.heard, ['asleep'])
  t.equal(cloud.count('start'), 0)
})

t.test('while it drains the door is shut, and opens for the first who wants it', async (t) => {
  const { clock, cloud, machine, gate, arrive, busy } = build()
  await machine.start()
  arrive()
  await clock.until(() => gate.open)
  busy(1)
  machine.letSleep('idle')
  t.equal(machine.state.kind, 'draining')
  t.equal(gate.open, false)
  t.match(arrive(arrivalOf({ kind: 'script', page: false })).said, { code: 'asleep' })
  const { said, heard } = arrive(arrivalOf())
  t.equal(said.kind, 'held', 'no waiting page for a machine that runs')
  await clock.advance(0)
  t.strictSame(heard, ['released'])
  t.equal(gate.open, true)
  t.equal(cloud.count('soft-stop'), 0)
})

t.test('who comes while it stops waits until it has stopped and started', async (t) => {
  const { clock, cloud, machine, gate, arrive } = build()
  await machine.start()
  arrive()
  await clock.until(() => gate.open)
  machine.letSleep('idle')
  await clock.until(() => cloud.state === 'stopping')
  t.match(arrive(strangerOf({ page: false })).said, {
    code: 'asleep',
    retryAfterSeconds: null,
  })
  const page = arrive(arrivalOf())
  t.match(page.said, { kind: 'page', waking: true })
  t.equal(machine.eta(8080).step, 'stopping-first')
  const { heard } = arrive()
  await clock.until(() => heard.length > 0)
  t.strictSame(heard, ['released'])
  t.equal(cloud.count('start'), 2)
})

t.test('no room at the cloud: who cannot be served in time hears so', async (t) => {
  const { clock, cloud, machine, arrive } = build()
  await machine.start()
  cloud.fail('start', 'capacity', 3)
  const { heard } = arrive()
  await clock.advance(10_000)
  t.equal(machine.state.kind, 'resting')
  t.strictSame(heard, [], 'the next try is within his time')
  await clock.advance(120_000)
  t.match(heard, [/^(?:wake-refused|waking) \d+$/])
  t.match(arrive(arrivalOf()).said, { kind: 'page', waking: true })
})

t.test('a key that is refused: nobody waits for that', async (t) => {
  const { clock, cloud, machine, arrive } = build()
  await machine.start()
  cloud.fail('start', 'denied', 99)
  const { heard } = arrive()
  await clock.advance(2_000)
  t.match(heard, [/^wake-refused \d+$/])
  t.match(arrive().said, { kind: 'refuse', code: 'wake-refused' })
})

t.test('the machine is deleted while people wait', async (t) => {
  const { clock, cloud, machine, arrive } = build()
  await machine.start()
  const { heard } = arrive()
  await clock.advance(2_000)
  cloud.console('terminate')
  await clock.until(() => heard.length > 0)
  t.strictSame(heard, ['machine-gone'])
  t.strictSame(arrive(arrivalOf()).said, {
    kind: 'refuse',
    code: 'machine-gone',
    retryAfterSeconds: null,
  })
})

t.test('an app that dies: back to waiting, and through again when it is back', async (t) => {
  const { clock, machine, gate, app, arrive } = build()
  await machine.start()
  arrive()
  await clock.until(() => gate.open)
  app.says = 'refused'
  gate.refused()
  t.equal(gate.open, false)
  const { said, heard } = arrive(arrivalOf({ kind: 'script', page: false }))
  t.equal(said.kind, 'held', 'the machine runs anyway')
  await clock.advance(5_000)
  t.strictSame(heard, [])
  app.says = null
  await clock.until(() => heard.length > 0)
  t.strictSame(heard, ['released'])
})

t.test('too many starts in an hour', async (t) => {
  const { clock, machine, cloud, arrive, gates } = build({ startsPerHour: 1 })
  await machine.start()
  arrive()
  await clock.until(() => machine.isReady(8080))
  machine.letSleep('idle')
  await clock.until(() => machine.state.kind === 'asleep')
  t.match(arrive().said, { kind: 'refuse', code: 'wake-refused' })
  t.match(arrive(arrivalOf()).said, { kind: 'page', waking: false })
  t.equal(gates.refusal(flex), 'too-many-starts')
  t.equal(cloud.count('start'), 1)
})

t.test(
  'a start of 150 s: each held request hears at 85 s, and the next one comes through',
  async (t) => {
    const { clock, machine, cloud, arrive } = build()
    cloud.startMs = 140_000
    await machine.start()
    const { heard } = arrive()
    await clock.advance(84_999)
    t.strictSame(heard, [])
    await clock.advance(1)
    t.match(heard, [/^waking \d+$/])
    const again = arrive()
    await clock.until(() => again.heard.length > 0)
    t.strictSame(again.heard, ['released'])
    t.equal(cloud.count('start'), 1)
  },
)
