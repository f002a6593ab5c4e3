// What people see who open a page of a service that sleeps, from asleep to the service, and every way that this can end.

import t, { type Test } from 'tap'
import { askGateway } from '../../src/cli/control-client.ts'
import { controlPath } from '../../src/control.ts'
import { http1 } from '../fixtures/clients.ts'
import { openEvents } from '../fixtures/event-stream.ts'
import { loginOrigin } from '../fixtures/gateway.ts'
import { ociErrors } from '../fixtures/oci.ts'
import { cookieOf } from '../fixtures/people.ts'
import { formTo, type Page } from '../fixtures/person.ts'
import { signInWithPassword } from '../fixtures/sign-in.ts'
import {
  appHost,
  eventually,
  heldFor,
  startWakeHouse,
  statesIn,
  visitor,
  type WakeHouseOptions,
} from '../fixtures/wake-house.ts'

t.setTimeout(90_000)

const app = `https://${appHost}`

async function startHouse(t: Test, options: WakeHouseOptions = {}) {
  const house = await startWakeHouse(t, options)
  const { gateway } = house
  // Before the cloud has spoken nobody knows whether it sleeps.
  await eventually(() => statesIn(gateway).length > 0)
  const tls = { ca: gateway.ca.certPem, servername: appHost }
  return {
    ...house,
    tls,
    diego: visitor(gateway, 'diego'),
    stranger: visitor(gateway, null),
    async events(path = '/', cookie: string | null = cookieOf(gateway.known('diego'))) {
      const stream = await openEvents(gateway.https, {
        host: appHost,
        path: `/.gatehouse/wake/events${path}`,
        tls,
        headers: cookie === null ? {} : { cookie },
      })
      t.teardown(() => stream.close())
      return stream
    },
    command: (request: Parameters<typeof askGateway>[1]) =>
      askGateway(controlPath(`${gateway.directory}/data`), request),
    is: (state: string) => eventually(() => statesIn(gateway).at(-1) === state, state),
  }
}

/** Opens a page until it is the service's. */
async function openUntilThere(visit: () => Promise<Page>): Promise<Page> {
  let page = await visit()
  await eventually(async () => {
    if (page.status !== 200) page = await visit()
    return page.status === 200
  })
  return page
}

const seconds = (page: { readonly headers: Page['headers'] }) =>
  Number(page.headers['retry-after'] ?? Number.NaN)

t.test('from asleep through the steps to the service, on one address', async (t) => {
  const { diego, events, oci, service, gateway } = await startHouse(t)
  const page = await diego.visit(`${app}/albums?page=2`)
  t.match(page, { status: 503, url: `${app}/albums?page=2`, hops: [{ status: 503 }] })
  t.match(page.headers, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': /default-src 'none'.*frame-ancestors 'none'/,
    'x-request-id': /./,
  })
  t.ok(seconds(page) >= 5)
  t.match(page.words, 'App is waking up')
  t.match(page.text, /<noscript><meta http-equiv="refresh" content="\d+"><\/noscript>/)
  t.match(page.text, 'data-events="/.gatehouse/wake/events/albums"')
  const script = /src="(\/\.gatehouse\/wake\/waiting\.[\w-]+\.js)"/.exec(page.text)?.[1] ?? ''
  t.match(await diego.request(app + script), {
    status: 200,
    headers: { 'content-type': 'text/javascript; charset=utf-8', 'cache-control': /immutable/ },
  })

  const stream = await events('/albums')
  t.match(stream, {
    status: 200,
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'access-control-allow-origin': undefined,
    },
  })
  await stream.until(({ kind }) => kind === 'ready')
  t.match(stream.text(), /^retry: 2000\n\n/)
  const steps = stream.statuses.map(({ step }) => Number(step))
  t.strictSame(steps, [...steps].sort(), 'never back')
  t.strictSame(service.asked, [], 'it was nobody but us who knocked')
  const there = await diego.visit(`${app}/albums?page=2`)
  t.match(there, { status: 200, text: 'served GET /albums?page=2 ' })
  t.equal(oci.count('START'), 1)
  const lines = await gateway.accessLines()
  t.match(
    lines.filter(({ path }) => path === '/albums').map(({ status, outcome }) => [status, outcome]),
    [
      [503, 'waking'],
      [200, 'ok'],
    ],
  )
})

t.test('a hundred visits at once are one start', async (t) => {
  const { diego, oci, is } = await startHouse(t)
  const pages = await Promise.all(Array.from({ length: 100 }, () => diego.visit(app)))
  t.ok(pages.every(({ status }) => status === 503))
  await is('awake')
  t.equal(oci.count('START'), 1)
})

t.test('the session ends while somebody waits: it ends at the login page', async (t) => {
  const { diego, events, gateway, tls, is } = await startHouse(t, {
    route: 'access: login, wake: any',
    startMs: 2_000,
  })
  t.equal((await diego.visit(`${app}/x`)).status, 503)
  const stream = await events('/x')
  const held = http1(gateway.https, {
    host: appHost,
    tls,
    headers: { cookie: cookieOf(gateway.known('diego')) },
  })
  await eventually(async () => (await heldFor(gateway)) === 1)
  await gateway.change(({ sessions }) => sessions.removeAll())
  await stream.ended
  t.match(await held, { status: 401 })
  t.equal((await events('/x')).status, 401, 'the page loads itself anew')
  const { hops } = await diego.visit(`${app}/x`)
  t.match(hops[0], {
    status: 303,
    location: `${loginOrigin}/?rd=${encodeURIComponent(`${app}/x`)}`,
  })
  t.match(hops.at(-1), { status: 200 })
  await is('awake')
})

t.test('the button, where a visit alone starts nothing', async (t) => {
  const { diego, oci, service } = await startHouse(t, { route: 'access: login, wake: manual' })
  const page = await diego.visit(`${app}/x?y=1`)
  t.match(page, { status: 503, words: /App is asleep/ })
  t.equal(page.headers['retry-after'], undefined)
  t.equal(oci.count('START'), 0)
  const pressed = await diego.submit(page, formTo(page, '/.gatehouse/wake/start/x'))
  t.match(pressed, {
    status: 503,
    url: `${app}/x?y=1`,
    hops: [{ status: 303, location: '/x?y=1' }, {}],
    words: /App is waking up/,
  })
  await openUntilThere(() => diego.visit(`${app}/x?y=1`))
  t.equal(oci.count('START'), 1)
  t.strictSame(service.asked, ['GET /x?y=1 '])
})

t.test('no free host: the page says so and when it is tried again', async (t) => {
  const { diego, events, oci, gateway, tls, command } = await startHouse(t, {
    route: 'access: login, wake: any',
    power: 'hold: 1s',
  })
  oci.trick('START', ociErrors.outOfCapacity)
  await diego.visit(app)
  const stream = await events()
  const status = await stream.until(({ kind }) => kind === 'resting')
  t.match(status, { note: /Oracle has no free host/, step: null })
  t.ok(Number(status.retryAt) > Date.now())
  const page = await diego.visit(app)
  t.match(page, { status: 503, words: /Oracle has no free host for it now/ })
  t.match(page.words, /Next try at \d\d:\d\d/)
  t.ok(seconds(page) >= 20, `${seconds(page)} s`)
  const headers = { cookie: cookieOf(gateway.known('diego')) }
  const program = await http1(gateway.https, { host: appHost, tls, headers })
  t.match(JSON.parse(program.text), { status: 503, code: 'wake-refused' })
  t.ok(seconds(program) >= 20)
  t.equal(oci.count('START'), 1, 'nobody who asks makes a storm of it')
  t.match(await command({ do: 'vm-sleep', vm: 'flex' }), { kind: 'done' })
})

t.test('a cloud that does not let us: told at once, and not asked again', async (t) => {
  const { diego, oci, gateway, tls } = await startHouse(t, { route: 'access: login, wake: any' })
  oci.trick('START', ociErrors.notFound, 100)
  const headers = { cookie: cookieOf(gateway.known('diego')) }
  const held = await http1(gateway.https, { host: appHost, tls, headers })
  t.match(JSON.parse(held.text), { status: 503, code: 'wake-refused' })
  for (let i = 0; i < 5; i++) {
    t.match(await diego.visit(app), { status: 503, words: /does not let the gateway start/ })
  }
  t.equal(oci.count('START'), 1)
})

t.test('too many starts within an hour', async (t) => {
  const { diego, oci, command, is, gateway, tls } = await startHouse(t, {
    route: 'access: login, wake: any',
    power: 'startsPerHour: 1',
    startMs: 50,
  })
  await openUntilThere(() => diego.visit(app))
  t.match(await command({ do: 'vm-sleep', vm: 'flex' }), { kind: 'done' })
  await is('asleep')
  t.match(await diego.visit(app), { status: 503, words: /App stays asleep.*very often/s })
  const headers = { cookie: cookieOf(gateway.known('diego')) }
  const program = await http1(gateway.https, { host: appHost, tls, headers })
  t.match(JSON.parse(program.text), { status: 503, code: 'wake-refused' })
  t.equal(oci.count('START'), 1)
})

t.test('a visit while it falls asleep: it stops first, then starts', async (t) => {
  const { diego, oci, events, command, is, instance } = await startHouse(t, {
    startMs: 50,
    stopMs: 500,
  })
  await openUntilThere(() => diego.visit(app))
  t.match(await command({ do: 'vm-sleep', vm: 'flex' }), { kind: 'done' })
  await is('stopping')
  await eventually(() => instance.state === 'STOPPING')
  t.match(await diego.visit(app), { status: 503, words: /just shutting down/ })
  const stream = await events()
  await stream.until(({ kind }) => kind === 'ready')
  t.equal((await diego.visit(app)).status, 200)
  t.equal(oci.count('START'), 2)
  t.equal(instance.starts, 2)
})

t.test('somebody stops it in the console while it is used', async (t) => {
  const { diego, oci, instance, gateway, tls, service } = await startHouse(t, {
    route: 'access: login, wake: any',
    startMs: 50,
    stopMs: 300,
  })
  await openUntilThere(() => diego.visit(app))
  instance.console('STOP')
  await eventually(() => !service.up)
  const headers = { cookie: cookieOf(gateway.known('diego')), origin: app }
  const ask = (path: string) =>
    http1(gateway.https, { host: appHost, tls, headers, path, body: path })
  const answers = await Promise.all([ask('/a'), ask('/b')])
  t.strictSame(
    answers.map(({ status, text }) => `${status} ${text}`),
    ['200 served POST /a /a', '200 served POST /b /b'],
  )
  t.strictSame(statesIn(gateway).at(-1), 'awake')
  t.equal(instance.starts, 2)
  t.equal(oci.count('START'), 2)
})

t.test('a machine that the cloud has no more', async (t) => {
  const { diego, instance, oci, events } = await startHouse(t, { state: 'TERMINATED' })
  await eventually(async () => (await diego.visit(app)).status === 502)
  const page = await diego.visit(app)
  t.match(page, { status: 502 })
  t.equal(instance.state, 'TERMINATED')
  t.equal(oci.count('START'), 0)
  await (await events()).until(({ kind }) => kind === 'gone')
})

t.test('a public page of a service that sleeps: named, asleep, and a way to sign in', async (t) => {
  const { stranger, diego, oci } = await startHouse(t, { route: 'access: public, prefix: true' })
  for (let i = 0; i < 20; i++) await stranger.visit(`${app}/${i}`)
  const page = await stranger.visit(`${app}/photos?x=1`)
  t.match(page, { status: 503, words: /App is asleep/ })
  const way = `${loginOrigin}/?rd=${encodeURIComponent(`${app}/photos?x=1`)}`
  t.ok(page.links.includes(way), page.links.join(' '))
  t.strictSame(page.forms, [])
  t.equal(page.headers['retry-after'], undefined)
  t.notMatch(page.text, '<script')
  t.equal(oci.count('START'), 0)
  const known = await diego.visit(`${app}/photos`)
  t.match(
    known,
    { status: 503, words: /App is asleep/ },
    'the route says that visits start nothing',
  )
  formTo(known, '/.gatehouse/wake/start/photos')
  t.equal(oci.count('START'), 0)
})

t.test('a landing page of ours is there whatever sleeps behind it', async (t) => {
  const { stranger, oci, service } = await startHouse(t, {
    route: 'path: /photoprism, access: login',
    rows: '- { host: app, service: Photos, to: { landing: /photoprism }, access: public }',
  })
  for (let i = 0; i < 20; i++) {
    t.match(await stranger.visit(app), { status: 200, words: /Photos/ })
  }
  t.equal(oci.count('START'), 0)
  const { hops } = await stranger.visit(`${app}/photoprism`)
  t.match(hops[0], { status: 303 }, 'a stranger signs in first')
  t.equal(oci.count('START'), 0)
  t.strictSame(service.asked, [])
})

t.test('an open route that networks may wake from which somebody signed in', async (t) => {
  const { gateway, oci, is, tls } = await startHouse(t, {
    route: 'access: public, prefix: true, wake: known-client',
    behindProxy: true,
    people: [{ id: 'diego', password: 'correct horse', totp: true, session: false }],
  })
  const home = visitor(gateway, null, '198.51.100.7')
  const elsewhere = visitor(gateway, null, '203.0.113.9')
  t.match(await elsewhere.visit(app), { status: 503, words: /App is asleep/ })
  t.match(await home.visit(app), { status: 503, words: /App is asleep/ })
  t.equal(oci.count('START'), 0)

  await signInWithPassword(home, gateway.known('diego'))
  const phone = visitor(gateway, null, '198.51.100.7')
  t.match(await elsewhere.visit(app), { status: 503, words: /App is asleep/ })
  t.equal(oci.count('START'), 0)
  const program = http1(gateway.https, {
    host: appHost,
    tls,
    path: '/sync',
    body: 'changes',
    headers: { 'x-forwarded-for': '198.51.100.7' },
  })
  const stranger = await http1(gateway.https, {
    host: appHost,
    tls,
    body: 'changes',
    headers: { 'x-forwarded-for': '203.0.113.9' },
  })
  t.match(JSON.parse(stranger.text), { status: 503, code: 'asleep' })
  t.match(await phone.visit(app), { status: 503, words: /App is waking up/ })
  t.equal((await program).text, 'served POST /sync changes')
  await is('awake')
  t.equal(oci.count('START'), 1)
})
