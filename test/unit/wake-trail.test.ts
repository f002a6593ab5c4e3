// What the audit log hears of machines.

import t from 'tap'
import type { StartRecord } from '../../src/wake/journal.ts'
import { followTrail } from '../../src/wake/trail.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'
import { fakeMachine } from '../fixtures/wake-machine.ts'

const first: StartRecord = {
  by: { kind: 'schedule' },
  wantedAt: 1_000,
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
}

function house(since = 0) {
  const machine = fakeMachine(createFakeClock())
  const heard: string[] = []
  let history: StartRecord[] = []
  machine.history = () => history
  const stop = followTrail(machine, {
    since,
    tell: ({ event, record }) => heard.push(`${event} ${record.wantedAt}`),
  })
  const become = (...records: StartRecord[]) => {
    history = records
    machine.become({ kind: 'asleep' })
    return heard.splice(0)
  }
  return { machine, become, stop }
}

t.test('each step is told once', async (t) => {
  const { become, machine, stop } = house()
  t.same(become(first), [])
  const awake = { ...first, readyMs: 60_000 }
  t.same(become(awake), ['vm-woken 1000'])
  t.same(become(awake), [])
  const slept = { ...awake, endedAt: 100_000 }
  const next = { ...first, wantedAt: 100_000 }
  t.same(become(slept, next), ['vm-slept 1000'])
  t.same(become(slept, { ...next, endedAt: 200_000 }), ['vm-start-failed 100000'])
  stop()
  t.equal(machine.listeners, 0)
})

t.test('found running, and stopped', async (t) => {
  const { become } = house()
  const found = { ...first, by: null, attempts: 0 }
  t.same(become(found), [])
  t.same(become({ ...found, endedAt: 2_000 }), ['vm-slept 1000'])
})

t.test('what an earlier process has told is not told again', async (t) => {
  const { become } = house(90_000)
  t.same(become({ ...first, readyMs: 60_000 }), [])
  t.same(become({ ...first, readyMs: 60_000, endedAt: 100_000 }), ['vm-slept 1000'])
})
