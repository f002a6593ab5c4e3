// Points 32 to 38 of docs/conformance.md, as far as they need no login: whose word the backend hears, and one reading of every path.

import t from 'tap'
import {
  appHost,
  publicRow,
  recordingBackend,
  request,
  startEdge,
  statuses,
} from '../fixtures/edge.ts'

const backend = await recordingBackend()
const secret = await recordingBackend()
t.teardown(() => Promise.all([backend.close(), secret.close()]))
const to = (port: number) => `to: 'http://127.0.0.1:${port}'`
const edge = await startEdge(t, [
  publicRow('app, path: /public', backend.port),
  `  - { host: app, path: /exact, access: public, ${to(backend.port)} }`,
  `  - { host: app, path: /strip, access: public, prefix: true, prefixRewrite: strip, ${to(backend.port)} }`,
  `  - { host: app, path: /slashes, access: public, prefix: true, encodedSlashes: true, ${to(backend.port)} }`,
  `  - { host: app, path: /admin, ${to(secret.port)} }`,
  `  - { host: direct, access: public, cloudflareOnly: true, ${to(backend.port)} }`,
])

async function status(line: string, ...fields: string[]): Promise<number | undefined> {
  return statuses(await edge.exchange(request(line, 'Connection: close', ...fields)))[0]
}

t.test(
  'point 32: no name of identity reaches a backend from a client (RFC 9110 §5.1; CVE-2025-64484, CVE-2026-52845)',
  async (t) => {
    const names = [
      'Remote-User',
      'X-Forwarded-User',
      'X-Auth-Request-Email',
      'X-WebAuth-User',
      'X-Real-IP',
      'True-Client-IP',
      'CF-Connecting-IP',
      'Forwarded',
      'X-Original-URL',
      'X-Rewrite-URL',
      'X-HTTP-Method-Override',
      'X-Forwarded-Prefix',
      'Proxy',
    ]
    const spellings = names.flatMap((n) => [
      n,
      n.toLowerCase(),
      n.replaceAll('-', '_'),
      n.replaceAll('-', '.'),
      n.replace('-', '_'),
    ])
    t.equal(await status('GET /public', ...spellings.map((name) => `${name}: evil`)), 200)
    t.notMatch(backend.requests.at(-1)?.head, /evil/i)
    const client = await edge.h2()
    const headers = Object.fromEntries(spellings.map((name) => [name.toLowerCase(), 'evil']))
    t.equal((await client.request({ path: '/public', headers })).status, 200)
    t.notMatch(backend.requests.at(-1)?.head, /evil/i)
  },
)

t.test(
  'point 33: what the backend hears of the client is ours, once (RFC 7239 §8.1, CVE-2026-30851)',
  async (t) => {
    const forged = [
      'X-Forwarded-For: 6.6.6.6',
      'x-forwarded-for: 6.6.6.7',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: evil',
      'X-Forwarded-Port: 1',
      'X-Real-Ip: 6.6.6.6',
      'X-Request-Id: forged',
    ]
    await status('GET /public', ...forged)
    const arrived = backend.requests.at(-1)
    for (const [name, value] of [
      ['x-forwarded-for', '127.0.0.1'],
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-host', appHost],
      ['x-forwarded-port', '443'],
      ['x-real-ip', '127.0.0.1'],
    ] as const) {
      t.same(arrived?.field(name), [value])
    }
    t.notMatch(arrived?.field('x-request-id')[0], 'forged')
  },
)

t.test(
  'point 34: who does not come through Cloudflare stays outside where the route says so',
  async (t) => {
    const direct = `GET / HTTP/1.1\r\nHost: direct.gate.test\r\nCF-Connecting-IP: 173.245.48.1\r\nCF-Ray: 1\r\nConnection: close\r\n\r\n`
    t.same(statuses(await edge.exchange(direct, 'direct.gate.test')), [403])
  },
)

t.test(
  'point 34: a trusted proxy is believed from the right, up to the first stranger',
  async (t) => {
    const trusting = await startEdge(t, [publicRow('app', backend.port)], {
      settings: 'trustedProxies: [127.0.0.0/8, 10.0.0.0/8]',
    })
    for (const [xff, client] of [
      ['6.6.6.6, 203.0.113.9, 10.1.1.1', '203.0.113.9'],
      ['6.6.6.6, garbage', '127.0.0.1'],
      ['', '127.0.0.1'],
    ] as const) {
      await trusting.exchange(
        request(
          'GET /',
          `X-Forwarded-For: ${xff}`,
          'CF-Connecting-IP: 6.6.6.6',
          'Connection: close',
        ),
      )
      t.same(backend.requests.at(-1)?.field('x-forwarded-for'), [client], xff)
      t.same(backend.requests.at(-1)?.field('x-real-ip'), [client])
    }
  },
)

t.test(
  'point 35: a path has one reading, for the table, the policy and the backend (RFC 3986 §6.2.2)',
  async (t) => {
    for (const path of [
      '/public/%00',
      '/public/%',
      '/public/%zz',
      '/public\\admin',
      '/public%5cadmin',
      '/public/../admin',
      '/public/%2e%2e/admin',
      '/public/.%2e/admin',
      '/public/..;/admin',
      '/public/%2e%2e%2fadmin',
      '/public%2f..%2fadmin',
      '/public%2fx',
      '/public/\x01',
      '/public#/admin',
      '/strip%2fx',
      '/%73trip/x',
      '/strip//evil.example',
      '/strip/..%2f..%2fadmin',
    ]) {
      t.equal(await status(`GET ${path}`), 400, path)
    }
    for (const [path, upstream] of [
      ['/public/%252e%252e/x', '/public/%252e%252e/x'],
      ['/public/%41?x=/../admin', '/public/%41?x=/../admin'],
      ['/public///x', '/public///x'],
      ['/slashes/a%2Fb', '/slashes/a%2Fb'],
      ['/strip/a%20b?c', '/a%20b?c'],
      ['/strip', '/'],
    ] as const) {
      t.equal(await status(`GET ${path}`), 200, path)
      t.equal(backend.requests.at(-1)?.head.split(' ')[1], upstream, 'the bytes that were checked')
    }
  },
)

t.test(
  'point 36: nothing is open by default, by prefix or by method (CVE-2025-54576, CVE-2026-34457)',
  async (t) => {
    for (const [line, wanted] of [
      ['GET /', 404],
      ['GET /publicity', 404],
      ['GET /PUBLIC', 404],
      ['GET /exact', 200],
      ['GET /exact/', 404],
      ['GET /exact/x', 404],
      ['GET /admin', 401],
      ['GET /admin?x=/public/', 401],
      ['GET /admin?/public', 401],
      ['GET /admin%23/public', 404],
      ['GET /admin#/public', 400],
      ['GET //admin', 400],
      ['GET /%61dmin', 401],
      ['HEAD /admin', 401],
      ['OPTIONS /admin', 401],
      ['POST /admin', 401],
      ['PROPFIND /admin', 401],
    ] as const) {
      t.equal(await status(line), wanted, line)
    }
    const tricks = [
      'User-Agent: GoogleHC/1.0',
      'X-Original-URL: /public',
      'X-HTTP-Method-Override: OPTIONS',
      'Origin: https://app.gate.test',
      'Access-Control-Request-Method: GET',
      'Authorization: Basic YTpi',
      'Cookie: __Secure-gatehouse=%00;;=; __Secure-gatehouse="\x80',
    ]
    for (const method of ['GET', 'OPTIONS', 'POST'])
      t.equal(await status(`${method} /admin`, ...tricks), 401)
    t.equal(secret.requests.length, 0, 'the private backend heard of none')
  },
)

t.test(
  'point 37: cookies of applications pass byte for byte, both ways (RFC 6265 §4)',
  async (t) => {
    await status('GET /public', 'Cookie: a="1"; b=\xe9; ;c==;;', 'Cookie: d=4')
    t.same(backend.requests.at(-1)?.field('cookie'), ['a="1"; b=\xe9; ;c==;;; d=4'])
  },
)
