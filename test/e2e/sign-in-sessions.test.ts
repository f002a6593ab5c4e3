// Sessions from outside: how long they live, how they end, and that what is under way ends with them.

import t, { type Test } from 'tap'
import { sseBackend, webSocketBackend } from '../fixtures/backends.ts'
import { privateRow, recordingBackend, startEdge, until } from '../fixtures/edge.ts'
import { loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { startGatewayProcess } from '../fixtures/gateway-process.ts'
import { accountCookie, type KnownPerson, sessionCookie } from '../fixtures/people.ts'
import { createPerson, formTo, type Person, type Town } from '../fixtures/person.ts'
import { signInWithPassword } from '../fixtures/sign-in.ts'

const backend = await recordingBackend()
const sockets = await webSocketBackend()
const events = await sseBackend()
t.teardown(() => Promise.all([backend, sockets, events].map((each) => each.close())))
const begun = Date.now()
const minute = 60_000
const edge = await startEdge(
  t,
  [
    privateRow('app', backend.port),
    privateRow('chat', sockets.port, 'access: login, webSocket: true'),
    privateRow('feed', events.port),
    privateRow('recent', sockets.port, 'access: { within: 5m }, webSocket: true'),
  ],
  {
    login: '{ sessions: { idle: 10m, absolute: 1h, rememberIdle: 1d, rememberAbsolute: 2d } }',
    behindProxy: true,
    people: [
      { id: 'diego', password: 'correct horse', totp: true, session: false },
      {
        id: 'idle',
        session: { createdAt: begun - 20 * minute, lastSeenAt: begun - 10 * minute + 4_000 },
      },
      { id: 'old', session: { createdAt: begun - 60 * minute + 4_000 } },
      { id: 'over', session: { createdAt: begun - 2 * 60 * minute } },
      {
        id: 'unseen',
        session: { createdAt: begun - 30 * minute, lastSeenAt: begun - 11 * minute },
      },
      {
        id: 'remembered',
        session: {
          remember: true,
          createdAt: begun - 26 * 60 * minute,
          lastSeenAt: begun - 23 * 60 * minute,
        },
      },
      { id: 'leaver' },
      { id: 'many' },
    ],
  },
)
const { gateway } = edge
const app = `https://app.${testDomain}/`

function signedIn(town: Town, { session }: KnownPerson, address?: string): Person {
  const person = createPerson(town, address === undefined ? {} : { address })
  const { token, accountToken } = session
  person.jar.put({ name: sessionCookie, value: token, domain: testDomain, hostOnly: false })
  person.jar.put({
    name: accountCookie,
    value: accountToken,
    domain: new URL(loginOrigin).hostname,
  })
  return person
}

/** How long a WebSocket outlives what is done, milliseconds; starting a command is not part of it. */
async function outlives(t: Test, person: Person, act: () => Promise<unknown>): Promise<void> {
  const socket = await person.webSocket(`https://chat.${testDomain}/`)
  socket.send('x')
  await socket.next()
  await act()
  const before = performance.now()
  await socket.closed
  const ms = performance.now() - before
  t.ok(ms < 1_000, `${Math.round(ms)} ms`)
}

t.test(
  'they end when they are over, and what is under way with them',
  { timeout: 20_000 },
  async (t) => {
    for (const [id, status] of [
      ['over', 401],
      ['unseen', 401],
      ['remembered', 200],
      ['old', 200],
    ] as const) {
      const { status: seen } = await signedIn(gateway, gateway.known(id)).request(app)
      t.equal(seen, status, id)
    }
    // Four seconds after the beginning: their hour, and the ten minutes without a request, are over.
    const old = signedIn(gateway, gateway.known('old'))
    const socket = await old.webSocket(`https://chat.${testDomain}/`)
    const feed = await edge.connect(`feed.${testDomain}`)
    await feed.send(
      `GET / HTTP/1.1\r\nHost: feed.${testDomain}\r\nCookie: ${sessionCookie}=${gateway.known('old').session.token}\r\n\r\n`,
    )
    await until(() => events.streams() === 1)
    await socket.closed
    t.ok(Date.now() - begun >= 3_500, 'not before its time')
    t.ok(Date.now() - begun < 8_000, 'and soon after')
    await until(() => events.streams() === 0)
    t.equal((await old.request(app)).status, 401)
    t.equal((await signedIn(gateway, gateway.known('idle')).request(app)).status, 401)
  },
)

t.test('signing out ends this session everywhere it is used', async (t) => {
  const leaver = signedIn(gateway, gateway.known('leaver'))
  const thief = signedIn(gateway, gateway.known('leaver'), '203.0.113.5')
  const page = await leaver.visit(`${loginOrigin}/sign-out`)
  t.match(page.words, 'leaver')
  await outlives(t, thief, () => leaver.submit(page, formTo(page, '/sign-out')))
  t.equal((await thief.request(app)).status, 401)
  t.same(
    leaver.jar.all().filter(({ name }) => [sessionCookie, accountCookie].includes(name)),
    [],
  )
  const again = await leaver.visit(`${loginOrigin}/sign-out`)
  t.equal(again.status, 200, 'twice does no harm')
})

t.test('signing out everywhere needs both cookies', async (t) => {
  const many = gateway.known('many')
  const thief = createPerson(gateway)
  thief.jar.put({
    name: sessionCookie,
    value: many.session.token,
    domain: testDomain,
    hostOnly: false,
  })
  const page = await thief.visit(`${loginOrigin}/sign-out`)
  t.notMatch(page.text, '/sign-out-everywhere')
  const form = { ...formTo(page, '/sign-out'), action: `${loginOrigin}/sign-out-everywhere` }
  await thief.submit(page, form)
  const owner = signedIn(gateway, many)
  t.equal((await owner.request(app)).status, 200)
  const own = await owner.visit(`${loginOrigin}/sign-out`)
  await outlives(t, signedIn(gateway, many), () =>
    owner.submit(own, formTo(own, '/sign-out-everywhere')),
  )
  t.equal((await owner.request(app)).status, 401)
})

t.test('the list shows where one is signed in, and a new device is announced', async (t) => {
  const home = createPerson(gateway, { address: '198.51.100.1' })
  const known = gateway.known('diego')
  await signInWithPassword(home, known, { now: Date.now() })
  const away = createPerson(gateway, { address: '203.0.113.77' })
  await signInWithPassword(away, known, { now: Date.now() + 30_000 })
  const devices = await home.visit(`${loginOrigin}/account/devices`)
  t.match(devices.words, '198.51.100.1')
  t.match(devices.words, '203.0.113.77')
  t.match(devices.words, /firefox/i)
  const account = await home.visit(`${loginOrigin}/account`)
  t.match(account.words, /new device.*203\.0\.113\.77/i)
})

t.test('`gatehouse panic` ends all of it, while the gateway runs', async (t) => {
  const gateway = await startGatewayProcess(t, {
    routes: [
      privateRow('app', backend.port),
      privateRow('chat', sockets.port, 'access: login, webSocket: true'),
    ].join('\n'),
    people: [{ id: 'diego', tokens: [{ label: 'all' }] }],
  })
  const diego = gateway.known('diego')
  const person = signedIn(gateway, diego)
  const authorization = `Bearer ${diego.tokens.all}`
  const program = await createPerson(gateway).request(app, { headers: { authorization } })
  t.equal(program.status, 200)
  await outlives(t, person, () => gateway.command('panic', '--yes'))
  t.equal((await person.request(app)).status, 401)
  t.equal((await createPerson(gateway).request(app, { headers: { authorization } })).status, 401)
})
