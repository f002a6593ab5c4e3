// The attack: what the admin answers is put to another use. Framed by a sibling, so that clicks land elsewhere; kept by a cache in
// between; read as a script by another site; its address handed on as referrer. Every answer of its host says no to that: pages,
// scripts, the API, redirects, and every way of saying no, over HTTP/1.1 and HTTP/2.

import t, { type Test } from 'tap'
import {
  type AdminBrowser,
  adminHost,
  adminOrigin,
  openAdmin,
  signedIn,
} from '../fixtures/admin-visitor.ts'
import { type ClientResponse, type Http2Client, h2 } from '../fixtures/clients.ts'
import { startGateway } from '../fixtures/gateway.ts'

const gateway = await startGateway({
  routes: '- { host: app, to: "http://127.0.0.1:9", access: public, prefix: true }',
  people: [{ id: 'diego', groups: ['admin'] }, { id: 'ana' }],
})
const http2: Http2Client = await h2(gateway.https, {
  ca: gateway.ca.certPem,
  servername: adminHost,
})
t.teardown(async () => {
  await http2.close()
  await gateway.close()
})

const navigation = {
  accept: 'text/html',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
}

/** What no answer of the admin may lack. */
function isGuarded(t: Test, answer: ClientResponse, what: string): void {
  const { headers } = answer
  const csp = String(headers['content-security-policy'] ?? '')
  t.match(csp, /frame-ancestors 'none'/, `${what}: framed by nobody`)
  t.match(csp, /default-src 'none'/, `${what}: loads nothing by itself`)
  t.match(csp, /base-uri 'none'/, what)
  t.notMatch(csp, /unsafe|\*|data:.*script|https?:(?!\/\/)/, `${what}: no exceptions`)
  t.equal(headers['x-frame-options'], 'DENY', what)
  t.equal(headers['x-content-type-options'], 'nosniff', what)
  t.match(headers['cache-control'], /no-store|immutable/, what)
  t.match(headers['referrer-policy'], /^(same-origin|no-referrer)$/, what)
  t.equal(headers['cross-origin-resource-policy'], 'same-origin', what)
  t.match(headers['strict-transport-security'], /max-age=/, what)
  t.equal(headers['access-control-allow-origin'], undefined, what)
}

/** What the gateway itself says before the admin is asked: nothing of the house is in it, and still nothing is kept. */
function isDull(t: Test, { headers }: ClientResponse, what: string): void {
  t.equal(headers['cache-control'], 'no-store', what)
  t.equal(headers['x-content-type-options'], 'nosniff', what)
  t.match(headers['x-frame-options'], /^(DENY|SAMEORIGIN)$/, what)
  t.equal(headers['access-control-allow-origin'], undefined, what)
  if (headers['content-type']?.startsWith('text/html') === true) {
    t.match(headers['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/, what)
  }
}

const pages = ['/', '/file', '/history', '/explain', '/route?id=app%2F', '/route/new']
const more = ['/machines', '/people', '/sessions', '/tokens', '/certificates', '/protection']

t.test('every page, every script, every operation', async (t) => {
  const admin = await openAdmin(gateway, 'diego')
  for (const path of [...pages, ...more, '/audit', '/house', '/api', '/nothing/here']) {
    const page = await ask(admin, path, navigation)
    t.equal(page.status, path.startsWith('/nothing') ? 404 : 200, path)
    t.match(page.headers['content-type'], 'text/html', path)
    isGuarded(t, page, path)
    t.equal(page.headers['cache-control'], 'no-store', path)
    t.equal(page.headers['cross-origin-opener-policy'], 'same-origin', path)
    t.notMatch(
      page.text,
      /\son\w+="|style="|<script(?![^>]*src=)|javascript:/i,
      `${path}: no inline`,
    )
  }
  const front = await ask(admin, '/', navigation)
  const own = [...front.text.matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css)[^"]*)"/g)]
  t.ok(own.length >= 2, 'a sheet and a script')
  for (const [, path = ''] of own) isGuarded(t, await ask(admin, path), path)
  for (const path of ['routes', 'users', 'audit', 'openapi.json', 'nothing', 'routes/x']) {
    const answer = await ask(admin, `/api/v1/${path}`, { 'sec-fetch-site': 'same-origin' })
    isGuarded(t, answer, path)
    t.equal(answer.headers['cache-control'], 'no-store', path)
  }
})

t.test('every way of saying no', async (t) => {
  const admin = await openAdmin(gateway, 'diego')
  const stranger = signedIn(gateway, 'diego')
  const ana = signedIn(gateway, 'ana')
  const cases: readonly (readonly [string, Promise<ClientResponse>, number])[] = [
    ['to the entrance', stranger.request(`${adminOrigin}/`, { headers: navigation }), 303],
    ['API of the half signed in', stranger.request(`${adminOrigin}/api/v1/routes`), 401],
    [
      'a bad code',
      stranger.request(`${adminOrigin}/.entrance?code=x`, { headers: navigation }),
      403,
    ],
    ['not for her', ana.request(`${adminOrigin}/`, { headers: navigation }), 403],
    ['other site', ask(admin, '/api/v1/routes', { 'sec-fetch-site': 'cross-site' }), 403],
    ['no such operation', ask(admin, '/api/v1/nothing'), 404],
    ['no such method', admin.call('PATCH', '/api/v1/routes'), 405],
    ['a method of nobody', ask(admin, '/', {}, 'PROPFIND'), 405],
    ['no token', ask(admin, '/api/v1/lockdown', { origin: adminOrigin }, 'PUT'), 403],
    ['bad JSON', change(admin, '{'), 400],
    ['nonsense', change(admin, '{"on":7}'), 422],
    ['too much', change(admin, `{"on":"${'x'.repeat(300_000)}"}`), 413],
    ['a bad query', ask(admin, '/api/v1/routes?a=1&a=2'), 400],
    ['a bad path', ask(admin, '/api/v1/%zz'), 400],
  ]
  const byTheGateway = ['not for her', 'a method of nobody', 'too much', 'a bad path']
  for (const [what, answer, status] of cases) {
    const told = await answer
    t.equal(told.status, status, what)
    if (byTheGateway.includes(what)) isDull(t, told, what)
    else isGuarded(t, told, what)
    t.notMatch(told.text, /node_modules|\.ts:\d|at \w+ \(/, `${what}: no stack`)
  }
})

t.test('over HTTP/2 as well', async (t) => {
  const admin = await openAdmin(gateway, 'diego')
  const cookie = admin.person.jar.header(adminHost, '/') ?? ''
  for (const path of ['/', '/api/v1/routes', '/api/v1/nothing']) {
    const headers = path === '/' ? navigation : { 'sec-fetch-site': 'same-origin' }
    const answer = await http2.request({ path, host: adminHost, headers: { ...headers, cookie } })
    isGuarded(t, answer, path)
  }
})

function ask(
  { person }: AdminBrowser,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<ClientResponse> {
  return person.request(`${adminOrigin}${path}`, { method, headers })
}

function change({ person, csrf }: AdminBrowser, body: string): Promise<ClientResponse> {
  return person.request(`${adminOrigin}/api/v1/lockdown`, {
    method: 'PUT',
    headers: {
      ...csrf,
      origin: adminOrigin,
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/json',
    },
    body,
  })
}
