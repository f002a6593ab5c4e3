// Which route takes a request: exact hosts, longest paths, segment borders, and one answer for every reading of a path.

import t from 'tap'
import { type AdmissionDeps, admit, type Request } from '../../src/admission.ts'
import { parseHost } from '../../src/host.ts'
import type { CanonicalPath } from '../../src/model.ts'
import type { Exchange } from '../../src/proxy/exchange.ts'
import { readTarget } from '../../src/proxy/target.ts'
import { random } from '../fixtures/random.ts'
import { tableText } from '../fixtures/table-text.ts'
import { tableOf } from '../fixtures/tables.ts'

const table = tableOf(
  tableText([
    '{ host: app, to: box:1000, access: public }',
    '{ host: app, path: /api, to: box:1001 }',
    '{ host: app, path: /api/public, to: box:1002, access: public }',
    '{ host: app, path: /assets, to: box:1003, access: public, prefix: true }',
    '{ host: app, path: /git, to: box:1004, encodedSlashes: true }',
    '{ host: "*.wild", to: box:1005 }',
    '{ host: own.wild.example.com, path: /only, to: box:1006 }',
    '{ host: "*.deep.wild.example.com", to: box:1007 }',
  ]),
)

function find(host: string, path: string): string | null {
  const name = parseHost(host)
  if (name === null) throw new Error(host)
  const route = table.match(name, path as CanonicalPath)
  return route === null ? null : `${route.upstream?.port ?? 'own'}`
}

t.test('a path belongs to the longest route on a segment border', async (t) => {
  for (const [path, port] of [
    ['/', '1000'],
    ['/x', null],
    ['/api', '1001'],
    ['/api/', '1001'],
    ['/api/x', '1001'],
    ['/apiary', null],
    ['/API', null],
    ['/api/public', '1002'],
    ['/api/public/', '1001'],
    ['/api/public/x', '1001'],
    ['/api/publicity', '1001'],
    ['/assets', '1003'],
    ['/assets/x', '1003'],
    ['/assets-private', null],
    ['/admin/assets', null],
  ] as const) {
    t.equal(find('app.example.com', path), port, path)
  }
})

t.test('a host belongs to its exact routes before any wildcard, and never to both', async (t) => {
  for (const [host, path, port] of [
    ['a.wild.example.com', '/x', '1005'],
    ['a.b.wild.example.com', '/', '1005'],
    ['x.deep.wild.example.com', '/', '1007'],
    ['deep.wild.example.com', '/', '1005'],
    ['own.wild.example.com', '/only', '1006'],
    ['own.wild.example.com', '/other', null],
    ['wild.example.com', '/', null],
    ['evilwild.example.com', '/', null],
    ['app.example.com.evil.tld', '/', null],
    ['example.com', '/', null],
    ['app', '/', null],
  ] as const) {
    t.equal(find(host, path), port, `${host}${path}`)
  }
})

const deps: AdmissionDeps = {
  table: () => table,
  identify: () => null,
  clientAddress: (peer) => peer.address,
  limiter: { take: () => true, size: 0 },
  lockdown: () => false,
  isKnownClient: () => false,
  publicPort: 443,
  pseudonym: 'gatehouse',
  wallNow: () => 0,
}

interface Ask {
  readonly target: string
  readonly host?: string
  readonly method?: string
}

function enter({ target, host = 'app.example.com', method = 'GET' }: Ask): {
  kind: string
  code: string | null
  request: Request
} {
  const exchange: Partial<Exchange> = {
    protocol: 'HTTP/1.1',
    method,
    rawTarget: target,
    rawAuthority: null,
    rawHeaders: ['Host', host],
    webSocket: false,
    declaredBytes: null,
    peer: {
      address: '192.0.2.1',
      trustedProxy: false,
      cloudflare: false,
      serverName: null,
      clientCertificate: 'unasked',
      tlsVersion: 'TLSv1.3',
      lastAuthority: '',
      lastHost: null,
    },
  }
  const request: Request = {
    exchange: exchange as Exchange,
    client: '',
    network: '',
    host: null,
    target: null,
    head: null,
    route: null,
    identity: null,
    pathToken: null,
    wakeAction: null,
    open: false,
  }
  const admission = admit(request, deps, 0)
  if (admission.kind === 'sign-in') return { kind: 'refuse', code: 'sign-in-required', request }
  return {
    kind: admission.kind,
    code: admission.kind === 'refuse' ? admission.code : null,
    request,
  }
}

t.test(
  'no spelling of a private path reaches a public route (CVE-2025-66490, CVE-2026-40912, CVE-2025-54576)',
  async (t) => {
    for (const target of [
      '/api',
      '/api/',
      '/%61pi',
      '//api',
      '/api%2F',
      '/api%2fpublic',
      '/api/public%2f..%2fsecret',
      '/api/public/../secret',
      '/api/public%2e%2e/secret',
      '/api/public;/x',
      '/api;x/public',
      '/api%3b/public',
      '/assets/../api',
      '/assets/..%2fapi',
      '/assets/%2e%2e/api',
      '/assets/..;/api',
      '/assets%2f..%2fapi',
      '/assets;/../api',
      '/assets\\..\\api',
      '/assets%5c..%5capi',
      '/api?x=/assets/',
      '/api?/api/public',
      '/api%3f/api/public',
      '/api#/assets/',
      '/api%23/api/public',
      '/api/x%00/api/public',
      'http://app.example.com/api?x=/assets/',
    ]) {
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'get', 'CONNECT', 'TRACE']) {
        const { kind } = enter({ target, method })
        t.equal(kind, 'refuse', `${method} ${target}`)
      }
    }
  },
)

/** How backends read the same bytes: decoding before or after splitting, with or without parameters, merging or not. */
function readings(rawPath: string): string[] {
  const decode = (text: string) =>
    text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  const keepSlash = (text: string) => decode(text.replace(/%2f/gi, '\u0001'))
  const cut = (text: string) => text.replace(/;[^/]*/g, '')
  const merge = (text: string) => text.replace(/\/+/g, '/')
  return [decode, keepSlash, (p: string) => cut(decode(p)), (p: string) => cut(keepSlash(p))].map(
    (reading) => merge(reading(rawPath)),
  )
}

t.test('every reading of a path that is admitted leads to the same route', async (t) => {
  const pick = random(5)
  const pieces = [
    '/',
    'api',
    'public',
    'assets',
    'git',
    '%2f',
    '%2F',
    '%61',
    ';',
    '%3b',
    'x',
    '.',
    '//',
    '?',
    '%25',
    '-',
  ]
  let admitted = 0
  for (let i = 0; i < 60_000; i++) {
    let target = '/'
    for (let n = pick(7); n >= 0; n--) target += pieces[pick(pieces.length)] ?? ''
    const { kind, code, request } = enter({ target })
    if (kind !== 'forward' && code !== 'sign-in-required') continue
    admitted += 1
    const raw = request.target?.rawPath ?? ''
    for (const reading of readings(raw)) {
      const host = request.host
      if (host === null || table.match(host, reading as CanonicalPath) !== request.route) {
        t.fail(
          `${target} is ${request.route?.id}, but read as ${JSON.stringify(reading)} it is not`,
        )
      }
    }
  }
  t.ok(admitted > 1000, `${admitted} targets were admitted`)
})

t.test('our own paths are nobody’s, in any spelling', async (t) => {
  for (const target of [
    '/.gatehouse',
    '/.gatehouse/x',
    '/%2egatehouse/x',
    '//.gatehouse',
    '/.gatehouse%2fx',
  ]) {
    t.equal(enter({ target }).code === null, false, target)
  }
  t.equal(typeof readTarget('/.gatehouse/x'), 'object')
})

t.test('a host that is not one is refused before anything else (CVE-2026-48794)', async (t) => {
  for (const [host, code] of [
    ['app.example.com@evil', 'bad-host'],
    ['app.example.com, public.example.com', 'bad-host'],
    ['', 'bad-host'],
    ['[::1]', 'bad-host'],
    ['other.example.com', 'not-found'],
    ['APP.Example.Com.', 'sign-in-required'],
    ['app.example.com:8443', 'sign-in-required'],
  ] as const) {
    t.equal(enter({ target: '/api', host }).code, code, host)
  }
})

t.test(
  'the absolute form replaces Host, which must be valid all the same (RFC 9112 §3.2.2)',
  async (t) => {
    const target = 'http://app.example.com/api'
    t.equal(enter({ target, host: 'x.wild.example.com' }).request.route?.upstream?.port, 1001)
    t.equal(enter({ target, host: 'a@b' }).code, 'bad-host')
    t.equal(enter({ target: 'http:///api' }).code, 'bad-host')
    t.equal(enter({ target: 'http://u@app.example.com/api' }).code, 'bad-host')
  },
)
