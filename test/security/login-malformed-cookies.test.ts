// The attack: a cookie that the check cannot digest. In authentik (CVE-2026-25748) a malformed one made the forward-auth
// outpost fail, and failing meant letting the request through. Whatever stands in the header: a stranger stays a stranger,
// with 401 or 400, never 5xx and never the backend; and a good session beside rubbish is still good.

import t from 'tap'
import {
  appHost,
  privateRow,
  recordingBackend,
  request,
  startEdge,
  statuses,
} from '../fixtures/edge.ts'
import { loginOrigin } from '../fixtures/gateway.ts'
import { cookieOf } from '../fixtures/people.ts'
import { random } from '../fixtures/random.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const edge = await startEdge(t, [privateRow('app', backend.port)], { people: [{ id: 'diego' }] })
const mine = cookieOf(edge.gateway.known('diego'))
const auth = new URL(loginOrigin).hostname
const name = '__Secure-gatehouse'

const malformed: readonly string[] = [
  `${name}=%00;;=; ${name}="\x80`,
  `${name}`,
  `${name}=`,
  `${name}==`,
  `${name}=;`,
  `=${name}`,
  ';',
  ';;;;=;=;',
  '=',
  `${name}=__proto__`,
  `${name}=constructor`,
  `${name}=${'A'.repeat(43)}`,
  `${name}=${'A'.repeat(42)}`,
  `${name}=${'-'.repeat(44)}`,
  `${name}=${'A'.repeat(6000)}`,
  `${name}=${'%41'.repeat(43)}`,
  `${name}="${'A'.repeat(43)}"`,
  `${name}=${'\xff'.repeat(43)}`,
  `${name}=${Buffer.from('😀'.repeat(10)).toString('latin1')}`,
  `${name}=null`,
  `${name}=${'A'.repeat(43)}, ${name}=${'B'.repeat(43)}`,
  `$Version=1; ${name}=x; $Path=/`,
  `${'__proto__'}=1; hasOwnProperty=2; ${name}=3`,
]

t.test('a malformed cookie is no cookie', async (t) => {
  for (const text of malformed) {
    for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE']) {
      const bytes = request(`${method} /`, `Cookie: ${text}`, 'Connection: close')
      t.same(statuses(await edge.exchange(bytes)), [401], `${method} ${text.slice(0, 60)}`)
    }
  }
  t.equal(backend.requests.length, 0)
})

t.test('beside a good one it is rubbish', async (t) => {
  for (const text of malformed) {
    for (const line of [`${text}; ${mine}`, `${mine}; ${text}`]) {
      const bytes = request('GET /', `Cookie: ${line}`, 'Connection: close')
      t.same(statuses(await edge.exchange(bytes)), [200], line.slice(0, 120))
      t.same(backend.requests.at(-1)?.field('remote-user'), ['diego'])
    }
  }
})

t.test('a good one with one character changed is nobody’s', async (t) => {
  const before = backend.requests.length
  for (let i = name.length + 1; i < mine.length; i++) {
    const other = mine[i] === 'A' ? 'B' : 'A'
    const text = mine.slice(0, i) + other + mine.slice(i + 1)
    // 43 characters hold 258 bits: the last one's two lowest are spelling, and no value is spelled in two ways.
    const bytes = request('GET /', `Cookie: ${text}`, 'Connection: close')
    t.same(statuses(await edge.exchange(bytes)), [401], `character ${i}`)
  }
  t.equal(backend.requests.length, before)
})

t.test('nor does a thousand random headers get in, or break the login page', async (t) => {
  const below = random(7)
  const pieces = [
    name,
    '__Host-gatehouse-account',
    '__Host-gatehouse-browser',
    '=',
    ';',
    '; ',
    ',',
    '"',
    ' ',
    '\t',
    '%00',
    '\x80',
    '\xff',
    'A'.repeat(43),
    'a=1',
    '__proto__',
    '\\',
  ]
  const before = backend.requests.length
  const app = await edge.connect()
  const login = await edge.connect(auth)
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: 1 + below(12) }, () => pieces[below(pieces.length)]).join('')
    for (const [client, host, expected] of [
      [app, appHost, [401, 400]],
      [login, auth, [200, 400]],
    ] as const) {
      await client.send(request('GET /', `Cookie: ${text}`).replace(appHost, host))
      const { status } = await client.response()
      if (!expected.some((each) => each === status))
        t.fail(`${host} ${status}: ${JSON.stringify(text)}`)
    }
  }
  t.equal(backend.requests.length, before)
  t.notOk(
    edge.gateway.events().some(({ level }) => level === 'error'),
    'nothing crashed',
  )
})
