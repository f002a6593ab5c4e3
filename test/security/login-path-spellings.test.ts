// The attack: one path, two readers. The rule that lets everybody in is found by one reading and the file is fetched by another:
// encoded slashes and dots, doubled slashes, other cases, parameters, a rule that looks at the query. oauth2-proxy
// CVE-2025-54576 and GHSA-pxq7-h93f-9jrg; Traefik CVE-2025-66490, CVE-2026-48020; Authelia CVE-2021-32637; Caddy CVE-2026-27587.
// Whatever the spelling: without a session nothing private is fetched, and no rule for one path opens another.

import t from 'tap'
import {
  appHost,
  privateRow,
  recordingBackend,
  request,
  startEdge,
  statuses,
} from '../fixtures/edge.ts'
import { testDomain } from '../fixtures/gateway.ts'
import { cookieOf } from '../fixtures/people.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const rules = `access: [
  { paths: [/share/*, /static/**, /health], methods: [GET, HEAD], access: public },
  { paths: [/admin/**], access: { groups: [admins] } },
  { methods: [GET, HEAD, POST], access: login } ]`.replace(/\n */g, ' ')
const edge = await startEdge(
  t,
  [
    privateRow('app', backend.port, rules),
    `  - { host: site, to: 'http://127.0.0.1:${backend.port}', access: public, prefix: true, path: /open, sharesUpstreamWith: [site/, app/] }`,
    privateRow('site', backend.port),
  ],
  { people: [{ id: 'low' }, { id: 'boss', groups: ['admins'] }] },
)
const low = `Cookie: ${cookieOf(edge.gateway.known('low'))}`
const boss = `Cookie: ${cookieOf(edge.gateway.known('boss'))}`

async function ask(
  line: string,
  fields: readonly string[] = [],
  host = appHost,
): Promise<number | undefined> {
  const bytes = request(line, ...fields, 'Connection: close').replace(appHost, host)
  return statuses(await edge.exchange(bytes, host))[0]
}

t.test('what is open is open, and no more', async (t) => {
  for (const line of [
    'GET /share/abc',
    'HEAD /share/abc?x=/admin/',
    'GET /static',
    'GET /static/a/b/c.css',
    'GET /health',
    'GET /share//abc',
  ]) {
    t.equal(await ask(line), 200, line)
  }
  const before = backend.requests.length
  for (const line of [
    'GET /',
    'POST /share/abc',
    'GET /share',
    'GET /share/a/b',
    'GET /shareabc',
    'GET /healthz',
    'GET /health/x',
    'GET /Health',
    'GET /SHARE/abc',
    'GET /admin/x?/share/abc',
    'GET /?/share/abc',
    'GET /x?path=/static/a',
  ]) {
    const status = await ask(line)
    // Another case of an open path may be refused as ambiguous instead.
    t.ok(status === 401 || status === 400 || status === 403, `${status}: ${line}`)
  }
  t.equal(backend.requests.length, before)
})

/** The path a backend was asked for, as it reads it: percent triplets decoded once, byte by byte. */
function onceDecoded(head = ''): string {
  const [, target = ''] = head.split(' ')
  return target.replace(/%([0-9a-f]{2})/gi, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** A path that begins open and, in some reading, leads to what is private. */
const crossing = [
  '/share/../admin/x',
  '/share/..%2fadmin/x',
  '/share/%2e%2e/admin/x',
  '/share/%2e%2e%2fadmin',
  '/share/.%2e/admin/x',
  '/share/..;/admin/x',
  '/share/..;x=y/admin/x',
  '/static/..%5cadmin%5cx',
  '/static/..\\admin\\x',
  '/static/a/../../admin/x',
  '/static/%252e%252e/admin/x',
  '/static/..%252fadmin',
  '/static/./../admin',
  '/static/%c0%ae%c0%ae/admin',
  '/static/\x85/../admin',
  '/share/x%2f..%2f..%2fadmin%2fx',
  '/health/../admin/x',
  '/health%2f..%2fadmin',
  '/health%00/admin',
  '/health#/admin',
  '/health%23/../admin',
  '/health;/../admin',
  '//admin/x/../../share/abc',
  '/admin/x/../../share/abc',
  '/admin%2fx',
  '/%61dmin/x',
  '/adm%69n/x',
  '/ADMIN/x',
  '/Admin/x',
  '/admin;x/y',
  '/admin//x',
  '/./admin/x',
  '//admin/x',
  '/admin/./x',
  '/admin%20/x',
  '/admin./x',
  '/admin%2e/x',
  'http://app.gate.test/admin/x',
  'https://other.gate.test/share/abc',
]

t.test('no spelling takes a stranger to what is private', async (t) => {
  const before = backend.requests.length
  for (const path of crossing) {
    const status = (await ask(`GET ${path}`)) ?? 400
    if (status !== 200) continue
    // It may be a literal name below an open folder, such as `%2e%2e` itself: then the backend is asked for just that.
    const read = onceDecoded(backend.requests.at(-1)?.head)
    t.match(read, /^\/(share\/[^/]*|static(\/[^/]+)*)$/, `${path} → ${read}`)
    t.notOk(read.split('/').includes('..'), read)
  }
  t.ok(backend.requests.length - before <= 3, 'hardly any of them is answered at all')
})

t.test('nor a person to what is another group’s', async (t) => {
  t.equal(await ask('GET /admin/x', [low]), 403)
  t.equal(await ask('GET /admin/x', [boss]), 200)
  for (const path of crossing) {
    const before = backend.requests.length
    const status = (await ask(`GET ${path}`, [low])) ?? 400
    if (status !== 200) continue
    const read = onceDecoded(backend.requests.slice(before)[0]?.head)
    t.notMatch(read, /^\/+admin(\/|$)/i, `${path} → ${read}`)
    t.notOk(read.split('/').includes('..'), read)
  }
})

t.test('nor does a method that is not listed, or one that pretends', async (t) => {
  const before = backend.requests.length
  for (const method of ['PUT', 'DELETE', 'PROPFIND', 'get', 'Head', 'OPTIONS', 'PATCH']) {
    const status = await ask(`${method} /share/abc`)
    t.ok(status !== undefined && status >= 400, `${method}: ${status}`)
  }
  for (const field of [
    'X-HTTP-Method-Override: GET',
    'X-Method-Override: GET',
    'X-HTTP-Method: GET',
  ]) {
    t.equal(await ask('POST /share/abc', [field]), 401, field)
  }
  for (const field of [
    'X-Original-URL: /share/abc',
    'X-Rewrite-URL: /share/abc',
    'X-Forwarded-Uri: /health',
    'X-Forwarded-Prefix: /static',
    'User-Agent: GoogleHC/1.0',
    'X-Forwarded-For: 127.0.0.1',
  ]) {
    t.equal(await ask('GET /admin/x', [field]), 401, field)
  }
  t.equal(backend.requests.length, before)
})

t.test('a public prefix beside a private rest', async (t) => {
  const host = `site.${testDomain}`
  t.equal(await ask('GET /open/x', [], host), 200)
  const before = backend.requests.length
  for (const path of [
    '/',
    '/x',
    '/opening',
    '/open/../x',
    '/open/%2e%2e/x',
    '/open/..%2fx',
    '/open%2f..%2fx',
    '/OPEN/x',
    '/Open',
    '/%6fpen/../x',
    '/open;/../x',
  ]) {
    const status = await ask(`GET ${path}`, [], host)
    t.ok(status === 400 || status === 401, `${status}: ${path}`)
  }
  t.equal(backend.requests.length, before)
})

t.test('the rules hold over HTTP/2 and for each request of a connection', async (t) => {
  const client = await edge.h2()
  t.equal((await client.request({ path: '/share/abc' })).status, 200)
  t.equal((await client.request({ path: '/admin/x' })).status, 401)
  t.equal((await client.request({ path: '/share/..%2fadmin' })).status, 400)
  const both = `${request('GET /health')}${request('GET /admin/x', 'Connection: close')}`
  t.same(statuses(await edge.exchange(both)), [200, 401])
})
