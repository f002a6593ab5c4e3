// Who was let through and came back is known, but not for ever.

import t from 'tap'
import type { RequestId, SessionRef } from '../../src/model.ts'
import { createWaitingRoom, defaultHoldLimits } from '../../src/wake/waiting-room.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'
import { changeOf, flex, waiterFor } from '../fixtures/wake-machine.ts'

function open() {
  const clock = createFakeClock()
  const late: string[] = []
  const room = createWaitingRoom<string>({
    limits: { ...defaultHoldLimits, total: 5_000, perVm: 5_000 },
    steady: clock.steady,
    after: clock.after,
    timedOut: ({ waiter }) => void late.push(waiter.arrival.id),
  })
  const arrivalFor = (n: number) =>
    changeOf({ id: `request-${n}` as RequestId, session: `session-${n}` as SessionRef })

  function pass(n: number): void {
    const arrival = arrivalFor(n)
    const deadline = room.deadlineOf(arrival, 85_000)
    const entry = room.enter(waiterFor(arrival), 'door', deadline)
    if (entry === null) throw new Error('no room')
    room.remember(entry)
    room.leave(entry)
  }

  return { clock, room, late, arrivalFor, pass }
}

t.test('his time goes on where it was', async (t) => {
  const { clock, room, arrivalFor, pass } = open()
  const began = clock.steady()
  pass(1)
  await clock.advance(30_000)
  t.equal(room.deadlineOf(arrivalFor(1), 85_000), began + 85_000)
  t.equal(room.deadlineOf(arrivalFor(2), 85_000), began + 115_000)
  const entry = room.enter(waiterFor(arrivalFor(1)), 'door', began + 85_000)
  t.match(entry, { again: true, since: began })
  t.equal(clock.pending, 1)
})

t.test('whose time is over is forgotten when the next one passes', async (t) => {
  const { clock, room, arrivalFor, pass } = open()
  pass(1)
  await clock.advance(85_000)
  pass(2)
  t.equal(room.deadlineOf(arrivalFor(1), 85_000), clock.steady() + 85_000)
})

t.test('a thousand are remembered, and no more', async (t) => {
  const { clock, room, arrivalFor, pass } = open()
  const began = clock.steady()
  for (let n = 0; n < 1_001; n++) pass(n)
  await clock.advance(1_000)
  t.equal(room.deadlineOf(arrivalFor(0), 85_000), began + 86_000)
  t.equal(room.deadlineOf(arrivalFor(1), 85_000), began + 85_000)
  t.equal(room.deadlineOf(arrivalFor(1_000), 85_000), began + 85_000)
})

t.test('who leaves twice leaves once', async (t) => {
  const { clock, room, late, arrivalFor } = open()
  const waiter = waiterFor(arrivalFor(1))
  const entry = room.enter(waiter, 'door', clock.steady() + 1_000)
  if (entry === null) throw new Error('no room')
  t.equal(room.find(waiter), entry)
  t.strictSame([...room.byVm()], [[flex, 1]])
  t.equal(room.leave(entry), true)
  t.equal(room.leave(entry), false)
  t.equal(room.find(waiter), null)
  t.strictSame([room.size, room.bytes, room.heldFor(flex)], [0, 0, 0])
  await clock.advance(2_000)
  t.strictSame(late, [])
})
