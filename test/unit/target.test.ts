// Request targets: one reading or none. Every split view of a path that became a CVE elsewhere is refused or harmless here.

import t from 'tap'
import { canonicalRoutePath, maxTargetLength, readTarget } from '../../src/proxy/target.ts'
import { random } from '../fixtures/random.ts'

function accepted(text: string) {
  const target = readTarget(text)
  if (typeof target === 'string') throw new Error(`${text}: ${target}`)
  return target
}

t.test('an ordinary target is forwarded byte for byte (RFC 9112 §3.2.1)', async (t) => {
  for (const [text, path, query] of [
    ['/', '/', ''],
    ['/a/b.c', '/a/b.c', ''],
    ['/a?x=/../b', '/a', '?x=/../b'],
    ['/a?x=%2e%2e%2f', '/a', '?x=%2e%2e%2f'],
    ['/a??', '/a', '??'],
    ['/...', '/...', ''],
    ['/.well-known/x', '/.well-known/x', ''],
    ['/a/..b/c..', '/a/..b/c..', ''],
    ['/~u/@v/(x)!$&*+,=:', '/~u/@v/(x)!$&*+,=:', ''],
  ] as const) {
    const target = accepted(text)
    t.equal(target.rawPath, path)
    t.equal(target.path, path, text)
    t.equal(target.query, query)
    t.equal(target.authority, null)
    t.same(target.alternatives, [])
  }
})

t.test(
  'the path is decoded once for matching and forwarded as it came (RFC 3986 §6.2.2)',
  async (t) => {
    for (const [raw, path] of [
      ['/%67it/x', '/git/x'],
      ['//git///x', '/git/x'],
      ['/git%20x', '/git x'],
      ['/%E2%82%AC', '/\u00e2\u0082\u00ac'],
      ['/a%252fb', '/a%2fb'],
      ['/%252e%252e/x', '/%2e%2e/x'],
      ['/a%3fb', '/a?b'],
      ['/admin%23/public', '/admin#/public'],
    ] as const) {
      const target = accepted(raw)
      t.equal(target.path, path)
      t.equal(target.rawPath, raw)
    }
  },
)

t.test('two ways to read a path are none (RFC 3986 §5.2.4, §3.3)', async (t) => {
  for (const raw of [
    '/..',
    '/.',
    '/a/..',
    '/a/./b',
    '/a/../b',
    '/api../../admin',
    '/sub/../../priv',
    '/ws/../private',
    '/%2e%2e/x',
    '/%2E%2e',
    '/.%2e/x',
    '/%2e./x',
    '/%2e/x',
    '/api/%2e%2e%2fadmin',
    '/api/..%2fadmin',
    '/api/%2f..%2fadmin',
    '/api%2f../admin',
    '/a/..;/b',
    '/a/..;x=1/b',
    '/a/.;/b',
    '/a/%2e%2e;/b',
    '/a/..%3b/b',
    '/a/..%3bx/b',
    '//../x',
    '/a//..//b',
    '/a\\b',
    '/a%5cb',
    '/a%5C..%5cb',
    '/a/..\\b',
    '/a#b',
    '/admin#/public',
    '/a%00',
    '/a%0d%0aX:1',
    '/a%1f',
    '/a%7f',
    '/a%',
    '/a%2',
    '/a%zz',
    '/a%2g',
    '/a%u002e',
    '/a b',
    '/a\tb',
    '/a\0',
    '/a\r\n',
    '/a\x7f',
    '/\u00e9',
    '/a\u00a0b',
    '/a?x=\u00e9',
    '/a?b#c',
    '/a?b c',
    '/a?b\r\nX: y',
    '',
    '*',
    'a',
    '?x',
    'example.com:443',
    'ftp://example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'http:/example.com/',
    'http:example.com/',
    'http//example.com',
    'http://example.com#x',
    'http://example.com/a/../b',
    'https://example.com/%2e%2e',
  ]) {
    t.equal(readTarget(raw), 'bad-target', JSON.stringify(raw))
  }
})

t.test('the absolute form names its authority (RFC 9112 §3.2.2)', async (t) => {
  for (const [raw, authority, path, query] of [
    ['http://admin.example.com/x?y', 'admin.example.com', '/x', '?y'],
    ['HTTPS://Admin.example.com:443', 'Admin.example.com:443', '/', ''],
    ['https://a.example?x', 'a.example', '/', '?x'],
    ['http://a.example@evil.example/', 'a.example@evil.example', '/', ''],
    ['http:///x', '', '/x', ''],
  ] as const) {
    const target = accepted(raw)
    t.equal(target.authority, authority)
    t.equal(target.rawPath, path)
    t.equal(target.query, query)
  }
})

t.test('an encoded slash is part of its segment and shown as another reading', async (t) => {
  const target = accepted('/git%2Fx')
  t.equal(target.encodedSlash, true)
  t.not(target.path, '/git/x')
  t.same(target.alternatives, ['/git/x'])
  t.same(accepted('/admin%2F').alternatives, ['/admin/'])
})

t.test('path parameters are shown as another reading', async (t) => {
  t.same(accepted('/a;v=1/b').alternatives, ['/a/b'])
  t.same(accepted('/a;v=1%2fb').alternatives, ['/a;v=1/b', '/a', '/a/b'])
})

t.test('the length limit is exact and has a code of its own (RFC 9110 §15.5.15)', async (t) => {
  t.equal(typeof readTarget(`/${'a'.repeat(maxTargetLength - 1)}`), 'object')
  t.equal(readTarget(`/${'a'.repeat(maxTargetLength)}`), 'target-too-long')
})

t.test('a path of routes.yaml is spelled as a request spells it', async (t) => {
  t.equal(canonicalRoutePath('/git'), '/git')
  t.equal(canonicalRoutePath('/b\u00fccher'), accepted('/b%C3%BCcher').path)
})

const pieces = [
  '/',
  '//',
  '.',
  '..',
  '%2e',
  '%2E',
  '%2f',
  '%5c',
  '\\',
  ';',
  '%3b',
  '?',
  '#',
  '%23',
  '%',
  '%25',
  '%00',
  'a',
  'git',
  ' ',
  '\0',
  '\u00e9',
  'http://',
  '@',
  ':',
]

/** What a backend that decodes once, splits and drops parameters would call a dot segment. */
function climbs(rawPath: string): boolean {
  const decoded = rawPath.replace(/%([0-9a-f]{2})/gi, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return decoded
    .split(/[/\\]/)
    .some(
      (segment) =>
        ['.', '..'].includes(segment.replace(/;.*/s, '')) || ['.', '..'].includes(segment),
    )
}

t.test('no accepted path climbs after one decode, and random bytes never throw', async (t) => {
  const pick = random(7)
  let kept = 0
  for (let i = 0; i < 60_000; i++) {
    let text = pick(8) === 0 ? '' : '/'
    for (let n = pick(9); n >= 0; n--) {
      text += pick(6) === 0 ? String.fromCharCode(pick(256)) : (pieces[pick(pieces.length)] ?? '')
    }
    const target = readTarget(text)
    if (typeof target === 'string') continue
    kept += 1
    const { rawPath, path, query, alternatives } = target
    if (climbs(rawPath)) t.fail(`${JSON.stringify(text)} was accepted and climbs`)
    if (!/^[\x21-\x7e]*$/.test(rawPath + query)) t.fail(`${JSON.stringify(text)} has raw bytes`)
    if (!rawPath.startsWith('/') || rawPath.includes('?'))
      t.fail(`${JSON.stringify(rawPath)} is no path`)
    if ([path, ...alternatives].some((reading) => reading.includes('//') || reading[0] !== '/')) {
      t.fail(`${JSON.stringify(text)} is not canonical`)
    }
    if (target.authority === null && rawPath + query !== text) t.fail(`${text} was changed`)
    const again = readTarget(rawPath + query)
    if (typeof again === 'string' || again.path !== path) t.fail(`${text} is read in two ways`)
  }
  t.ok(kept > 2000, `${kept} targets were accepted`)
})
