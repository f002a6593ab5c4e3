// The rest of the house over the API of a gateway that runs: sessions, panic, bans, lockdown, and news of it as it happens.

import t from 'tap'
import type { UserId } from '../../src/model.ts'
import {
  type AdminBrowser,
  adminHost,
  adminOrigin,
  openAdmin,
  program,
  signedIn,
  textAt,
  valueAt,
} from '../fixtures/admin-visitor.ts'
import { webSocketBackend } from '../fixtures/backends.ts'
import { openEvents } from '../fixtures/event-stream.ts'
import { startGateway, type TestGateway, testDomain } from '../fixtures/gateway.ts'
import { createPerson } from '../fixtures/person.ts'
import { enterPassword } from '../fixtures/sign-in.ts'
import { eventually, visitor } from '../fixtures/wake-house.ts'

const app = `https://app.${testDomain}`
let aheadMs = 0
// Guesses are slowed down by a clock that nobody can set: here it is set, so that nobody waits.
const steady = performance.now.bind(performance)
performance.now = () => steady() + aheadMs
const backend = await webSocketBackend()
const gateway = await startGateway({
  routes: `- { host: app, to: '${backend.origin}', webSocket: true }`,
  behindProxy: true,
  now: () => Date.now() + aheadMs,
  people: [
    {
      id: 'diego',
      groups: ['admin'],
      tokens: [
        { label: 'all', scopes: ['admin:write'] },
        { label: 'people', scopes: ['people:write'] },
        { label: 'routes', scopes: ['routes:read'] },
        { label: 'services' },
      ],
    },
    { id: 'eve', groups: ['admin'] },
    { id: 'ana', password: 'battery staple', totp: true },
    { id: 'bob' },
  ],
})
t.teardown(() => Promise.all([gateway.close(), backend.close()]))
const token = (label: string) => gateway.known('diego').tokens[label] ?? ''

/** A stream of events, read as a page of ours reads it. */
function eventsOf(from: AdminBrowser | string) {
  const headers =
    typeof from === 'string'
      ? { authorization: `Bearer ${from}` }
      : {
          cookie: from.person.jar.header(adminHost, '/') ?? '',
          'sec-fetch-site': 'same-origin',
          'sec-fetch-mode': 'cors',
          'sec-fetch-dest': 'empty',
        }
  const tls = { ca: gateway.ca.certPem }
  return openEvents(gateway.https, { host: adminHost, path: '/api/v1/events', tls, headers })
}

t.test('a session that is ended takes its WebSocket with it, within a second', async (t) => {
  const admin = await openAdmin(gateway, 'diego')
  const socket = await visitor(gateway, 'bob').webSocket(`${app}/`)
  const bystander = await visitor(gateway, 'ana').webSocket(`${app}/`)
  socket.send('hello')
  t.equal(String(await socket.next()), 'hello')
  const listed = await admin.call('GET', '/api/v1/sessions?user=bob')
  const ref = textAt(listed, 'items', 0, 'ref')
  t.match(valueAt(listed, 'items', 0), { user: 'bob', current: false })
  t.notMatch(listed.text, gateway.known('bob').session.token)
  const at = Date.now()
  t.equal((await admin.call('DELETE', `/api/v1/sessions/${ref}`)).status, 204)
  await socket.closed
  t.ok(Date.now() - at < 1000, `${Date.now() - at} ms`)
  t.equal((await admin.call('DELETE', `/api/v1/sessions/${ref}`)).status, 404, 'once')
  const again = await visitor(gateway, 'bob').request(`${app}/`)
  t.equal(again.status, 401)
  bystander.send('still here')
  t.equal(String(await bystander.next()), 'still here')
  bystander.close()
})

t.test('news comes as it happens, to those who may hear it', async (t) => {
  const diego = await openAdmin(gateway, 'diego')
  const events = await eventsOf(diego)
  t.equal(events.status, 200)
  t.match(events.headers, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  await eventually(() => /event: lockdown\ndata: {"on":false}/.test(events.text()), 'the beginning')
  for (const topic of ['routes', 'targets', 'health', 'sessions', 'bans', 'vms']) {
    t.match(events.text(), `event: ${topic}\n`)
  }
  const narrow = await eventsOf(token('routes'))
  await eventually(() => narrow.text().includes('event: targets'), 'a narrow token')
  const { etag } = await diego.call('GET', '/api/v1/routes/file')
  const off = await diego.call('POST', '/api/v1/routes/app~1/disable', { body: {}, ifMatch: etag })
  t.equal(off.status, 200, off.text)
  await eventually(() => events.text().includes(`"etag":"${off.etag}"`), 'the new version')
  await eventually(() => narrow.text().includes(`"etag":"${off.etag}"`), 'also for the token')
  t.notMatch(narrow.text(), /event: (sessions|bans|lockdown|health|vms)/)
  const on = { body: {}, ifMatch: off.etag }
  t.equal((await diego.call('POST', '/api/v1/routes/app~1/enable', on)).status, 200)
  events.close()
  narrow.close()
  const stranger = await eventsOf(token('services'))
  t.equal(stranger.status, 401)
})

t.test('the stream of a session or a token that is revoked ends', async (t) => {
  const diego = await openAdmin(gateway, 'diego')
  const eve = await openAdmin(gateway, 'eve')
  const made = await diego.call('POST', '/api/v1/tokens', {
    body: { label: 'for a screen', scopes: ['admin:read'] },
  })
  t.equal(made.status, 201, made.text)
  const hers = await eventsOf(eve)
  const screen = await eventsOf(textAt(made, 'text'))
  await eventually(() => hers.text().includes('event:') && screen.text().includes('event:'))
  const at = Date.now()
  const ref = gateway.known('eve').session.ref
  t.equal((await diego.call('DELETE', `/api/v1/sessions/${ref}`)).status, 204)
  const id = textAt(made, 'token', 'id')
  t.equal((await diego.call('DELETE', `/api/v1/tokens/${id}`)).status, 204)
  await Promise.all([within(2_000, hers.ended), within(2_000, screen.ended)])
  t.ok(Date.now() - at < 1_500, `${Date.now() - at} ms`)
})

t.test('and of somebody who administers no more', async (t) => {
  const admin = program(gateway, token('all'))
  await gateway.change(async ({ users }) => {
    await users.changeUser(gateway.known('bob').id, { groups: ['admin'] })
  })
  const made = await admin.call('POST', '/api/v1/tokens', {
    body: { user: 'bob', label: 'his', scopes: ['admin:read'] },
  })
  t.equal(made.status, 201, made.text)
  const events = await eventsOf(textAt(made, 'text'))
  await eventually(() => events.text().includes('event:'))
  const { etag } = await admin.call('GET', '/api/v1/users/bob')
  const out = await admin.call('PATCH', '/api/v1/users/bob', {
    body: { groups: [] },
    ifMatch: etag,
  })
  t.equal(out.status, 200, out.text)
  await within(2_000, events.ended)
})

t.test('a network that guessed too often is listed, and lifted', async (t) => {
  const admin = await openAdmin(gateway, 'diego')
  const address = '203.0.113.9'
  const ana = gateway.known('ana')
  const stranger = createPerson(gateway, { address })
  for (let i = 0; i < 60; i++) {
    // The network is what counts: accounts are held up for longer and longer.
    const guess = { password: `guess ${i}` }
    const page = await enterPassword(stranger, { ...ana, id: `user-${i}` as UserId }, guess)
    if (page.words.includes('from your network')) break
    if (page.status === 429) aheadMs += Number(page.headers['retry-after'] ?? 1) * 1000 + 1
  }
  const listed = await admin.call('GET', '/api/v1/bans')
  t.match(valueAt(listed, 'items'), [{ network: address, why: String, until: String }])
  const right = { password: 'battery staple' }
  const banned = await enterPassword(createPerson(gateway, { address }), ana, right)
  t.equal(banned.status, 429)
  const narrow = program(gateway, token('routes'))
  t.equal((await narrow.call('DELETE', `/api/v1/bans/${address}`)).status, 403)
  const people = program(gateway, token('people'))
  const key = textAt(listed, 'items', 0, 'key')
  t.equal((await people.call('DELETE', `/api/v1/bans/${key}`)).status, 204)
  t.equal((await people.call('DELETE', `/api/v1/bans/${key}`)).status, 404)
  t.same(valueAt(await admin.call('GET', '/api/v1/bans'), 'items'), [])
  const waits = await enterPassword(createPerson(gateway, { address }), ana, right)
  aheadMs += Number(waits.headers['retry-after'] ?? 0) * 1000
  const again = await enterPassword(createPerson(gateway, { address }), ana, right)
  t.equal(again.status, 200, 'on to the second factor')
})

t.test('lockdown shuts visitors out until somebody lifts it, and outlives nobody', async (t) => {
  const admin = program(gateway, token('all'))
  const login = createPerson(gateway, { address: '198.51.100.7' })
  const status = async () => (await login.visit(`https://auth.${testDomain}/`)).status
  t.equal(await status(), 200)
  const on = await admin.call('PUT', '/api/v1/lockdown', { body: { on: true } })
  t.match(on.json, { on: true, by: 'diego' })
  t.equal(await status(), 403)
  t.equal((await visitor(gateway, 'ana').request(`${app}/`)).status, 426, 'who is in stays in')
  t.match((await admin.call('GET', '/api/v1/lockdown')).json, { on: true, by: 'diego' })
  const off = await admin.call('PUT', '/api/v1/lockdown', { body: { on: false } })
  t.match(off.json, { on: false })
  t.equal(await status(), 200)
})

t.test('certificates, health, metrics and the house say what is', async (t) => {
  const admin = program(gateway, token('all'))
  const read = async (path: string) => {
    const answer = await admin.call('GET', `/api/v1/${path}`)
    t.equal(answer.status, 200, path)
    return answer
  }
  t.match((await read('certificates')).json, {
    items: [{ names: [testDomain, `*.${testDomain}`], problem: null, daysLeft: Number }],
    problems: [],
  })
  t.match((await read('health')).json, { status: 'ok', version: '0.0.0-test' })
  t.match((await read('house')).json, { version: '0.0.0-test', disk: { freeBytes: Number } })
  t.match((await read('metrics')).text, /^gatehouse_/m)
  t.match((await read('auth')).json, { user: 'diego', via: 'token', scopes: ['admin:write'] })
  t.match((await read('services')).text, 'app')
})

t.test('panic ends every session, token and stream, the own ones too', async (t) => {
  const diego = await openAdmin(gateway, 'diego')
  const events = await eventsOf(diego)
  const socket = await visitor(gateway, 'ana').webSocket(`${app}/`)
  await eventually(() => events.text().includes('event:'))
  const half = await diego.call('POST', '/api/v1/sessions/panic', { body: { confirm: 'yes' } })
  t.equal(half.status, 422)
  const at = Date.now()
  const done = await diego.call('POST', '/api/v1/sessions/panic', { body: { confirm: 'panic' } })
  t.equal(done.status, 200, done.text)
  t.match(done.json, { sessions: Number, tokens: Number })
  await Promise.all([within(2_000, socket.closed), within(2_000, events.ended)])
  t.ok(Date.now() - at < 1_500)
  t.equal((await diego.call('GET', '/api/v1/auth')).status, 401)
  const person = signedIn(gateway, 'diego')
  t.equal(new URL((await person.visit(`${adminOrigin}/`)).url).host, `auth.${testDomain}`)
  for (const label of ['all', 'people', 'routes', 'services']) {
    t.equal((await program(gateway, token(label)).call('GET', '/api/v1/auth')).status, 401, label)
  }
  // Written in batches.
  await eventually(async () =>
    (await audited(gateway)).some(({ event, actor }) => event === 'panic' && actor === 'diego'),
  )
})

function audited(house: TestGateway) {
  return house.change(({ audit }) => audit.list({ limit: 100 }))
}

/** @throws Error when it takes longer. */
function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return Promise.race([
    promise,
    new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(`it took more than ${ms} ms`)), ms).unref()
    }),
  ])
}

t.test('the limits in force name each service once', async (t) => {
  const house = await startGateway({
    routes: [
      ...['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map(
        (host) => `- { service: ${host}, host: ${host}, to: '${backend.origin}' }`,
      ),
      `- { service: Slow, host: s, to: '${backend.origin}', rateLimit: { perSecond: 1, burst: 3 } }`,
      `- { service: Slow, host: s, path: /x, to: '${backend.origin}', rateLimit: { perSecond: 1, burst: 3 } }`,
    ].join('\n'),
    people: [
      { id: 'diego', groups: ['admin'], tokens: [{ label: 'all', scopes: ['admin:read'] }] },
    ],
  })
  t.teardown(house.close)
  const caller = program(house, house.known('diego').tokens.all ?? '')
  t.match((await caller.call('GET', '/api/v1/house')).json.limits, [
    { name: 'before anything' },
    { name: 'Slow', words: '1 a second, 3 at once' },
    { name: 'everything else' },
    { name: 'people who are signed in' },
  ])
})
