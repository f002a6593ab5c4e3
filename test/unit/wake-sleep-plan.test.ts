// What is to become of a machine: every reason to keep it awake, and none, as a table.

import t from 'tap'
import type { RequestId, UserId } from '../../src/model.ts'
import { planSleep, type SleepFacts, type SleepPlan } from '../../src/wake/sleep-plan.ts'
import type { VmState, WakeReason } from '../../src/wake/vm-state.ts'

const minute = 60_000
const now = 1_000 * minute
const never = Number.POSITIVE_INFINITY
const by: WakeReason = {
  kind: 'request',
  request: 'r1' as RequestId,
  user: 'diego' as UserId,
  route: 'photos',
}

const awakeFor = (minutes: number, startedBy: WakeReason | null = by): VmState => ({
  kind: 'awake',
  since: now - minutes * minute,
  startedBy,
})
const bootingFor = (minutes: number): VmState => ({
  kind: 'booting',
  since: now - minutes * minute,
  startedBy: by,
  overdue: false,
})
const startingFor = (minutes: number): VmState => ({
  kind: 'starting',
  since: now - minutes * minute,
  attempt: 1,
  token: 'once',
  by,
  acceptedAt: now - minutes * minute,
  looking: false,
})
const draining: VmState = {
  kind: 'draining',
  since: now - 1_000,
  reason: 'idle',
  awakeSince: 0,
  startedBy: by,
}

function plan(state: VmState, facts: Partial<SleepFacts> = {}): SleepPlan {
  return planSleep({
    state,
    now,
    idleMs: never,
    power: {
      idleMs: 30 * minute,
      minimumAwakeMs: 10 * minute,
      startTimeoutMs: 10 * minute,
      foundRunning: 'adopt',
    },
    keptMs: 0,
    scheduledMs: 0,
    busyMs: 0,
    exhausted: false,
    ...facts,
  })
}

const foundRunning = (policy: SleepFacts['power']['foundRunning']) => ({
  power: {
    idleMs: 30 * minute,
    minimumAwakeMs: 10 * minute,
    startTimeoutMs: 10 * minute,
    foundRunning: policy,
  },
})

const stay = (why: string, minutes: number) => ({ kind: 'stay', why, forMs: minutes * minute })
const cases: readonly [what: string, plan: SleepPlan, expected: object][] = [
  ['used now', plan(awakeFor(60), { idleMs: 0 }), stay('use', 30)],
  ['used 29 minutes ago', plan(awakeFor(60), { idleMs: 29 * minute }), stay('use', 1)],
  [
    'used 30 minutes ago',
    plan(awakeFor(60), { idleMs: 30 * minute }),
    { kind: 'sleep', reason: 'not used for 30 min' },
  ],
  ['woken, and nobody came yet', plan(awakeFor(5)), stay('use', 25)],
  ['woken, and nobody came at all', plan(awakeFor(30)), { kind: 'sleep' }],
  [
    'use of an earlier time awake does not shorten this one',
    plan(awakeFor(1), { idleMs: 900 * minute }),
    stay('use', 29),
  ],
  [
    'not before it was awake for the least time',
    plan(awakeFor(4), { idleMs: 4 * minute, power: { ...foundRunning('adopt').power, idleMs: 1 } }),
    stay('minimum', 6),
  ],
  ['a lease', plan(awakeFor(60), { keptMs: 90 * minute }), stay('lease', 90)],
  ['a schedule', plan(awakeFor(60), { scheduledMs: 40 * minute }), stay('schedule', 40)],
  ['its own word', plan(awakeFor(60), { busyMs: 5 * minute }), stay('busy', 5)],
  [
    'the longest reason counts',
    plan(awakeFor(60), { idleMs: 20 * minute, busyMs: 5 * minute, keptMs: 9 * minute }),
    stay('use', 10),
  ],
  [
    'budget gone: its own word and its schedule do not count',
    plan(awakeFor(60), { busyMs: minute, scheduledMs: minute, exhausted: true }),
    { kind: 'sleep' },
  ],
  ['budget gone: people do', plan(awakeFor(60), { idleMs: 0, exhausted: true }), stay('use', 30)],
  [
    'budget gone: a lease does',
    plan(awakeFor(60), { keptMs: 1, exhausted: true }),
    { why: 'lease' },
  ],
  [
    'nothing on it ever answered',
    plan(bootingFor(30)),
    { kind: 'sleep', reason: 'nothing on it answered' },
  ],
  ['it boots', plan(bootingFor(2)), stay('use', 28)],
  ['it starts', plan(startingFor(29)), { kind: 'none' }],
  ['a start that never ends', plan(startingFor(30)), { kind: 'sleep' }],
  ['such a start, but kept', plan(startingFor(30), { keptMs: 1 }), { kind: 'none' }],
  ['found, adopted, just now', plan(awakeFor(1, null), foundRunning('adopt')), stay('use', 29)],
  ['found, adopted, unused', plan(awakeFor(30, null), foundRunning('adopt')), { kind: 'sleep' }],
  [
    'found, adopted, busy',
    plan(awakeFor(30, null), { ...foundRunning('adopt'), busyMs: minute }),
    stay('busy', 1),
  ],
  ['found, ignored', plan(awakeFor(900, null), foundRunning('ignore')), { kind: 'left-alone' }],
  [
    'ignored until somebody here wanted it',
    plan(awakeFor(900), foundRunning('ignore')),
    { kind: 'sleep' },
  ],
  [
    'found, to be stopped: its own word does not count',
    plan(awakeFor(30, null), { ...foundRunning('stop'), busyMs: minute, scheduledMs: minute }),
    { kind: 'sleep', reason: 'found running, and nobody here uses it' },
  ],
  [
    'found, to be stopped, but used',
    plan(awakeFor(900, null), { ...foundRunning('stop'), idleMs: 0 }),
    stay('use', 30),
  ],
  ['asleep', plan({ kind: 'asleep' }), { kind: 'none' }],
  ['asleep, and used a moment ago', plan({ kind: 'asleep' }, { idleMs: 0 }), { kind: 'none' }],
  ['asleep, and busy', plan({ kind: 'asleep' }, { busyMs: minute }), { kind: 'none' }],
  [
    'asleep in its time of the week',
    plan({ kind: 'asleep' }, { scheduledMs: 1 }),
    { kind: 'wake', why: 'schedule' },
  ],
  [
    'asleep in its time of the week, budget gone',
    plan({ kind: 'asleep' }, { scheduledMs: 1, exhausted: true }),
    { kind: 'none' },
  ],
  ['draining', plan(draining), { kind: 'none' }],
  ['draining, and kept after all', plan(draining, { keptMs: 1 }), { kind: 'wake', why: 'lease' }],
  ['draining when its time begins', plan(draining, { scheduledMs: 1 }), { kind: 'wake' }],
  ['draining, and busy', plan(draining, { busyMs: minute }), { kind: 'none' }],
  ['gone', plan({ kind: 'gone' }, { keptMs: 1, scheduledMs: 1 }), { kind: 'none' }],
]

for (const [what, actual, expected] of cases) {
  t.test(what, async (t) => {
    t.match(actual, expected)
  })
}
