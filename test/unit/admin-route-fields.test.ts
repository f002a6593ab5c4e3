// A route through the form and back: what nobody touched stays as it was written, byte for byte.

import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parse } from 'yaml'
import {
  controls,
  type Fields,
  fieldsOf,
  type RawRoute,
  routeOf,
} from '../../src/admin/pages/route-fields.ts'
import { foldedGroups, openNames } from '../../src/admin/pages/route-groups.ts'
import { applyChange } from '../../src/routes-file/edit/change.ts'
import { routeOptions } from '../../src/routes-file/edit/options.ts'
import { rowNames } from '../../src/routes-file/edit/row-names.ts'

/** As a browser sends a form: line ends are CRLF. */
function sent(fields: Fields, change: Fields = {}): ReadonlyMap<string, string> {
  const all = Object.entries({ ...fields, ...change })
  return new Map(all.map(([name, value]) => [name, value.replaceAll('\n', '\r\n')]))
}

function through(raw: RawRoute, change: Fields = {}) {
  const { raw: made, faults } = routeOf(sent(fieldsOf(raw), change), raw)
  return { made: plain(made), faults: Object.fromEntries(faults) }
}

/** Without the missing prototype. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

t.test(
  'every route of the owner goes through the form and back without a byte changed',
  async (t) => {
    const text = await readFile(new URL('../../src/routes.yaml', import.meta.url), 'utf8')
    const data = parse(text)
    const names = rowNames(data)
    t.ok(names.length > 35)
    const edit = (from: string, route: string, row: RawRoute) => {
      const changed = applyChange(from, { kind: 'edit', route, row })
      if (changed.kind === 'refused') throw new Error(`${route}: ${changed.problem.what}`)
      return changed.text
    }
    for (const [at, name] of names.entries()) {
      const raw: RawRoute = data.routes[at]
      const same = routeOf(sent(fieldsOf(raw)), raw)
      t.equal(edit(text, name, same.raw), text, `${name} as it is`)
      const other = routeOf(
        sent(fieldsOf(raw), { 'timeouts.idle': '7m', maintenance: 'soon' }),
        raw,
      )
      const changed = edit(text, name, other.raw)
      t.not(changed, text)
      const back = routeOf(
        sent(fieldsOf(other.raw), { 'timeouts.idle': '', maintenance: '' }),
        other.raw,
      )
      t.equal(edit(changed, name, back.raw), text, `${name} there and back`)
      const anew = routeOf(sent(fieldsOf(raw)), {})
      t.strictSame(plain(anew.raw), plain({ ...raw }), `${name} from an empty form`)
      t.equal(anew.faults.size, 0)
    }
  },
)

t.test('every option of the schema has a field, in one group', async (t) => {
  const shown = [
    ...openNames,
    ...foldedGroups().flatMap((group) => group.controls.map(({ name }) => name)),
    'to',
    'access',
  ]
  const keys = shown.map((name) => name.split('.')[0])
  t.strictSame(
    routeOptions()
      .map(({ key }) => key)
      .filter((key) => !keys.includes(key)),
    [],
  )
  t.equal(new Set(shown).size, shown.length, 'none stands twice')
  t.strictSame(
    controls()
      .map(({ name }) => name)
      .filter((name) => !shown.includes(name)),
    [],
  )
})

const odd: readonly RawRoute[] = [
  { host: 'x', to: { url: 'https://box:1', clientCertificate: { cert: 'a', key: 'b' } } },
  { host: 'x', to: { url: 'http://box:1' } },
  { host: 'x', to: { redirect: '/y', status: 308, keepPath: false } },
  { host: 'x', to: { status: 404, message: 'no: not "here" # really' } },
  { host: 'x', to: 'landing', access: { with: 'passkey', within: '15m' } },
  { host: 'x', to: 'a:1', access: { users: ['ada'], groups: ['a', 'b'], with: 'second-factor' } },
  { host: 'x', to: 'a:1', access: 'login', prefix: false, maintenance: true },
  { host: 'x', to: 'a:1', maintenance: 'true', identityHeaders: false },
  { host: 'x', to: 'a:1', identityHeaders: { user: 'X-U', name: false } },
  { host: 'x', to: 'a:1', requestHeaders: { set: { A: 'b: c', B: { secret: 'C' }, D: ' e ' } } },
  { host: 'x', to: 'a:1', responseHeaders: { set: { A: '' }, remove: ['Server', 'X-Y'] } },
  { host: 'x', to: 'a:1', networks: [{ cidr: '10.0.0.0/8', as: 'ada', wake: true }] },
  { host: 'x', to: 'a:1', rateLimit: { perSecond: 0.5, burst: 3 }, maxBody: 'unlimited' },
  { host: 'x', to: 'a:1', clients: { allow: [], deny: ['10.0.0.1'] }, timeouts: {} },
  {
    host: 'x',
    to: 'a:1',
    access: [
      { methods: ['GET'], paths: ['/a/**', '/b, c'], access: 'public' },
      { access: { users: ['ada'] } },
    ],
  },
]

t.test('what is written unusually stays as it is written', async (t) => {
  for (const raw of odd) {
    t.strictSame(through(raw), { made: plain(raw), faults: {} }, JSON.stringify(raw))
    t.strictSame(through(raw, { path: '/new' }).made, plain({ ...raw, path: '/new' }))
  }
})

t.test('what is typed becomes what the file says', async (t) => {
  const raw = { host: 'x', to: 'a:1' }
  const expected: readonly (readonly [Fields, Readonly<Record<string, unknown>>])[] = [
    [{ webSocket: 'true' }, { webSocket: true }],
    [{ 'timeouts.idle': 'never' }, { timeouts: { idle: 'never' } }],
    [{ 'clients.allow': ' 10.0.0.0/8,  ::1 ' }, { clients: { allow: ['10.0.0.0/8', '::1'] } }],
    [
      { 'requestHeaders.set': 'X-A: b: c\n\nX-K: { secret: KEY }' },
      { requestHeaders: { set: { 'X-A': 'b: c', 'X-K': { secret: 'KEY' } } } },
    ],
    [
      { networks: '{ cidr: 10.8.0.0/24, as: ada }\n{ cidr: ::1, as: bob, wake: true },' },
      {
        networks: [
          { cidr: '10.8.0.0/24', as: 'ada' },
          { cidr: '::1', as: 'bob', wake: true },
        ],
      },
    ],
    [{ prefixRewrite: '{ replace: /y }' }, { prefixRewrite: { replace: '/y' } }],
    [{ rateLimit: 'api' }, { rateLimit: 'api' }],
    [{ 'to.kind': 'redirect', 'to.redirect': 'https://y/' }, { to: { redirect: 'https://y/' } }],
    [{ 'to.kind': 'login' }, { to: 'login' }],
    [{ 'to.serverName': 'y' }, { to: { url: 'a:1', serverName: 'y' } }],
    [{ 'access.kind': 'public' }, { access: 'public' }],
    [{ 'access.with': 'passkey' }, { access: { with: 'passkey' } }],
    [{ 'access.kind': 'people', 'access.groups': 'a b' }, { access: { groups: ['a', 'b'] } }],
    [
      {
        'access.kind': 'rules',
        'access.rules': '- { paths: [/s/*], access: public },\n{ access: login }',
      },
      { access: [{ paths: ['/s/*'], access: 'public' }, { access: 'login' }] },
    ],
  ]
  for (const [change, made] of expected) {
    t.strictSame(
      through(raw, change),
      { made: plain({ ...raw, ...made }), faults: {} },
      JSON.stringify(change),
    )
  }
})

t.test('what cannot be read is said at its field, and nothing else changes', async (t) => {
  const raw = { host: 'x', to: 'a:1', access: 'public' }
  const wrong: readonly (readonly [Fields, string])[] = [
    [{ 'requestHeaders.set': 'no colon' }, 'requestHeaders.set'],
    [{ 'requestHeaders.set': 'A: b\nA: c' }, 'requestHeaders.set'],
    [{ networks: '{ cidr: 10.0.0.0/8' }, 'networks'],
    [{ 'to.url': '' }, 'to.url'],
    [{ 'to.kind': 'redirect' }, 'to.redirect'],
    [{ 'to.kind': 'answer', 'to.status': 'x' }, 'to.status'],
    [{ 'access.kind': 'people' }, 'access.users'],
    [{ 'access.kind': 'rules' }, 'access.rules'],
    [{ 'access.kind': 'rules', 'access.rules': '{ access: [' }, 'access.rules'],
  ]
  for (const [change, name] of wrong) {
    const { faults } = through(raw, change)
    t.strictSame(Object.keys(faults), [name], JSON.stringify(change))
    t.match(faults[name], /\.$/)
  }
})

t.test('fields that no form has are not taken', async (t) => {
  const raw = { host: 'x', to: 'a:1' }
  const { made } = through(raw, { __proto__: 'x', evil: 'y', 'to.kind': 'nonsense' } as Fields)
  t.strictSame(made, plain(raw))
})
