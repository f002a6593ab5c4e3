// What a backend is told of who asks: plain headers, a signed assertion that holds without us, and networks that count as a person.

import { createLocalJWKSet, jwtVerify } from 'jose'
import t from 'tap'
import { privateRow, recordingBackend, startEdge } from '../fixtures/edge.ts'
import { loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { cookieOf } from '../fixtures/people.ts'
import { createPerson } from '../fixtures/person.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const edge = await startEdge(
  t,
  [
    privateRow('app', backend.port),
    privateRow('other', backend.port),
    privateRow(
      'radicale',
      backend.port,
      'access: login, identityHeaders: { user: X-Remote-User, name: false, email: false, groups: false, assertion: false }',
    ),
    privateRow('plain', backend.port, 'access: login, identityHeaders: false'),
    privateRow('classic', backend.port, 'access: login, identityHeaders: oauth2-proxy'),
    privateRow('home', backend.port, 'access: login, networks: [{ cidr: 10.8.0.0/24, as: diego }]'),
    privateRow(
      'admins',
      backend.port,
      'access: { groups: [admins] }, networks: [{ cidr: 10.8.0.0/24, as: erin }]',
    ),
  ],
  {
    behindProxy: true,
    people: [
      {
        id: 'diego',
        displayName: 'Diego N.',
        email: 'd@example.org',
        groups: ['admins', 'family'],
        tokens: [{ label: 'all' }],
      },
      { id: 'erin', groups: [] },
    ],
  },
)
const { gateway } = edge
const diego = gateway.known('diego')

async function ask(host: string, headers: Record<string, string>, address?: string) {
  const before = backend.requests.length
  const person = createPerson(gateway, address === undefined ? {} : { address })
  const { status } = await person.request(`https://${host}.${testDomain}/x`, { headers })
  return { status, arrived: backend.requests[before] }
}

t.test('names as Authelia writes them, and others where a route says so', async (t) => {
  const cookie = cookieOf(diego)
  const { arrived } = await ask('app', { cookie })
  t.same(arrived?.field('remote-user'), ['diego'])
  t.same(arrived?.field('remote-name'), ['Diego N.'])
  t.same(arrived?.field('remote-email'), ['d@example.org'])
  t.same(arrived?.field('remote-groups'), ['admins,family'])
  t.equal(arrived?.field('x-gatehouse-assertion').length, 1)

  const radicale = (await ask('radicale', { cookie })).arrived
  t.same(radicale?.field('x-remote-user'), ['diego'])
  for (const name of [
    'remote-user',
    'remote-name',
    'remote-email',
    'remote-groups',
    'x-gatehouse-assertion',
  ]) {
    t.same(radicale?.field(name), [], name)
  }
  const classic = (await ask('classic', { cookie })).arrived
  t.same(classic?.field('x-forwarded-user'), ['diego'])
  t.same(classic?.field('x-forwarded-email'), ['d@example.org'])
  t.notMatch((await ask('plain', { cookie })).arrived?.head, /diego/)
})

t.test('an assertion that a backend can check by itself', async (t) => {
  const keys = await createPerson(gateway).request(`${loginOrigin}/.well-known/jwks.json`)
  t.equal(keys.status, 200)
  t.notMatch(keys.text, '"d"', 'public keys alone')
  const jwks = createLocalJWKSet(JSON.parse(keys.text))
  const { arrived } = await ask('app', { cookie: cookieOf(diego) })
  const [assertion = ''] = arrived?.field('x-gatehouse-assertion') ?? []
  const wanted = {
    issuer: loginOrigin,
    audience: `https://app.${testDomain}`,
    algorithms: ['ES256'],
  }
  const { payload } = await jwtVerify(assertion, jwks, wanted)
  t.match(payload, {
    sub: 'diego',
    name: 'Diego N.',
    email: 'd@example.org',
    groups: ['admins', 'family'],
    sid: diego.session.ref,
  })
  t.ok((payload.exp ?? 0) - (payload.iat ?? 0) <= 310, 'short')
  t.ok((payload.exp ?? 0) > Date.now() / 1000)
  await t.rejects(
    jwtVerify(assertion, jwks, { ...wanted, audience: `https://other.${testDomain}` }),
    'of no use at another service',
  )
  const again = (await ask('app', { cookie: cookieOf(diego) })).arrived
  t.same(again?.field('x-gatehouse-assertion'), [assertion], 'made once, not for every request')
  const other = (await ask('other', { cookie: cookieOf(diego) })).arrived
  t.not(other?.field('x-gatehouse-assertion')[0], assertion)
})

t.test('a program is its owner, and the assertion says by what', async (t) => {
  const { status, arrived } = await ask('app', { authorization: `Bearer ${diego.tokens.all}` })
  t.equal(status, 200)
  t.same(arrived?.field('remote-user'), ['diego'])
  const [assertion = ''] = arrived?.field('x-gatehouse-assertion') ?? []
  const payload = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString())
  t.match(payload.sid, /^token:/)
})

t.test('a network counts as a person where the route says so, and nowhere else', async (t) => {
  t.equal((await ask('home', {}, '10.8.0.9')).arrived?.field('remote-user')[0], 'diego')
  t.equal((await ask('home', {}, '10.9.0.9')).status, 401)
  t.equal((await ask('app', {}, '10.8.0.9')).status, 401)
  t.equal((await ask('home', { 'x-forwarded-for': '10.8.0.9, 203.0.113.1' })).status, 401)
  const erin = await ask('home', { cookie: cookieOf(gateway.known('erin')) }, '10.8.0.9')
  t.equal(erin.arrived?.field('remote-user')[0], 'erin', 'who is signed in is who he is')
  t.equal((await ask('admins', {}, '10.8.0.9')).status, 403, 'with the groups of that person')
  const account = await createPerson(gateway, { address: '10.8.0.9' }).visit(
    `${loginOrigin}/account`,
  )
  t.notMatch(account.words, /diego/i, 'and it opens no account')
})

t.test('the access log knows who it was', async (t) => {
  const lines = await gateway.accessLines()
  t.match(
    lines.find(({ host }) => host === `radicale.${testDomain}`),
    { user: 'diego', session: diego.session.ref },
  )
})
