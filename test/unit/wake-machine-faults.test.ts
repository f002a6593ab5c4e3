// One machine whose cloud, service or disk fails in every way. In simulated time.

import t from 'tap'
import {
  diego,
  every,
  hourMs,
  machineHouse,
  minuteMs,
  operator,
} from '../fixtures/machine-house.ts'

t.test(
  '429 for ever: pauses grow to a minute, one call at a time, and it ends when nobody waits',
  async (t) => {
    const { machine, cloud, clock, is, troubles } = machineHouse()
    await machine.start()
    cloud.fail('start', 'throttled', Number.POSITIVE_INFINITY)
    machine.want(diego)
    await is('resting')
    t.match(machine.eta(), { step: 'resting', fault: 'throttled', retryAt: clock.now() + 2_000 })
    const asking = every(clock, 200, () => machine.want(diego))
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
  const { machine, cloud, ready } = machineHouse()
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
    const { machine, cloud, clock, is, ready, alerts } = machineHouse()
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
  const { machine, cloud, clock, is, ready, troubles } = machineHouse()
  await machine.start()
  cloud.fail('start', 'denied', Number.POSITIVE_INFINITY)
  machine.want(diego)
  await is('resting')
  await clock.advance(40 * minuteMs)
  t.ok(cloud.count('start') <= 7)
  t.strictSame(troubles(), ['flex-denied'])
  cloud.fail('start', 'denied', 0)
  machine.want(operator)
  t.equal(machine.state.kind, 'resting', 'a schedule and a lease are nobody who repairs')
  machine.want(operator, { repaired: true })
  await clock.settle()
  t.equal(machine.state.kind, 'starting')
  await ready()
})

t.test('a bug in what is written down keeps no machine running', async (t) => {
  const { machine, cloud, journal, is, ready, log, clock } = machineHouse()
  await machine.start()
  machine.want(diego)
  await ready()
  journal.write = () => {
    throw new TypeError('a bug')
  }
  machine.letSleep('idle')
  await is('asleep')
  t.equal(cloud.count('soft-stop'), 1)
  t.ok(log.events.some(({ event }) => event === 'vm-broken'))
  machine.want(diego)
  await clock.advance(minuteMs)
  t.equal(machine.state.kind, 'resting', 'a start waits for the journal, and that is broken')
  t.ok(clock.pending > 0, 'it is tried again')
})

t.test('the answer to a start is lost: the same call again, and one machine', async (t) => {
  const { machine, cloud, ready } = machineHouse()
  await machine.start()
  cloud.loseAnswer('start')
  machine.want(diego)
  await ready()
  const tokens = cloud.calls.filter(({ call }) => call === 'start').map(({ token }) => token)
  t.ok(new Set(tokens).size === 1, tokens.join(' '))
})

t.test('a call that never ends is given up, and the start goes on', async (t) => {
  const { machine, cloud, clock, ready } = machineHouse()
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
  const { machine, cloud, clock, is, ready, troubles } = machineHouse()
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
  const { machine, app, cloud, clock, is, troubles } = machineHouse()
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
  const { machine, app, clock, is, ready } = machineHouse()
  await machine.start()
  app.says = 'failing'
  machine.want(diego)
  await is('booting')
  await clock.advance(20_000)
  t.notOk(machine.isReady(2283))
  app.says = null
  await ready()
})

t.test('a flapping app is shown less and less often', async (t) => {
  const { machine, app, clock, ready } = machineHouse()
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

t.test('a deaf system loses its power after its time', async (t) => {
  const { machine, cloud, clock, is, ready } = machineHouse({ softStopMs: 2 * minuteMs })
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
    const { machine, cloud, clock, is, ready, alerts, troubles } = machineHouse()
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
  const { machine, cloud, clock, is, ready, troubles } = machineHouse()
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
  const { machine, cloud, clock, ready } = machineHouse()
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

t.test('the cloud cannot be asked at first: the port tells that it runs', async (t) => {
  const { machine, cloud, clock, ready } = machineHouse({}, 'running')
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
  const { machine, cloud, clock, ready, troubles } = machineHouse()
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
  const { machine, cloud, clock, is, ready, alerts } = machineHouse()
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

t.test('the disk fails: the machine works, and what it forgot is told by the cloud', async (t) => {
  const it = machineHouse()
  it.journal.broken = true
  await it.machine.start()
  it.machine.want(diego)
  await it.ready()
  const again = await it.reborn()
  await it.ready(again)
  t.match(again.state, { kind: 'awake', startedBy: null })
})

t.test('a disk that never answers holds up a start for two seconds', async (t) => {
  const it = machineHouse()
  await it.machine.start()
  it.journal.write = () => new Promise(() => {})
  it.machine.want(diego)
  await it.clock.advance(1_900)
  t.equal(it.cloud.count('start'), 0)
  await it.clock.advance(200)
  t.equal(it.cloud.count('start'), 1)
})

t.test('a start that takes longer than any should: told once, waited for', async (t) => {
  const { machine, cloud, clock, ready, troubles } = machineHouse({ startTimeoutMs: 5 * minuteMs })
  await machine.start()
  cloud.startMs = 40 * minuteMs
  machine.want(diego)
  await clock.advance(4 * minuteMs)
  t.strictSame(troubles(), [])
  await clock.advance(2 * minuteMs)
  t.strictSame(troubles(), ['flex-start-slow'])
  await ready()
  t.strictSame(troubles(), ['flex-start-slow'])
  t.equal(cloud.count('start'), 1)
})

t.test('a stop from outside that gets stuck is told, and left alone', async (t) => {
  const { machine, cloud, clock, ready, is, troubles } = machineHouse()
  await machine.start()
  machine.want(diego)
  await ready()
  cloud.stopMs = 90 * minuteMs
  cloud.console('stop')
  machine.portRefused(2283)
  await is('stopping')
  await clock.advance(hourMs)
  t.strictSame(troubles(), ['flex-stop-failing'])
  t.equal(cloud.count('stop'), 0)
  await is('asleep')
})

t.test('a stop waits for the start that it undoes, however long that takes', async (t) => {
  const { machine, cloud, clock, is } = machineHouse()
  await machine.start()
  cloud.hang('start')
  machine.want(diego)
  await clock.advance(1_000)
  machine.letSleep('never mind')
  await clock.advance(20_000)
  t.equal(cloud.count('soft-stop'), 0)
  cloud.release('start')
  await is('asleep')
  t.equal(cloud.state, 'stopped')
})

t.test('calls whose turn comes too late are not made', async (t) => {
  const { machine, cloud, clock, ready, is } = machineHouse()
  await machine.start()
  const nextReadingHangs = async () => {
    cloud.hang('state')
    const readings = cloud.count('state')
    await clock.until(() => cloud.count('state') > readings)
  }
  await nextReadingHangs()
  machine.want(diego)
  machine.letSleep('never mind')
  cloud.release('state')
  await is('asleep')
  t.equal(cloud.count('start'), 0)

  machine.want(diego)
  await ready()
  await nextReadingHangs()
  machine.letSleep('idle')
  cloud.console('stop')
  await clock.advance(10_000)
  const stops = cloud.count('soft-stop')
  cloud.release('state')
  await is('asleep')
  t.equal(cloud.count('soft-stop'), stops)
})

t.test('two gateways want it at once: the second is refused, looks, and goes along', async (t) => {
  const { machine, bare, cloud, ready, is, troubles } = machineHouse()
  const other = bare()
  other.watchPort(2283, 'http')
  await machine.start()
  await other.start()
  machine.want(diego)
  other.want(operator)
  await ready(machine)
  await ready(other)
  t.equal(cloud.count('start'), 2)
  t.match(other.history(), [{ by: operator, attempts: 1, fault: null }])
  t.strictSame(troubles(), [])
  machine.letSleep('idle')
  await is('asleep')
  other.portRefused(2283)
  await is('asleep', other)
  t.equal(cloud.count('start'), 2, 'they do not fight over it')
})
