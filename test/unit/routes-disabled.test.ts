// A route that is switched off: read, checked, and closed; nothing takes its place over.

import t from 'tap'
import { parseHost } from '../../src/host.ts'
import type { CanonicalPath } from '../../src/model.ts'
import { accessChanges, weakening } from '../../src/routes-file/access-change.ts'
import { readTable } from '../../src/routes-file/read.ts'
import { tableText } from '../fixtures/table-text.ts'
import { tableOf } from '../fixtures/tables.ts'

const rows = (disabled: string) => [
  '{ host: app, to: box:1000, access: public, prefix: true }',
  `{ host: app, path: /private, to: box:1001${disabled} }`,
  `{ host: alone, to: box:1002${disabled} }`,
  '{ host: "*", to: box:1003 }',
]
const off = tableText(rows(', disabled: true'), ['fallback: https://10.9.9.9:8443'])
const on = tableText(rows(''), ['fallback: https://10.9.9.9:8443'])

function codes(text: string): readonly string[] {
  return readTable(text).problems.map(({ code }) => code)
}

function definitionOf(text: string) {
  const { definition } = readTable(text)
  if (definition === null) throw new Error('the table is wrong')
  return definition
}

t.test('its place is nobody’s: no shorter path, no wildcard, no fallback takes it', async (t) => {
  const table = tableOf(off)
  const find = (name: string, path: string) => {
    const host = parseHost(name)
    if (host === null) throw new Error(name)
    return { id: table.match(host, path as CanonicalPath)?.id ?? null, known: table.knows(host) }
  }
  t.strictSame(find('app.example.com', '/private'), { id: null, known: true })
  t.strictSame(find('app.example.com', '/private/x'), { id: null, known: true })
  t.strictSame(find('app.example.com', '/privat'), { id: 'app/', known: true })
  t.strictSame(find('alone.example.com', '/'), { id: null, known: true })
  t.strictSame(find('other.example.com', '/'), { id: '*/', known: true })
  t.notOk(
    table.routes.some(({ id }) => id === 'alone/'),
    'it is not in the table',
  )
})

t.test('another spelling of its path is no way to what is public around it', async (t) => {
  const table = tableOf(off)
  const host = parseHost('app.example.com')
  if (host === null) throw new Error('no host')
  const matched = table.match(host, '/PRIVATE' as CanonicalPath)
  t.equal(matched?.id, 'app/')
  if (matched !== null) {
    t.ok(table.guardsIgnoringCase(host, '/PRIVATE' as CanonicalPath, matched))
  }
})

t.test('it is read and checked as any other', async (t) => {
  const bad = tableText(['{ host: x, to: nowhere:1, disabled: true, maxBody: much }'])
  t.strictSame(codes(bad).toSorted(), ['shape', 'unknown-vm'])
  const twice = tableText(['{ host: x, to: box:1 }', '{ host: x, to: box:2, disabled: true }'])
  t.strictSame(codes(twice), ['duplicate-route'])
  t.strictSame(codes(tableText(['{ host: x, to: box:1, disabled: perhaps }'])), ['shape'])
})

t.test('it opens nothing, collides with nothing and is no login page', async (t) => {
  const shares = (more: string) =>
    tableText([
      `{ host: a, to: box:1, access: public, prefix: true${more} }`,
      '{ host: b, to: box:1 }',
    ])
  t.ok(codes(shares('')).includes('public-prefix-shares-upstream'))
  t.strictSame(codes(shares(', disabled: true')), [])
  t.strictSame(codes(shares(', disabled: true, sharesUpstreamWith: [b]')), [])
  const acknowledged = tableText([
    '{ host: a, to: box:1, access: public, prefix: true, sharesUpstreamWith: [b] }',
    '{ host: b, to: box:1, disabled: true }',
  ])
  t.strictSame(codes(acknowledged), [], 'what is shared with it may stay acknowledged')
  const login = tableText([]).replace('to: login,', 'to: login, disabled: true,')
  t.ok(codes(login).includes('login-missing'))
  const admin = tableText([]).replace('to: admin', 'to: admin, disabled: true')
  t.ok(codes(admin).includes('admin-missing'))
})

t.test('switching off and on again is said in words, and opens nothing', async (t) => {
  const said = (before: string, after: string) =>
    accessChanges(definitionOf(before), definitionOf(after)).map(({ kind, sentence }) => [
      kind,
      sentence,
    ])
  t.strictSame(said(on, off), [
    ['gone', 'app/private: login → disabled'],
    ['gone', 'alone/: login → disabled'],
  ])
  const back = accessChanges(definitionOf(off), definitionOf(on))
  t.strictSame(
    back.map(({ sentence }) => sentence),
    ['app/private: disabled → login', 'alone/: disabled → login'],
  )
  t.strictSame(weakening(back), [])
})

t.test(
  'taking away a route that is switched off leaves its path to what is around it',
  async (t) => {
    const without = tableText(
      rows(', disabled: true').filter((row) => !row.includes('/private')),
      ['fallback: https://10.9.9.9:8443'],
    )
    const sentences = accessChanges(definitionOf(off), definitionOf(without)).map((c) => c.sentence)
    t.ok(
      sentences.some((sentence) => sentence.startsWith('app/private: disabled → public')),
      sentences.join('\n'),
    )
  },
)
