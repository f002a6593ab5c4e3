// The attack: the check reads the path in one way, the backend in another, and between the two lies the private page.
// Traefik CVE-2025-66490, -32431, -47952, CVE-2026-40912, -48020; Caddy CVE-2026-27587; Pomerium CVE-2021-39206, CVE-2023-33189;
// oauth2-proxy CVE-2025-54576, GHSA-pxq7-h93f-9jrg; reply-from CVE-2021-21321, -21322, CVE-2026-16117, -15631, -120213.

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
t.teardown(() => backend.close())
// One backend behind both, as in many a real table: only the path stands between.
const shared = 'sharesUpstreamWith: [app/admin], prefixRewrite'
const edge = await startEdge(t, [
  publicRow('app, path: /public', backend.port, `${shared}: keep`),
  publicRow('app, path: /api', backend.port, `${shared}: strip, encodedSlashes: true`),
  `  - { host: app, path: /admin, to: 'http://127.0.0.1:${backend.port}' }`,
])

const tries = [
  'admin',
  'Admin',
  '%61dmin',
  'admin/',
  'admin%2F',
  'admin;x',
  'admin%00',
  'admin?/public',
].flatMap((name) => [
  `/${name}`,
  `//${name}`,
  `/public/../${name}`,
  `/public/%2e%2e/${name}`,
  `/public/.%2e/${name}`,
  `/public/..;/${name}`,
  `/public%2f..%2f${name}`,
  `/public\\..\\${name}`,
  `/public/..%5c${name}`,
  `/public/..%00/${name}`,
  `/public;/../${name}`,
  `/api../${name}`,
  `/api%2e%2e/${name}`,
  `/api/../${name}`,
  `/api/%2e%2e/${name}`,
  `/api/..%2f${name}`,
  `/api%2f..%2f${name}`,
  `/api%2f${name}`,
  `/api//${name}`,
  `/api;/${name}`,
  `/%61pi/${name}`,
  `//api/${name}`,
  `/./${name}`,
  `http://${appHost}/public/../${name}`,
  `http://${appHost}/${name}?/public/`,
  `http://${appHost}?/public/../${name}`,
])

t.test('no spelling of the private path is served to a stranger', async (t) => {
  for (const target of tries) {
    const before = backend.requests.length
    const [status] = statuses(await edge.exchange(request(`GET ${target}`, 'Connection: close')))
    t.ok([400, 401, 404].includes(status ?? 0), `${target}: ${status}`)
    t.equal(backend.requests.length, before, target)
  }
})

t.test('nor over HTTP/2, nor as a WebSocket', async (t) => {
  const client = await edge.h2()
  for (const path of tries.filter((target) => target.startsWith('/'))) {
    const { status } = await client.request({ path }).catch(() => ({ status: 400 }))
    t.ok([400, 401, 404].includes(status), `${path}: ${status}`)
    const upgrade = request(
      `GET ${path}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    )
    t.ok([400, 401, 403, 404].includes(statuses(await edge.exchange(upgrade))[0] ?? 0), path)
  }
  t.equal(backend.requests.length, 0)
})

t.test('what is cut off a prefix is never read as a host or a climb', async (t) => {
  for (const [target, path] of [
    ['/api/admin', '/admin'],
    ['/api/x%2Fy', '/x%2Fy'],
    ['/api/%252e%252e', '/%252e%252e'],
  ] as const) {
    t.same(statuses(await edge.exchange(request(`GET ${target}`, 'Connection: close'))), [200])
    t.equal(
      backend.requests.at(-1)?.head.split(' ')[1],
      path,
      'as the table says, and it was told so',
    )
  }
})
