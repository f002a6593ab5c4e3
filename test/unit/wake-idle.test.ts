// What counts as use of a machine, and what is only a tab that somebody forgot.

import t from 'tap'
import type { CountsAsUse, Passing, UseKind } from '../../src/gate.ts'
import type { RequestId, SessionRef, VmId } from '../../src/model.ts'
import { createUse, type FlightUse, type UseRules } from '../../src/wake/idle.ts'

const flex = 'flex' as VmId
const diego = 'session-1' as SessionRef
const minute = 60_000

function house(rules: Partial<UseRules> = {}) {
  const clock = { at: 5_000 }
  const use = createUse({
    steady: () => clock.at,
    rules: () => ({ webSocketFloorBytes: 1_000, streamsCount: true, ...rules }),
  })
  const flights = new Map<string, FlightUse>()
  return {
    clock,
    use,
    flights,
    passes: (kind: UseKind, other: Partial<Passing> = {}) =>
      use.passes(flex, { kind, session: diego, counts: 'auto', ...other }),
    ended: (kind: UseKind, bytes: number, other: Partial<Passing> = {}) =>
      use.ended(flex, { kind, session: diego, counts: 'auto', ...other }, bytes),
    idle: () => use.idleFor(flex),
    /** Lets time pass, looking every five seconds; `each` moves bytes. */
    watch(ms: number, each: (elapsed: number) => void = () => {}) {
      const end = clock.at + ms
      for (let elapsed = 5_000; clock.at < end; elapsed += 5_000) {
        clock.at += 5_000
        each(elapsed)
        use.observe([...flights.values()])
      }
    },
  }
}

function flight(changes: Partial<FlightUse> = {}): FlightUse {
  return {
    id: 'one' as RequestId,
    vm: flex,
    kind: 'script',
    session: diego,
    counts: 'auto',
    webSocket: false,
    stream: false,
    bytesFromClient: 0,
    bytesToClient: 0,
    lastByteAt: 0,
    ...changes,
  }
}

t.test('a machine that nobody has used has been idle for ever', async (t) => {
  t.equal(house().idle(), Number.POSITIVE_INFINITY)
})

t.test('each kind of request counts as it should', async (t) => {
  const cases: readonly [UseKind, CountsAsUse, SessionRef | null, boolean][] = [
    ['navigation', 'auto', diego, true],
    ['change', 'auto', diego, true],
    ['script', 'auto', diego, false],
    ['program', 'auto', diego, false],
    ['incidental', 'auto', diego, false],
    ['navigation', 'auto', null, false],
    ['change', 'auto', null, false],
    ['program', 'always', null, true],
    ['script', 'always', diego, true],
    ['navigation', 'never', diego, false],
    ['change', 'never', diego, false],
  ]
  for (const [kind, counts, session, expected] of cases) {
    const { passes, idle } = house()
    passes(kind, { counts, session })
    t.equal(idle() === 0, expected, `${kind}, ${counts}, ${session ?? 'a stranger'}`)
  }
})

t.test('scripts count for ten minutes after their person last did something', async (t) => {
  const { clock, passes, idle } = house()
  passes('navigation')
  clock.at += 10 * minute
  passes('script')
  t.equal(idle(), 0, 'at ten minutes')
  clock.at += 1
  passes('script')
  t.equal(idle(), 1, 'beyond it no more')
  passes('change')
  clock.at += minute
  passes('script')
  t.equal(idle(), 0, 'until the person does something again')
})

t.test('scripts of one session do not live on what another does', async (t) => {
  const { clock, passes, idle } = house()
  passes('navigation')
  clock.at += minute
  passes('script', { session: 'session-2' as SessionRef })
  t.equal(idle(), minute)
})

t.test('a route that never counts does not make its scripts count elsewhere', async (t) => {
  const { passes, idle } = house()
  passes('navigation', { counts: 'never' })
  passes('script')
  t.equal(idle(), Number.POSITIVE_INFINITY)
})

t.test('one machine is not used by what goes to another', async (t) => {
  const { use, passes } = house()
  passes('navigation')
  t.equal(use.idleFor('other' as VmId), Number.POSITIVE_INFINITY)
})

t.test('the end of what a person asked for counts too', async (t) => {
  const { clock, passes, ended, idle } = house()
  passes('change')
  clock.at += 20 * minute
  ended('change', 100)
  t.equal(idle(), 0)
})

t.test('an upload keeps it awake from its last byte', async (t) => {
  const { clock, flights, watch, idle, passes } = house()
  passes('change')
  let lastByteAt = clock.at
  watch(20 * minute, (elapsed) => {
    if (elapsed <= 12 * minute) lastByteAt = clock.at
    flights.set('one', flight({ kind: 'change', bytesFromClient: elapsed, lastByteAt }))
  })
  t.equal(idle(), 8 * minute)
})

t.test('a film of a script keeps it awake, three hours after the last page', async (t) => {
  const { clock, flights, watch, idle, passes } = house()
  passes('navigation')
  watch(180 * minute, (elapsed) => {
    // The player takes ten seconds' worth, then waits.
    const bytesToClient = Math.floor(elapsed / 60_000) * 1_000_000
    const lastByteAt = clock.at - (elapsed % 60_000)
    flights.set('one', flight({ bytesToClient, lastByteAt }))
  })
  t.ok(idle() < minute, `${idle()} ms`)
})

t.test('a long poll does not, nor a poll that is under way when somebody looks', async (t) => {
  const { clock, flights, watch, idle } = house()
  watch(60 * minute, (elapsed) => {
    flights.clear()
    const id = `poll-${Math.floor(elapsed / 30_000)}` as RequestId
    flights.set(id, flight({ id, bytesToClient: 30_000, lastByteAt: clock.at }))
  })
  t.equal(idle(), Number.POSITIVE_INFINITY)
})

t.test('a download of a program counts while bytes move', async (t) => {
  const { clock, flights, watch, idle } = house()
  watch(5 * minute, (elapsed) => {
    flights.set('one', flight({ kind: 'program', bytesToClient: elapsed, lastByteAt: clock.at }))
  })
  t.equal(idle(), 0)
})

t.test('a stranger who downloads for hours keeps nothing awake', async (t) => {
  const { clock, flights, watch, idle } = house()
  watch(30 * minute, (elapsed) => {
    const bytesToClient = elapsed * 1_000
    const download = { kind: 'navigation', session: null, bytesToClient } as const
    flights.set('one', flight({ ...download, lastByteAt: clock.at }))
  })
  t.equal(idle(), Number.POSITIVE_INFINITY)
})

for (const [perMinute, expected] of [
  [900, false],
  [1_100, true],
] as const) {
  t.test(`a WebSocket of ${perMinute} bytes a minute from the client`, async (t) => {
    const { clock, flights, watch, idle } = house()
    watch(60 * minute, (elapsed) => {
      const bytesFromClient = Math.floor((elapsed / minute) * perMinute)
      // What the server sends is no sign of anybody.
      const socket = { webSocket: true, bytesFromClient, bytesToClient: elapsed * 100 }
      flights.set('one', flight({ ...socket, lastByteAt: clock.at }))
    })
    t.equal(idle() === 0, expected, expected ? 'counts' : 'is heartbeats')
  })
}

t.test('an hour of typing does not make five hours of heartbeats', async (t) => {
  const { clock, flights, watch, idle } = house()
  let bytesFromClient = 0
  watch(180 * minute, (elapsed) => {
    bytesFromClient += elapsed <= 60 * minute ? 500 : 5
    flights.set('one', flight({ webSocket: true, bytesFromClient, lastByteAt: clock.at }))
  })
  const since = idle() / minute
  t.ok(since > 113 && since <= 120, `${since} min`)
})

t.test('streams count above the floor, where they may', async (t) => {
  const stream = (house: ReturnType<typeof createHouse>, perMinute: number) =>
    house.watch(30 * minute, (elapsed) => {
      const bytesToClient = Math.floor((elapsed / minute) * perMinute)
      const lastByteAt = house.clock.at
      house.flights.set('one', flight({ stream: true, bytesToClient, lastByteAt }))
    })
  const createHouse = house
  const lively = house()
  stream(lively, 5_000)
  t.equal(lively.idle(), 0)
  const heartbeats = house()
  stream(heartbeats, 80)
  t.equal(heartbeats.idle(), Number.POSITIVE_INFINITY, 'heartbeats do not')
  const off = house({ streamsCount: false })
  stream(off, 5_000)
  t.equal(off.idle(), Number.POSITIVE_INFINITY, 'and not where they may not')
})

t.test('the answer to a question streams, and counts whatever streams do', async (t) => {
  const { clock, flights, watch, idle } = house({ streamsCount: false })
  watch(10 * minute, () => {
    const chat = { kind: 'change', stream: true, bytesToClient: 100 } as const
    flights.set('one', flight({ ...chat, lastByteAt: clock.at }))
  })
  t.equal(idle(), 0)
})

t.test('what a route says is stronger than what a flight is', async (t) => {
  const { clock, flights, watch, idle } = house()
  const change = { kind: 'change', counts: 'never' } as const
  watch(minute, () => flights.set('one', flight({ ...change, lastByteAt: clock.at })))
  t.equal(idle(), Number.POSITIVE_INFINITY)
  const heartbeat = { webSocket: true, counts: 'always', session: null } as const
  watch(minute, () => flights.set('one', flight({ ...heartbeat, lastByteAt: clock.at })))
  t.equal(idle(), 0)
})

t.test('an application that never opens a page counts by what it moves', async (t) => {
  const { clock, passes, ended, idle } = house()
  passes('navigation')
  clock.at += 15 * minute
  for (let i = 0; i < 10; i++) ended('script', 400_000)
  t.equal(idle(), 15 * minute, 'four megabytes are not enough')
  for (let i = 0; i < 10; i++) {
    clock.at += 20_000
    ended('script', 400_000)
  }
  t.equal(idle(), 0, 'somebody looks at pictures')
  clock.at += 30 * minute
  ended('script', 400_000)
  t.equal(idle(), 30 * minute, 'what was moved long ago does not help')
})

t.test('a dashboard that polls for a day never counts', async (t) => {
  const { clock, passes, ended, idle } = house()
  for (let i = 0; i < 8_640; i++) {
    clock.at += 10_000
    passes('script')
    ended('script', 20_000)
  }
  t.equal(idle(), Number.POSITIVE_INFINITY)
})

t.test('what is over is forgotten, and ten thousand sessions are not kept', async (t) => {
  const { clock, use, passes, idle } = house()
  for (let i = 0; i < 10_000; i++) passes('navigation', { session: `s${i}` as SessionRef })
  clock.at += minute
  passes('script', { session: 's0' as SessionRef })
  t.equal(idle(), minute, 'the oldest is gone')
  passes('script', { session: 's9999' as SessionRef })
  t.equal(idle(), 0, 'the newest is known')
  clock.at += 11 * minute
  use.observe([])
  passes('script', { session: 's9999' as SessionRef })
  t.equal(idle(), 11 * minute)
})

t.test('what an earlier process knew counts, and never takes away', async (t) => {
  const { use, passes, idle } = house()
  use.restore(flex, 7 * minute)
  t.equal(idle(), 7 * minute)
  passes('navigation')
  use.restore(flex, 20 * minute)
  t.equal(idle(), 0)
  use.restore(flex, -5 * minute)
  t.equal(idle(), 0, 'a clock that was set back makes nothing of the future')
})

t.test('noting a request takes less than 200 ns and no memory', async (t) => {
  const { use } = house()
  const kinds: readonly UseKind[] = ['navigation', 'script', 'change', 'script', 'program']
  const passing: { -readonly [Key in keyof Passing]: Passing[Key] } = {
    kind: 'script',
    session: diego,
    counts: 'auto',
  }
  const run = (count: number) => {
    for (let i = 0; i < count; i++) {
      passing.kind = kinds[i % 5] ?? 'script'
      use.passes(flex, passing)
    }
  }
  run(200_000)
  let best = Number.POSITIVE_INFINITY
  let bytes = Number.POSITIVE_INFINITY
  for (let sample = 0; sample < 20; sample++) {
    const heap = process.memoryUsage().heapUsed
    const begun = process.hrtime.bigint()
    run(100_000)
    best = Math.min(best, Number(process.hrtime.bigint() - begun) / 100_000)
    bytes = Math.min(bytes, Math.abs(process.memoryUsage().heapUsed - heap) / 100_000)
  }
  t.ok(best < 200, `${best.toFixed(0)} ns`)
  t.ok(bytes < 1, `${bytes.toFixed(2)} bytes`)
  t.comment(`${best.toFixed(0)} ns, ${bytes.toFixed(2)} bytes`)
})
