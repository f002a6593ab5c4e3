// What the backend and the visitor receive: strip, then set.

import t from 'tap'
import type { PrefixRewrite } from '../../src/model.ts'
import { isTrailerAllowed } from '../../src/proxy/header-names.ts'
import {
  ambiguousLength,
  answerHead,
  type ForwardFacts,
  interimHeaders,
  requestHeaders,
  trailerFields,
  upstreamPath,
} from '../../src/proxy/headers.ts'
import { readHead } from '../../src/proxy/request-head.ts'
import type { RuntimeHeaderEdits, RuntimeRoute } from '../../src/routes.ts'

const facts: ForwardFacts = {
  upstreamHost: 'app.example.com',
  host: 'app.example.com',
  port: '443',
  client: '192.0.2.7',
  scheme: 'https',
  requestId: 'id1',
  via: '1.1 gatehouse',
  maxForwards: null,
  webSocketKey: null,
  identity: null,
}

function sent(
  raw: readonly string[],
  more: Partial<ForwardFacts> = {},
  edits: RuntimeHeaderEdits | null = null,
): Map<string, string[]> {
  const head = readHead(raw, { http2: false, http10: false, method: 'POST', cloudflare: false })
  if (typeof head === 'string') throw new Error(head)
  return byName(requestHeaders(head, { ...facts, ...more }, edits))
}

function byName(flat: readonly string[]): Map<string, string[]> {
  const out = new Map<string, string[]>()
  for (let i = 0; i < flat.length; i += 2) {
    const name = (flat[i] ?? '').toLowerCase()
    out.set(name, [...(out.get(name) ?? []), flat[i + 1] ?? ''])
  }
  return out
}

const edits = (set: string[], remove: string[]): RuntimeHeaderEdits => ({
  set,
  remove: new Set([...remove, ...set.filter((_, i) => i % 2 === 0)]),
})

t.test(
  'our own word stands once, whatever the client said (CVE-2024-45410, CVE-2026-30851)',
  async (t) => {
    const headers = sent([
      'Host',
      'evil.example',
      'Connection',
      'close, X-Forwarded-Host, x-real-ip, x-forwarded-for, via, host, content-length',
      'X-Forwarded-For',
      '127.0.0.1',
      'X-Forwarded-Host',
      'evil.example',
      'X-Forwarded-Proto',
      'http',
      'X-Real-Ip',
      '127.0.0.1',
      'Forwarded',
      'for=127.0.0.1',
      'X-Request-Id',
      'forged',
      'Content-Length',
      '3',
      'Via',
      '1.0 fred',
    ])
    for (const [name, value] of [
      ['host', 'app.example.com'],
      ['x-forwarded-for', '192.0.2.7'],
      ['x-forwarded-host', 'app.example.com'],
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-port', '443'],
      ['x-real-ip', '192.0.2.7'],
      ['x-request-id', 'id1'],
      ['content-length', '3'],
      ['via', '1.0 fred, 1.1 gatehouse'],
    ] as const) {
      t.same(headers.get(name), [value], name)
    }
    for (const name of ['connection', 'forwarded', 'transfer-encoding'])
      t.notOk(headers.has(name), name)
  },
)

t.test('identity is what we set and nothing else', async (t) => {
  t.same(sent(['Remote-User', 'admin', 'remote_user', 'admin']).get('remote-user'), undefined)
  const headers = sent(['Remote-User', 'admin', 'Remote-Email', 'a@b'], {
    identity: ['Remote-User', 'diego'],
  })
  t.same(headers.get('remote-user'), ['diego'])
  t.notOk(headers.has('remote-email'), 'gone although we have none to set')
})

t.test('a route’s edits cannot remove our own headers, and replace the client’s', async (t) => {
  const headers = sent(
    ['X-App', '1', 'Authorization', 'Bearer x', 'Cookie', 'a=1'],
    {},
    edits(['x-app', '2', 'x-new', '3'], ['authorization', 'cookie', 'x-forwarded-for', 'host']),
  )
  t.same(headers.get('x-app'), ['2'])
  t.same(headers.get('x-new'), ['3'])
  t.notOk(headers.has('authorization'))
  t.notOk(headers.has('cookie'))
  t.same(headers.get('x-forwarded-for'), ['192.0.2.7'])
  t.same(headers.get('host'), ['app.example.com'])
})

t.test('trailers and WebSocket keys are asked for in our own words', async (t) => {
  t.same(sent(['TE', 'trailers, deflate']).get('te'), ['trailers'])
  t.notOk(sent(['TE', 'deflate']).has('te'))
  const socket = sent(['Sec-WebSocket-Key', 'client'], { webSocketKey: 'ours' })
  t.same(socket.get('sec-websocket-key'), ['ours'])
  t.same(socket.get('sec-websocket-version'), ['13'])
  t.notOk(sent(['Sec-WebSocket-Key', 'x']).has('sec-websocket-key'), 'none on other requests')
})

const cookies = {
  host: 'app.gate.test',
  parentAllowed: false,
  guard: (value: string, host: string, parentAllowed: boolean) =>
    value.startsWith('bad') ? null : `${value}; for=${host}; parent=${parentAllowed}`,
}
const none = {
  requestId: 'id1',
  security: [] as [string, string][],
  edits: null,
  cookies: { ...cookies, guard: (value: string) => value },
}

function answered(status: number, fields: Record<string, string | string[]>, options = {}) {
  const head = answerHead(status, fields, { ...none, ...options })
  if (head === ambiguousLength) throw new Error('ambiguous')
  return { headers: byName(head.headers), length: head.length }
}

t.test('the visitor gets no hop-by-hop field of the backend (RFC 9110 §7.6.1)', async (t) => {
  const { headers } = answered(200, {
    connection: 'close, X-Internal , set-cookie2',
    'keep-alive': 'timeout=5',
    'proxy-authenticate': 'Basic',
    'proxy-connection': 'close',
    te: 'trailers',
    trailer: 'x',
    upgrade: 'h2c',
    'transfer-encoding': 'chunked',
    'x-internal': '1',
    'set-cookie': ['a=1', 'b=2'],
    'x-request-id': 'theirs',
  })
  t.same([...headers.keys()].sort(), ['set-cookie', 'x-request-id'])
  t.same(headers.get('set-cookie'), ['a=1', 'b=2'], 'never joined (RFC 9110 §5.3)')
  t.same(headers.get('x-request-id'), ['id1'])
})

t.test('each cookie of a backend goes through the guard on its own', async (t) => {
  const many = answered(200, { 'set-cookie': ['a=1', 'bad=2', 'c=3'] }, { cookies })
  t.same(many.headers.get('set-cookie'), [
    'a=1; for=app.gate.test; parent=false',
    'c=3; for=app.gate.test; parent=false',
  ])
  t.notOk(answered(200, { 'set-cookie': 'bad=1' }, { cookies }).headers.has('set-cookie'))
  const allowed = { ...cookies, parentAllowed: true }
  const one = answered(200, { 'set-cookie': 'a=1' }, { cookies: allowed })
  t.same(one.headers.get('set-cookie'), ['a=1; for=app.gate.test; parent=true'])
})

t.test(
  'a backend cannot clear the cookies of the whole domain (Clear Site Data §3.1)',
  async (t) => {
    const clear = (value: string | string[], parentAllowed = false) =>
      answered(
        200,
        { 'clear-site-data': value },
        { cookies: { ...cookies, parentAllowed } },
      ).headers.get('clear-site-data')
    t.equal(clear('"cookies"'), undefined)
    t.equal(clear('"cache", "Cookies"'), undefined)
    t.equal(clear('"*"'), undefined)
    t.equal(clear(['"cache"', '"cookies"']), undefined)
    t.same(clear('"cache"'), ['"cache"'])
    t.same(clear('"cookies"', true), ['"cookies"'], 'its route says that it may')
  },
)

t.test('a length with two meanings is no answer (RFC 9112 §6.3)', async (t) => {
  for (const fields of [
    { 'content-length': '5', 'transfer-encoding': 'chunked' },
    { 'content-length': ['5', '5'] },
    { 'content-length': ['5', '6'] },
    { 'transfer-encoding': 'gzip, chunked' },
    { 'transfer-encoding': 'gzip' },
    { 'transfer-encoding': ['chunked', 'chunked'] },
  ]) {
    t.equal(answerHead(200, fields, none), ambiguousLength, JSON.stringify(fields))
  }
})

t.test('204 has no length; HEAD and 304 keep theirs (RFC 9110 §8.6)', async (t) => {
  t.notOk(answered(204, { 'content-length': '5' }).headers.has('content-length'))
  t.same(answered(304, { 'content-length': '5' }).headers.get('content-length'), ['5'])
  t.equal(answered(200, { 'content-length': '5' }).length, 5)
  t.equal(answered(200, {}).length, null)
})

t.test('security headers fill gaps, edits come last', async (t) => {
  const security: [string, string][] = [
    ['x-frame-options', 'SAMEORIGIN'],
    ['referrer-policy', 'origin'],
  ]
  const { headers } = answered(
    200,
    { 'x-frame-options': 'DENY', server: 'x' },
    { security, edits: edits(['referrer-policy', 'no-referrer'], ['server']) },
  )
  t.same(headers.get('x-frame-options'), ['DENY'])
  t.same(headers.get('referrer-policy'), ['no-referrer'])
  t.notOk(headers.has('server'))
})

t.test('a backend’s field named like a property of objects does no harm', async (t) => {
  const fields = JSON.parse('{"__proto__":"x","constructor":"y","tostring":"z"}')
  t.equal(answered(200, fields).headers.get('constructor')?.[0], 'y')
})

t.test('interim answers and trailers carry no framing (RFC 8297, RFC 9110 §6.5.1)', async (t) => {
  t.same(
    interimHeaders({
      link: ['<a>', '<b>'],
      connection: 'close',
      'content-length': '0',
      upgrade: 'x',
    }),
    ['link', '<a>', 'link', '<b>'],
  )
  t.same(
    trailerFields({ 'grpc-status': '0', 'content-length': '5', host: 'x', 'set-cookie': 'a' }),
    ['grpc-status', '0'],
  )
  t.equal(trailerFields({ 'transfer-encoding': 'chunked' }), null)
  for (const name of [
    'content-length',
    'transfer-encoding',
    'host',
    'authorization',
    'set-cookie',
    'trailer',
    'te',
    'content-encoding',
    'content-range',
    'cache-control',
    'connection',
    'upgrade',
    'location',
  ]) {
    t.equal(isTrailerAllowed(name), false, name)
  }
})

function rewritten(rewrite: PrefixRewrite, prefix: string, rawPath: string, query = '') {
  const definition = { prefixRewrite: rewrite, path: prefix }
  return upstreamPath({ definition } as RuntimeRoute, rawPath, query)
}

t.test('the prefix is kept, cut or replaced where it stands byte for byte', async (t) => {
  const strip: PrefixRewrite = { kind: 'strip' }
  const replace: PrefixRewrite = { kind: 'replace', with: '/new' }
  for (const [rewrite, prefix, path, query, expected] of [
    [{ kind: 'keep' }, '/git', '/%67it//x', '?y', '/%67it//x?y'],
    [strip, '/git', '/git', '', '/'],
    [strip, '/git', '/git', '?y', '/?y'],
    [strip, '/git', '/git/', '', '/'],
    [strip, '/git', '/git/x%20y', '?z', '/x%20y?z'],
    [strip, '/', '/x', '', '/x'],
    [replace, '/git', '/git/x', '', '/new/x'],
    [replace, '/git', '/git', '?y', '/new?y'],
    [replace, '/', '/x', '', '/new/x'],
    [{ kind: 'replace', with: '/' }, '/git', '/git/x', '', '/x'],
  ] as const) {
    t.equal(rewritten(rewrite, prefix, path, query), expected, `${rewrite.kind} ${path}`)
  }
})

t.test(
  'a rewrite that would change what was checked is none (CVE-2021-21321, CVE-2026-40912)',
  async (t) => {
    for (const [kind, path] of [
      ['strip', '//git/x'],
      ['strip', '/%67it/x'],
      ['strip', '/git//evil.example/x'],
      ['strip', '/git//'],
      ['replace', '/g%69t/x'],
    ] as const) {
      const rewrite: PrefixRewrite = kind === 'strip' ? { kind } : { kind, with: '/new' }
      t.equal(rewritten(rewrite, '/git', path), null, path)
    }
    t.equal(rewritten({ kind: 'strip' }, '/', '//evil.example'), null)
  },
)
