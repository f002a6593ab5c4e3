// Machines that sleep, as routes.yaml has them: what they mean, what is refused, and what an edit opens.

import { readFileSync } from 'node:fs'
import t from 'tap'
import type { TableDefinition } from '../../src/model.ts'
import type { VmPower } from '../../src/model-machines.ts'
import { accessChanges } from '../../src/routes-file/access-change.ts'
import { formatProblem } from '../../src/routes-file/problem.ts'
import { type ReadResult, readTable } from '../../src/routes-file/read.ts'

const oci = 'oci: { instance: ocid1.instance.oc1.eu-frankfurt-1.abc, region: eu-frankfurt-1 }'

/** A table with one machine `box` that has this power, one that is always on, and these rows. */
function read(power: string, more: { rows?: readonly string[]; top?: readonly string[] } = {}) {
  return readTable(
    [
      'version: 1',
      'domain: example.com',
      'vms:',
      '  plain: { address: 10.0.0.8 }',
      power === '' ? '  box: { address: 10.0.0.7 }' : '  box:',
      ...(power === '' ? [] : ['    address: 10.0.0.7', `    power: { ${power} }`]),
      ...(more.top ?? []),
      'routes:',
      '  - { host: auth, to: login, access: public }',
      '  - { host: proxy, to: admin }',
      ...(more.rows ?? []).map((row) => `  - ${row}`),
      '',
    ].join('\n'),
  )
}

function good({ definition, problems }: ReadResult): TableDefinition {
  if (definition === null) throw new Error(problems.map((p) => formatProblem('t', p)).join('\n'))
  return definition
}

function power(text: string): VmPower | null {
  return good(read(text)).vms.find(({ id }) => id === 'box')?.power ?? null
}

function codes(text: string, more: Parameters<typeof read>[1] = {}): readonly string[] {
  return read(text, more).problems.map((p) => `${p.severity} ${p.code} ${p.where}`)
}

t.test(
  'a machine that says little gets the defaults, and one that says nothing is always on',
  (t) => {
    t.equal(power(''), null)
    const found = power(oci)
    t.match(found, {
      provider: {
        kind: 'oci',
        instance: 'ocid1.instance.oc1.eu-frankfurt-1.abc',
        region: 'eu-frankfurt-1',
        configFile: null,
        profile: 'DEFAULT',
        endpoint: null,
      },
      idleMs: 1_800_000,
      minimumAwakeMs: 600_000,
      drainMs: 30_000,
      softStopMs: 300_000,
      startTimeoutMs: 600_000,
      startsPerHour: 6,
      holdMs: 85_000,
      readyPath: null,
      webSocketFloorBytes: 1000,
      streamsCount: true,
      foundRunning: 'adopt',
      awake: [],
      cost: null,
      busySecret: null,
    })
    t.end()
  },
)

t.test('everything a machine can say is read in its units', (t) => {
  const commands =
    'command: { start: [/bin/vm, start, a b], softStop: [/bin/vm, off], stop: [/bin/vm, stop], state: [/bin/vm, state], timeout: 5s }'
  t.strictSame(
    power(
      `${commands}, sleepAfter: 2h, minimumAwake: 0s, drain: 1m, softStop: 1m, startTimeout: 15m, startsPerHour: 2, hold: 40s, readyPath: "/health?x", webSocketFloor: 0, streamsCount: false, foundRunning: stop, awake: [{ days: [sat-mon, wed], from: "22:00", to: "02:30" }, { from: "00:00", to: "24:00" }], timeZone: Europe/Berlin, cost: { perHour: 0.5, currency: EUR, budget: 10, atBudget: refuse }, busy: { secret: BUSY }`,
    ),
    {
      provider: {
        kind: 'command',
        start: ['/bin/vm', 'start', 'a b'],
        softStop: ['/bin/vm', 'off'],
        stop: ['/bin/vm', 'stop'],
        state: ['/bin/vm', 'state'],
        timeoutMs: 5000,
      },
      idleMs: 7_200_000,
      minimumAwakeMs: 0,
      drainMs: 60_000,
      softStopMs: 60_000,
      startTimeoutMs: 900_000,
      startsPerHour: 2,
      holdMs: 40_000,
      readyPath: '/health?x',
      webSocketFloorBytes: 0,
      streamsCount: false,
      foundRunning: 'stop',
      awake: [
        { days: [0, 1, 3, 6], from: 1320, to: 150 },
        { days: [0, 1, 2, 3, 4, 5, 6], from: 0, to: 1440 },
      ],
      timeZone: 'Europe/Berlin',
      cost: { perHour: 0.5, currency: 'EUR', budget: 10, atBudget: 'refuse' },
      busySecret: 'BUSY',
    },
  )
  t.end()
})

t.test('who starts and stops a machine is said once, and so that it can be believed', (t) => {
  const at = 'vms.box.power'
  const ociWith = (text: string) => `oci: { ${text} }`
  const instance = 'instance: ocid1.instance.oc1.eu-frankfurt-1.abc'
  const region = 'region: eu-frankfurt-1'
  t.strictSame(codes('sleepAfter: 5m'), [`error vm-power ${at}`])
  t.strictSame(codes(`${oci}, command: { start: [/a], stop: [/a], state: [/a] }`), [
    `error vm-power ${at}.command`,
  ])
  for (const [text, where] of [
    [`instance: i-0123, ${region}`, 'instance'],
    [`instance: ocid1.vnic.oc1.eu-frankfurt-1.abc, ${region}`, 'instance'],
    [`${instance}, region: frankfurt`, 'region'],
    [`${instance}, region: eu-paris-1`, 'region'],
    [`${instance}, ${region}, configFile: ~/.oci/config`, 'configFile'],
    [`${instance}, ${region}, configFile: /c, profile: "[a]"`, 'profile'],
    [`${instance}, ${region}, endpoint: http://10.0.0.1`, 'endpoint'],
    [`${instance}, ${region}, endpoint: http://169.254.169.254`, 'endpoint'],
    [`${instance}, ${region}, endpoint: https://a.example/x`, 'endpoint'],
  ] as const) {
    t.strictSame(codes(ociWith(text)), [`error oci ${at}.oci.${where}`], text)
  }
  t.strictSame(codes(ociWith(`${instance}, ${region}, endpoint: http://127.0.0.1:9`)), [])
  t.strictSame(codes(ociWith(`${instance}, ${region}, profile: A`)), [
    `warning no-effect ${at}.oci.profile`,
  ])
  t.strictSame(codes('command: { start: [vm], stop: [/vm], state: ["/vm status"] }'), [
    `error vm-command ${at}.command.start[0]`,
  ])
  t.strictSame(codes('command: { start: [/vm], stop: [], state: [/vm] }'), [
    `error shape ${at}.command.stop`,
  ])
  t.end()
})

t.test('times, zones, money and paths that cannot be are told with what to write', (t) => {
  const at = 'vms.box.power'
  const one = (text: string) => read(`${oci}, ${text}`).problems[0]
  const told = (text: string) => `${one(text)?.code} ${one(text)?.where}: ${one(text)?.remedy}`
  t.match(told('sleepAfter: 8d'), `out-of-range ${at}.sleepAfter`)
  t.match(told('hold: 2m'), `out-of-range ${at}.hold`)
  t.match(told('startsPerHour: 0'), `shape ${at}.startsPerHour`)
  t.match(told('readyPath: health'), `path-invalid ${at}.readyPath`)
  t.match(told('timeZone: Europe/Berln'), `time-zone ${at}.timeZone: did you mean Europe/Berlin?`)
  t.match(told('timeZone: "+01:00"'), `time-zone ${at}.timeZone`)
  t.match(told('awake: [{ from: "8:00", to: "18:00" }]'), `time-of-day ${at}.awake[0].from`)
  t.match(told('awake: [{ from: "18:00", to: "18:00" }]'), `time-of-day ${at}.awake[0]`)
  t.match(told('awake: [{ days: [mo], from: "08:00", to: "09:00" }]'), 'did you mean mon?')
  t.match(told('cost: { perHour: 1, currency: usd }'), `currency ${at}.cost.currency: write USD`)
  t.match(told('cost: { perHour: 1, atBudget: refuse }'), `no-effect ${at}.cost.atBudget`)
  t.match(told('cost: { perHour: 0, budget: 5 }'), `no-effect ${at}.cost.budget`)
  t.end()
})

t.test('alerts go to addresses that can be, and no message quotes one', (t) => {
  const alerts = (list: string) => read('', { top: [`alerts: [${list}]`] })
  t.strictSame(
    good(
      alerts(
        '{ ntfy: https://ntfy.sh/a-b, token: { secret: NTFY } }, { webhook: "http://127.0.0.1:80/x?y" }',
      ),
    ).alerts,
    [
      { kind: 'ntfy', url: 'https://ntfy.sh/a-b', token: 'NTFY' },
      { kind: 'webhook', url: 'http://127.0.0.1:80/x?y', token: null },
    ],
  )
  for (const bad of [
    '{ ntfy: https://ntfy.sh }',
    '{ ntfy: "https://ntfy.sh/sesame?x" }',
    '{ ntfy: https://me:sesame@ntfy.sh/topic }',
    '{ webhook: http://hooks.example.com/sesame }',
    '{ webhook: http://10.0.0.3/sesame }',
    '{ webhook: http://169.254.169.254/sesame }',
    '{ webhook: "sesame" }',
  ]) {
    const [problem] = alerts(bad).problems
    t.match(problem, { severity: 'error', code: 'alert-address' }, bad)
    t.notMatch(`${problem?.what} ${problem?.remedy}`, 'sesame', bad)
  }
  t.end()
})

t.test('two machines that are one are refused: each would stop the other', (t) => {
  const two = (first: string, second: string) => {
    const vms = [
      `  a: { address: 10.0.0.1, power: { ${first} } }`,
      `  b: { address: 10.0.0.2, power: { ${second} } }`,
    ]
    return codes('', { top: vms })
  }
  const command = (word: string) =>
    `command: { start: [/vm, start], stop: [/vm, stop, ${word}], state: [/vm] }`
  t.strictSame(two(oci, oci), ['error vm-twice vms.b.power.oci.instance'])
  t.strictSame(two(oci, oci.replace('.abc', '.abd')), [])
  t.strictSame(two(command('x'), command('x')), ['error vm-twice vms.b.power.command.stop'])
  t.strictSame(two(command('x'), command('y')), [])
  t.end()
})

t.test('a target that names the address of a machine that sleeps goes past it', (t) => {
  const row = (to: string) => ({ rows: [`{ host: a, to: "${to}" }`] })
  const bypassed = ['warning vm-bypassed routes[2].to']
  t.strictSame(codes(oci, row('http://10.0.0.7:80')), bypassed)
  t.strictSame(codes(oci, row('http://[::ffff:10.0.0.7]:80')), bypassed)
  t.strictSame(codes(oci, row('box:80')), [])
  t.strictSame(codes(oci, row('http://10.0.0.8:80')), [])
  t.strictSame(codes('', row('http://10.0.0.7:80')), [], 'it is always on')
  t.strictSame(codes(oci, { top: ['fallback: http://10.0.0.7:81'] }), [
    'warning vm-bypassed fallback',
  ])
  const [problem] = read(oci, row('https://10.0.0.7:443')).problems.filter(
    ({ code }) => code === 'vm-bypassed',
  )
  t.match(problem?.remedy, 'write https://box:443')
  t.end()
})

t.test('wake and countsAsUse without a machine that sleeps are warned of', (t) => {
  const row = (to: string) => ({ rows: [`{ host: a, to: ${to}, wake: any, countsAsUse: never }`] })
  const both = ['wake', 'countsAsUse'].map((key) => `warning no-effect routes[2].${key}`)
  t.strictSame(codes('', row('box:80')), both)
  t.strictSame(codes(oci, row('plain:80')), both)
  t.strictSame(codes(oci, row('http://10.0.0.9:80')), both)
  t.strictSame(codes(oci, row('box:80')), [])
  t.strictSame(codes('sleepAfter: 1x', row('box:80')), ['error shape vms.box.power.sleepAfter'])
  t.end()
})

t.test('an edit that lets more requests start a machine is weaker', (t) => {
  const table = (wake: string, machine = oci) =>
    good(read(machine, { rows: [`{ host: a, to: box:80${wake} }`] }))
  const edit = (before: TableDefinition, after: TableDefinition) =>
    accessChanges(before, after).map(({ kind, sentence }) => `${kind}: ${sentence}`)
  const rules = ['never', 'manual', 'navigation', 'any', 'known-client']
  for (const [index, rule] of rules.entries()) {
    for (const [other, next] of rules.entries()) {
      const kind = other > index ? 'weaker' : 'stronger'
      const said = ['a/', 'a/…'].map((name) => `${kind}: ${name}: wake ${rule} → wake ${next}`)
      t.strictSame(
        edit(table(`, wake: ${rule}`), table(`, wake: ${next}`)),
        rule === next ? [] : said.slice(0, 1),
      )
    }
  }
  t.strictSame(edit(table('', ''), table('')), [], 'a machine that learns to sleep opens nothing')
  t.strictSame(edit(table(', wake: never', ''), table(', wake: any', '')), [], 'always on')
  t.end()
})

t.test("the example in the owner's table is good once its # are taken away", (t) => {
  const text = readFileSync(new URL('../../src/routes.yaml', import.meta.url), 'utf8')
  const before = good(readTable(text))
  t.ok(
    before.vms.every((vm) => vm.power === null),
    'nothing is started before he fills it in',
  )
  const uncommented = text
    .replace(/^ {4}# power:\n(?: {4}# {3}.*\n)+/m, (block) => block.replaceAll(/^ {4}# /gm, '    '))
    .replace(/^# alerts:\n(?:# {3}.*\n)+/m, (block) => block.replaceAll(/^# /gm, ''))
  const { definition, problems } = readTable(uncommented)
  t.strictSame(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  t.strictSame(
    definition?.vms.map(({ id, power }) => [id, power?.cost?.budget ?? null]),
    [
      ['oci-p-flex_1', 6.5],
      ['oci-f-micro_1', null],
      ['oci-f-micro_2', null],
    ],
  )
  t.equal(definition?.alerts.length, 2)
  const warnings = (result: readonly { code: string }[]) => result.map(({ code }) => code)
  t.strictSame(warnings(problems), warnings(readTable(text).problems), 'and nothing new is wrong')
  t.end()
})
