// What a route can say, seen from outside: over real sockets, through the whole gateway.

import t from 'tap'
import { echoBackend } from '../fixtures/backends.ts'
import { type ClientRequest, type ClientResponse, h2, http1 } from '../fixtures/clients.ts'
import { startGateway, testDomain } from '../fixtures/gateway.ts'
import {
  openWebSocket,
  openWebSocketOverH2,
  type UpgradeRefused,
} from '../fixtures/web-socket-client.ts'

const backend = await echoBackend()
const { origin } = backend
const gateway = await startGateway({
  routes: `
  - { host: open, to: '${origin}', access: public, prefix: true, maxBody: 1KB, sharesUpstreamWith: [login, members, slash/private] }
  - { host: exact, to: '${origin}', access: public }
  - { host: login, to: '${origin}' }
  - { host: members, to: '${origin}', access: { users: [diego] } }
  - { host: strip, path: /app, to: '${origin}', access: public, prefix: true, prefixRewrite: strip, sharesUpstreamWith: [login, members, slash/private] }
  - { host: replace, path: /app, to: '${origin}', access: public, prefix: true, prefixRewrite: { replace: /inner }, sharesUpstreamWith: [login, members, slash/private] }
  - { host: target, to: '${origin}', access: public, upstreamHost: target }
  - { host: fixed, to: '${origin}', access: public, upstreamHost: { fixed: inside.example } }
  - host: edits
    to: '${origin}'
    access: public
    requestHeaders: { set: { Authorization: { secret: BACKEND_KEY }, X-Fixed: yes-it-is }, remove: [X-Unwanted] }
    responseHeaders: { set: { X-Frame-Options: DENY }, remove: [Content-Type] }
  - { host: slash, to: '${origin}', access: public, prefix: true, encodedSlashes: true, sharesUpstreamWith: [login, members, slash/private] }
  - { host: slash, path: /private, to: '${origin}' }
  - { host: nobody, to: '${origin}', access: public, clients: { deny: [127.0.0.0/8] } }
  - { host: elsewhere, to: '${origin}', access: public, clients: { allow: [192.0.2.0/24] } }
  - { host: cloud, to: '${origin}', access: public, cloudflareOnly: true }
  - { host: works, to: '${origin}', access: public, maintenance: 'The disk is being changed.' }
  - { host: slow, to: '${origin}', access: public, rateLimit: { perSecond: 1, burst: 2 } }
  - { host: moved, to: { redirect: 'https://new.example', keepPath: true }, access: public, prefix: true }
  - { host: gone, to: { status: 410 }, access: public }
  - { host: photos, to: { landing: /service }, service: Photos, access: public }
  - { host: ws-off, to: '${origin}', access: public, webSocket: false }
`,
  secrets: { BACKEND_KEY: 'Basic c2VjcmV0' },
})
t.teardown(async () => {
  await gateway.close()
  await backend.close()
})

const trust = { ca: gateway.ca.certPem }

function get(name: string, request: ClientRequest = {}): Promise<ClientResponse> {
  return http1(gateway.https, { ...request, host: `${name}.${testDomain}`, tls: trust })
}

/** What the backend saw. */
async function seen(name: string, request: ClientRequest = {}) {
  const { status, text } = await get(name, request)
  t.equal(status, 200, `${name} ${request.path ?? '/'} is answered by the backend`)
  const echo: { url: string; rawHeaders: string[]; bodyLength: number } = JSON.parse(text)
  const header = (wanted: string) => {
    const at = echo.rawHeaders.findIndex((h, i) => i % 2 === 0 && h.toLowerCase() === wanted)
    return at === -1 ? null : (echo.rawHeaders[at + 1] ?? null)
  }
  return { ...echo, header }
}

t.test('a public route without prefix is for its exact path', async (t) => {
  t.equal((await get('exact')).status, 200)
  t.equal((await get('exact', { path: '/?q=1' })).status, 200)
  t.equal((await get('exact', { path: '/x' })).status, 404)
})

t.test('a route without access is for the signed-in, and so is one with members', async (t) => {
  for (const name of ['login', 'members']) {
    for (const method of ['GET', 'POST', 'OPTIONS', 'PROPFIND']) {
      const { status, headers } = await get(name, { method })
      t.equal(status, 401, `${method} ${name}`)
      t.ok(headers['www-authenticate'], 'RFC 9110 §15.5.2 asks for a challenge')
      t.match(headers['cache-control'], /no-store/)
    }
  }
})

t.test(
  'an unknown host under the certificate is 404, without a trace of the backend',
  async (t) => {
    t.equal((await get('unknown')).status, 404)
  },
)

t.test('a prefix is kept, stripped or replaced, and the query stays', async (t) => {
  t.equal((await seen('open', { path: '/a//b?c=%2F' })).url, '/a//b?c=%2F')
  t.equal((await seen('strip', { path: '/app/x?y' })).url, '/x?y')
  t.equal((await seen('strip', { path: '/app' })).url, '/')
  t.equal((await get('strip', { path: '/apple' })).status, 404, 'a prefix ends at a segment')
  t.equal(
    (await get('strip', { path: '/app//evil.example' })).status,
    400,
    'no network-path reference',
  )
  t.equal((await seen('replace', { path: '/app/x' })).url, '/inner/x')
})

t.test('the backend sees the Host that the route says', async (t) => {
  t.equal((await seen('open')).header('host'), `open.${testDomain}`)
  t.equal((await seen('target')).header('host'), origin.slice('http://'.length))
  t.equal((await seen('fixed')).header('host'), 'inside.example')
})

t.test('headers are set, from secrets too, and removed, both ways', async (t) => {
  const headers = { authorization: 'Bearer mine', 'x-unwanted': '1', 'x-kept': '2' }
  const echo = await seen('edits', { headers })
  t.equal(echo.header('authorization'), 'Basic c2VjcmV0')
  t.equal(echo.header('x-fixed'), 'yes-it-is')
  t.equal(echo.header('x-unwanted'), null)
  t.equal(echo.header('x-kept'), '2')
  const answer = await get('edits')
  t.equal(answer.headers['x-frame-options'], 'DENY')
  t.equal(answer.headers['content-type'], undefined)
})

t.test('the backend is told who asks, by us alone', async (t) => {
  const headers = {
    'x-forwarded-for': '203.0.113.9',
    forwarded: 'for=1.2.3.4',
    'remote-user': 'root',
  }
  const echo = await seen('open', { headers })
  t.equal(echo.header('x-forwarded-for'), '127.0.0.1')
  t.equal(echo.header('x-real-ip'), '127.0.0.1')
  t.equal(echo.header('x-forwarded-proto'), 'https')
  t.equal(echo.header('x-forwarded-host'), `open.${testDomain}`)
  t.equal(echo.header('x-forwarded-port'), '443')
  t.equal(echo.header('forwarded'), null)
  t.equal(echo.header('remote-user'), null)
  t.match(echo.header('via'), /^1\.1 gatehouse-/)
})

t.test('encoded slashes pass where the route allows them and lead nowhere else', async (t) => {
  t.equal((await get('open', { path: '/a%2Fb' })).status, 400)
  t.equal((await seen('slash', { path: '/a%2Fb' })).url, '/a%2Fb')
  t.equal((await get('slash', { path: '/private%2Fx' })).status, 400, 'two readings, two routes')
  t.equal((await get('slash', { path: '/private;x/y' })).status, 400, 'a parameter hides no route')
  t.equal((await get('slash', { path: '/%70rivate/x' })).status, 401, 'one decode, one route')
})

t.test('addresses are allowed and denied', async (t) => {
  t.equal((await get('nobody')).status, 403)
  t.equal((await get('elsewhere')).status, 403)
  const spoofed = { 'cf-connecting-ip': '192.0.2.1', 'x-forwarded-for': '192.0.2.1' }
  t.equal((await get('elsewhere', { headers: spoofed })).status, 403, 'whatever a stranger says')
  t.equal((await get('cloud')).status, 403)
})

t.test('a body beyond the limit is refused, announced or not', async (t) => {
  t.equal((await seen('open', { body: Buffer.alloc(1000) })).bodyLength, 1000)
  t.equal((await get('open', { body: Buffer.alloc(1025) })).status, 413)
  const { Readable } = await import('node:stream')
  const chunked = Readable.from([Buffer.alloc(800), Buffer.alloc(800)])
  t.equal((await get('open', { method: 'POST', body: chunked })).status, 413)
})

t.test('maintenance says 503 with the sentence and when to come back', async (t) => {
  const { status, headers, text } = await get('works', { headers: { accept: 'text/html' } })
  t.equal(status, 503)
  t.ok(headers['retry-after'])
  t.match(text, 'The disk is being changed.')
})

t.test(
  'a client over the rate gets 429 and Retry-After; another route does not notice',
  async (t) => {
    const statuses: number[] = []
    for (let i = 0; i < 5; i++) statuses.push((await get('slow')).status)
    t.ok(statuses.filter((status) => status === 200).length >= 2)
    t.equal(statuses.at(-1), 429)
    t.ok((await get('slow')).headers['retry-after'])
    t.equal((await get('open')).status, 200)
  },
)

t.test('redirects, fixed statuses and landing pages are answered here', async (t) => {
  const moved = await get('moved', { path: '/a/b?c=d' })
  t.equal(moved.status, 302)
  t.equal(moved.headers.location, 'https://new.example/a/b?c=d')
  t.equal((await get('gone')).status, 410)
  const landing = await get('photos', { headers: { accept: 'text/html' } })
  t.equal(landing.status, 200)
  t.match(landing.text, 'Photos')
  t.match(landing.text, 'href="/service"')
})

t.test('a WebSocket needs the route to say so', async (t) => {
  const refused = openWebSocket(gateway.https, { host: `ws-off.${testDomain}`, tls: trust })
  await t.rejects(refused, {
    name: 'UpgradeRefused',
    status: 403,
  } satisfies Partial<UpgradeRefused>)
})

t.test('every answer carries a request id and the security headers, a refusal too', async (t) => {
  for (const name of ['open', 'login', 'unknown', 'photos', 'moved']) {
    const { headers } = await get(name)
    t.match(headers['x-request-id'], /^[0-9a-f]{12}[0-9a-z]+$/, name)
    t.equal(headers['x-content-type-options'], 'nosniff', name)
    t.ok(headers['strict-transport-security'], name)
    t.ok(headers['x-frame-options'], name)
    t.ok(headers['referrer-policy'], name)
    t.ok(headers['permissions-policy'], name)
  }
})

t.test('HTTP/2 goes the same way in', async (t) => {
  const client = await h2(gateway.https, { ...trust, servername: `open.${testDomain}` })
  t.teardown(() => client.close())
  const open = await client.request({ host: `open.${testDomain}`, path: '/h2' })
  t.equal(open.status, 200)
  t.match(open.text, '"url":"/h2"')
  const other = await client.request({ host: `login.${testDomain}` })
  t.equal(other.status, 421, 'one name per connection (RFC 9110 §15.5.20)')
})

t.test('a WebSocket over HTTP/2 may be for a neighbour under the same certificate', async (t) => {
  // Chromium opens it there and does not repeat it after a 421. Route, policy and Origin are the neighbour's own.
  const client = await h2(gateway.https, { ...trust, servername: `open.${testDomain}` })
  t.teardown(() => client.close())
  const refused = (name: string) =>
    openWebSocketOverH2(client, { host: `${name}.${testDomain}` }).then(
      () => 200,
      (error: UpgradeRefused) => error.status,
    )
  t.equal(await refused('login'), 401)
  t.equal(await refused('ws-off'), 403)
  t.equal(await refused('unknown'), 404)
})

t.test('the access log has one line per request, with route, outcome and no query', async (t) => {
  const before = (await gateway.accessLines()).length
  await get('open', { path: '/logged?secret=1' })
  await get('login', { headers: { 'X_Odd.Name': '1' } })
  const lines = (await gateway.accessLines()).slice(before)
  t.equal(lines.length, 2)
  const [first, second] = lines
  t.match(first, {
    host: `open.${testDomain}`,
    path: '/logged',
    status: 200,
    outcome: 'ok',
    route: 'open/',
  })
  t.notMatch(JSON.stringify(first), 'secret')
  t.match(second, { status: 401, outcome: 'sign-in-required', droppedHeaders: 'X_Odd.Name' })
})
