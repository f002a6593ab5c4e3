// `gatehouse vm` and `gatehouse alert test`: what they print, ask, and how they exit; over a real control socket.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseArguments } from '../../src/cli/arguments.ts'
import { isMachineCommand } from '../../src/cli/commands.ts'
import { moneyText } from '../../src/cli/machine-text.ts'
import { runMachines } from '../../src/cli/machines.ts'
import { controlPath, createControl } from '../../src/control.ts'
import { configIn } from '../fixtures/config.ts'
import { createDesk, machineReport } from '../fixtures/machine-desk.ts'

const table = `version: 1
domain: example.com
routes:
  - { host: auth, to: login, access: public }
`
/** A Saturday, 7:30 in Berlin. */
const now = Date.UTC(2026, 10, 21, 6, 30)
const minute = 60_000

/** A gateway that knows `desk`, unless there is none; and the commands beside it. */
async function house(t: Test, desk: ReturnType<typeof createDesk> | null) {
  // Not tap's own directory: its path is longer than an address of a Unix socket may be.
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-vm-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const config = configIn(directory, table)
  mkdirSync(config.dataDir, { recursive: true })
  if (desk !== null) {
    const log = { debug() {}, info() {}, warn() {}, error() {} }
    const control = createControl({
      path: controlPath(config.dataDir),
      onPeopleChanged: async () => {},
      loginOrigin: () => 'https://auth.example.com',
      machines: desk,
      alerts: { test: async () => desk.alerts },
      log,
    })
    await control.listen()
    t.teardown(() => control.close())
  }
  return async (line: string) => {
    const { command, operands, flags, problems } = parseArguments(line.split(' '))
    if (command === null || !isMachineCommand(command)) throw new Error(`no such command: ${line}`)
    t.strictSame(problems, [], line)
    return runMachines(command, { config, operands, flags, now: () => now })
  }
}

const awake = machineReport({
  state: 'awake',
  since: now - 12 * minute,
  wokenBy: 'diego, photos/photoprism',
  readyPorts: [2342],
  held: 2,
  idleMs: 3 * minute,
  sleepsAt: now + 27 * minute,
  usualStartMs: 47_000,
  cost: {
    month: '2026-11',
    minutesAwake: 252,
    money: { currency: 'USD', spent: 0.0315, budget: 6.5, atBudget: 'manual' },
  },
  starts: [
    {
      at: now - 13 * minute,
      by: 'diego, photos/photoprism',
      readyMs: 47_000,
      endedAt: null,
      reason: null,
      cost: 0.0016,
    },
    {
      at: now - 3 * 24 * 60 * minute,
      by: 'schedule',
      readyMs: null,
      endedAt: now - 71 * 60 * minute,
      reason: 'idle',
      cost: null,
    },
  ],
})

t.test('without a gateway that runs, every command says so', async (t) => {
  const run = await house(t, null)
  for (const line of [
    'vm list',
    'vm cost',
    'vm wake box',
    'vm wake box --wait',
    'vm sleep box',
    'vm restart box',
    'vm keep box --until 2h',
    'alert test',
  ]) {
    await t.rejects(run(line), { code: 'not-running', remedy: /--data/ }, line)
  }
})

t.test('the list says what each machine does, for whom, and when it sleeps again', async (t) => {
  const desk = createDesk([awake, machineReport({ id: 'other' })])
  const run = await house(t, desk)
  t.strictSame(await run('vm list'), {
    kind: 'done',
    code: 0,
    error: '',
    out: [
      'VM     STATE   FOR     WOKEN BY                  IDLE   SLEEPS    WAITING  THIS MONTH',
      'box    awake   12 min  diego, photos/photoprism  3 min  at 07:57  2        4 h 12 min, 0.0315 USD of 6.50',
      'other  asleep                                                              0 s',
      '',
    ].join('\n'),
  })
  desk.machines = [
    machineReport({ state: 'resting', fault: 'capacity', retryAt: now + 4 * minute, held: 1 }),
  ]
  t.match(await run('vm list'), {
    out: /box {2}resting \(capacity\)/,
    error: 'gatehouse: warning: box: the cloud has no room for it now; next try at 07:34\n',
  })
  desk.machines = [machineReport({ state: 'awake', keptUntil: now + 24 * 60 * minute })]
  t.match(await run('vm list'), { out: /awake \(kept\).*kept until 2026-11-22 07:30/ })
  desk.machines = []
  t.match(await run('vm list'), { out: /none has power/, code: 0 })
})

t.test('what strangers could have written is harmless on a terminal', async (t) => {
  const run = await house(
    t,
    createDesk([machineReport({ wokenBy: '\u001b]0;x\u0007', fault: '\u001b[31m' })]),
  )
  const outcome = await run('vm list')
  t.notMatch(JSON.stringify(outcome), /\\u001b|\\u0007/)
})

t.test('JSON has everything, with times as programs read them', async (t) => {
  const run = await house(t, createDesk([awake]))
  const json = async (line: string) => {
    const outcome = await run(`${line} --json`)
    return JSON.parse(outcome.kind === 'done' ? outcome.out : 'null')
  }
  t.match(await json('vm list'), [
    {
      id: 'box',
      state: 'awake',
      since: '2026-11-21T06:18:00.000Z',
      sleepsAt: '2026-11-21T06:57:00.000Z',
      keptUntil: null,
      starts: [{ at: '2026-11-21T06:17:00.000Z', endedAt: null }, {}],
    },
  ])
  t.match(await json('vm cost'), {
    machines: [{ vm: 'box', minutesAwake: 252 }],
    traffic: { bytes: 340_000_000 },
  })
  t.match(await json('vm cost box'), { vm: 'box', money: { spent: 0.0315 }, starts: [{}, {}] })
  t.match(await json('vm wake box'), { vm: 'box', outcome: 'done', machine: { state: 'awake' } })
})

t.test('the cost is told by month and budget, and of one machine start by start', async (t) => {
  const desk = createDesk([awake])
  const run = await house(t, desk)
  const all = await run('vm cost')
  t.match(all, {
    code: 0,
    out: /box +2026-11 +4 h 12 min +0\.0315 USD +6\.50 USD +0 % +started by hand only\n/,
  })
  t.match(all, { out: /The gateway itself sent 0\.34 GB in 2026-11; 1\.00 GB a month are free/ })
  const one = await run('vm cost box')
  t.match(one, {
    out: /2026-11-21 07:17 +diego, photos\/photoprism +47 s +13 min, still +0\.0016 USD/,
  })
  t.match(one, { out: /2026-11-18 07:30 +schedule +60 min +idle\n/ })
  t.match(await run('vm cost bax'), { code: 1, error: /no machine bax; did you mean box\?/ })
})

t.test('money is told to the fraction of a cent', async (t) => {
  t.equal(moneyText(0, 'USD'), '0.00 USD')
  t.equal(moneyText(0.00002, 'USD'), '<0.0001 USD')
  t.equal(moneyText(0.0016, 'EUR'), '0.0016 EUR')
  t.equal(moneyText(5.499, 'EUR'), '5.50 EUR')
})

t.test('a machine is woken at once, or waited for', async (t) => {
  const desk = createDesk([machineReport({ state: 'starting', usualStartMs: 47_000 })])
  const run = await house(t, desk)
  t.match(await run('vm wake box'), {
    code: 0,
    out: 'box is starting; usually ready after 47 s.\n',
  })
  t.match(await run('vm wake box --wait --port 3000'), {
    code: 0,
    out: 'box is ready (after 0 s).\n',
  })
  t.strictSame(desk.done, ['wake box', 'wake box wait 3000'])
})

t.test('who waits no longer leaves, with 1', async (t) => {
  const desk = createDesk([machineReport({ state: 'booting' })])
  desk.ready = new Promise(() => {})
  const run = await house(t, desk)
  t.match(await run('vm wake box --wait --timeout 1s'), {
    code: 1,
    error: /did not get ready in time/,
  })
  t.equal(desk.left, 1)
})

t.test('what is refused says why, what helps and when, and exits with 1', async (t) => {
  const desk = createDesk([machineReport()])
  const run = await house(t, desk)
  const cases = [
    ['unknown-vm', 'vm wake bux', /there is no machine bux; did you mean box\?/],
    ['unknown-vm', 'vm wake quite-another', /no machine quite-another sleeps; "gatehouse vm list"/],
    ['always-on', 'vm sleep mail', /mail has no power in the table/],
    ['too-many-starts', 'vm wake box', /startsPerHour/],
    ['budget', 'vm wake box', /budget of this month for box is used up/],
    ['gone', 'vm wake box', /does not know box any more/],
    ['failed', 'vm wake box --wait', /box could not be started/],
    ['timeout', 'vm wake box --wait', /did not get ready in time/],
    ['not-running', 'vm restart box', /box does not run/],
    ['too-long', 'vm keep box --until 30d', /may not be kept awake for so long/],
  ] as const
  for (const [reason, line, says] of cases) {
    desk.outcome = {
      kind: 'refused',
      reason,
      detail: 'Out of host capacity.',
      retryAt: now + 5 * minute,
    }
    const outcome = await run(line)
    t.match(outcome, { kind: 'done', code: 1, out: '', error: says }, line)
    t.match(outcome, { error: /\(Out of host capacity\.\); again at 0[67]:35\n$/ }, line)
    const json = await run(`${line} --json`)
    t.match(json, { code: 1, error: '', out: `"outcome": "${reason}"` })
  }
})

t.test('a machine is kept awake until a time of its own zone', async (t) => {
  const desk = createDesk([machineReport({ state: 'awake' })])
  const run = await house(t, desk)
  t.match(await run('vm keep box --until 18:00'), {
    code: 0,
    out: 'box is kept awake until 2026-11-21 18:00 (Europe/Berlin).\n',
  })
  await run('vm keep box --until 07:00')
  await run('vm keep box --until 2026-12-01T00:30')
  await run('vm keep box --until 90m')
  t.match(await run('vm keep box --off'), { out: /not kept awake any more/ })
  t.strictSame(desk.done, [
    'keep box 2026-11-21T17:00:00.000Z',
    'keep box 2026-11-22T06:00:00.000Z',
    'keep box 2026-11-30T23:30:00.000Z',
    'keep box 2026-11-21T08:00:00.000Z',
    'keep box off',
  ])
})

t.test('what may not be kept awake is said', async (t) => {
  const desk = createDesk([machineReport()])
  const run = await house(t, desk)
  t.match(await run('vm keep box --until 1h'), { code: 0, out: /^box is kept awake until/ })
  await run('vm keep box --off')
  desk.outcome = { kind: 'refused', reason: 'too-long', detail: null, retryAt: null }
  t.match(await run('vm keep box --until 8d'), { code: 1 })
  t.strictSame(desk.done, [
    'keep box 2026-11-21T07:30:00.000Z',
    'keep box off',
    'keep box 2026-11-29T06:30:00.000Z',
  ])
})

t.test('mistakes in the command line do nothing', async (t) => {
  const desk = createDesk([machineReport()])
  const run = await house(t, desk)
  for (const line of [
    'vm keep box',
    'vm keep box --until 18:00 --off',
    'vm keep box --until tomorrow',
    'vm keep box --until 25:00',
    'vm keep box --until 2026-11-20T18:00',
    'vm keep box --until 2026-02-30T18:00',
    'vm wake box --port 80',
    'vm wake box --timeout 5m',
    'vm wake box --wait --port 0',
    'vm wake box --wait --timeout soon',
  ]) {
    t.match(await run(line), { kind: 'mistaken' }, line)
  }
  t.strictSame(desk.done, [])
})

t.test('a test message is told for each target', async (t) => {
  const desk = createDesk([])
  const run = await house(t, desk)
  t.match(await run('alert test'), { code: 1, error: /has no alerts, so nobody hears/ })
  desk.alerts = [
    { target: 'ntfy at ntfy.sh', error: null },
    { target: 'webhook at hooks.example.com', error: 'status 403' },
  ]
  t.match(await run('alert test'), {
    code: 1,
    out: 'arrived: ntfy at ntfy.sh\n',
    error:
      /^failed: {2}webhook at hooks\.example\.com: status 403\n.*1 target of 2 did not take it\n$/,
  })
  desk.alerts = desk.alerts.slice(0, 1)
  t.match(await run('alert test'), { code: 0, error: '' })
  t.match(await run('alert test --json'), { code: 0, out: /"target": "ntfy at ntfy\.sh"/ })
})

t.test('a gateway that speaks otherwise is no riddle', async (t) => {
  const strange = { ...machineReport(), idleMs: 'long' } as unknown as ReturnType<
    typeof machineReport
  >
  const run = await house(t, createDesk([strange]))
  await t.rejects(run('vm list'), { code: 'control-failed', message: /another version/ })
})
