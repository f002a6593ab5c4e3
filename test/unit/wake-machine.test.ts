// One machine's life against a cloud that does as it is told, in simulated time.

import t from 'tap'
import type { RequestId, UserId } from '../../src/model.ts'
import type { VmPower } from '../../src/model-machines.ts'
import {
  createMachine,
  type Machine,
  type MachineAlert,
  type MachineDeps,
} from '../../src/wake/machine.ts'
import type { CloudState } from '../../src/wake/provider.ts'
import type { WakeReason } from '../../src/wake/vm-state.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'
import {
  createFakeApp,
  createFakeCloud,
  createKeptLog,
  createMemoryJournal,
  poweredVm,
} from '../fixtures/wake-provider.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const diego: WakeReason = {
  kind: 'request',
  request: 'r1' as RequestId,
  user: 'diego' as UserId,
  route: 'photos',
}
const operator: WakeReason = { kind: 'person', user: null }

/** A machine with one port, and everything around it. */
function house(power: Partial<VmPower> = {}, initial: CloudState = 'stopped') {
  const clock = createFakeClock()
  const cloud = createFakeCloud(clock, initial)
  const app = createFakeApp(clock, cloud)
  const journal = createMemoryJournal()
  const log = createKeptLog()
  const alerts: MachineAlert[] = []
  const world = { inFlight: 0, mayStart: true }
  /** One process's view of the world; `kill` ends it as kill -9 does: nothing it has begun goes on. */
  const build = () => {
    let alive = true
    const never = new Promise<never>(() => {})
    const mortal = <T>(run: () => Promise<T>): Promise<T> => {
      if (!alive) return never
      return run().then(
        (value) => (alive ? value : never),
        (error) => (alive ? Promise.reject(error) : never),
      )
    }
    const { provider } = cloud
    const deps: MachineDeps = {
      definition: poweredVm('flex', power),
      provider: {
        state: () => mortal(() => provider.state()),
        start: (token) => mortal(() => provider.start(token)),
        softStop: () => mortal(() => provider.softStop()),
        stop: () => mortal(() => provider.stop()),
      },
      journal: {
        load: () => mortal(journal.load),
        write: (data) => mortal(() => journal.write(data)),
      },
      probe: app.probe,
      now: clock.now,
      steady: clock.steady,
      after: (ms, run) => clock.after(ms, () => alive && run()),
      random: () => 0.5,
      mayStart: () => world.mayStart,
      inFlight: () => world.inFlight,
      alert: (alert) => void alerts.push(alert),
      log,
    }
    return {
      machine: createMachine(deps),
      kill: () => {
        alive = false
      },
    }
  }
  const first = build()
  const { machine } = first
  machine.watchPort(2283, 'http')
  return {
    clock,
    cloud,
    app,
    journal,
    log,
    alerts,
    world,
    machine,
    /** The same without a port. */
    bare: () => build().machine,
    troubles: () => alerts.map(({ id }) => id),
    ready: (of: Machine = machine) => clock.until(() => of.isReady(2283)),
    is: (kind: Machine['state']['kind'], of: Machine = machine) =>
      clock.until(() => of.state.kind === kind),
    /** The process is killed, and another one begins after a while. */
    async reborn(downMs = 1_000): Promise<Machine> {
      first.kill()
      await clock.advance(downMs)
      const { machine: again } = build()
      again.watchPort(2283, 'http')
      await again.start()
      return again
    },
  }
}

t.test('a wish starts it, its port makes it awake, letting it sleep stops it', async (t) => {
  const { machine, cloud, clock, is, ready } = house()
  await machine.start()
  t.equal(machine.state.kind, 'asleep')
  t.equal(machine.want(diego), 'ok')
  t.equal(machine.state.kind, 'starting')
  t.notOk(machine.isReady(2283))
  await ready()
  t.match(machine.state, { kind: 'awake', startedBy: diego })
  t.equal(cloud.count('start'), 1)
  machine.letSleep('idle')
  t.notOk(machine.isReady(2283))
  await is('asleep')
  t.equal(cloud.state, 'stopped')
  t.equal(cloud.count('soft-stop'), 1)
  t.equal(cloud.count('stop'), 0)
  await clock.advance(24 * hourMs)
  t.equal(cloud.count('start'), 1)
})

t.test('five hundred wishes are one start', async (t) => {
  const { machine, cloud, ready } = house()
  await machine.start()
  for (let client = 0; client < 500; client += 1) t.equal(machine.want(diego), 'ok')
  await ready()
  for (let client = 0; client < 500; client += 1) machine.want(diego)
  t.equal(cloud.count('start'), 1)
})

t.test('a wish from before the cloud was heard is granted', async (t) => {
  const { machine, cloud, ready } = house()
  t.equal(machine.want(diego), 'ok')
  await machine.start()
  await ready()
  t.equal(cloud.count('start'), 1)
  t.match(machine.history(), [{ by: diego }])
})

t.test(
  '429 for ever: pauses grow to a minute, one call at a time, and it ends when nobody waits',
  async (t) => {
    const { machine, cloud, clock, is, troubles } = house()
    await machine.start()
    cloud.fail('start', 'throttled', Number.POSITIVE_INFINITY)
    machine.want(diego)
    await is('resting')
    t.match(machine.eta(), { step: 'resting', fault: 'throttled', retryAt: clock.now() + 2_000 })
    const asking = setIntervalOf(clock, 200, () => machine.want(diego))
    await clock.advance(10 * minuteMs)
    asking()
    t.ok(cloud.count('start') <= 16, `${cloud.count('start')} calls in ten minutes`)
    t.ok(cloud.count('state') <= 20, `${cloud.count('state')} readings in ten minutes`)
    t.strictSame(troubles(), ['flex-unavailable'])
    await clock.advance(2 * hourMs)
    t.equal(machine.state.kind, 'asleep')
    const calls = cloud.count('start')
    await clock.advance(10 * hourMs)
    t.equal(cloud.count('start'), calls)
    t.match(machine.history(), [{ fault: 'throttled', readyMs: null, awakeMs: 0 }])
    t.not(machine.history()[0]?.endedAt, null)
  },
)

t.test('429 that passes: the start goes on by itself', async (t) => {
  const { machine, cloud, ready } = house()
  await machine.start()
  cloud.fail('start', 'throttled', 4)
  machine.want(diego)
  await ready()
  t.equal(cloud.count('start'), 5)
  t.equal(new Set(cloud.calls.map(({ token }) => token)).size, 6, 'five tokens, and none')
  t.match(machine.history(), [{ attempts: 5, fault: 'throttled' }])
})

t.test(
  'no capacity: an alert, one try every half minute to ten minutes, then it comes',
  async (t) => {
    const { machine, cloud, clock, is, ready, alerts } = house()
    await machine.start()
    cloud.fail('start', 'capacity', 6)
    machine.want(diego)
    await is('resting')
    t.match(machine.eta(), { step: 'resting', fault: 'capacity', retryAt: clock.now() + 30_000 })
    t.equal(machine.want(diego), 'ok')
    await ready()
    t.equal(cloud.count('start'), 7)
    const at = cloud.calls.filter(({ call }) => call === 'start').map((call) => call.at)
    const pauses = at.slice(1).map((each, index) => Math.round((each - (at[index] ?? 0)) / 1000))
    t.strictSame(pauses, [30, 60, 120, 240, 480, 600])
    t.equal(alerts.length, 1)
    t.match(alerts, [{ id: 'flex-capacity', level: 'warn', vm: 'flex', text: /told to fail/ }])
    t.equal(machine.eta().fault, null)
  },
)

t.test('a refused key: told once, tried rarely, and at once when the operator asks', async (t) => {
  const { machine, cloud, clock, is, ready, troubles } = house()
  await machine.start()
  cloud.fail('start', 'denied', Number.POSITIVE_INFINITY)
  machine.want(diego)
  await is('resting')
  await clock.advance(40 * minuteMs)
  t.ok(cloud.count('start') <= 7)
  t.strictSame(troubles(), ['flex-denied'])
  cloud.fail('start', 'denied', 0)
  machine.want(operator)
  await clock.settle()
  t.equal(machine.state.kind, 'starting')
  await ready()
})

t.test('the answer to a start is lost: the same call again, and one machine', async (t) => {
  const { machine, cloud, ready } = house()
  await machine.start()
  cloud.loseAnswer('start')
  machine.want(diego)
  await ready()
  const tokens = cloud.calls.filter(({ call }) => call === 'start').map(({ token }) => token)
  t.ok(new Set(tokens).size === 1, tokens.join(' '))
})

t.test('a call that never ends is given up, and the start goes on', async (t) => {
  const { machine, cloud, clock, ready } = house()
  await machine.start()
  cloud.hang('start')
  machine.want(diego)
  await clock.advance(minuteMs)
  t.equal(machine.eta().step, 'asking')
  clock.after(90_000, () => cloud.release('start'))
  await ready()
  t.equal(cloud.state, 'running')
})

t.test('accepted, and off again: tried again with a new token', async (t) => {
  const { machine, cloud, clock, is, ready, troubles } = house()
  await machine.start()
  cloud.stillborn = true
  machine.want(diego)
  await is('resting')
  t.strictSame(troubles(), ['flex-start-undone'])
  cloud.stillborn = false
  await ready()
  t.equal(cloud.count('start'), 2)
  t.equal(new Set(cloud.calls.map(({ token }) => token)).size, 3)
  await clock.advance(minuteMs)
  t.match(machine.history(), [{ attempts: 2, acceptedMs: Number, readyMs: Number }])
})

t.test('running, but the app never listens: told, not restarted, stopped when asked', async (t) => {
  const { machine, app, cloud, clock, is, troubles } = house()
  await machine.start()
  app.says = 'refused'
  machine.want(diego)
  await is('booting')
  await clock.advance(minuteMs)
  t.equal(machine.eta(2283).step, 'waiting-for-service')
  t.strictSame(troubles(), [])
  await clock.advance(hourMs)
  t.equal(machine.state.kind, 'booting')
  t.notOk(machine.isReady(2283))
  t.strictSame(troubles(), ['flex-app-silent'])
  t.equal(cloud.count('start'), 1)
  const { probes } = app
  await clock.advance(minuteMs)
  t.ok(app.probes - probes <= 13, 'a dead service is asked every five seconds')
  machine.letSleep('idle')
  await is('asleep')
  t.equal(cloud.state, 'stopped')
  t.match(machine.history(), [{ readyMs: null, stopReason: 'idle' }])
})

t.test('a service that takes connections and cannot serve is not ready', async (t) => {
  const { machine, app, clock, is, ready } = house()
  await machine.start()
  app.says = 'failing'
  machine.want(diego)
  await is('booting')
  await clock.advance(20_000)
  t.notOk(machine.isReady(2283))
  app.says = null
  await ready()
})

t.test('one success is not enough', async (t) => {
  const { machine, app, cloud, clock } = house()
  await machine.start()
  app.says = 'ready'
  machine.want(diego)
  await clock.until(() => app.probes === 1)
  t.notOk(machine.isReady(2283))
  app.says = 'failing'
  await clock.advance(5_000)
  t.notOk(machine.isReady(2283))
  t.equal(cloud.count('start'), 1)
})

t.test('each port has its own time', async (t) => {
  const { machine, app, clock, ready } = house()
  machine.watchPort(8080, 'http')
  app.ports.set(8080, 'refused')
  await machine.start()
  machine.want(diego)
  await ready()
  t.notOk(machine.isReady(8080))
  t.strictSame(machine.readyPorts, [2283])
  t.equal(machine.eta(8080).step, 'waiting-for-service')
  let heard = 0
  machine.subscribe(() => {
    heard += 1
  })
  app.ports.delete(8080)
  await clock.until(() => machine.isReady(8080))
  t.equal(heard, 1)
  t.strictSame(machine.readyPorts, [2283, 8080])
})

t.test('a machine without ports is awake when it runs', async (t) => {
  const { clock, cloud, is, bare } = house()
  const machine = bare()
  await machine.start()
  machine.want(diego)
  await is('awake', machine)
  t.equal(cloud.state, 'running')
  await clock.advance(minuteMs)
  t.equal(machine.state.kind, 'awake')
})

t.test('a flapping app is shown less and less often', async (t) => {
  const { machine, app, clock, ready } = house()
  await machine.start()
  machine.want(diego)
  await ready()
  const pauses: number[] = []
  for (let crash = 0; crash < 6; crash += 1) {
    const at = clock.steady()
    machine.portRefused(2283)
    t.notOk(machine.isReady(2283))
    t.equal(machine.state.kind, 'awake', 'the machine itself is not in question')
    await ready()
    pauses.push(Math.round((clock.steady() - at) / 1000))
  }
  t.strictSame(pauses, [0, 5, 10, 20, 40, 60])
  t.ok(app.probes < 500)
  // Ten good minutes, and all is forgotten.
  await clock.advance(11 * minuteMs)
  const at = clock.steady()
  machine.portRefused(2283)
  await ready()
  t.ok(clock.steady() - at < 1_000)
})

t.test(
  'stopped from the console in the middle of a request: noticed at the refusal, left alone, started by the next wish',
  async (t) => {
    const { machine, cloud, clock, is, ready, world } = house()
    await machine.start()
    machine.want(diego)
    await ready()
    world.inFlight = 1
    await clock.advance(10_000)
    cloud.console('stop')
    machine.portRefused(2283)
    await clock.advance(1_500)
    t.match(machine.state, { kind: 'stopping', by: 'outside', thenStart: false })
    await is('asleep')
    t.equal(cloud.count('stop') + cloud.count('soft-stop'), 0)
    t.match(machine.history(), [{ stopReason: 'stopped from outside' }])
    await clock.advance(hourMs)
    t.equal(cloud.count('start'), 1)
    machine.want(diego)
    await ready()
    t.equal(cloud.count('start'), 2)
  },
)

t.test('stopped from the console while nobody looks: noticed within minutes', async (t) => {
  const { machine, cloud, clock, ready } = house()
  await machine.start()
  machine.want(diego)
  await ready()
  cloud.console('stop')
  await clock.advance(5 * minuteMs)
  t.equal(machine.state.kind, 'asleep')
})

t.test('started in the console: noticed, nobody has wanted it, a wish makes it ours', async (t) => {
  const { machine, cloud, clock, is } = house()
  await machine.start()
  cloud.console('start')
  await clock.advance(6 * minuteMs)
  t.match(machine.state, { kind: 'awake', startedBy: null })
  t.match(machine.history(), [{ by: null, attempts: 0 }])
  machine.want(diego)
  t.match(machine.state, { startedBy: diego })
  t.equal(cloud.count('start'), 0)
  machine.letSleep('idle')
  await is('asleep')
})

t.test('a wish while draining costs nothing', async (t) => {
  const { machine, cloud, clock, ready, world } = house()
  await machine.start()
  machine.want(diego)
  await ready()
  const probed = machine.isReady(2283)
  world.inFlight = 2
  machine.letSleep('idle')
  t.equal(machine.state.kind, 'draining')
  t.notOk(machine.isReady(2283))
  await clock.advance(3_000)
  machine.want(diego)
  t.equal(machine.isReady(2283), probed, 'ready again at once')
  await clock.advance(hourMs)
  t.equal(machine.state.kind, 'awake')
  t.equal(cloud.count('soft-stop'), 0)
})

t.test('draining ends with the last request, or with its time', async (t) => {
  for (const [inFlight, took] of [
    [0, 4_500],
    [1, 30_000],
  ] as const) {
    const { machine, clock, ready, is, world } = house()
    await machine.start()
    machine.want(diego)
    await ready()
    world.inFlight = 1
    machine.letSleep('idle')
    const at = clock.steady()
    await clock.advance(4_200)
    world.inFlight = inFlight
    await is('stopping')
    t.equal(clock.steady() - at, took)
  }
})

t.test(
  'wanted while stopping: seen stopped first, then started, and the time is told',
  async (t) => {
    const { machine, cloud, clock, is, ready } = house()
    await machine.start()
    machine.want(diego)
    await ready()
    machine.letSleep('idle')
    await is('asleep')
    machine.want(diego)
    await ready()
    machine.letSleep('idle')
    await clock.advance(1_000)
    t.equal(machine.want(diego), 'ok')
    t.equal(machine.want(diego), 'ok')
    const { step, expectedMs } = machine.eta()
    t.equal(step, 'stopping-first')
    const [first] = machine.history()
    t.ok((expectedMs ?? 0) > (first?.readyMs ?? Number.POSITIVE_INFINITY), 'the stop comes on top')
    t.equal(cloud.count('start'), 2)
    const at = clock.steady()
    await ready()
    t.equal(cloud.count('start'), 3)
    t.ok(Math.abs(clock.steady() - at - (expectedMs ?? 0)) < 5_000, 'and was told well')
    t.equal(machine.history().length, 3)
  },
)

t.test('restart of a machine that runs and is dead', async (t) => {
  const { machine, app, cloud, clock, is, ready } = house()
  await machine.start()
  machine.want(diego)
  await ready()
  app.says = 'silent'
  cloud.deaf = true
  machine.portRefused(2283)
  t.equal(machine.restart(operator), 'ok')
  await is('stopping')
  await clock.advance(2 * minuteMs)
  t.equal(cloud.count('stop'), 0)
  app.says = null
  await clock.until(() => cloud.count('stop') === 1)
  await ready()
  t.equal(cloud.count('start'), 2)
  t.match(
    machine.history().map(({ by, stopReason }) => ({ by, stopReason })),
    [
      { by: diego, stopReason: 'restart' },
      { by: operator, stopReason: null },
    ],
  )
})

t.test('restart of a machine that sleeps is a start', async (t) => {
  const { machine, cloud, ready } = house()
  await machine.start()
  t.equal(machine.restart(operator), 'ok')
  await ready()
  t.equal(cloud.count('soft-stop'), 0)
})

t.test('a deaf system loses its power after its time', async (t) => {
  const { machine, cloud, clock, is, ready } = house({ softStopMs: 2 * minuteMs })
  await machine.start()
  machine.want(diego)
  await ready()
  cloud.deaf = true
  machine.letSleep('idle')
  const at = clock.steady()
  await is('asleep')
  t.equal(cloud.count('soft-stop'), 1)
  t.equal(cloud.count('stop'), 1)
  t.ok(clock.steady() - at < 2 * minuteMs + 10_000)
})

t.test(
  'a stop that fails for ever: tried for ever, told every hour, and told when it is over',
  async (t) => {
    const { machine, cloud, clock, is, ready, alerts, troubles } = house()
    await machine.start()
    machine.want(diego)
    await ready()
    cloud.fail('soft-stop', 'unavailable', Number.POSITIVE_INFINITY)
    cloud.fail('stop', 'unavailable', Number.POSITIVE_INFINITY)
    machine.letSleep('idle')
    await clock.advance(3 * minuteMs)
    t.match(alerts, [{ id: 'flex-stop-failing', level: 'critical' }])
    await clock.advance(48 * hourMs)
    const calls = cloud.count('soft-stop') + cloud.count('stop')
    t.ok(calls > 400 && calls < 800, `${calls} calls in two days`)
    t.ok(cloud.count('state') < 48 * 125, `${cloud.count('state')} readings in two days`)
    t.ok(troubles().length > 40 && troubles().length < 50, `${troubles().length} alerts`)
    t.equal(machine.state.kind, 'stopping')
    cloud.fail('stop', 'unavailable', 0)
    await is('asleep')
    t.equal(cloud.state, 'stopped')
    t.match(alerts.at(-1), { id: 'flex-stopped', level: 'info' })
    t.ok((machine.history()[0]?.stopMs ?? 0) > 48 * hourMs)
  },
)

t.test('a stop that is accepted and changes nothing is repeated and told', async (t) => {
  const { machine, cloud, clock, is, ready, troubles } = house()
  await machine.start()
  machine.want(diego)
  await ready()
  cloud.deaf = true
  cloud.undead = true
  machine.letSleep('idle')
  await clock.advance(8 * minuteMs)
  t.ok(cloud.count('stop') >= 4)
  t.strictSame(troubles(), ['flex-stop-failing'])
  cloud.undead = false
  await is('asleep')
})

t.test('wanted while its stop fails: it runs, so it serves', async (t) => {
  const { machine, cloud, clock, ready } = house()
  await machine.start()
  machine.want(diego)
  await ready()
  cloud.fail('soft-stop', 'unavailable', Number.POSITIVE_INFINITY)
  machine.letSleep('idle')
  await clock.advance(3_000)
  t.equal(machine.state.kind, 'stopping')
  t.equal(machine.want(diego), 'ok')
  const at = clock.steady()
  await ready()
  t.ok(clock.steady() - at < 2_000)
  t.equal(cloud.count('start'), 1)
  t.equal(machine.history().length, 1)
  t.equal(machine.history()[0]?.stopReason, null)
})

t.test('to sleep while it starts: the start is not overtaken, and it ends stopped', async (t) => {
  for (const afterMs of [0, 5, 1_000, 19_000, 21_000]) {
    const { machine, cloud, clock, is, log } = house()
    await machine.start()
    machine.want(diego)
    await clock.advance(afterMs)
    machine.letSleep('never mind')
    await is('asleep')
    await clock.advance(10 * minuteMs)
    t.equal(cloud.state, 'stopped', `after ${afterMs} ms`)
    t.equal(machine.state.kind, 'asleep')
    t.notOk(log.events.some(({ level }) => level === 'error'))
  }
})

t.test('the cloud cannot be asked at first: the port tells that it runs', async (t) => {
  const { machine, cloud, clock, ready } = house({}, 'running')
  cloud.fail('state', 'unavailable', Number.POSITIVE_INFINITY)
  await machine.start()
  t.equal(machine.blind, 'unavailable')
  await clock.advance(60_000)
  t.equal(machine.state.kind, 'awake')
  await ready()
  cloud.fail('state', 'unavailable', 0)
  await clock.advance(5 * minuteMs)
  t.equal(machine.blind, null)
  t.equal(machine.state.kind, 'awake')
})

t.test('blind for half an hour: somebody has to know, and the cloud is not flooded', async (t) => {
  const { machine, cloud, clock, ready, troubles } = house()
  await machine.start()
  machine.want(diego)
  await ready()
  cloud.fail('state', 'unavailable', Number.POSITIVE_INFINITY)
  const before = cloud.count('state')
  await clock.advance(25 * minuteMs)
  t.strictSame(troubles(), [])
  await clock.advance(15 * minuteMs)
  t.strictSame(troubles(), ['flex-unavailable'])
  t.ok(cloud.count('state') - before < 15)
  t.ok(machine.isReady(2283), 'and it goes on serving')
})

t.test('the machine is gone: told, nothing is started', async (t) => {
  const { machine, cloud, clock, is, ready, alerts } = house()
  await machine.start()
  machine.want(diego)
  await ready()
  cloud.console('terminate')
  machine.portRefused(2283)
  await is('gone')
  t.match(alerts, [{ id: 'flex-gone', level: 'critical' }])
  t.equal(machine.want(diego), 'gone')
  t.equal(machine.restart(operator), 'gone')
  await clock.advance(hourMs)
  t.equal(cloud.count('start'), 1)
})

t.test('so many starts an hour and no more, across a restart of the gateway', async (t) => {
  const it = house({ startsPerHour: 2 })
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

t.test('tries that the cloud did not accept are no starts', async (t) => {
  const { machine, cloud, is, ready } = house({ startsPerHour: 1 })
  await machine.start()
  cloud.fail('start', 'throttled', 3)
  machine.want(diego)
  await ready()
  machine.letSleep('idle')
  await is('asleep')
  t.equal(machine.want(diego), 'too-many-starts')
})

t.test('the budget is asked before a start, and not while it runs', async (t) => {
  const { machine, world, cloud, ready } = house()
  await machine.start()
  world.mayStart = false
  t.equal(machine.want(diego), 'budget')
  t.equal(machine.restart(diego), 'budget')
  t.equal(machine.state.kind, 'asleep')
  world.mayStart = true
  machine.want(diego)
  await ready()
  world.mayStart = false
  t.equal(machine.want(diego), 'ok')
  machine.letSleep('idle')
  t.equal(machine.want(diego), 'budget')
  t.equal(cloud.count('start'), 1)
})

t.test('the gateway is killed in each state, and the machine ends in the wanted one', async (t) => {
  type House = ReturnType<typeof house>
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
      const it = house()
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

t.test('the disk fails: the machine works, and what it forgot is told by the cloud', async (t) => {
  const it = house()
  it.journal.broken = true
  await it.machine.start()
  it.machine.want(diego)
  await it.ready()
  const again = await it.reborn()
  await it.ready(again)
  t.match(again.state, { kind: 'awake', startedBy: null })
})

t.test('a disk that never answers holds up a start for two seconds', async (t) => {
  const it = house()
  await it.machine.start()
  it.journal.write = () => new Promise(() => {})
  it.machine.want(diego)
  await it.clock.advance(1_900)
  t.equal(it.cloud.count('start'), 0)
  await it.clock.advance(200)
  t.equal(it.cloud.count('start'), 1)
})

t.test(
  'the wall clock jumps in every state: nothing is late, early, or billed twice',
  async (t) => {
    for (const jump of [-400 * 24 * hourMs, -hourMs, hourMs, 400 * 24 * hourMs]) {
      const { machine, cloud, clock, ready, is } = house()
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
    const { machine, cloud, clock, ready, is, journal } = house({ cost })
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
  const { machine, clock, ready } = house({ timeZone: 'Europe/Berlin' })
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
  const it = house()
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
  const { machine, cloud, clock, journal, ready } = house()
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
  const { machine, journal } = house()
  await machine.stop()
  t.equal(journal.writes, 0)
  await machine.start()
  t.equal(journal.writes, 0)
})

t.test('a new address is probed anew', async (t) => {
  const { machine, app, clock, ready } = house()
  await machine.start()
  machine.want(diego)
  await ready()
  app.says = 'silent'
  machine.redefine({ ...machine.definition, address: '192.0.2.99' })
  t.notOk(machine.isReady(2283))
  await clock.advance(5_000)
  t.notOk(machine.isReady(2283))
  app.says = null
  await ready()
  machine.redefine({ ...machine.definition, power: { ...machine.definition.power, idleMs: 1 } })
  t.ok(machine.isReady(2283), 'another setting changes nothing')
})

t.test('listeners hear every change once, and one that throws harms nobody', async (t) => {
  const { machine, ready, log } = house()
  await machine.start()
  const heard: string[] = []
  machine.subscribe(() => {
    throw new Error('broken')
  })
  const unsubscribe = machine.subscribe((of) => {
    heard.push(`${of.state.kind}/${of.eta().step}/${of.isReady(2283)}`)
  })
  machine.want(diego)
  await ready()
  t.strictSame(heard, [
    'starting/asking/false',
    'starting/starting/false',
    'booting/booting/false',
    'booting/waiting-for-service/false',
    'awake/waiting-for-service/true',
  ])
  unsubscribe()
  machine.letSleep('idle')
  t.equal(heard.length, 5)
  t.ok(log.events.some(({ event }) => event === 'vm-listener-broken'))
})

t.test('the log tells who woke it, and what happens to it', async (t) => {
  const { machine, ready, is, log } = house()
  await machine.start()
  machine.want(diego)
  await ready()
  machine.letSleep('idle')
  await is('asleep')
  t.match(
    log.events.filter(({ event }) => event === 'vm-state').map(({ fields }) => fields),
    [
      { vm: 'flex', state: 'asleep', before: 'unknown' },
      { state: 'starting', wanted: 'request', user: 'diego', route: 'photos', request: 'r1' },
      { state: 'booting' },
      { state: 'awake' },
      { state: 'draining', reason: 'idle' },
      { state: 'stopping', reason: 'idle', by: 'us' },
      { state: 'asleep' },
    ],
  )
  t.notOk(log.events.some(({ level }) => level === 'error' || level === 'warn'))
})

function setIntervalOf(clock: ReturnType<typeof createFakeClock>, ms: number, run: () => void) {
  let cancel = () => {}
  const again = () => {
    run()
    cancel = clock.after(ms, again)
  }
  again()
  return () => cancel()
}
