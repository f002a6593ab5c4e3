// What an edit means for who may enter, in words.

import t from 'tap'
import type { TableDefinition } from '../../src/model.ts'
import { accessChanges, weakening } from '../../src/routes-file/access-change.ts'
import { formatProblem } from '../../src/routes-file/problem.ts'
import { readTable } from '../../src/routes-file/read.ts'
import { tableText } from '../fixtures/table-text.ts'

function table(rows: readonly string[], top: readonly string[] = []): TableDefinition {
  const { definition, problems } = readTable(tableText(rows, top))
  if (definition === null) throw new Error(problems.map((p) => formatProblem('t', p)).join('\n'))
  return definition
}

/** Changes of an edit, `kind: sentence`. */
function edit(before: readonly string[], after: readonly string[]): readonly string[] {
  return accessChanges(table(before), table(after)).map((c) => `${c.kind}: ${c.sentence}`)
}

t.test('an edit that changes nothing for anybody is silent', (t) => {
  t.strictSame(
    edit(
      ['{ host: a, to: box:80 }', '{ host: b, to: box:81, access: public }'],
      ['{ host: b, to: box:81, access: public, webSocket: true }', '{ host: a, to: box:80 }'],
    ),
    [],
  )
  t.end()
})

t.test('a login that is taken away is weaker, one that is added is stronger', (t) => {
  const row = (access: string) => [
    `{ host: v, path: /vw, to: box:80, prefix: true, access: ${access} }`,
  ]
  t.strictSame(edit(row('login'), row('public')), ['weaker: v/vw: login → public'])
  t.strictSame(edit(row('public'), row('login')), ['stronger: v/vw: public → login'])
  t.strictSame(edit(row('{ users: [d] }'), row('login')), ['weaker: v/vw: users d → login'])
  t.strictSame(edit(row('{ users: [d] }'), row('{ users: [d, e] }')), [
    'weaker: v/vw: users d → users d e',
  ])
  t.strictSame(edit(row('{ users: [d, e], groups: [g] }'), row('{ users: [e] }')), [
    'stronger: v/vw: users d e, groups g → users e',
  ])
  t.strictSame(edit(row('{ users: [d] }'), row('{ groups: [d] }')), [
    'weaker: v/vw: users d → groups d',
  ])
  t.end()
})

t.test('a route that is gone is named, with what answers there now', (t) => {
  const inner = '{ service: B, host: a, path: /in, to: box:81 }'
  t.strictSame(edit([inner], []), ['gone: a/in: login → nothing'])
  t.strictSame(
    edit(
      ['{ service: A, host: a, to: box:80, access: public, prefix: true }', inner],
      ['{ service: A, host: a, to: box:80, access: public, prefix: true }'],
    ),
    ['weaker: a/in: login → public (answered by a/)'],
  )
  const fallback = table([], ['fallback: http://10.0.0.9'])
  t.strictSame(
    accessChanges(table([inner], ['fallback: http://10.0.0.9']), fallback).map((c) => c.sentence),
    ['a/in: login → fallback'],
  )
  t.end()
})

t.test('a public path that grows to a prefix, and a hole in a private one, are weaker', (t) => {
  t.strictSame(
    edit(
      ['{ host: a, to: box:80, access: public }'],
      ['{ host: a, to: box:80, access: public, prefix: true }'],
    ),
    ['weaker: a/…: nothing → public, which opens 10.0.0.7:80 (a/)'],
  )
  t.strictSame(
    edit(
      ['{ service: A, host: a, to: box:80 }'],
      [
        '{ service: A, host: a, to: box:80 }',
        '{ service: A, host: a, path: /hook, to: box:80, access: public }',
      ],
    ),
    ['weaker: a/hook: login → public'],
  )
  t.end()
})

t.test('a new door to a private backend is weaker, a new service is only new', (t) => {
  const old = '{ service: S, host: a, to: box:80 }'
  t.strictSame(edit([old], [old, '{ service: S, host: b, to: box:80, access: public }']), [
    'weaker: b/: nothing → public, which opens 10.0.0.7:80 (a/)',
  ])
  t.strictSame(edit([old], [old, '{ service: T, host: b, to: box:81, access: public }']), [
    'new: b/: nothing → public',
  ])
  t.strictSame(edit([old], [old, '{ service: S, host: b, to: box:80 }']), [
    'new: b/: nothing → login',
  ])
  t.strictSame(
    edit(
      [old, '{ service: T, host: b, to: box:81, access: public }'],
      [old, '{ service: S, host: b, to: box:80, access: public }'],
    ),
    ['weaker: b/: public → public, which opens 10.0.0.7:80 (a/)'],
  )
  t.end()
})

t.test('an exact host takes its names out of a wildcard', (t) => {
  t.strictSame(
    edit(
      ["{ service: S, host: '*', to: box:80 }"],
      [
        "{ service: S, host: '*', to: box:80 }",
        '{ service: T, host: a, to: box:81, access: public, prefix: true }',
      ],
    ),
    ['weaker: a/: login → public'],
  )
  t.end()
})

t.test('wider networks, other ways in and further origins are weaker', (t) => {
  const row = (setting: string) => [
    `{ host: a, to: box:80${setting === '' ? '' : `, ${setting}`} }`,
  ]
  const kinds = (before: string, after: string) =>
    edit(row(before), row(after)).map((text) => text.split(':')[0])
  t.strictSame(kinds('clients: { allow: [10.0.0.0/8] }', ''), ['weaker'])
  t.strictSame(kinds('', 'clients: { allow: [10.0.0.0/8] }'), ['stronger'])
  t.strictSame(kinds('clients: { allow: [10.1.0.0/16] }', 'clients: { allow: [10.0.0.0/8] }'), [
    'weaker',
  ])
  t.strictSame(kinds('clients: { allow: [10.0.0.0/8] }', 'clients: { allow: [10.1.0.0/16] }'), [
    'stronger',
  ])
  t.strictSame(kinds('clients: { deny: [10.0.0.0/8] }', 'clients: { deny: [10.1.0.0/16] }'), [
    'weaker',
  ])
  t.strictSame(kinds('clients: { deny: [10.1.0.0/16] }', 'clients: { deny: [10.0.0.0/8] }'), [
    'stronger',
  ])
  t.strictSame(kinds('cloudflareOnly: true', ''), ['weaker'])
  t.strictSame(kinds('', 'cloudflareOnly: true'), ['stronger'])
  t.strictSame(kinds('', 'allowedOrigins: ["https://b.example"]'), ['weaker'])
  t.strictSame(kinds('allowedOrigins: ["https://b.example"]', ''), [])
  t.end()
})

t.test('a login that is added does not hide that another network may come in', (t) => {
  t.strictSame(
    edit(
      ['{ host: a, to: box:80, access: public, prefix: true, clients: { allow: [10.0.0.0/8] } }'],
      ['{ host: a, to: box:80 }'],
    ),
    ['stronger: a/: public → login', 'weaker: a/: 10.0.0.0/8 → all networks'],
  )
  t.end()
})

t.test('trust in proxies and the guard itself count too', (t) => {
  const of = (before: string, after: string) =>
    accessChanges(table([], [before]), table([], [after])).map((c) => `${c.kind}: ${c.sentence}`)
  t.strictSame(of('trustedProxies: none', 'trustedProxies: cloudflare'), [
    'weaker: trustedProxies: none → cloudflare',
  ])
  t.strictSame(of('trustedProxies: [10.0.0.0/8]', 'trustedProxies: [10.1.0.0/16]'), [
    'stronger: trustedProxies: 10.0.0.0/8 → 10.1.0.0/16',
  ])
  t.strictSame(of('originPull: { ca: /ca.pem }', '# nothing'), [
    'weaker: originPull: asked for → not asked for',
  ])
  t.strictSame(of('onWeakerAccess: hold', 'onWeakerAccess: alert'), [
    'weaker: onWeakerAccess: hold → alert',
  ])
  t.strictSame(of('onWeakerAccess: apply', 'onWeakerAccess: hold'), [
    'stronger: onWeakerAccess: apply → hold',
  ])
  t.end()
})

t.test('weakening are those by which somebody gets in or something is lost', (t) => {
  const before = table([
    '{ host: a, to: box:80 }',
    '{ host: b, to: box:81, access: public, prefix: true }',
    '{ host: c, to: box:82 }',
  ])
  const after = table([
    '{ host: a, to: box:80, access: public, prefix: true }',
    '{ host: b, to: box:81 }',
    '{ host: d, to: box:83 }',
  ])
  t.strictSame(
    weakening(accessChanges(before, after)).map((c) => `${c.kind} ${c.route}`),
    ['weaker a/', 'gone c/'],
  )
  t.end()
})

/** An edit of one route's `access`. */
function accessEdit(before: string, after: string): readonly string[] {
  const row = (access: string) => [`{ host: v, to: box:80, access: ${access} }`]
  return edit(row(before), row(after))
}

t.test('a requirement that is dropped is weaker, also where fewer may enter', (t) => {
  t.strictSame(accessEdit('{ with: passkey }', 'login'), ['weaker: v/: login with passkey → login'])
  t.strictSame(accessEdit('{ with: passkey }', '{ with: second-factor }'), [
    'weaker: v/: login with passkey → login with second-factor',
  ])
  t.strictSame(accessEdit('{ within: 15m }', '{ within: 1h }'), [
    'weaker: v/: login within 15m → login within 1h',
  ])
  t.strictSame(accessEdit('{ with: passkey }', '{ users: [d] }'), [
    'weaker: v/: login with passkey → users d',
  ])
  t.strictSame(accessEdit('login', '{ with: passkey, within: 15m }'), [
    'stronger: v/: login → login with passkey within 15m',
  ])
  t.strictSame(accessEdit('login', 'nobody'), ['stronger: v/: login → nobody'])
  t.strictSame(accessEdit('nobody', 'login'), ['weaker: v/: nobody → login'])
  t.end()
})

t.test('rules are compared by what they do, path by path and method by method', (t) => {
  t.strictSame(
    accessEdit(
      'login',
      '[{ methods: [GET], paths: [/share/*], access: public }, { access: login }]',
    ),
    ['weaker: GET v/share/*: login → public'],
  )
  t.strictSame(
    accessEdit(
      '[{ paths: [/s/*], access: public }, { paths: [/s/**], access: login }]',
      '[{ paths: [/s/*], access: public }, { paths: [/s/**], access: public }]',
    ),
    ['weaker: v/s/**: login → public'],
  )
  t.strictSame(
    accessEdit(
      '[{ paths: [/a/*], access: nobody }, { paths: ["/*/b"], access: public }]',
      '[{ paths: ["/*/b"], access: public }, { paths: [/a/*], access: nobody }]',
    ),
    ['weaker: v/a/b: nobody → public'],
    'the order alone',
  )
  t.strictSame(accessEdit('[{ access: login }]', 'login'), [], 'the same thing in other words')
  t.strictSame(
    accessEdit(
      '[{ methods: [GET], access: login }, { access: nobody }]',
      '[{ methods: [GET, POST], access: login }, { access: nobody }]',
    ),
    ['weaker: POST v/: nobody → login'],
  )
  t.strictSame(accessEdit('public', '[{ paths: [/x], access: public }, { access: login }]'), [
    'stronger: v/: public → login',
    'weaker: v/…: nothing → login, which opens 10.0.0.7:80 (v/)',
    'weaker: v/x: nothing → public, which opens 10.0.0.7:80 (v/)',
  ])
  t.end()
})

t.test('a route with rules whose paths another route takes says what happens there', (t) => {
  const rules =
    '{ host: v, to: box:80, access: [{ paths: [/in/x], access: public }, { access: login }] }'
  t.strictSame(edit([rules], [rules, '{ host: v, path: /in, to: box:80 }']), [
    'stronger: v/in/x: public → login (answered by v/in)',
  ])
  t.end()
})

t.test('networks that count as a person, and cookies for the whole domain, are weaker', (t) => {
  const row = (more: string) => [`{ host: v, to: box:80${more} }`]
  const vpn = (text: string) => row(`, networks: [{ cidr: ${text} }]`)
  const kinds = (before: readonly string[], after: readonly string[]) =>
    edit(before, after).map((line) => line.split(':')[0])
  t.strictSame(edit(row(''), vpn('10.8.0.0/24, as: d')), [
    'weaker: v/: no network counts as a person → 10.8.0.0/24 as d',
  ])
  t.strictSame(kinds(vpn('10.8.0.0/24, as: d'), row('')), ['stronger'])
  t.strictSame(kinds(vpn('10.8.0.0/24, as: d'), vpn('10.8.0.0/25, as: d')), ['stronger'])
  t.strictSame(kinds(vpn('10.8.0.0/24, as: d'), vpn('10.8.0.0/16, as: d')), ['weaker'])
  t.strictSame(kinds(vpn('10.8.0.0/24, as: d'), vpn('10.8.0.0/24, as: e')), ['weaker'])
  t.strictSame(kinds(vpn('10.8.0.0/24, as: d'), vpn('10.8.0.0/24, as: d, wake: true')), ['weaker'])
  t.strictSame(edit(row(''), row(', parentCookies: true')), [
    'weaker: v/: cookies for its own host → cookies for the whole domain',
  ])
  t.end()
})

t.test('how people sign in counts too', (t) => {
  const login = (text: string) => table([], [`login: ${text}`])
  const changed = (before: string, after: string) =>
    accessChanges(login(before), login(after)).map((c) => `${c.kind}: ${c.sentence}`)
  const github = (text: string) => `{ github: { clientId: x, ${text} } }`
  t.strictSame(changed('{ host: auth }', '{ recent: 10m }'), [])
  t.strictSame(changed('{ recent: 10m }', '{ recent: 20m }'), ['weaker: login.recent: 10m → 20m'])
  t.strictSame(changed('{ sessions: { idle: 24h } }', '{ sessions: { idle: 12h } }'), [
    'stronger: login.sessions: 24h idle, 7d in all (remembered: 30d idle, 90d in all) → 12h idle, 7d in all (remembered: 30d idle, 90d in all)',
  ])
  t.strictSame(changed('{ host: auth }', github('users: [a], organisations: [o]')), [
    'weaker: login.github: not offered → offered to a o',
  ])
  t.match(changed(github('users: [a]'), '{ host: auth }'), [/^stronger: login.github/])
  t.strictSame(changed(github('users: [a, b]'), github('users: [a]')), [
    'stronger: login.github.users: a b → a',
  ])
  t.strictSame(changed(github('users: [a]'), github('users: [{ account: a, as: d }]')), [
    'weaker: login.github.users: a → a as d',
  ])
  t.strictSame(changed(github('users: [a]'), github('users: [a], groups: [admin]')), [
    'weaker: login.github.groups: none → admin',
  ])
  t.match(changed(github('users: [a]'), github('users: [a], url: "https://git.example.org"')), [
    /^weaker: login.github.url/,
  ])
  t.strictSame(changed(github('users: [a]'), github('users: [a], recheck: 24h')), [
    'weaker: login.github.recheck: 1h → 24h',
  ])
  t.end()
})
