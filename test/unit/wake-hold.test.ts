// The door of a machine that sleeps: who is held, who gets a page, who is sent away, and when it opens.

import t from 'tap'
import type { Arrival, Gate, Passing, Reception } from '../../src/gate.ts'
import type { RequestId, SessionRef, VmId } from '../../src/model.ts'
import { createGates, type GatesDeps } from '../../src/wake/hold.ts'
import type { Machine } from '../../src/wake/machine.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'
import {
  arrivalOf,
  awake,
  changeOf,
  type FakeWaiter,
  fakeMachine,
  flex,
  resting,
  starting,
  stopping,
  strangerOf,
  waiterFor,
} from '../fixtures/wake-machine.ts'

function house(changes: Partial<GatesDeps> = {}) {
  const clock = createFakeClock()
  const machine = fakeMachine(clock)
  const machines = new Map<VmId, Machine>([[flex, machine]])
  const used: [VmId, Passing][] = []
  const waits: string[] = []
  const warnings: string[] = []
  const gates = createGates({
    machine: (id) => machines.get(id) ?? null,
    use: { passes: (vm, passing) => void used.push([vm, passing]) },
    steady: clock.steady,
    now: clock.now,
    after: clock.after,
    log: { warn: (event) => void warnings.push(event) },
    waited: (_, result, ms) => void waits.push(`${result} ${ms}`),
    ...changes,
  })
  const gate = gates.gateFor(flex, 8080, 'http')

  function arrive(arrival: Arrival, at: Gate = gate): { waiter: FakeWaiter; said: Reception } {
    const waiter = waiterFor(arrival)
    return { waiter, said: at.arrive(waiter) }
  }

  return { clock, machine, machines, gates, gate, used, waits, warnings, arrive }
}

const somebody = (n: number): Partial<Arrival> => ({ session: `session-${n}` as SessionRef })
const page = (waking: boolean, retryAfterSeconds: number | null): Reception => ({
  kind: 'page',
  waking,
  retryAfterSeconds,
})
const refuse = (code: string, retryAfterSeconds: number | null) => ({
  kind: 'refuse',
  code,
  retryAfterSeconds,
})
const held = { kind: 'held' }

t.test('one door per port, for ever; it opens when that port answers', async (t) => {
  const { gates, gate, machine, clock } = house()
  t.equal(gates.gateFor(flex, 8080, 'http'), gate)
  const other = gates.gateFor(flex, 9000, 'https')
  t.not(other, gate)
  t.strictSame(
    [...machine.watched],
    [
      [8080, 'http'],
      [9000, 'https'],
    ],
  )
  t.equal(machine.listeners, 1)
  t.strictSame([gate.open, other.open], [false, false])
  machine.become(awake(clock))
  machine.answers(9000, true)
  t.strictSame([gate.open, other.open], [false, true])
  machine.answers(8080, true)
  t.strictSame([gate.open, other.open], [true, true])
  machine.letSleep('idle')
  t.strictSame([gate.open, other.open], [false, false])
  t.ok(Object.hasOwn(gate, 'open'), 'a plain property')
  t.notOk(Object.getOwnPropertyDescriptor(gate, 'open')?.get)
})

t.test('what goes on is noted as use', async (t) => {
  const { gate, used } = house()
  const passing: Passing = { kind: 'change', session: null, counts: 'always' }
  gate.passes(passing)
  t.strictSame(used, [[flex, passing]])
})

t.test('a person who opens a page starts it and gets the page; a form is held', async (t) => {
  const { arrive, machine, clock, gates } = house()
  const first = arrivalOf()
  t.strictSame(arrive(first).said, page(true, 60))
  t.strictSame(machine.wishes, [
    { kind: 'request', request: first.id, user: 'diego', route: 'photos.example.com/albums' },
  ])
  await clock.advance(20_000)
  const { waiter, said } = arrive(changeOf({ declaredBytes: 1_000 }))
  t.strictSame(said, held)
  t.strictSame(arrive(arrivalOf()).said, page(true, 40), 'what is left of the usual time')
  t.strictSame(gates.stats(), { held: 1, heldBytes: 1_000, byVm: new Map([[flex, 1]]) })
  t.strictSame(waiter.heard, [])
})

t.test('a visit that may not start it starts nothing', async (t) => {
  const { arrive, machine } = house()
  t.strictSame(arrive(strangerOf({ rule: 'never' })).said, page(false, null))
  t.strictSame(arrive(strangerOf({ page: false })).said, refuse('asleep', null))
  t.strictSame(
    arrive(arrivalOf({ kind: 'script', page: false })).said,
    refuse('asleep', null),
    'an open tab',
  )
  t.strictSame(
    arrive(arrivalOf({ kind: 'script', page: false, webSocket: true })).said,
    refuse('asleep', null),
    'its WebSocket',
  )
  t.strictSame(arrive(arrivalOf({ kind: 'incidental' })).said, page(false, null), 'a prefetch')
  t.strictSame(arrive(arrivalOf({ mayWake: false })).said, page(false, null))
  t.strictSame(arrive(arrivalOf({ rule: 'manual' })).said, page(false, null))
  t.strictSame(machine.wishes, [])
  t.equal(machine.state.kind, 'asleep')
})

t.test('while it comes anyway, people may wait for it; strangers hear when', async (t) => {
  const { arrive, machine, clock } = house()
  for (const state of [
    starting(clock),
    stopping(clock, true),
    awake(clock),
    resting(clock, 'capacity', 30_000),
  ]) {
    machine.become(state)
    t.strictSame(
      arrive(arrivalOf({ kind: 'script', page: false })).said,
      held,
      `a script while ${state.kind}`,
    )
    t.match(arrive(strangerOf({ rule: 'never' })).said, { kind: 'page', waking: false })
    t.match(arrive(strangerOf({ page: false })).said, { kind: 'refuse', code: 'asleep' })
    t.match(
      arrive(arrivalOf({ kind: 'incidental', page: false })).said,
      { kind: 'refuse', code: 'asleep', retryAfterSeconds: Number },
      'a favicon',
    )
  }
  machine.become(stopping(clock))
  t.strictSame(
    arrive(arrivalOf({ kind: 'script', page: false })).said,
    refuse('asleep', null),
    'but not while it only goes to sleep',
  )
  t.strictSame(machine.wishes, [])
})

t.test('before the cloud was heard, people wait for the answer', async (t) => {
  const { arrive, machine, clock } = house()
  const since = clock.steady()
  machine.become({ kind: 'unknown', since, wanted: null, token: null, startedBy: null })
  const { waiter, said } = arrive(arrivalOf({ kind: 'script', page: false }))
  t.strictSame(said, held)
  machine.become({ kind: 'asleep' })
  await clock.advance(0)
  t.strictSame(waiter.heard, ['asleep'])
})

t.test('when the port answers all go on, pages first, and then the door is open', async (t) => {
  const { arrive, machine, gate, gates, clock, waits } = house()
  const order: string[] = []
  const doors: boolean[] = []
  for (let i = 0; i < 10; i++) {
    const kind = i === 9 ? 'navigation' : 'change'
    const waiter = waiterFor(changeOf({ ...somebody(i), kind }), () => {
      order.push(String(i))
      doors.push(gate.open)
    })
    t.strictSame(gate.arrive(waiter), held)
  }
  await clock.advance(30_000)
  machine.become(awake(clock))
  t.strictSame(order, [])
  machine.answers(8080, true)
  t.equal(gate.open, false, 'who comes now stands in line')
  const late = arrive(arrivalOf())
  t.strictSame(late.said, held, 'even for a page: it takes no time')
  await clock.advance(0)
  t.strictSame(order, ['9', '0', '1'])
  t.strictSame(late.waiter.heard, ['released'])
  t.equal(gate.open, false)
  await clock.advance(250)
  t.strictSame(order.length, 10)
  t.ok(
    doors.every((open) => open),
    'whoever is let through finds it open',
  )
  t.equal(gate.open, true)
  t.strictSame(gates.stats(), { held: 0, heldBytes: 0, byVm: new Map() })
  t.equal(waits[0], 'ready 30000')
  t.equal(clock.pending, 0, 'no timer is left')
})

t.test('the last one who leaves the line opens the door', async (t) => {
  const { arrive, machine, gate, clock } = house()
  const { waiter } = arrive(changeOf())
  machine.become(awake(clock))
  machine.answers(8080, true)
  gate.leave(waiter)
  await clock.advance(0)
  t.equal(gate.open, true)
  t.strictSame(waiter.heard, [])
})

t.test('one start for 500 who wait, all through in order within two seconds', async (t) => {
  const wide = { total: 500, perVm: 500, perSession: 500 }
  const { gate, machine, clock } = house({ limits: wide })
  const order: number[] = []
  for (let i = 0; i < 500; i++) {
    t.equal(gate.arrive(waiterFor(changeOf(), () => order.push(i))).kind, 'held')
  }
  await clock.advance(60_000)
  machine.become(awake(clock))
  machine.answers(8080, true)
  await clock.advance(2_000)
  t.strictSame(
    order,
    Array.from({ length: 500 }, (_, i) => i),
  )
})

t.test(
  'a port that refuses after all: back in line, in front, with the old deadline',
  async (t) => {
    const { machine, gate, clock } = house()
    const id = 'request-back' as RequestId
    const first = waiterFor(changeOf({ id }))
    gate.arrive(first)
    await clock.advance(80_000)
    machine.become(awake(clock))
    machine.answers(8080, true)
    await clock.advance(0)
    t.strictSame(first.heard, ['released'])
    gate.refused()
    t.strictSame(machine.refusedPorts, [8080])
    t.equal(gate.open, false)
    const other = waiterFor(changeOf())
    const again = waiterFor(changeOf({ id }))
    t.equal(gate.arrive(other).kind, 'held')
    t.equal(gate.arrive(again).kind, 'held')
    await clock.advance(1_000)
    machine.answers(8080, true)
    const order: string[] = []
    Object.assign(other, { release: () => order.push('other') })
    Object.assign(again, { release: () => order.push('again') })
    await clock.advance(0)
    t.strictSame(order, ['again', 'other'])

    gate.refused()
    const third = waiterFor(changeOf({ id }))
    gate.arrive(third)
    await clock.advance(3_999)
    t.strictSame(third.heard, [])
    await clock.advance(1)
    t.match(third.heard, [/^waking \d+$/], '85 s in all')
  },
)

t.test('a refusal in the middle stops the others, and they begin slowly again', async (t) => {
  const { machine, gate, clock } = house({ limits: { perSession: 50 } })
  const waiters = Array.from({ length: 20 }, () => waiterFor(changeOf()))
  for (const waiter of waiters) gate.arrive(waiter)
  const through = () => waiters.filter(({ heard }) => heard.length > 0).length
  machine.become(awake(clock))
  machine.answers(8080, true)
  await clock.advance(0)
  t.equal(through(), 4)
  gate.refused()
  await clock.advance(5_000)
  t.equal(through(), 4)
  machine.answers(8080, true)
  await clock.advance(0)
  t.equal(through(), 8)
})

t.test('at most 85 s, or what the table says', async (t) => {
  const { arrive, clock, machine, waits } = house()
  machine.expectedMs = 150_000
  const { waiter } = arrive(changeOf())
  await clock.advance(84_999)
  t.strictSame(waiter.heard, [])
  await clock.advance(1)
  t.strictSame(waiter.heard, ['waking 65'], 'with the rest of the usual time')
  t.strictSame(waits, ['timeout 85000'])

  const short = createFakeClock()
  const quick = fakeMachine(short, { power: { holdMs: 10_000 } })
  const second = house({ machine: () => quick, after: short.after, steady: short.steady })
  const other = second.arrive(changeOf())
  await short.advance(10_000)
  t.match(other.waiter.heard, [/^waking /])
})

t.test('the table may allow less than 85 s, never more', async (t) => {
  for (const [holdMs, ms] of [
    [600_000, 85_000],
    [85_000, 85_000],
    [5_000, 5_000],
  ] as const) {
    const clock = createFakeClock()
    const machine = fakeMachine(clock, { power: { holdMs } })
    const { arrive } = house({ machine: () => machine, after: clock.after, steady: clock.steady })
    const { waiter } = arrive(changeOf())
    await clock.advance(ms - 1)
    t.strictSame(waiter.heard, [])
    await clock.advance(1)
    t.match(waiter.heard, [/^waking /])
    // A service that is dead does not stretch a short time either.
    machine.become(awake(clock))
    await clock.advance(300_001)
    const late = arrive(changeOf())
    await clock.advance(Math.min(ms, 15_000))
    t.match(late.waiter.heard, [/^waking /])
  }
})

t.test('when to come again is never at once, never tomorrow', async (t) => {
  const { machine, clock, arrive } = house()
  const rest = () => arrive(arrivalOf()).said
  t.strictSame(rest(), page(true, 60))
  await clock.advance(58_000)
  t.strictSame(rest(), page(true, 5))
  await clock.advance(100_000)
  t.strictSame(rest(), page(true, 5))
  machine.become(resting(clock, 'capacity', 30_000))
  t.strictSame(rest(), page(true, 90))
  clock.jumpWall(3_600_000)
  t.strictSame(rest(), page(true, 90), 'whoever sets the clock')
  machine.become(resting(clock, 'capacity', -5_000))
  t.strictSame(rest(), page(true, 60))
  machine.become(resting(clock, 'capacity', 3_600_000))
  t.strictSame(rest(), page(true, 600))
  machine.become(starting(clock))
  machine.expectedMs = null
  t.match(rest(), page(true, 5), 'the first start ever')
})

t.test('a line that moves has room in a moment', async (t) => {
  const { machine, gate, clock, arrive } = house()
  for (let i = 0; i < 10; i++) arrive(changeOf())
  machine.become(awake(clock))
  machine.answers(8080, true)
  t.equal(gate.open, false)
  t.strictSame(arrive(changeOf()).said, refuse('hold-full', 2))
  t.strictSame(arrive(arrivalOf()).said, page(true, 2))
})

t.test('a service that is dead on a machine long awake is not waited for so long', async (t) => {
  const { arrive, clock, machine } = house()
  machine.become(awake(clock))
  await clock.advance(300_001)
  const { waiter } = arrive(changeOf())
  await clock.advance(15_000)
  t.match(waiter.heard, [/^waking /])
})

t.test('limits: exactly so many, and one more is told when to come again', async (t) => {
  const free = { total: 999, perVm: 999, perSession: 999, totalBytes: 1e9 }

  await t.test('of one session', async (t) => {
    const { arrive, warnings, gate } = house()
    const inside = Array.from({ length: 10 }, () => arrive(changeOf()))
    t.ok(inside.every(({ said }) => said.kind === 'held'))
    t.strictSame(arrive(changeOf()).said, refuse('hold-full', 60))
    t.strictSame(arrive(changeOf(somebody(2))).said, held, 'another one has room')
    t.match(arrive(arrivalOf()).said, { kind: 'page' }, 'a page takes none')
    const left = inside[3]?.waiter
    if (left !== undefined) gate.leave(left)
    t.strictSame(arrive(changeOf()).said, held, 'whoever leaves frees his place')
    arrive(changeOf())
    t.strictSame(warnings, ['hold-full'], 'said once a minute')
  })

  await t.test('of one network, for strangers', async (t) => {
    const { arrive } = house()
    const stranger = () =>
      strangerOf({ rule: 'known-client', knownClient: true, kind: 'program', page: false })
    for (let i = 0; i < 10; i++) t.strictSame(arrive(stranger()).said, held)
    t.match(arrive(stranger()).said, { kind: 'refuse', code: 'hold-full' })
  })

  await t.test('of one machine, and of all', async (t) => {
    const { machines, gates, arrive, clock } = house()
    const names = ['a', 'b', 'c', 'd', 'e'] as VmId[]
    const doors = names.map((id) => {
      machines.set(id, fakeMachine(clock, { id }))
      return gates.gateFor(id, 80, 'http')
    })
    let n = 0
    for (const [i, door] of doors.slice(0, 4).entries()) {
      for (let k = 0; k < 50; k++) {
        const arrival = changeOf({ ...somebody(n++), vm: door.vm })
        t.equal(arrive(arrival, door).said.kind, 'held')
      }
      if (i > 2) continue
      const more = changeOf({ ...somebody(n++), vm: door.vm })
      t.match(arrive(more, door).said, { code: 'hold-full' }, 'the fifty-first')
    }
    t.equal(gates.stats().held, 200)
    const last = doors[4]
    if (last === undefined) throw new Error('five doors')
    const more = changeOf({ ...somebody(n++), vm: last.vm })
    t.match(arrive(more, last).said, { code: 'hold-full' }, 'the two hundred and first')
  })

  await t.test('of bytes: what the buffers can hold of each', async (t) => {
    const { arrive, gates } = house({ limits: { ...free, totalBytes: 600_000 } })
    t.strictSame(arrive(changeOf({ declaredBytes: Number.POSITIVE_INFINITY })).said, held)
    t.strictSame(arrive(changeOf({ declaredBytes: 2e9 })).said, held, 'two gigabytes stay outside')
    t.equal(gates.stats().heldBytes, 2 * 262_144)
    t.strictSame(arrive(changeOf({ declaredBytes: 65_536 })).said, held)
    t.match(arrive(changeOf({ declaredBytes: 10_177 })).said, { code: 'hold-full' })
    t.strictSame(arrive(changeOf({ declaredBytes: 10_176 })).said, held)
    t.equal(gates.stats().heldBytes, 600_000)
  })
})

t.test('a client that leaves frees its place; the start goes on', async (t) => {
  const { arrive, gate, gates, machine, clock, waits } = house()
  const { waiter } = arrive(changeOf({ declaredBytes: 5 }))
  await clock.advance(3_000)
  gate.leave(waiter)
  gate.leave(waiter)
  t.strictSame(gates.stats(), { held: 0, heldBytes: 0, byVm: new Map() })
  t.strictSame(waits, ['cancelled 3000'])
  t.equal(machine.state.kind, 'starting')
  machine.become(awake(clock))
  machine.answers(8080, true)
  await clock.advance(100_000)
  t.strictSame(waiter.heard, [])
})

t.test('a wish that is refused says so', async (t) => {
  const { arrive, machine, gates, clock } = house()
  for (const why of ['budget', 'too-many-starts'] as const) {
    machine.answer = why
    t.strictSame(arrive(arrivalOf()).said, page(false, null))
    t.equal(gates.refusal(flex), why)
    t.strictSame(arrive(changeOf()).said, refuse('wake-refused', null))
  }
  machine.answer = 'gone'
  t.strictSame(arrive(arrivalOf()).said, refuse('machine-gone', null))
  machine.answer = 'ok'
  arrive(arrivalOf())
  t.equal(gates.refusal(flex), null)
  machine.become({ kind: 'gone' })
  t.strictSame(arrive(strangerOf()).said, refuse('machine-gone', null))
  t.equal(clock.pending, 0)
})

t.test('the button is a wish like any other', async (t) => {
  const { gates, machine, clock } = house()
  const by = { kind: 'person', user: null } as const
  machine.answer = 'budget'
  t.equal(gates.want(flex, by), 'budget')
  t.equal(gates.refusal(flex), 'budget')
  machine.answer = 'ok'
  t.equal(gates.want(flex, by), 'ok')
  t.equal(gates.refusal(flex), null)
  t.equal(machine.state.kind, 'starting')
  t.strictSame(machine.wishes, [by, by])
  machine.become({ kind: 'asleep' })
  machine.answer = 'too-many-starts'
  t.equal(gates.want(flex, by), 'too-many-starts')
  machine.become(starting(clock))
  t.equal(gates.refusal(flex), null, 'somebody else could start it')
  t.equal(clock.pending, 0)
})

t.test('a start that failed: worth waiting for, or not', async (t) => {
  const { arrive, machine, clock } = house({ limits: { perSession: 50 } })
  machine.become(resting(clock, 'unavailable', 4_000))
  t.strictSame(arrive(changeOf()).said, held, 'the next try is soon')
  machine.become(resting(clock, 'capacity', 120_000))
  t.strictSame(arrive(changeOf()).said, refuse('wake-refused', 180), 'rest and start')
  t.strictSame(arrive(arrivalOf()).said, page(true, 180))
  for (const fault of ['denied', 'clock', 'invalid'] as const) {
    machine.become(resting(clock, fault, 1_000))
    t.match(arrive(changeOf()).said, { code: 'wake-refused' }, fault)
  }
})

t.test('whoever waits hears at once that it does not come', async (t) => {
  for (const [become, heard] of [
    [(clock) => resting(clock, 'unavailable', 4_000), []],
    [(clock) => resting(clock, 'capacity', 84_000), []],
    [(clock) => resting(clock, 'capacity', 85_001), ['wake-refused 146']],
    [(clock) => resting(clock, 'denied', 60_000), ['wake-refused 120']],
    [() => ({ kind: 'gone' }), ['machine-gone']],
    [() => ({ kind: 'asleep' }), ['asleep']],
    [(clock) => stopping(clock), ['asleep']],
    [(clock) => stopping(clock, true), []],
  ] as [(clock: ReturnType<typeof createFakeClock>) => Machine['state'], string[]][]) {
    const { arrive, machine, clock } = house()
    const { waiter } = arrive(changeOf())
    const state = become(clock)
    machine.become(state)
    t.strictSame(waiter.heard, [], 'not in the middle of a change')
    await clock.advance(0)
    t.strictSame(waiter.heard, heard, JSON.stringify(state))
  }
})

t.test('a state that only passes by ends nobody’s wait', async (t) => {
  const { arrive, machine, clock } = house()
  const { waiter } = arrive(changeOf())
  machine.become({ kind: 'asleep' })
  machine.become(starting(clock))
  await clock.advance(0)
  t.strictSame(waiter.heard, [])
})

t.test('somebody comes while it drains: it stays, and even a page goes straight on', async (t) => {
  const { arrive, machine, clock, gate } = house()
  machine.become(awake(clock))
  machine.answers(8080, true)
  machine.letSleep('idle')
  t.strictSame(
    arrive(arrivalOf({ kind: 'script', page: false })).said,
    refuse('asleep', null),
    'an open tab does not hold it back',
  )
  const { waiter, said } = arrive(arrivalOf())
  t.strictSame(said, held)
  await clock.advance(0)
  t.strictSame(waiter.heard, ['released'])
  t.equal(gate.open, true)
})

t.test('without a machine to wait for the door is open; a new table may bring one', async (t) => {
  const { gates, machines, machine, gate, clock, arrive } = house()
  const { waiter } = arrive(changeOf())
  machines.delete(flex)
  gates.refresh()
  await clock.advance(0)
  t.strictSame(waiter.heard, ['released'])
  t.equal(gate.open, true)
  t.equal(machine.listeners, 0)
  const next = fakeMachine(clock)
  machines.set(flex, next)
  gates.refresh()
  t.equal(gate.open, false)
  t.equal(next.listeners, 1)
  t.strictSame([...next.watched.keys()], [8080])
})

t.test('at the end everybody is sent away, and nobody is held', async (t) => {
  const { gates, arrive, machine, clock, gate } = house()
  const { waiter } = arrive(changeOf())
  // A change whose consequences are still to come.
  machine.become(starting(clock))
  gates.stop()
  t.strictSame(waiter.heard, ['shutting-down'])
  t.strictSame(arrive(changeOf()).said, refuse('shutting-down', null))
  t.equal(machine.listeners, 0)
  t.equal(gate.open, false)
  t.equal(clock.pending, 0)
})

t.test('with the machine awake a request costs less than 200 ns and leaves nothing', async (t) => {
  let passed = 0
  const { gate, machine, clock } = house({
    use: {
      passes() {
        passed += 1
      },
    },
  })
  machine.become(awake(clock))
  machine.answers(8080, true)
  const passing: Passing = { kind: 'script', session: null, counts: 'auto' }
  const rounds = 200_000
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 20; i++) {
    const began = process.hrtime.bigint()
    for (let k = 0; k < rounds; k++) if (gate.open) gate.passes(passing)
    best = Math.min(best, Number(process.hrtime.bigint() - began) / rounds)
  }
  t.equal(passed, 20 * rounds)
  t.ok(best < 200, `${best.toFixed(1)} ns`)
})

t.test('a machine that somebody stopped elsewhere', async (t) => {
  /** It was there, and its port is lost. */
  function lost() {
    const all = house()
    const { machine, clock, gate } = all
    machine.become(awake(clock))
    machine.answers(8080, true)
    gate.refused()
    return all
  }

  await t.test('who came after its port was lost has it started, once', async (t) => {
    const { machine, clock, arrive } = lost()
    const { waiter } = arrive(changeOf())
    arrive(changeOf(somebody(2)))
    const before = machine.wishes.length
    machine.become({ kind: 'asleep' })
    await clock.advance(1)
    t.equal(machine.wishes.length, before + 1)
    t.equal(machine.state.kind, 'starting')
    t.strictSame(waiter.heard, [])
  })

  await t.test('or, while it stops, as soon as it has', async (t) => {
    const { machine, clock, arrive } = lost()
    const { waiter } = arrive(changeOf())
    machine.become(stopping(clock, false, 'outside'))
    await clock.advance(1)
    t.match(machine.state, { kind: 'stopping', thenStart: true })
    t.strictSame(waiter.heard, [])
  })

  await t.test('not by whom it would not be started', async (t) => {
    const { machine, clock, arrive } = lost()
    const { waiter, said } = arrive(arrivalOf({ kind: 'script', page: false }))
    t.strictSame(said, held)
    const before = machine.wishes.length
    machine.become({ kind: 'asleep' })
    await clock.advance(1)
    t.equal(machine.wishes.length, before)
    t.strictSame(waiter.heard, ['asleep'])
  })

  await t.test('not for who waited before', async (t) => {
    const { machine, clock, arrive } = house()
    const { waiter } = arrive(changeOf())
    const before = machine.wishes.length
    machine.become({ kind: 'asleep' })
    await clock.advance(1)
    t.equal(machine.wishes.length, before)
    t.strictSame(waiter.heard, ['asleep'])
  })

  await t.test('and not when it was we who stopped it', async (t) => {
    const { machine, clock, arrive } = lost()
    const { waiter } = arrive(changeOf())
    const before = machine.wishes.length
    machine.become(stopping(clock))
    await clock.advance(1)
    t.equal(machine.wishes.length, before)
    t.strictSame(waiter.heard, ['asleep'])
  })
})
