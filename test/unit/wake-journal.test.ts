// What a machine leaves on disk: whole or not at all, and never fatal.

import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { RequestId, UserId } from '../../src/model.ts'
import { createJournal, type Intent, type JournalData } from '../../src/wake/journal.ts'
import { createLedger } from '../../src/wake/ledger.ts'
import { monthOf } from '../../src/wake/months.ts'
import type { VmState, WakeReason } from '../../src/wake/vm-state.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'
import { createKeptLog, emptyJournal } from '../fixtures/wake-provider.ts'

const reasons: readonly WakeReason[] = [
  { kind: 'request', request: 'r1' as RequestId, user: 'ana' as UserId, route: 'photos' },
  { kind: 'request', request: 'r2' as RequestId, user: null, route: 'photos' },
  { kind: 'person', user: null },
  { kind: 'schedule' },
  { kind: 'token', user: 'ana' as UserId, token: 'ci' },
]
const [first] = reasons as [WakeReason]

const intents: readonly Intent[] = [
  { kind: 'asleep' },
  { kind: 'awake', by: null, at: 5 },
  { kind: 'stopping', reason: 'idle', at: 5, thenBy: first },
  ...reasons.map((by): Intent => ({ kind: 'starting', by, at: 5, token: 'x', rest: null })),
  {
    kind: 'starting',
    by: first,
    at: 5,
    token: null,
    rest: { fault: 'capacity', until: 9, attempts: 2 },
  },
]

const record = {
  by: first,
  wantedAt: 1,
  acceptedMs: 2,
  runningMs: 3,
  readyMs: null,
  attempts: 1,
  fault: 'throttled',
  stopReason: 'idle',
  stopMs: 4,
  endedAt: 5,
  awakeMs: 6,
  cost: 0.5,
  currency: 'USD',
} as const

const full = (intent: Intent): JournalData => ({
  intent,
  history: [record, { ...record, fault: null, cost: null, currency: null, endedAt: null }],
  minutes: { '2026-10': 12.5, '2026-11': 3 },
  countedAt: 7,
})

function open(t: { testdir(): string }) {
  const folder = t.testdir()
  const file = join(folder, 'vms', 'flex.json')
  const log = createKeptLog()
  return { folder, file, log, journal: createJournal({ file, log }) }
}

t.test('what was written is read again, whatever was meant', async (t) => {
  const { journal, file, log } = open(t)
  for (const intent of intents) {
    t.ok(await journal.write(full(intent)))
    t.strictSame(await createJournal({ file, log }).load(), full(intent))
  }
  t.equal((await stat(file)).mode & 0o777, 0o600)
  t.strictSame(await readdir(join(file, '..')), ['flex.json'])
  t.strictSame(log.events, [])
})

t.test('a machine without a past', async (t) => {
  const { journal, log } = open(t)
  t.strictSame(await journal.load(), emptyJournal)
  t.strictSame(log.events, [])
})

t.test('a torn or mangled file is set aside and told, and the next write works', async (t) => {
  const good = `${JSON.stringify({ format: 1, ...full({ kind: 'asleep' }) })}\n`
  const change = (from: string, to: string) => {
    t.ok(good.includes(from), from)
    return good.replace(from, to)
  }
  const bad = [
    '',
    'x',
    'null',
    '[]',
    good.slice(0, good.length / 2),
    change('"format":1', '"format":2'),
    change('"kind":"asleep"', '"kind":"drowsy"'),
    change('"kind":"asleep"', '"kind":"starting"'),
    change('"throttled"', '"tired"'),
    change('"wantedAt":1', '"wantedAt":"1"'),
    change('"awakeMs":6', '"awakeMs":-6'),
    change('"awakeMs":6', '"awakeMs":1e999'),
    change('"2026-10"', '"__proto__"'),
    change('"kind":"request"', '"kind":"anybody"'),
    change('"countedAt":7', '"countedAt":true'),
    '\0'.repeat(4096),
    `{"format":1,"intent":${'['.repeat(100_000)}`,
    ' '.repeat(2 * 1024 * 1024),
  ]
  for (const text of bad) {
    const { journal, file, log } = open(t)
    await mkdir(join(file, '..'))
    await writeFile(file, text)
    t.strictSame(await journal.load(), emptyJournal)
    t.match(log.events, [{ level: 'error', event: 'journal-damaged', fields: { file } }])
    t.equal(await readFile(`${file}.damaged`, 'utf8'), text)
    t.ok(await journal.write(full({ kind: 'asleep' })))
    t.strictSame(await journal.load(), full({ kind: 'asleep' }))
  }
})

t.test('a file that cannot be read is told, and is no reason to stop', async (t) => {
  const { journal, file, log } = open(t)
  await mkdir(file, { recursive: true })
  t.strictSame(await journal.load(), emptyJournal)
  t.equal(log.events.length, 1)
  t.equal(log.events[0]?.level, 'error')
})

t.test('a disk that cannot be written is told once, and once when it can again', async (t) => {
  const { folder, file, journal, log } = open(t)
  await writeFile(join(folder, 'vms'), 'in the way')
  t.notOk(await journal.write(emptyJournal))
  t.notOk(await journal.write(emptyJournal))
  t.strictSame(
    log.events.map(({ event }) => event),
    ['journal-failed'],
  )
  const other = createJournal({ file: join(folder, 'elsewhere', 'flex.json'), log })
  t.ok(await other.write(emptyJournal))
  t.not(file, '')
})

t.test('what a crash left half written is in nobody’s way', async (t) => {
  const { file, journal } = open(t)
  await mkdir(join(file, '..'))
  await writeFile(`${file}.new`, '{"form', { mode: 0o400 })
  t.ok(await journal.write(emptyJournal))
  t.strictSame(await journal.load(), emptyJournal)
})

t.test('of a hundred writes at once the last one wins, and all are answered', async (t) => {
  const { journal } = open(t)
  const answers = Array.from({ length: 100 }, (_, index) =>
    journal.write({ ...emptyJournal, minutes: { '2026-11': index } }),
  )
  t.ok((await Promise.all(answers)).every((answer) => answer))
  t.strictSame((await journal.load()).minutes, { '2026-11': 99 })
})

t.test('history and months are bounded', async (t) => {
  const clock = createFakeClock(Date.UTC(2020, 0, 1))
  const ledger = createLedger({
    power: () => ({ timeZone: 'UTC', cost: null }),
    now: clock.now,
    steady: clock.steady,
  })
  const asleep: VmState = { kind: 'asleep' }
  const awake: VmState = { kind: 'awake', since: 0, startedBy: null }
  for (let night = 0; night < 1_200; night += 1) {
    ledger.moved(asleep, awake)
    await clock.advance(3_600_000)
    ledger.moved(awake, asleep)
    await clock.advance(23 * 3_600_000)
  }
  t.equal(ledger.history().length, 200)
  const months = Object.keys(ledger.awakeMinutes())
  t.equal(months.length, 24)
  t.ok(months.includes('2023-04') && !months.includes('2020-01'))
  const { journal } = open(t)
  await journal.write(ledger.data({ kind: 'asleep' }))
  t.equal((await journal.load()).history.length, 200)
})

t.test(
  'a day that was not seen counts if it was found running, and a quarter of an hour if not',
  async (t) => {
    for (const [found, minutes] of [
      ['awake', 24 * 60],
      ['asleep', 15],
    ] as const) {
      const clock = createFakeClock()
      const ledger = createLedger({
        power: () => ({ timeZone: 'UTC', cost: null }),
        now: clock.now,
        steady: clock.steady,
      })
      ledger.load({ ...emptyJournal, countedAt: clock.now() - 24 * 3_600_000 })
      const unknown = { wanted: null, token: null, startedBy: null }
      const state: VmState =
        found === 'awake' ? { kind: 'awake', since: 0, startedBy: null } : { kind: 'asleep' }
      ledger.moved({ kind: 'unknown', since: 0, ...unknown }, state)
      const total = Object.values(ledger.awakeMinutes()).reduce((sum, each) => sum + each, 0)
      t.equal(Math.round(total), minutes)
    }
  },
)

t.test('a machine that was found stopping costs until it is off', async (t) => {
  const clock = createFakeClock()
  const { now, steady } = clock
  const ledger = createLedger({ power: () => ({ timeZone: 'UTC', cost: null }), now, steady })
  const unknown = { kind: 'unknown', since: 0, wanted: null, token: null, startedBy: null } as const
  const call = { soft: true, acceptedAt: null, failures: 0, callAt: null }
  const stopping: VmState = {
    kind: 'stopping',
    since: 0,
    thenStart: false,
    thenBy: null,
    reason: 'stopped from outside',
    by: 'outside',
    ...call,
  }
  ledger.moved(unknown, stopping)
  await clock.advance(120_000)
  ledger.moved(stopping, { kind: 'asleep' })
  await clock.advance(120_000)
  t.strictSame(ledger.awakeMinutes(), { '2026-11': 2 })
})

t.test('months begin at midnight of their zone', async (t) => {
  const edge = Date.UTC(2026, 10, 30, 23)
  t.equal(monthOf(edge - 1, 'Europe/Berlin'), '2026-11')
  t.equal(monthOf(edge, 'Europe/Berlin'), '2026-12')
  t.equal(monthOf(edge, 'UTC'), '2026-11')
  t.equal(monthOf(edge, 'Nowhere/At_All'), '2026-11')
})
