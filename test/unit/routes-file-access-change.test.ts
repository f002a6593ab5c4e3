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
