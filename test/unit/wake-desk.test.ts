// What a person can ask of machines that sleep, and what he is shown of them.

import t from 'tap'
import type { UserId } from '../../src/model.ts'
import { createMachineDesk, reasonWords } from '../../src/wake/desk.ts'
import type { StartRecord } from '../../src/wake/journal.ts'
import type { Machine } from '../../src/wake/machine.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'
import { awake, fakeMachine, flex, resting } from '../fixtures/wake-machine.ts'

function house() {
  const clock = createFakeClock()
  const machine = fakeMachine(clock)
  const slept: Machine[] = []
  const kept: (number | null)[] = []
  const desk = createMachineDesk({
    machines: () => [machine],
    alwaysOn: (vm) => vm === 'micro',
    heldFor: () => 3,
    sleeper: {
      sleepNow: (each) => slept.push(each),
      outlook: () => ({ idleMs: 1, sleepsAt: 2, keptUntil: null }),
    },
    leases: {
      keep(_vm, until) {
        kept.push(until)
        return until !== null && until > clock.now() + 1e9 ? 'too-long' : 'ok'
      },
    },
    cost: {
      of: () => ({ month: '2026-11', minutesAwake: 5, money: null }),
      traffic: () => ({ month: '2026-11', bytes: 0, freeBytes: 1 }),
    },
    now: clock.now,
    steady: clock.steady,
    after: clock.after,
  })
  return { clock, machine, desk, slept, kept }
}

const never = new AbortController().signal
const refused = (reason: string) => ({ kind: 'refused', reason })

t.test('a list says what there is to know', async (t) => {
  const { desk, machine, clock } = house()
  t.match(desk.list(), [{ id: 'flex', state: 'asleep', since: null, readyPorts: [], held: 3 }])
  machine.become({
    kind: 'awake',
    since: clock.steady(),
    startedBy: {
      kind: 'request',
      request: 'r' as never,
      user: 'diego' as UserId,
      route: 'photos/',
    },
  })
  machine.answers(9000, true)
  const since = clock.now()
  await clock.advance(60_000)
  t.match(desk.list(), [
    { state: 'awake', since, wokenBy: 'diego, photos/', readyPorts: [9000], sleepsAt: 2 },
  ])
  machine.become(resting(clock, 'capacity', 30_000))
  t.match(desk.list(), [{ state: 'resting', fault: 'capacity', retryAt: clock.now() + 30_000 }])
})

t.test('names that are not those of machines with power', async (t) => {
  const { desk } = house()
  const asked = { wait: false, port: null, signal: never }
  t.match(await desk.wake('flux', asked), refused('unknown-vm'))
  t.match(await desk.wake('micro', asked), refused('always-on'))
  t.match(desk.sleep('flux'), refused('unknown-vm'))
  t.match(desk.restart('flux'), refused('unknown-vm'))
  t.match(desk.keep('micro', null), refused('always-on'))
  t.strictSame(desk.timeline('flux', 1), [])
})

t.test('waking waits until it answers, when that is asked for', async (t) => {
  const { desk, machine, clock } = house()
  t.strictSame(await desk.wake(flex, { wait: false, port: null, signal: never }), { kind: 'done' })
  t.strictSame(machine.wishes, [{ kind: 'person', user: null }])
  let outcome: unknown = null
  const user = 'diego' as UserId
  void desk.wake(flex, { wait: true, port: 9000, signal: never, user }).then((it) => {
    outcome = it
  })
  t.strictSame(machine.wishes[1], { kind: 'person', user: 'diego' })
  machine.become(awake(clock))
  machine.answers(8080, true)
  await clock.settle()
  t.equal(outcome, null, 'another port')
  machine.answers(9000, true)
  await clock.settle()
  t.strictSame(outcome, { kind: 'done' })
  t.equal(machine.listeners, 0)
})

t.test('a start that fails, takes too long, or nobody waits for any more', async (t) => {
  const { desk, machine, clock } = house()
  const wait = (signal = never) => desk.wake(flex, { wait: true, port: null, signal })
  const failing = wait()
  machine.become(resting(clock, 'denied', 30_000))
  t.match(await failing, { ...refused('failed'), detail: 'denied' })
  machine.become({ kind: 'asleep' })
  const slow = wait()
  await clock.advance(300_000)
  t.match(await slow, refused('timeout'))
  const controller = new AbortController()
  const left = wait(controller.signal)
  controller.abort()
  t.match(await left, refused('timeout'))
  t.match(await wait(controller.signal), refused('timeout'), 'left before it began')
  machine.become({ kind: 'gone' })
  t.match(await wait(), refused('gone'))
  machine.answer = 'budget'
  t.match(await wait(), refused('budget'))
  t.equal(machine.listeners, 0)
  t.equal(clock.pending, 0)
})

t.test('sleeping, restarting, keeping', async (t) => {
  const { desk, machine, clock, slept, kept } = house()
  t.match(desk.sleep(flex), refused('not-running'))
  t.match(desk.restart(flex), refused('not-running'))
  machine.become(awake(clock))
  t.strictSame(desk.sleep(flex), { kind: 'done' })
  t.strictSame(slept, [machine])
  t.strictSame(desk.restart(flex), { kind: 'done' })
  t.strictSame(desk.keep(flex, clock.now() + 1000), { kind: 'done' })
  t.match(desk.keep(flex, clock.now() + 1e10), refused('too-long'))
  t.equal(kept.length, 2)
  machine.become({ kind: 'gone' })
  t.match(desk.sleep(flex), refused('gone'))
  t.match(desk.keep(flex, null), refused('gone'))
})

t.test(
  'a machine that sleeps is started when it is to be kept awake, and not otherwise',
  async (t) => {
    const { desk, machine, clock } = house()
    t.strictSame(desk.keep(flex, null), { kind: 'done' })
    t.strictSame(desk.keep(flex, clock.now() - 1), { kind: 'done' })
    t.match(desk.keep(flex, clock.now() + 1e10), refused('too-long'))
    t.strictSame(machine.wishes, [])
    t.strictSame(desk.keep(flex, clock.now() + 1000, 'ada' as UserId), { kind: 'done' })
    t.strictSame(machine.wishes, [{ kind: 'person', user: 'ada' }])
    machine.become(awake(clock))
    t.strictSame(desk.keep(flex, clock.now() + 1000), { kind: 'done' })
    t.equal(machine.wishes.length, 1)
  },
)

t.test('the last days without gaps', async (t) => {
  const { desk, machine, clock } = house()
  const hour = 3_600_000
  const now = clock.now()
  const record = (changes: Partial<StartRecord>): StartRecord => ({
    by: null,
    wantedAt: now,
    acceptedMs: null,
    runningMs: null,
    readyMs: null,
    attempts: 1,
    fault: null,
    stopReason: null,
    stopMs: null,
    endedAt: null,
    awakeMs: 0,
    cost: null,
    currency: null,
    ...changes,
  })
  t.strictSame(desk.timeline(flex, 1), [{ from: now - 24 * hour, to: null, state: 'asleep' }])
  machine.history = () => [
    record({
      wantedAt: now - 48 * hour,
      readyMs: 60_000,
      endedAt: now - 23 * hour,
      stopMs: 30_000,
    }),
    record({ wantedAt: now - 5 * hour, readyMs: null, fault: 'capacity', endedAt: now - 4 * hour }),
    record({ wantedAt: now - hour, readyMs: 60_000 }),
  ]
  t.strictSame(desk.timeline(flex, 1), [
    { from: now - 24 * hour, to: now - 23 * hour - 30_000, state: 'awake' },
    { from: now - 23 * hour - 30_000, to: now - 23 * hour, state: 'stopping' },
    { from: now - 23 * hour, to: now - 5 * hour, state: 'asleep' },
    { from: now - 5 * hour, to: now - 4 * hour, state: 'starting' },
    { from: now - 4 * hour, to: now - hour, state: 'asleep' },
    { from: now - hour, to: now - hour + 60_000, state: 'starting' },
    { from: now - hour + 60_000, to: null, state: 'awake' },
  ])
})

t.test('who wanted it, in words', async (t) => {
  const user = 'diego' as UserId
  t.equal(reasonWords({ kind: 'person', user: null }), 'the operator')
  t.equal(reasonWords({ kind: 'person', user }), 'diego')
  t.equal(reasonWords({ kind: 'schedule' }), 'its schedule')
  t.equal(reasonWords({ kind: 'token', user, token: 'ci' }), 'diego, token ci')
  const request = { kind: 'request', request: 'r' as never, user: null, route: 'a/' } as const
  t.equal(reasonWords(request), 'a known network, a/')
})
