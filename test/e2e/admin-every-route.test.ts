// Every route of the repository's own table, edited over the API of a gateway that runs, and back: the file is the same, to the byte.

import { readFile, writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { routeOptions } from '../../src/routes-file/edit/options.ts'
import { type ApiAnswer, program, textAt, valueAt } from '../fixtures/admin-visitor.ts'
import { startGateway, testDomain } from '../fixtures/gateway.ts'

type Raw = Readonly<Record<string, unknown>>

/** Each save reads the whole table several times over. */
t.setTimeout(400_000)

/** Nobody outside is asked anything: the list of Cloudflare's networks would be fetched. */
const own = (await readFile(new URL('../../src/routes.yaml', import.meta.url), 'utf8'))
  .replaceAll('diegonmarcos.com', testDomain)
  .replace('trustedProxies: cloudflare', 'trustedProxies: none')
  // As many requests as this makes are nobody's.
  .replace('login: { perSecond: 10, burst: 20 }', 'login: { perSecond: 9000, burst: 9000 }')

/** Two values of each option: one of them is not what the route has. */
const values: Readonly<Record<string, readonly [unknown, unknown]>> = {
  service: ['Another: name', 'A # name'],
  host: ['elsewhere', 'somewhere'],
  path: ['/moved', '/moved/again'],
  to: ['oci-p-flex_1:4321', 'https://oci-f-micro_1:4321'],
  access: [{ groups: ['family'], with: 'passkey' }, 'nobody'],
  prefix: [true, false],
  sharesUpstreamWith: [['git'], ['sync/git']],
  prefixRewrite: ['strip', { replace: '/other' }],
  maintenance: ['Back at noon: "soon"', true],
  disabled: [true, false],
  upstreamHost: ['target', { fixed: 'name.example.org' }],
  requestHeaders: [{ set: { 'X-Test': 'yes' } }, { remove: ['X-Test'] }],
  responseHeaders: [{ remove: ['Server'] }, { set: { 'X-Test': ' # no comment' } }],
  timeouts: [{ connect: '3s', idle: '1h' }, { headers: '2m' }],
  maxBody: ['7MB', 'unlimited'],
  clients: [{ deny: ['192.0.2.0/24'] }, { allow: ['127.0.0.0/8'] }],
  rateLimit: ['api', { perSecond: 5, burst: 50 }],
  webSocket: [true, false],
  encodedSlashes: [true, false],
  cloudflareOnly: [false, true],
  allowedOrigins: [['https://app.example.org'], ['https://other.example.org']],
  networks: [[{ cidr: '192.0.2.0/24', as: 'diego' }], [{ cidr: '2001:db8::/32', as: 'diego' }]],
  identityHeaders: ['oauth2-proxy', { user: 'X-User', name: false }],
  parentCookies: [true, false],
  wake: ['manual', 'never'],
  countsAsUse: ['never', 'always'],
}
/** Without these the page that this test edits by would not be there, or not for it. */
const placing: ReadonlySet<string> = new Set(['host', 'path'])
const vital: ReadonlySet<string> = new Set([
  ...['host', 'path', 'to', 'access', 'disabled', 'maintenance', 'clients', 'cloudflareOnly'],
])

const gateway = await startGateway({
  routes: '- { host: app, to: "http://127.0.0.1:9", access: public }',
  people: [{ id: 'diego', groups: ['admin'], tokens: [{ label: 'w', scopes: ['routes:write'] }] }],
})
t.teardown(() => gateway.close())
await writeFile(gateway.routesFile, own)
await gateway.running.reload('signal')
const api = program(gateway, gateway.known('diego').tokens.w ?? '')
const first = await api.call('GET', '/api/v1/routes?limit=1000')
const rows = Array.from({ length: 100 }, (_, i) => ({
  id: valueAt(first, 'items', i, 'id'),
  raw: valueAt(first, 'items', i, 'raw'),
})).filter((row): row is { id: string; raw: Raw } => typeof row.id === 'string')
const names = routeOptions().map(({ key }) => key)

t.test('the table is in force, and every option has values here', async (t) => {
  const read = await api.call('GET', '/api/v1/routes/file')
  t.match(read.json, { text: own, inForce: true })
  t.ok(rows.length > 40, `${rows.length} routes`)
  t.same(new Set(Object.keys(values)), new Set(names))
})

t.test('every route, as many options at once as it can have, and back', async (t) => {
  const seen = new Map<string, number>()
  let { etag } = first
  for (const [i, { id, raw }] of rows.entries()) {
    // A name that changes is looked up again: that takes its time.
    const moves = i % 4 === 0
    // A route that is off may have any mistake: it stays on, so that each option is looked at.
    const which = names.filter((name) => name !== 'disabled' && (moves || !placing.has(name)))
    const wish = changed(id, raw, which)
    const answer = await put(id, { ...raw, ...wish }, etag)
    t.equal(answer.status, 200, `${id}: ${answer.text.slice(0, 300)}`)
    for (const name of Object.keys(wish)) seen.set(name, (seen.get(name) ?? 0) + 1)
    etag = await restored(t, answer, raw)
  }
  const rare = names.filter((name) => (seen.get(name) ?? 0) < 5)
  t.same(rare, ['disabled'], 'every option was part of several')
})

t.test('each option by itself, in rows of every shape, and back', async (t) => {
  const shapes = ['cal/radicale', 'photos/photoprism', 'terminal/chat']
  const refused: string[] = []
  let { etag } = await api.call('GET', '/api/v1/routes/file')
  for (const [i, name] of names.entries()) {
    const id = shapes[i % shapes.length] ?? ''
    const raw = rows.find((row) => row.id === id)?.raw ?? {}
    const answer = await put(id, { ...raw, ...changed(id, raw, [name]) }, etag)
    if (answer.status === 422) refused.push(name)
    else etag = await restored(t, answer, raw)
  }
  t.same(refused, [])
})

/** For each name a value that the route does not have. */
function changed(id: string, raw: Raw, which: readonly string[]): Record<string, unknown> {
  const isOurs = raw.to === 'login' || raw.to === 'admin'
  const wish: Record<string, unknown> = {}
  for (const name of which) {
    if (isOurs && vital.has(name)) continue
    const [one, two] = values[name] ?? []
    wish[name] = JSON.stringify(raw[name]) === JSON.stringify(one) ? two : one
    // Two rows cannot end at one place.
    if (name === 'path') wish.path = `/moved/${keyOf(id).replaceAll(/[^a-z]/g, '-')}`
  }
  return wish
}

async function restored(t: Test, answer: ApiAnswer, raw: Raw): Promise<string> {
  const same = rows.find((row) => row.raw === raw)?.id ?? ''
  const stays = await put(same, raw, answer.etag)
  const back = stays.status === 404 ? await put(await newName(), raw, answer.etag) : stays
  t.equal(back.status, 200, back.text.slice(0, 300))
  t.equal(await readFile(gateway.routesFile, 'utf8'), own, `${same} is as it was`)
  return back.etag
}

/** Of the row that has one. */
async function newName(): Promise<string> {
  const now = await api.call('GET', '/api/v1/routes?limit=1000')
  const before = new Set(rows.map(({ id }) => id))
  const there = rows.map((_, i) => textAt(now, 'items', i, 'id'))
  return there.find((id) => !before.has(id)) ?? ''
}

async function put(id: string, raw: Raw, ifMatch: string): Promise<ApiAnswer> {
  const path = `/api/v1/routes/${keyOf(id)}`
  const answer = await api.call('PUT', path, { body: { raw }, ifMatch })
  const typed = valueAt(answer, 'dangers', 0, 'typed')
  if (answer.status !== 409 || typed === undefined) return answer
  const sure = await api.call('PUT', path, { body: { raw, confirm: typed }, ifMatch })
  const token = valueAt(sure, 'pending', 'token')
  if (token !== undefined) await api.call('POST', '/api/v1/routes/confirm', { body: { token } })
  return sure
}

function keyOf(id: string): string {
  return id.replaceAll('~', '~0').replaceAll('/', '~1')
}
