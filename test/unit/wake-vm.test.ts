// Every state of a machine, what can happen in it, and what follows: as a table.

import t from 'tap'
import type { UserId } from '../../src/model.ts'
import { intentOf, reborn } from '../../src/wake/intent.ts'
import type { CloudFault } from '../../src/wake/provider.ts'
import { next, type VmMoment } from '../../src/wake/vm.ts'
import type { VmEvent, VmState, WakeReason } from '../../src/wake/vm-state.ts'
import { readingMs, startRestMs, stopRestMs, tickAt } from '../../src/wake/vm-timing.ts'

const now = 1_000_000
const minuteMs = 60_000
const limits = { drainMs: 30_000, softStopMs: 180_000, startTimeoutMs: 300_000 }
const ana: WakeReason = { kind: 'person', user: 'ana' as UserId }
const bob: WakeReason = { kind: 'person', user: 'bob' as UserId }
const operator: WakeReason = { kind: 'person', user: null }

const moment: VmMoment = { now, limits, token: 'fresh', random: 0.5 }

type In<Kind extends VmState['kind']> = Extract<VmState, { kind: Kind }>

// States with what does not matter filled in.
const unknown = (over: Partial<In<'unknown'>> = {}): VmState => ({
  kind: 'unknown',
  since: now - 500,
  wanted: null,
  token: null,
  startedBy: null,
  ...over,
})
const asleep: VmState = { kind: 'asleep' }
const gone: VmState = { kind: 'gone' }
const asking = (over: Partial<In<'starting'>> = {}): VmState => ({
  kind: 'starting',
  since: now - 1_000,
  attempt: 1,
  token: 'tok',
  by: ana,
  acceptedAt: null,
  looking: false,
  ...over,
})
const accepted = (over: Partial<In<'starting'>> = {}): VmState =>
  asking({ acceptedAt: now - 500, ...over })
const booting = (over: Partial<In<'booting'>> = {}): VmState => ({
  kind: 'booting',
  since: now - 5_000,
  startedBy: ana,
  overdue: false,
  ...over,
})
const awake = (over: Partial<In<'awake'>> = {}): VmState => ({
  kind: 'awake',
  since: now - 60_000,
  startedBy: ana,
  ...over,
})
const draining = (over: Partial<In<'draining'>> = {}): VmState => ({
  kind: 'draining',
  since: now - 1_000,
  reason: 'idle',
  awakeSince: now - 60_000,
  startedBy: ana,
  ...over,
})
/** The soft stop was accepted a second ago. */
const stopping = (over: Partial<In<'stopping'>> = {}): VmState => ({
  kind: 'stopping',
  since: now - 2_000,
  soft: true,
  thenStart: false,
  thenBy: null,
  reason: 'idle',
  by: 'us',
  acceptedAt: now - 1_000,
  failures: 0,
  callAt: null,
  ...over,
})
const beingAsked = { acceptedAt: null, callAt: null }
const resting = (over: Partial<In<'resting'>> = {}): VmState => ({
  kind: 'resting',
  fault: 'capacity',
  until: now + 30_000,
  attempts: 1,
  token: null,
  by: ana,
  wantedAt: now - 2_000,
  ...over,
})

const cloud = (reading: Extract<VmEvent, { kind: 'cloud' }>['reading']): VmEvent => ({
  kind: 'cloud',
  reading,
})
const blind = (fault: CloudFault): VmEvent => ({ kind: 'cloud-failed', fault })
const want: VmEvent = { kind: 'want', by: bob }
const restart: VmEvent = { kind: 'restart', by: bob }
const sleep: VmEvent = { kind: 'let-sleep', reason: 'enough' }
const tick: VmEvent = { kind: 'tick' }
const ready: VmEvent = { kind: 'port-ready', port: 80 }
const startFailed = (fault: CloudFault): VmEvent => ({ kind: 'start-failed', fault })
const stopFailed = (fault: CloudFault): VmEvent => ({ kind: 'stop-failed', fault })

/** `same`: nothing changes. Effects: kinds, an alert as `!trouble`, a start as `start token`. */
type Row = readonly [
  title: string,
  from: VmState,
  event: VmEvent,
  to: 'same' | Partial<VmState>,
  effects?: string,
]

const rows: readonly Row[] = [
  // unknown
  ['nobody wants it, and it is off', unknown(), cloud('stopped'), asleep],
  ['found running', unknown(), cloud('running'), { kind: 'booting', startedBy: null }],
  [
    'found running, as the journal knows',
    unknown({ startedBy: ana }),
    cloud('running'),
    { kind: 'booting', startedBy: ana },
  ],
  [
    'found starting',
    unknown({ startedBy: ana }),
    cloud('starting'),
    { kind: 'starting', by: ana, acceptedAt: now },
  ],
  [
    'found stopping',
    unknown(),
    cloud('stopping'),
    { kind: 'stopping', by: 'outside', thenStart: false },
  ],
  [
    'found stopping, and wanted',
    unknown({ wanted: ana }),
    cloud('stopping'),
    { kind: 'stopping', by: 'outside', thenStart: true, thenBy: ana },
  ],
  [
    'found off, and wanted',
    unknown({ wanted: ana }),
    cloud('stopped'),
    { kind: 'starting', by: ana, token: 'fresh' },
    'start fresh',
  ],
  [
    'found off during a start: the same call again',
    unknown({ wanted: ana, token: 'old' }),
    cloud('stopped'),
    { kind: 'starting', token: 'old' },
    'start old',
  ],
  ['moving says nothing', unknown(), cloud('moving'), 'same'],
  ['wanted before it was heard', unknown(), want, { kind: 'unknown', wanted: bob }, 'read'],
  ['wanted twice before it was heard', unknown({ wanted: ana }), want, 'same'],
  [
    'to sleep before it was heard: it may run',
    unknown(),
    sleep,
    { kind: 'stopping', by: 'us', reason: 'enough' },
    'soft-stop',
  ],
  ['blind, and nobody waits', unknown(), blind('unavailable'), 'same'],
  ['blind because of our key, and nobody waits', unknown(), blind('denied'), 'same', '!denied'],
  [
    'blind, and somebody waits',
    unknown({ wanted: ana, token: 'old' }),
    blind('unavailable'),
    { kind: 'resting', fault: 'unavailable', token: 'old', by: ana },
  ],
  ['blind, and it answers', unknown({ startedBy: ana }), ready, { kind: 'awake', startedBy: ana }],

  // asleep
  [
    'a wish',
    asleep,
    want,
    { kind: 'starting', attempt: 1, token: 'fresh', by: bob, acceptedAt: null },
    'start fresh',
  ],
  ['restart of what is off', asleep, restart, { kind: 'starting', by: bob }, 'start fresh'],
  ['it is off, still', asleep, cloud('stopped'), 'same'],
  [
    'started in the console',
    asleep,
    cloud('starting'),
    { kind: 'starting', by: null, acceptedAt: now },
  ],
  ['seen running', asleep, cloud('running'), { kind: 'booting', startedBy: null }],
  ['seen stopping', asleep, cloud('stopping'), { kind: 'stopping', by: 'outside' }],
  ['moving', asleep, cloud('moving'), { kind: 'unknown', wanted: null }],
  ['sleep of what sleeps', asleep, sleep, 'same'],
  ['a late answer to a stop', asleep, { kind: 'stop-accepted', reading: 'stopping' }, 'same'],
  ['a late failure of a start', asleep, startFailed('unavailable'), 'same'],
  ['time', asleep, tick, 'same'],

  // starting
  ['a second wish while asking', asking(), want, 'same'],
  [
    'accepted',
    asking(),
    { kind: 'start-accepted', reading: 'starting' },
    { kind: 'starting', acceptedAt: now },
  ],
  [
    'accepted, and runs already',
    asking(),
    { kind: 'start-accepted', reading: 'running' },
    { kind: 'booting', startedBy: ana },
  ],
  [
    'no capacity',
    asking(),
    startFailed('capacity'),
    { kind: 'resting', fault: 'capacity', until: now + 30_000, attempts: 1, token: null, by: ana },
    '!capacity',
  ],
  [
    'throttled',
    asking({ attempt: 3 }),
    startFailed('throttled'),
    { kind: 'resting', until: now + 8_000, attempts: 3, token: null },
  ],
  [
    'no answer: the same call again',
    asking(),
    startFailed('unavailable'),
    { kind: 'resting', token: 'tok', until: now + 2_000 },
  ],
  [
    'no answer for the fifth time',
    asking({ attempt: 5 }),
    startFailed('unavailable'),
    { kind: 'resting', attempts: 5 },
    '!unavailable',
  ],
  [
    'our key is refused',
    asking(),
    startFailed('denied'),
    { kind: 'resting', fault: 'denied', until: now + minuteMs },
    '!denied',
  ],
  [
    'our clock is off',
    asking(),
    startFailed('clock'),
    { kind: 'resting', fault: 'clock' },
    '!clock',
  ],
  [
    'another state than thought',
    asking(),
    startFailed('conflict'),
    { kind: 'starting', looking: true, acceptedAt: null },
    'read',
  ],
  [
    '… it was starting',
    asking({ looking: true }),
    cloud('starting'),
    { kind: 'starting', looking: false, acceptedAt: now },
  ],
  [
    '… it was running',
    asking({ looking: true }),
    cloud('running'),
    { kind: 'booting', startedBy: ana },
  ],
  [
    '… it was stopping',
    asking({ looking: true }),
    cloud('stopping'),
    { kind: 'stopping', by: 'outside', thenStart: true, thenBy: ana },
  ],
  [
    '… it was off after all',
    asking({ looking: true }),
    cloud('stopped'),
    { kind: 'resting', fault: 'conflict', token: null },
  ],
  ['… it is moving', asking({ looking: true }), cloud('moving'), 'same'],
  ['… and nobody can say', asking({ looking: true }), blind('unavailable'), 'same'],
  ['a reading from before the call', asking(), cloud('stopped'), 'same'],
  ['running', accepted(), cloud('running'), { kind: 'booting', startedBy: ana, since: now }],
  ['off a moment after it was accepted', accepted(), cloud('stopped'), 'same'],
  [
    'off long after it was accepted',
    accepted({ acceptedAt: now - minuteMs }),
    cloud('stopped'),
    { kind: 'resting', fault: 'unavailable', token: null },
    '!start-undone',
  ],
  [
    'stopping after it was accepted',
    accepted(),
    cloud('stopping'),
    { kind: 'resting', by: ana },
    '!start-undone',
  ],
  [
    'started outside, and stopped there',
    accepted({ by: null }),
    cloud('stopping'),
    { kind: 'stopping', by: 'outside' },
  ],
  [
    'started outside, and undone',
    accepted({ by: null, acceptedAt: now - minuteMs }),
    cloud('stopped'),
    asleep,
  ],
  ['started outside, then wanted', accepted({ by: null }), want, { kind: 'starting', by: bob }],
  ['its port answers before the cloud knows', accepted(), ready, { kind: 'awake', startedBy: ana }],
  ['a port that answers before anything was accepted', asking(), ready, 'same'],
  [
    'to sleep while asking',
    asking(),
    sleep,
    { kind: 'stopping', soft: true, acceptedAt: null },
    'soft-stop',
  ],
  ['too slow', accepted({ acceptedAt: now - 300_000 }), tick, 'same', '!start-slow'],
  ['not too slow', accepted(), tick, 'same'],
  ['accepted twice', accepted(), { kind: 'start-accepted', reading: 'running' }, 'same'],
  ['a late failure after it was accepted', accepted(), startFailed('capacity'), 'same'],

  // booting
  ['the first port', booting(), ready, { kind: 'awake', since: now, startedBy: ana }],
  ['no port at all', booting(), { kind: 'no-ports' }, { kind: 'awake' }],
  [
    'found running, then wanted',
    booting({ startedBy: null }),
    want,
    { kind: 'booting', startedBy: bob },
  ],
  ['wanted by another one too', booting(), want, 'same'],
  ['runs, still', booting(), cloud('running'), 'same'],
  ['a reading that lags', booting(), cloud('starting'), 'same'],
  [
    'stopped in the console',
    booting(),
    cloud('stopping'),
    { kind: 'stopping', by: 'outside', thenStart: false },
  ],
  ['off', booting(), cloud('stopped'), asleep],
  ['to sleep: nothing to drain', booting(), sleep, { kind: 'stopping', by: 'us' }, 'soft-stop'],
  [
    'restart while booting',
    booting(),
    restart,
    { kind: 'stopping', thenStart: true, thenBy: bob },
    'soft-stop',
  ],
  [
    'the service never comes',
    booting({ since: now - 300_000 }),
    tick,
    { kind: 'booting', overdue: true },
    '!app-silent',
  ],
  ['… and that was said', booting({ since: now - 600_000, overdue: true }), tick, 'same'],

  // awake
  ['a wish while awake', awake(), want, 'same'],
  [
    'found running, and now wanted',
    awake({ startedBy: null }),
    want,
    { kind: 'awake', startedBy: bob },
  ],
  [
    'to sleep',
    awake(),
    sleep,
    { kind: 'draining', since: now, reason: 'enough', awakeSince: now - 60_000 },
  ],
  [
    'dead',
    awake(),
    restart,
    { kind: 'stopping', thenStart: true, thenBy: bob, reason: 'restart' },
    'soft-stop',
  ],
  [
    'stopped outside',
    awake(),
    cloud('stopping'),
    { kind: 'stopping', by: 'outside', thenStart: false },
  ],
  ['found off', awake(), cloud('stopped'), asleep],
  ['its port fell silent', awake(), { kind: 'port-lost', port: 80 }, 'same'],
  ['blind', awake(), blind('unavailable'), 'same'],
  [
    'blind because the key was withdrawn: it could not be stopped',
    awake(),
    blind('denied'),
    'same',
    '!denied',
  ],

  // draining
  ['wanted after all', draining(), want, { kind: 'awake', since: now - 60_000, startedBy: ana }],
  [
    'drained',
    draining(),
    { kind: 'drained' },
    { kind: 'stopping', soft: true, reason: 'idle', callAt: null },
    'soft-stop',
  ],
  ['not drained, and time is left', draining(), tick, 'same'],
  [
    'not drained in time',
    draining({ since: now - 30_000 }),
    tick,
    { kind: 'stopping' },
    'soft-stop',
  ],
  ['to sleep again', draining(), sleep, 'same'],
  ['off while draining', draining(), cloud('stopped'), asleep],
  [
    'restart while draining',
    draining(),
    restart,
    { kind: 'stopping', thenStart: true },
    'soft-stop',
  ],

  // stopping
  ['seen stopped', stopping(), cloud('stopped'), asleep],
  [
    'seen stopped, and wanted',
    stopping({ thenStart: true, thenBy: bob }),
    cloud('stopped'),
    { kind: 'starting', by: bob, attempt: 1 },
    'start fresh',
  ],
  [
    'accepted',
    stopping(beingAsked),
    { kind: 'stop-accepted', reading: 'stopping' },
    { kind: 'stopping', acceptedAt: now },
  ],
  [
    'accepted, and off at once',
    stopping(beingAsked),
    { kind: 'stop-accepted', reading: 'stopped' },
    asleep,
  ],
  ['wanted while stopping', stopping(), want, { kind: 'stopping', thenStart: true, thenBy: bob }],
  ['wanted by two while stopping', stopping({ thenStart: true, thenBy: ana }), want, 'same'],
  [
    'not wanted any more',
    stopping({ thenStart: true, thenBy: ana }),
    sleep,
    { kind: 'stopping', thenStart: false, thenBy: null },
  ],
  ['runs still', stopping(), cloud('running'), 'same'],
  [
    'the system is deaf',
    stopping({ acceptedAt: now - 180_000 }),
    tick,
    { kind: 'stopping', soft: false, acceptedAt: null },
    'stop',
  ],
  ['the system takes its time', stopping({ acceptedAt: now - 179_999 }), tick, 'same'],
  [
    'the power was cut, and it runs',
    stopping({ soft: false, acceptedAt: now - minuteMs }),
    tick,
    { kind: 'stopping', failures: 1 },
    'stop',
  ],
  [
    '… for the third time',
    stopping({ soft: false, acceptedAt: now - minuteMs, failures: 2 }),
    tick,
    { kind: 'stopping', failures: 3 },
    'stop !stop-failing',
  ],
  [
    'no answer',
    stopping(beingAsked),
    stopFailed('unavailable'),
    { kind: 'stopping', failures: 1, callAt: now + 2_000 },
  ],
  [
    'no answer for the third time',
    stopping({ ...beingAsked, failures: 2 }),
    stopFailed('unavailable'),
    { kind: 'stopping', failures: 3, callAt: now + 8_000 },
    '!stop-failing',
  ],
  [
    'no answer for the hundredth time',
    stopping({ ...beingAsked, failures: 99 }),
    stopFailed('throttled'),
    { kind: 'stopping', failures: 100, callAt: now + 5 * minuteMs },
    '!stop-failing',
  ],
  [
    'our key is refused',
    stopping(beingAsked),
    stopFailed('denied'),
    { kind: 'stopping', failures: 1 },
    '!denied',
  ],
  [
    'once more',
    stopping({ acceptedAt: null, failures: 1, callAt: now }),
    tick,
    { kind: 'stopping', soft: true, callAt: null },
    'soft-stop',
  ],
  ['not yet', stopping({ acceptedAt: null, failures: 1, callAt: now + 1 }), tick, 'same'],
  [
    'soft stops fail: its power is cut',
    stopping({ acceptedAt: null, failures: 3, callAt: now }),
    tick,
    { kind: 'stopping', soft: false },
    'stop !stop-failing',
  ],
  [
    'soft stops failed for too long',
    stopping({ since: now - 180_000, acceptedAt: null, failures: 1, callAt: now }),
    tick,
    { kind: 'stopping', soft: false },
    'stop',
  ],
  [
    'refused because of its state',
    stopping(beingAsked),
    stopFailed('conflict'),
    { kind: 'stopping', failures: 0, callAt: now + 5_000 },
    'read',
  ],
  [
    '… it stops already',
    stopping({ acceptedAt: null, callAt: now + 5_000 }),
    cloud('stopping'),
    { kind: 'stopping', acceptedAt: now, callAt: null },
  ],
  [
    '… it is starting: later',
    stopping({ acceptedAt: null, callAt: now + 5_000 }),
    cloud('starting'),
    'same',
  ],
  [
    'refused for ever: somebody has to know',
    stopping({ since: now - 780_000, acceptedAt: null, callAt: now }),
    tick,
    { kind: 'stopping' },
    'stop !stop-failing',
  ],
  [
    'wanted while no stop was accepted: perhaps it runs',
    stopping({ acceptedAt: null, failures: 2, callAt: now + 9_000 }),
    want,
    { kind: 'unknown', wanted: bob, startedBy: bob },
    'read',
  ],
  [
    'restart while no stop was accepted',
    stopping({ acceptedAt: null, failures: 2, callAt: now + 9_000 }),
    restart,
    { kind: 'stopping', thenStart: true },
  ],
  ['outside, and done', stopping({ by: 'outside', acceptedAt: null }), cloud('stopped'), asleep],
  [
    'outside, and taken back',
    stopping({ by: 'outside', acceptedAt: null, thenStart: true, thenBy: ana }),
    cloud('running'),
    { kind: 'booting', startedBy: ana },
  ],
  [
    'outside, and stuck',
    stopping({ by: 'outside', acceptedAt: null, since: now - 20 * minuteMs }),
    tick,
    'same',
    '!stop-failing',
  ],
  [
    'outside: left alone',
    stopping({ by: 'outside', acceptedAt: null, since: now - 5 * minuteMs }),
    tick,
    'same',
  ],
  [
    'a late answer to the start',
    stopping(),
    { kind: 'start-accepted', reading: 'starting' },
    'same',
  ],
  ['a late failure of an older stop', stopping(), stopFailed('unavailable'), 'same'],

  // resting
  ['not yet', resting(), tick, 'same'],
  [
    'again',
    resting({ until: now }),
    tick,
    { kind: 'starting', attempt: 2, token: 'fresh', since: now - 2_000 },
    'start fresh',
  ],
  [
    'again, the same call',
    resting({ until: now, token: 'tok' }),
    tick,
    { kind: 'starting', attempt: 2, token: 'tok' },
    'start tok',
  ],
  [
    'wanted while resting: nothing before its time',
    resting(),
    want,
    { kind: 'resting', until: now + 30_000, wantedAt: now },
  ],
  [
    'the operator changes no capacity',
    resting(),
    { kind: 'want', by: operator, repaired: true },
    { kind: 'resting', until: now + 30_000 },
  ],
  [
    'the operator repaired the key',
    resting({ fault: 'denied' }),
    { kind: 'want', by: operator, repaired: true },
    { kind: 'starting', attempt: 2 },
    'start fresh',
  ],
  [
    'the operator repaired the key, and restarts it',
    resting({ fault: 'denied' }),
    { kind: 'restart', by: operator },
    { kind: 'starting', attempt: 2 },
    'start fresh',
  ],
  ['a visitor did not', resting({ fault: 'denied' }), want, { kind: 'resting', fault: 'denied' }],
  ['nobody waits any more', resting({ until: now, wantedAt: now - 60 * minuteMs }), tick, asleep],
  [
    'nobody waits, but a call may have come through',
    resting({ until: now, wantedAt: now - 60 * minuteMs, token: 'tok' }),
    tick,
    { kind: 'unknown', wanted: null, startedBy: ana },
    'read',
  ],
  [
    'it runs: the answer had been lost',
    resting({ token: 'tok' }),
    cloud('running'),
    { kind: 'booting', startedBy: ana },
  ],
  [
    'it starts',
    resting({ token: 'tok' }),
    cloud('starting'),
    { kind: 'starting', by: ana, token: 'tok', acceptedAt: now },
  ],
  ['it is off, as expected', resting(), cloud('stopped'), 'same'],
  ['to sleep', resting(), sleep, asleep],
  [
    'to sleep, but a call may have come through',
    resting({ token: 'tok' }),
    sleep,
    { kind: 'stopping', by: 'us' },
    'soft-stop',
  ],

  // gone
  ['wanted', gone, want, 'same'],
  ['still gone', gone, cloud('gone'), 'same'],
  ['there it is again', gone, cloud('stopped'), asleep],
  ['gone while awake', awake(), cloud('gone'), gone, '!gone'],
  ['gone while asleep', asleep, cloud('gone'), gone, '!gone'],
  ['gone, says the start', asking(), { kind: 'start-accepted', reading: 'gone' }, gone, '!gone'],
]

for (const [title, from, event, to, effects = ''] of rows) {
  t.test(`${from.kind}: ${title} (${event.kind})`, async (t) => {
    const step = next(from, event, moment)
    if (to === 'same') t.equal(step.state, from, 'the same object')
    else {
      t.not(step.state, from)
      t.match(step.state, to)
    }
    const done = step.effects.map((effect) => {
      if (effect.kind === 'alert') return `!${effect.trouble}`
      return effect.kind === 'start' ? `start ${effect.token}` : effect.kind
    })
    t.equal(done.join(' '), effects)
  })
}

const states: readonly VmState[] = [
  unknown(),
  unknown({ wanted: ana }),
  asleep,
  asking(),
  asking({ looking: true }),
  accepted(),
  accepted({ by: null }),
  booting(),
  awake(),
  draining(),
  stopping(),
  stopping(beingAsked),
  stopping({ acceptedAt: null, callAt: now }),
  stopping({ by: 'outside', acceptedAt: null }),
  resting(),
  resting({ token: 'tok' }),
  gone,
]

t.test('a start is called for only when somebody wants it', async (t) => {
  const silent: readonly VmEvent[] = [
    ...(['stopped', 'starting', 'running', 'stopping', 'moving', 'gone'] as const).map(cloud),
    blind('unavailable'),
    ready,
    { kind: 'port-lost', port: 80 },
    { kind: 'no-ports' },
    { kind: 'drained' },
    { kind: 'start-accepted', reading: 'starting' },
    { kind: 'stop-accepted', reading: 'stopping' },
    sleep,
    tick,
  ]
  const unwanted = [
    unknown(),
    asleep,
    accepted({ by: null }),
    booting({ startedBy: null }),
    awake(),
    draining(),
    stopping(),
    gone,
  ]
  for (const from of unwanted) {
    for (const event of silent) {
      const later = { ...moment, now: now + 3_600_000 }
      for (const { kind } of next(from, event, later).effects) t.not(kind, 'start')
    }
  }
})

t.test(
  'whatever it is in, letting it sleep leads to a stop or to being off, given time',
  async (t) => {
    for (const from of states) {
      let state = from
      let at = now
      let calls = 0
      const say = (event: VmEvent) => {
        const step = next(state, event, { ...moment, now: at, token: `t${at}` })
        state = step.state
        for (const { kind } of step.effects) if (kind.includes('stop')) calls += 1
      }
      say(sleep)
      for (let turn = 0; turn < 20; turn += 1) {
        at += 30_000
        say({ kind: 'drained' })
        say({ kind: 'stop-accepted', reading: 'stopping' })
        say(tick)
      }
      const off = state.kind === 'asleep' || state.kind === 'gone'
      const left = state.kind === 'stopping' && state.by === 'outside'
      t.ok(off || left || calls > 0, `${from.kind} → ${state.kind} after ${calls} calls`)
    }
  },
)

t.test('time means something exactly when it is said to', async (t) => {
  for (const from of states) {
    const due = tickAt(from, limits)
    if (due === null) {
      t.equal(next(from, tick, { ...moment, now: now + 1e9 }).state, from, from.kind)
      continue
    }
    const before = next(from, tick, { ...moment, now: due - 1 })
    t.equal(before.state, from, `${from.kind} before its time`)
    const after = next(from, tick, { ...moment, now: due })
    t.ok(after.state !== from || after.effects.length > 0, `${from.kind} at its time`)
  }
})

t.test('pauses grow, end, and spread', async (t) => {
  t.equal(startRestMs('throttled', 1, 0.5), 2_000)
  t.equal(startRestMs('throttled', 4, 0.5), 16_000)
  t.equal(startRestMs('throttled', 1_000, 0.5), minuteMs)
  t.equal(startRestMs('capacity', 1, 0.5), 30_000)
  t.equal(startRestMs('capacity', 50, 0.5), 10 * minuteMs)
  t.equal(startRestMs('denied', 50, 0.5), 30 * minuteMs)
  t.equal(stopRestMs(1, 0), 1_500)
  t.ok(stopRestMs(1, 0.999) < 2_500)
  t.equal(stopRestMs(1_000_000, 0.5), 5 * minuteMs)
})

t.test(
  'the cloud is asked often while something is under way, and less when it refuses',
  async (t) => {
    const at = { now, failures: 0, random: 0.5 }
    t.equal(readingMs(accepted(), at), 2_500)
    t.equal(readingMs(stopping({ since: now - 3_600_000 }), at), 30_000)
    t.equal(readingMs(asleep, at), 210_000)
    t.ok(readingMs(awake(), { ...at, random: 0 }) >= 120_000)
    t.ok(readingMs(awake(), { ...at, random: 1 }) <= 300_000)
    t.equal(readingMs(accepted(), { ...at, failures: 6 }), 64_000)
  },
)

t.test('what was meant survives the process, in every state', async (t) => {
  const wall = 1_800_000_000_000
  const toWall = (steady: number) => wall + steady - now
  /** Another process, a minute later; its steady clock begins elsewhere. */
  const again = (state: VmState) =>
    reborn(JSON.parse(JSON.stringify(intentOf(state, toWall))), {
      now: wall + minuteMs,
      steady: 77,
    })
  const heard = (state: VmState, reading: 'stopped' | 'running') =>
    next(again(state), cloud(reading), { ...moment, now: 77 })

  t.match(heard(asleep, 'stopped').state, asleep)
  t.match(heard(asleep, 'running').state, { kind: 'booting', startedBy: null })
  t.match(heard(asking(), 'stopped').state, { kind: 'starting', token: 'tok', by: ana })
  t.match(heard(accepted(), 'running').state, { kind: 'booting', startedBy: ana })
  t.match(heard(accepted({ by: null }), 'stopped').state, asleep)
  t.match(heard(booting(), 'running').state, { kind: 'booting', startedBy: ana })
  t.match(heard(awake(), 'running').state, { kind: 'booting', startedBy: ana })
  t.match(heard(awake(), 'stopped').state, asleep)
  for (const was of [draining(), stopping(), stopping(beingAsked)]) {
    t.match(heard(was, 'stopped').state, asleep)
    const { state } = heard(was, 'running')
    t.match(next(state, tick, { ...moment, now: 77 }).effects, [{ kind: 'soft-stop' }])
  }
  const wanted = stopping({ thenStart: true, thenBy: bob })
  t.match(heard(wanted, 'stopped').state, { kind: 'starting', by: bob })
  t.match(heard(stopping({ by: 'outside', acceptedAt: null }), 'stopped').state, asleep)
  t.match(again(resting({ token: 'tok' })), {
    kind: 'resting',
    fault: 'capacity',
    until: 77,
    token: 'tok',
    wantedAt: 77 - 62_000,
  })
  t.match(heard(gone, 'stopped').state, asleep)
})

t.test(
  'a wish from long ago, or from the future, starts nothing; what it started is known',
  async (t) => {
    for (const at of [-7_200_000, 7_200_000]) {
      const state = reborn(
        { kind: 'starting', by: ana, at: 10_000_000 + at, token: 'tok', rest: null },
        { now: 10_000_000, steady: 5 },
      )
      t.match(next(state, cloud('stopped'), moment).state, asleep)
      t.match(next(state, cloud('running'), moment).state, { kind: 'booting', startedBy: ana })
    }
  },
)

t.test('a clock that was set back does not make a rest endless', async (t) => {
  const rest = { fault: 'capacity', until: 99_000_000, attempts: 3 } as const
  const state = reborn(
    { kind: 'starting', by: ana, at: 10_000_000, token: null, rest },
    { now: 10_001_000, steady: 5 },
  )
  t.match(state, { kind: 'resting', until: 5 + 30 * minuteMs })
})
