// `gatehouse explain`: what it says is what `admit` does.

import t from 'tap'
import { explain } from '../../src/cli/explain.ts'
import { readRequest } from '../../src/cli/explain-request.ts'
import { loadGoodTable, runtimeTable } from '../../src/cli/load-table.ts'
import { explainRequest } from '../../src/explain/explain.ts'
import { configIn, createOutput } from '../fixtures/config.ts'

const table = `version: 1
domain: example.com
trustedProxies: cloudflare
routes:
  - { service: Photos, host: photos, path: /photoprism, to: 'http://127.0.0.1:2342' }
  - { service: Photos page, host: photos, to: { landing: /photoprism }, access: public }
  - { service: Git, host: git, to: 'http://127.0.0.1:3001', access: { groups: [dev] } }
  - { service: Term, host: term, to: 'http://127.0.0.1:7681', webSocket: true }
  - { service: Home, host: home, to: 'http://127.0.0.1:1', clients: { allow: [10.0.0.0/8] } }
  - { service: Orange, host: orange, to: 'http://127.0.0.1:1', cloudflareOnly: true }
  - { service: Old, host: old, to: { redirect: 'https://example.org' }, access: public }
  - { service: Moved, host: moved, path: /old, to: { redirect: 'https://example.org', keepPath: true }, access: public, prefix: true }
  - { service: Shut, host: shut, to: 'http://127.0.0.1:1', maintenance: back soon }
  - { service: Admin, host: proxy, to: admin, access: { groups: [admin] } }
  - { service: Bank, host: bank, to: 'http://127.0.0.1:1', access: { with: passkey, within: 15m } }
  - { service: Shut, host: nobody, to: 'http://127.0.0.1:1', access: nobody }
  - { service: VPN, host: vpn, to: 'http://127.0.0.1:1', networks: [{ cidr: 10.8.0.0/24, as: ana }] }
  - { service: Org, host: www.example.org, to: 'http://127.0.0.1:1' }
  - service: Share
    host: share
    to: 'http://127.0.0.1:1'
    access: [{ methods: [GET], paths: [/s/*], access: public }, { paths: [/in/**], access: login }]
  - { service: Login, host: auth, to: login, access: public }
`

async function setUp(t: { testdir: () => string }) {
  const config = configIn(t.testdir(), table)
  const runtime = runtimeTable(await loadGoodTable(config), config)
  return (line: string) => {
    const [url = '', ...rest] = line.split(' ')
    const flags = new Map(rest.map((word) => [word.split('=')[0] ?? '', word.split('=')[1] ?? '']))
    return explainRequest(runtime, readRequest(url, flags), 443)
  }
}

const outcomes: readonly (readonly [line: string, outcome: string, status: number | null])[] = [
  ['https://photos.example.com/photoprism/x?y', 'sign-in-required', 401],
  ['https://photos.example.com/photoprism/x?y user=me', 'forward', null],
  ['photos.example.com/photoprism user=me', 'forward', null],
  ['https://PHOTOS.example.com.:443/ ', 'page', null],
  ['https://photos.example.com', 'page', null],
  ['https://photos.example.com/other', 'not-found', 404],
  ['https://moved.example.com/old/x', 'page', null],
  ['https://moved.example.com//old/x', 'bad-target', 400],
  ['https://photos.example.com/photoprismx', 'not-found', 404],
  ['https://photos.example.com/.gatehouse/x', 'not-found', 404],
  ['https://unknown.example.com/', 'not-found', 404],
  ['https://git.example.com/ user=me groups=ops,dev', 'forward', null],
  ['https://git.example.com/ user=me groups=ops', 'forbidden', 403],
  [
    'https://git.example.com/ user=me groups=dev method=POST origin=https://git.example.com',
    'forward',
    null,
  ],
  [
    'https://git.example.com/ user=me groups=dev method=POST origin=https://evil.example.com',
    'cross-origin',
    403,
  ],
  [
    'https://git.example.com/ user=me groups=dev method=POST fetch-site=same-site',
    'cross-origin',
    403,
  ],
  ['https://git.example.com/ method=TRACE', 'method-not-allowed', 405],
  ['wss://term.example.com/ user=me origin=https://term.example.com', 'forward', null],
  ['https://term.example.com/ user=me websocket origin=https://x.example.com', 'cross-origin', 403],
  ['wss://git.example.com/ user=me groups=dev origin=https://git.example.com', 'forbidden', 403],
  ['https://home.example.com/ user=me', 'client-address', 403],
  ['https://home.example.com/ user=me from=10.1.2.3', 'forward', null],
  ['https://home.example.com/ user=me from=10.1.2.3 cloudflare', 'forward', null],
  ['https://orange.example.com/ user=me', 'not-through-cloudflare', 403],
  ['https://orange.example.com/ user=me cloudflare', 'forward', null],
  ['https://old.example.com/', 'page', null],
  ['https://shut.example.com/ user=me', 'maintenance', 503],
  ['https://me@photos.example.com/', 'bad-host', 400],
  ['https://bank.example.com/', 'sign-in-required', 401],
  ['https://bank.example.com/ user=me', 'sign-in-required', 401],
  ['https://bank.example.com/ user=me with=second-factor', 'sign-in-required', 401],
  ['https://bank.example.com/ user=me with=passkey age=16m', 'sign-in-required', 401],
  ['https://bank.example.com/ user=me with=passkey age=15m', 'forward', null],
  ['https://nobody.example.com/ user=me with=passkey', 'forbidden', 403],
  ['https://vpn.example.com/', 'sign-in-required', 401],
  ['https://vpn.example.com/ from=10.8.0.9', 'forward', null],
  ['https://share.example.com/s/x', 'forward', null],
  ['https://share.example.com/s/x method=POST', 'forbidden', 403],
  ['https://share.example.com/in/x', 'sign-in-required', 401],
  ['https://share.example.com/S/x', 'bad-target', 400],
  ['https://share.example.com/other user=me', 'forbidden', 403],
  ['https:///path', 'bad-host', 400],
]

t.test('each request ends where the gateway would end it', async (t) => {
  const ask = await setUp(t)
  for (const [line, outcome, status] of outcomes) {
    const explanation = ask(line)
    t.match(explanation, { outcome, status }, line)
    t.ok(explanation.steps.length > 0 && explanation.verdict.endsWith('.'), line)
  }
})

// `new URL` would turn each of these into another request than the one a client sends.
const rawTargets: readonly (readonly [path: string, outcome: string])[] = [
  ['/a/../photoprism', 'bad-target'],
  ['/photoprism/%2e%2e/x', 'bad-target'],
  ['/photoprism/..;/x', 'bad-target'],
  ['/photoprism%2fx', 'bad-target'],
  ['/photoprism\\x', 'bad-target'],
  ['/photoprism/%zz', 'bad-target'],
  ['/photoprism/#x', 'bad-target'],
  ['/photoprism/ x', 'bad-target'],
  ['/photoprism/é', 'bad-target'],
  ['//photoprism/x', 'bad-target'],
  ['/%70hotoprism/x', 'forward'],
  ['/photoprism/%252e%252e', 'forward'],
]

t.test(
  'odd addresses are judged as they are written, not as a browser would tidy them',
  async (t) => {
    const config = configIn(t.testdir(), table)
    const runtime = runtimeTable(await loadGoodTable(config), config)
    for (const [path, outcome] of rawTargets) {
      const request = readRequest(`https://photos.example.com${path}`, new Map([['user', 'me']]))
      t.equal(request.rawTarget, path)
      t.equal(explainRequest(runtime, request, 443).outcome, outcome, path)
    }
  },
)

t.test('a query alone belongs to the root', async (t) => {
  t.equal(readRequest('https://photos.example.com?a=/../', new Map()).rawTarget, '/?a=/../')
})

t.test('it names the routes that were considered and why they were not taken', async (t) => {
  const ask = await setUp(t)
  const { steps } = ask('https://photos.example.com/photoprism/x')
  const route = steps.find(({ step }) => step === 'route')
  t.match(route, {
    says: 'photos/photoprism',
    details: [/^→ .*\/photoprism\/… .*line 5/, /^ {2}.*takes this path alone$/],
  })
})

t.test('it tells a missing membership from a WebSocket that is not offered', async (t) => {
  const ask = await setUp(t)
  const policy = (line: string) => ask(line).steps.find(({ step }) => step === 'policy')?.says
  const origin = 'origin=https://git.example.com'
  t.match(policy(`wss://git.example.com/ user=me groups=dev ${origin}`), /webSocket: false$/)
  t.match(policy(`wss://git.example.com/ user=me groups=ops ${origin}`), /not among these$/)
})

t.test('it shows the rule that decides, and that none does', async (t) => {
  const ask = await setUp(t)
  const policy = (line: string) => ask(line).steps.find(({ step }) => step === 'policy')
  t.match(policy('https://share.example.com/in/x user=me'), {
    says: 'login: may enter',
    details: ['  1. GET /s/*: public', '→ 2. /in/**: login', '  else nobody'],
  })
  t.match(policy('https://share.example.com/other user=me'), {
    says: 'nobody: closed, whoever asks',
    details: [/^ {2}1/, /^ {2}2/, '→ else nobody'],
  })
  t.strictSame(policy('https://vpn.example.com/ user=me')?.details, [])
})

t.test('it says what is lacking in how somebody signed in, and where to do better', async (t) => {
  const ask = await setUp(t)
  const said = (line: string, name: string) =>
    ask(line).steps.find(({ step }) => step === name)?.says
  const bank = 'https://bank.example.com/a?b'
  t.equal(
    said(`${bank} user=me`, 'identity'),
    '"me", in no group, signed in just now with one factor',
  )
  t.match(said(`${bank} user=me`, 'policy'), /^login with passkey within 15m: .*--with passkey/)
  t.match(said(`${bank} user=me with=passkey age=1h`, 'policy'), /too long ago/)
  t.equal(
    said(`${bank} user=me`, 'sign in'),
    'https://auth.example.com/?rd=https%3A%2F%2Fbank.example.com%2Fa%3Fb&reason=passkey',
  )
  t.match(said('https://www.example.org/', 'sign in'), /cookie does not reach/)
  t.match(said('https://vpn.example.com/ from=10.8.0.9', 'identity'), /^"ana", by the address/)
})

t.test('it stops where the request stopped', async (t) => {
  const ask = await setUp(t)
  const names = (line: string) => ask(line).steps.map(({ step }) => step)
  t.equal(names('https://photos.example.com/a/../b').at(-1), 'target')
  t.equal(names('https://photos.example.com/nothing').at(-1), 'route')
  t.equal(names('https://photos.example.com/photoprism').at(-1), 'sign in')
  t.equal(names('https://nobody.example.com/').at(-1), 'policy')
  t.equal(names('https://photos.example.com/photoprism user=me').at(-1), 'forward')
})

t.test('flags no client could send are refused', async (t) => {
  for (const [name, value] of [
    ['method', 'GET /x'],
    ['method', 'A\nB'],
    ['from', 'example.com'],
    ['groups', 'dev'],
    ['with', 'passkey'],
    ['age', '5m'],
    ['origin', 'https://a\r\nX: y'],
  ] as const)
    t.throws(
      () => readRequest('https://a/', new Map([[name, value]])),
      { code: 'explain-request' },
      name,
    )
  t.throws(() => readRequest('ftp://a/', new Map()), { code: 'explain-request' })
  for (const [name, value] of [
    ['with', 'password'],
    ['age', 'long'],
  ] as const) {
    const flags = new Map([
      ['user', 'me'],
      [name, value],
    ])
    t.throws(() => readRequest('https://a/', flags), { code: 'explain-request' }, name)
  }
})

t.test('nothing from outside reaches the terminal unescaped', async (t) => {
  const output = createOutput()
  const config = configIn(t.testdir(), table)
  for (const url of [
    'https://photos.example.com/\u001b[2J\u009b',
    'https://\u001b]0;x\u0007/',
    '\u001bx',
  ])
    await explain({
      config,
      request: readRequest(url, new Map()),
      asJson: false,
      write: output.write,
    })
  t.notMatch(output.text(), /[^\P{Cc}\n]/u)
})

t.test('--json carries the same steps', async (t) => {
  const output = createOutput()
  const config = configIn(t.testdir(), table)
  const request = readRequest('https://photos.example.com/', new Map())
  t.equal(await explain({ config, request, asJson: true, write: output.write }), 0)
  t.match(JSON.parse(output.text()), {
    outcome: 'page',
    steps: [{ step: 'client' }],
    verdict: /landing/,
  })
})

t.test(
  'of a machine that sleeps, it says what would start it and what keeps it awake',
  async (t) => {
    const power = 'oci: { instance: ocid1.instance.oc1.eu-frankfurt-1.abc, region: eu-frankfurt-1 }'
    const rows = [
      '{ host: page, to: box:80 }',
      '{ host: all, to: box:80, wake: any, countsAsUse: never }',
      '{ host: open, to: box:81, access: public, wake: known-client }',
      '{ host: hand, to: box:80, wake: manual, countsAsUse: always }',
      '{ host: other, to: plain:80 }',
    ]
    const text = table
      .replace('routes:\n', `routes:\n${rows.map((row) => `  - ${row}\n`).join('')}`)
      .replace(
        'routes:\n',
        `vms:\n  plain: { address: 10.0.0.8 }\n  box: { address: 10.0.0.7, power: { ${power} } }\nroutes:\n`,
      )
    const config = configIn(t.testdir(), text)
    const runtime = runtimeTable(await loadGoodTable(config), config)
    const machine = (host: string, user: string | null) => {
      const flags = new Map(user === null ? [] : [['user', user]])
      const request = readRequest(`https://${host}.example.com/`, flags)
      const { steps } = explainRequest(runtime, request, 443)
      return steps.find(({ step }) => step === 'machine') ?? null
    }
    t.match(machine('page', 'ana'), {
      says: 'box sleeps when nobody uses it; asleep, started by a page that is opened, something that is sent or changed',
      details: ['wake: navigation'],
    })
    t.match(machine('all', 'ana'), {
      says: /a page's own script or picture, a program$/,
      details: ['wake: any', 'countsAsUse: nothing here keeps it awake'],
    })
    t.match(machine('open', null), {
      says: /this would not start it/,
      details: ['wake: known-client', /within 30 days: a page that is opened.*a program$/],
    })
    t.match(machine('hand', 'ana'), {
      says: /this would not start it/,
      details: ['wake: manual, the button on the waiting page', /everything here keeps it awake/],
    })
    t.equal(machine('other', 'ana'), null)
    t.equal(machine('page', null), null, 'who is sent to sign in starts nothing')
  },
)
