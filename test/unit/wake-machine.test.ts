// One machine's life: wishes, ports, draining, stopping, what is heard of it. In simulated time.

import t from 'tap'
import { diego, hourMs, machineHouse, minuteMs, operator } from '../fixtures/machine-house.ts'

t.test('a wish starts it, its port makes it awake, letting it sleep stops it', async (t) => {
  const { machine, cloud, clock, is, ready } = machineHouse()
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
  const { machine, cloud, ready } = machineHouse()
  await machine.start()
  for (let client = 0; client < 500; client += 1) t.equal(machine.want(diego), 'ok')
  await ready()
  for (let client = 0; client < 500; client += 1) machine.want(diego)
  t.equal(cloud.count('start'), 1)
})

t.test('a wish from before the cloud was heard is granted', async (t) => {
  const { machine, cloud, ready } = machineHouse()
  t.equal(machine.want(diego), 'ok')
  await machine.start()
  await ready()
  t.equal(cloud.count('start'), 1)
  t.match(machine.history(), [{ by: diego }])
})

t.test('one success is not enough', async (t) => {
  const { machine, app, cloud, clock } = machineHouse()
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
  const { machine, app, clock, ready } = machineHouse()
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
  const { clock, cloud, is, bare } = machineHouse()
  const machine = bare()
  await machine.start()
  machine.want(diego)
  await is('awake', machine)
  t.equal(cloud.state, 'running')
  await clock.advance(minuteMs)
  t.equal(machine.state.kind, 'awake')
})

t.test(
  'stopped from the console in the middle of a request: noticed at the refusal, left alone, started by the next wish',
  async (t) => {
    const { machine, cloud, clock, is, ready, world } = machineHouse()
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
  const { machine, cloud, clock, ready } = machineHouse()
  await machine.start()
  machine.want(diego)
  await ready()
  cloud.console('stop')
  await clock.advance(5 * minuteMs)
  t.equal(machine.state.kind, 'asleep')
})

t.test('started in the console: noticed, nobody has wanted it, a wish makes it ours', async (t) => {
  const { machine, cloud, clock, is } = machineHouse()
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
  const { machine, cloud, clock, ready, world } = machineHouse()
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
    const { machine, clock, ready, is, world } = machineHouse()
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
    const { machine, cloud, clock, is, ready } = machineHouse()
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
  const { machine, app, cloud, clock, is, ready } = machineHouse()
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
  const { machine, cloud, ready } = machineHouse()
  await machine.start()
  t.equal(machine.restart(operator), 'ok')
  await ready()
  t.equal(cloud.count('soft-stop'), 0)
})

t.test('to sleep while it starts: the start is not overtaken, and it ends stopped', async (t) => {
  for (const afterMs of [0, 5, 1_000, 19_000, 21_000]) {
    const { machine, cloud, clock, is, log } = machineHouse()
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

t.test('tries that the cloud did not accept are no starts', async (t) => {
  const { machine, cloud, is, ready } = machineHouse({ startsPerHour: 1 })
  await machine.start()
  cloud.fail('start', 'throttled', 3)
  machine.want(diego)
  await ready()
  machine.letSleep('idle')
  await is('asleep')
  t.equal(machine.want(diego), 'too-many-starts')
})

t.test('the budget is asked before a start, and not while it runs', async (t) => {
  const { machine, world, cloud, ready } = machineHouse()
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

t.test('a new address is probed anew', async (t) => {
  const { machine, app, clock, ready } = machineHouse()
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
  const { machine, ready, log } = machineHouse()
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
  const { machine, ready, is, log } = machineHouse()
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
