// The attack: whoever dials the gateway directly says what only a trusted proxy may say: which address he has, which path the
// request was for, over which protocol it came. oauth2-proxy CVE-2026-40575, -76835; authentik CVE-2024-47070, CVE-2023-36456;
// Traefik CVE-2026-35051; Fastify CVE-2026-3635; Mailu CVE-2026-85751; 2FAuth CVE-2026-63439.

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
const edge = await startEdge(t, [
  publicRow('app, path: /public', backend.port, 'clients: { deny: [127.0.0.0/8] }'),
  publicRow('app, path: /open', backend.port),
  `  - { host: app, path: /admin, to: 'http://127.0.0.1:${secret.port}' }`,
])

const forged = [
  'X-Forwarded-Uri: /open',
  'X-Original-URL: /open',
  'X-Rewrite-URL: /open',
  'X-Forwarded-Prefix: /open',
  'X-Forwarded-Method: GET',
  'X-Forwarded-Host: open.gate.test',
  'X-Forwarded-Proto: http',
  'X-Forwarded-For: 203.0.113.9, x',
  'X-Real-IP: 203.0.113.9',
  'CF-Connecting-IP: 203.0.113.9',
  'True-Client-IP: 203.0.113.9',
  'Forwarded: for=203.0.113.9;proto=http;host=open.gate.test',
  'Connection: close',
]

t.test('they open nothing', async (t) => {
  t.same(statuses(await edge.exchange(request('GET /admin', ...forged))), [401])
  t.equal(secret.requests.length, 0)
})

t.test('they move nobody past a list of addresses', async (t) => {
  t.same(statuses(await edge.exchange(request('GET /public', ...forged))), [403])
})

t.test('they are not passed on', async (t) => {
  t.same(statuses(await edge.exchange(request('GET /open', ...forged))), [200])
  const arrived = backend.requests.at(-1)
  t.notMatch(arrived?.head, /203\.0\.113|open\.gate\.test/)
  t.same(arrived?.field('x-forwarded-for'), ['127.0.0.1'])
  t.same(arrived?.field('x-forwarded-host'), [appHost])
  t.same(arrived?.field('x-forwarded-proto'), ['https'])
})

t.test('the log has the address of who dialled', async (t) => {
  const lines = await edge.gateway.accessLines()
  t.same([...new Set(lines.map(({ client }) => client))], ['127.0.0.1'])
})
