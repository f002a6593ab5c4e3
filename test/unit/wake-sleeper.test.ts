// Machines are put to sleep when nobody needs them, kept awake when somebody does, and watched over in between.

import t from 'tap'
import type { Alert } from '../../src/alerts.ts'
import type { RequestId, SessionRef, UserId, VmId } from '../../src/model.ts'
import type { VmPower } from '../../src/model-machines.ts'
import { createBusy } from '../../src/wake/busy.ts'
import { createCost } from '../../src/wake/cost.ts'
import { createUse, type FlightUse } from '../../src/wake/idle.ts'
import { createLeases } from '../../src/wake/lease.ts'
import { createSchedule } from '../../src/wake/schedule.ts'
import { createSleeper } from '../../src/wake/sleeper.ts'
import type { SmallFile } from '../../src/wake/small-file.ts'
import type { VmState, WakeReason } from '../../src/wake/vm-state.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'
import { type FakeMachine, fakeMachine, flex, stopping } from '../fixtures/wake-machine.ts'
import { createKeptLog } from '../fixtures/wake-provider.ts'

const minute = 60_000
const hour = 60 * minute
const diego: WakeReason = {
  kind: 'request',
  request: 'r1' as RequestId,
  user: 'diego' as UserId,
  route: 'photos',
}

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

type Files = Record<'leases' | 'cost' | 'use', ReturnType<typeof memoryFile>>

function house(
  power: Partial<VmPower> = {},
  files: Files = { leases: memoryFile(), cost: memoryFile(), use: memoryFile() },
  clock = createFakeClock(),
) {
  const machine = fakeMachine(clock, { power: { busySecret: 'BUSY', ...power } })
  const machines: FakeMachine[] = [machine]
  const slept: string[] = []
  machine.letSleep = (reason) => {
    slept.push(reason)
    if (machine.state.kind === 'awake' || machine.state.kind === 'booting')
      machine.become(stopping(clock))
  }
  const { now, after } = clock
  // While we stand still, time passes and timers do not run.
  let stoodStillMs = 0
  const steady = () => clock.steady() + stoodStillMs
  const standStill = (ms: number): void => {
    stoodStillMs += ms
  }
  const flights: FlightUse[] = []
  const alerts: Alert[] = []
  const log = createKeptLog()
  const use = createUse({ steady, rules: () => machine.definition.power })
  const leases = createLeases({ file: files.leases, now })
  const busy = createBusy({
    vms: () => [{ id: flex, busySecret: 'BUSY' }],
    secret: () => 'secret',
    steady,
  })
  const alert = (each: Alert) => void alerts.push(each)
  const cost = createCost({
    machines: () => machines,
    sentBytes: () => 0,
    file: files.cost,
    now,
    alert,
  })
  const sleeper = createSleeper({
    machines: () => machines,
    flights: () => flights,
    use,
    leases,
    schedule: createSchedule({ now }),
    busy,
    cost,
    file: files.use,
    now,
    steady,
    after,
    alert,
    log,
  })
  const passes = () =>
    use.passes(flex, { kind: 'navigation', session: 's' as SessionRef, counts: 'auto' })
  const awake = (startedBy: WakeReason | null = diego): void =>
    machine.become({ kind: 'awake', since: steady(), startedBy })
  const become = (state: VmState): void => machine.become(state)
  const signal = (seconds: number) => busy.signal('Bearer secret', JSON.stringify({ for: seconds }))
  const parts = {
    clock,
    standStill,
    machine,
    machines,
    slept,
    flights,
    alerts,
    log,
    use,
    leases,
    sleeper,
  }
  return { ...parts, files, passes, awake, become, signal }
}

t.test('it sleeps half an hour after it was last used', async (t) => {
  const { clock, slept, sleeper, passes, awake } = house()
  await sleeper.start()
  awake()
  await clock.advance(20 * minute)
  passes()
  await clock.advance(29 * minute)
  t.strictSame(slept, [])
  await clock.advance(minute + 5_000)
  t.strictSame(slept, ['not used for 30 min'])
})

t.test('a download under way keeps it awake', async (t) => {
  const { clock, slept, sleeper, awake, flights } = house()
  await sleeper.start()
  awake()
  const begun = clock.steady()
  const download: FlightUse = {
    id: 'd' as RequestId,
    vm: flex,
    kind: 'navigation',
    session: 's' as SessionRef,
    counts: 'auto',
    webSocket: false,
    stream: false,
    bytesFromClient: 0,
    get bytesToClient() {
      return clock.steady() - begun
    },
    get lastByteAt() {
      return clock.steady()
    },
  }
  flights.push(download)
  await clock.advance(5 * hour)
  t.strictSame(slept, [])
  flights.length = 0
  await clock.advance(30 * minute + 5_000)
  t.strictSame(slept.length, 1)
})

t.test('a lease, and its end', async (t) => {
  const { clock, slept, sleeper, awake, leases } = house()
  await sleeper.start()
  awake()
  leases.keep(flex, clock.now() + 3 * hour)
  await clock.advance(3 * hour - 5_000)
  t.strictSame(slept, [])
  await clock.advance(10_000)
  t.strictSame(slept.length, 1)
})

t.test('the busy signal, and its end', async (t) => {
  const { clock, slept, sleeper, awake, signal } = house()
  await sleeper.start()
  awake()
  for (let i = 0; i < 12; i++) {
    signal(600)
    await clock.advance(10 * minute - 1_000)
  }
  t.strictSame(slept, [])
  await clock.advance(minute)
  t.strictSame(slept.length, 1)
})

t.test('what it said of itself ends with it', async (t) => {
  const { clock, slept, sleeper, awake, become, signal } = house()
  await sleeper.start()
  awake()
  signal(3_600)
  become({ kind: 'asleep' })
  await clock.advance(minute)
  awake()
  await clock.advance(30 * minute + 5_000)
  t.strictSame(slept.length, 1)
})

t.test('a schedule starts it, keeps it, and lets it go', async (t) => {
  // It is Saturday, 11:00 in Berlin.
  const awakeTimes = { awake: [{ days: [6], from: 12 * 60, to: 14 * 60 }] }
  const { clock, slept, sleeper, awake, machine } = house(awakeTimes)
  await sleeper.start()
  await clock.advance(59 * minute)
  t.strictSame(machine.wishes, [])
  await clock.advance(minute + 5_000)
  t.strictSame(machine.wishes, [{ kind: 'schedule' }])
  awake({ kind: 'schedule' })
  await clock.advance(hour + 59 * minute)
  t.strictSame(slept, [])
  await clock.advance(minute)
  t.strictSame(slept.length, 1)
})

t.test('a start that the machine refuses is not asked for all the time', async (t) => {
  const { clock, sleeper, machine } = house({ awake: [{ days: [6], from: 0, to: 1440 }] })
  machine.answer = 'too-many-starts'
  await sleeper.start()
  await clock.advance(hour)
  t.ok(machine.wishes.length <= 13, `${machine.wishes.length} in an hour`)
})

t.test(
  'put to sleep by hand, its schedule does not start it again before its next time',
  async (t) => {
    const { clock, slept, sleeper, awake, machine, leases, signal, become } = house({
      awake: [{ days: [6, 0], from: 11 * 60, to: 14 * 60 }],
    })
    awake()
    await sleeper.start()
    leases.keep(flex, clock.now() + hour)
    signal(3_600)
    sleeper.sleepNow(machine)
    t.strictSame(slept, ['put to sleep by hand'])
    t.equal(leases.keptUntil(flex), null)
    become({ kind: 'asleep' })
    await clock.advance(20 * hour)
    t.strictSame(machine.wishes, [])
    await clock.advance(4 * hour + 5_000)
    t.strictSame(machine.wishes, [{ kind: 'schedule' }], 'on Sunday it does')
  },
)

t.test('used up, the budget lets it sleep whatever its schedule and it itself say', async (t) => {
  const cost = { perHour: 1, currency: 'USD', budget: 1, atBudget: 'manual' } as const
  const awakeTimes = [{ days: [6], from: 0, to: 1440 }]
  const { clock, slept, sleeper, awake, machine, signal, passes, become } = house({
    cost,
    awake: awakeTimes,
  })
  Object.assign(machine, { awakeMinutes: () => ({ '2026-11': 61 }) })
  await sleeper.start()
  awake()
  signal(3_600)
  passes()
  await clock.advance(29 * minute)
  t.strictSame(slept, [], 'people finish what they do')
  await clock.advance(minute + 5_000)
  t.strictSame(slept.length, 1)
  become({ kind: 'asleep' })
  await clock.advance(hour)
  t.strictSame(machine.wishes, [])
})

t.test(
  'after a restart nobody is idle for two minutes, and then it counts from before',
  async (t) => {
    const first = house()
    await first.sleeper.start()
    first.awake()
    first.passes()
    await first.clock.advance(20 * minute)
    await first.sleeper.stop()
    await first.clock.advance(20 * minute)
    const second = house({}, first.files, first.clock)
    second.become({ kind: 'awake', since: first.clock.steady() - hour, startedBy: diego })
    await second.sleeper.start()
    await second.clock.advance(2 * minute - 1_000)
    t.strictSame(second.slept, [])
    await second.clock.advance(6_000)
    t.strictSame(second.slept, ['not used for 42 min'])
  },
)

t.test('a gateway that falls every ten minutes does not keep it awake for ever', async (t) => {
  let { files, clock } = house()
  const since = clock.steady()
  let slept = 0
  for (let i = 0; i < 12; i++) {
    const next = house({}, files, clock)
    next.become({ kind: 'awake', since, startedBy: diego })
    await next.sleeper.start()
    if (i === 0) next.passes()
    await clock.advance(10 * minute)
    slept += next.slept.length
    // It falls: nothing is written at the end.
    files = next.files
    clock = next.clock
    next.machines.length = 0
  }
  t.ok(slept > 0)
})

t.test('when we stood still, clients get time to come back', async (t) => {
  const { clock, standStill, slept, sleeper, awake, passes } = house()
  await sleeper.start()
  awake()
  passes()
  await clock.advance(10 * minute)
  standStill(hour)
  await clock.advance(2 * minute)
  t.strictSame(slept, [])
  await clock.advance(10_000)
  t.strictSame(slept, ['not used for 72 min'], 'nobody came')
})

t.test('a bug with one machine does not keep another awake', async (t) => {
  const { clock, machines, slept, sleeper, awake, log } = house()
  const broken = fakeMachine(clock, { id: 'broken' as VmId })
  Object.defineProperty(broken, 'state', {
    get: () => {
      throw new TypeError('a bug')
    },
  })
  machines.unshift(broken)
  await sleeper.start()
  awake()
  await clock.advance(31 * minute)
  t.equal(slept.length, 1)
  t.match(log.events, [{ level: 'error', event: 'vm-sleep-failed' }])
})

t.test('stopped before it had read what it knew, it never begins', async (t) => {
  const { clock, sleeper } = house()
  const started = sleeper.start()
  await sleeper.stop()
  await started
  t.equal(clock.pending, 0)
})

t.test('stopped, it does nothing more', async (t) => {
  const { clock, slept, sleeper, awake } = house()
  await sleeper.start()
  awake()
  await sleeper.stop()
  t.equal(clock.pending, 0)
  await clock.advance(hour)
  t.strictSame(slept, [])
})

t.test('a list is told how long it has been idle and when it sleeps', async (t) => {
  const { clock, sleeper, machine, awake, passes, leases } = house()
  await sleeper.start()
  t.strictSame(sleeper.outlook(machine), { idleMs: null, sleepsAt: null, keptUntil: null })
  awake()
  passes()
  await clock.advance(12 * minute)
  const now = clock.now()
  t.strictSame(sleeper.outlook(machine), {
    idleMs: 12 * minute,
    sleepsAt: now + 18 * minute,
    keptUntil: null,
  })
  leases.keep(flex, now + hour)
  t.match(sleeper.outlook(machine), { sleepsAt: now + hour, keptUntil: now + hour })
})

t.test('a list is told that what was found and is ignored sleeps never', async (t) => {
  const { clock, sleeper, machine, awake } = house({ foundRunning: 'ignore' })
  await sleeper.start()
  awake(null)
  await clock.advance(hour)
  t.match(sleeper.outlook(machine), { idleMs: hour, sleepsAt: null })
})

t.test('a stop waits for what people want, and not for crawlers and tunnels', async (t) => {
  const { sleeper, flights } = house()
  const flight: FlightUse = {
    id: 'd' as RequestId,
    vm: flex,
    kind: 'program',
    session: 's' as SessionRef,
    counts: 'auto',
    webSocket: false,
    stream: false,
    bytesFromClient: 0,
    bytesToClient: 0,
    lastByteAt: 0,
  }
  const cases: readonly [Partial<FlightUse>, number][] = [
    [{}, 1],
    [{ session: null }, 0],
    [{ session: null, counts: 'always' }, 1],
    [{ webSocket: true }, 0],
    [{ stream: true }, 0],
    [{ vm: 'other' as VmId }, 0],
  ]
  for (const [changes, expected] of cases) {
    flights.splice(0, 1, { ...flight, ...changes })
    t.equal(sleeper.inFlight(flex), expected, JSON.stringify(changes))
  }
})

// The watchdog

t.test('told to sleep and still awake, it is told again', async (t) => {
  const { clock, sleeper, machine, awake, slept, log } = house()
  machine.letSleep = (reason) => void slept.push(reason)
  await sleeper.start()
  awake()
  await clock.advance(40 * minute)
  t.ok(slept.length > 1)
  t.match(log.events.filter(({ event }) => event === 'vm-runs-unwanted').length > 0, true)
})

t.test('found running is said once, in words that fit the policy', async (t) => {
  for (const [policy, text, reason] of [
    ['adopt', /sleeps when nobody/, ['not used for 30 min']],
    ['ignore', /left alone/, []],
    ['stop', /stopped unless/, ['found running, and nobody here uses it']],
  ] as const) {
    const { clock, sleeper, awake, slept, alerts } = house({ foundRunning: policy })
    await sleeper.start()
    awake(null)
    await clock.advance(hour)
    const found = alerts.filter(({ id }) => id === 'found-running:flex')
    t.equal(found.length, 1, policy)
    t.match(found, [{ text, vm: 'flex' }])
    t.strictSame(slept, reason, policy)
  }
})

t.test('a cloud that says nothing for three quarters of an hour is spoken of', async (t) => {
  const { clock, sleeper, machine, awake, alerts, passes } = house()
  await sleeper.start()
  awake()
  Object.assign(machine, { blind: 'unavailable' })
  for (let i = 0; i < 4; i++) {
    passes()
    await clock.advance(11 * minute)
  }
  t.strictSame(alerts, [])
  await clock.advance(4 * minute)
  t.match(alerts[0], { id: 'blind:flex', level: 'critical', text: /unavailable/ })
})

t.test('a machine that sleeps may be unseen', async (t) => {
  const { clock, sleeper, machine, alerts } = house()
  await sleeper.start()
  Object.assign(machine, { blind: 'unavailable' })
  await clock.advance(hour)
  t.strictSame(alerts, [])
})

t.test('a machine that does not stop is spoken of', async (t) => {
  const { clock, sleeper, become, alerts } = house()
  await sleeper.start()
  become(stopping(clock))
  await clock.advance(16 * minute)
  t.strictSame(alerts, [])
  await clock.advance(3 * minute)
  t.match(alerts[0], { id: 'not-stopping:flex', level: 'critical' })
})

t.test('only its own word has kept it awake for six hours: somebody is told', async (t) => {
  const { clock, sleeper, awake, signal, alerts, slept } = house()
  await sleeper.start()
  awake()
  for (let i = 0; i < 7 * 6; i++) {
    signal(1_200)
    await clock.advance(10 * minute)
  }
  t.strictSame(slept, [])
  t.strictSame(
    alerts.map(({ id }) => id),
    ['busy-alone:flex'],
  )
})

t.test('awake for a day is said once a day', async (t) => {
  const { clock, sleeper, awake, leases, alerts } = house()
  await sleeper.start()
  awake()
  leases.keep(flex, clock.now() + 50 * hour)
  await clock.advance(49 * hour)
  t.strictSame(
    alerts.map(({ title }) => title),
    ['flex: awake for a day', 'flex: awake for 2 days'],
  )
})
