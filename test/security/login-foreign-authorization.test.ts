// The fault, not an attack: a gateway that takes every `Authorization` for its own. Authelia #8519, #10873, #10888: the
// token of Gitea, Jupyter, Jellyfin or Open WebUI is judged, found wanting, and the application's own programs are locked out;
// or it is taken away and the application never sees it. What is not ours passes untouched and unjudged: it neither helps
// nor harms, and where nobody is signed in it does not open a private route.

import t from 'tap'
import {
  appHost,
  privateRow,
  publicRow,
  recordingBackend,
  request,
  startEdge,
  statuses,
} from '../fixtures/edge.ts'
import { testDomain } from '../fixtures/gateway.ts'
import { cookieOf } from '../fixtures/people.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const edge = await startEdge(
  t,
  [
    privateRow('app', backend.port),
    publicRow('open', backend.port, 'sharesUpstreamWith: [app/, own/]'),
    privateRow(
      'own',
      backend.port,
      'access: login, requestHeaders: { set: { Authorization: Bearer-of-ours } }',
    ),
  ],
  { people: [{ id: 'diego', tokens: [{ label: 'all' }] }] },
)
const diego = edge.gateway.known('diego')
const base64 = (text: string) => Buffer.from(text).toString('base64')

const foreign: readonly string[] = [
  'token abcdef',
  'Bearer eyJhbGciOiJIUzI1NiJ9.e30.x',
  'bearer sk-0123456789',
  `Basic ${base64('diego:a password of the app')}`,
  `Basic ${base64('someone:not_gth_x')}`,
  `Basic ${base64('x:')}`,
  'Basic',
  'Basic %%%',
  'MediaBrowser Token="abc", Client="x"',
  'Digest username="x", nonce="y"',
  'Negotiate YII=',
  'AWS4-HMAC-SHA256 Credential=x/20261121/us/s3/aws4_request, Signature=y',
  'Bearer ghp_notOurs',
  'Bearer GTH_NOTOURS',
  `Bearer not-gth_${'A'.repeat(43)}`,
  `Bearer eyJhbGciOiJIUzI1NiJ9.e30.gth_${'A'.repeat(39)}`,
  `Bearer eyJhbGciOiJIUzI1NiJ9.gth_${'A'.repeat(43)}.x`,
  `Bearer xgth_${'A'.repeat(43)}`,
  `token gth${'A'.repeat(43)}`,
  '  odd   spacing  ',
]

t.test('with a session it passes, byte for byte', async (t) => {
  for (const value of foreign) {
    const bytes = request(
      'GET /',
      `Authorization: ${value}`,
      `Cookie: ${cookieOf(diego)}`,
      'Connection: close',
    )
    t.same(statuses(await edge.exchange(bytes)), [200], value)
    t.same(backend.requests.at(-1)?.field('authorization'), [value.trim()], value)
    t.same(backend.requests.at(-1)?.field('remote-user'), ['diego'])
  }
})

t.test('where everyone may enter it passes as well', async (t) => {
  const host = `open.${testDomain}`
  for (const value of foreign) {
    const bytes = request('GET /', `Authorization: ${value}`, 'Connection: close')
    t.same(statuses(await edge.exchange(bytes.replace(appHost, host), host)), [200], value)
    t.same(backend.requests.at(-1)?.field('authorization'), [value.trim()], value)
  }
})

t.test('beside a token of ours in its own header, and in the path', async (t) => {
  const token = diego.tokens.all ?? ''
  for (const value of foreign) {
    for (const [line, field] of [
      ['GET /', `X-Gatehouse-Token: ${token}`],
      [`GET /.gatehouse/t/${token}/`, 'Accept: */*'],
    ] as const) {
      const bytes = request(line, field, `Authorization: ${value}`, 'Connection: close')
      t.same(statuses(await edge.exchange(bytes)), [200], value)
      t.same(backend.requests.at(-1)?.field('authorization'), [value.trim()])
    }
  }
})

t.test('alone it opens nothing', async (t) => {
  const before = backend.requests.length
  for (const value of foreign) {
    const bytes = request('GET /', `Authorization: ${value}`, 'Connection: close')
    t.same(statuses(await edge.exchange(bytes)), [401], value)
  }
  t.equal(backend.requests.length, before)
})

t.test('a route can give the backend a credential of its own instead', async (t) => {
  const host = `own.${testDomain}`
  const fields = [`Cookie: ${cookieOf(diego)}`, 'Authorization: Bearer theirs', 'Connection: close']
  const bytes = request('GET /', ...fields).replace(appHost, host)
  t.same(statuses(await edge.exchange(bytes, host)), [200])
  t.same(backend.requests.at(-1)?.field('authorization'), ['Bearer-of-ours'])
})
