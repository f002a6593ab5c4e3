// The attack: a request that says two things about who it is from. A page makes the victim's browser send the attacker's token
// beside the victim's cookie (or the other way round); whichever the gateway believes, the log and the backend are told of the
// wrong one. Session and token, or two tokens, of different people are answered 400; of the same person they are fine.

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
  [privateRow('app', backend.port), publicRow('open', backend.port, 'sharesUpstreamWith: [app/]')],
  {
    people: [
      { id: 'diego', tokens: [{ label: 'a' }, { label: 'b' }] },
      { id: 'mallory', tokens: [{ label: 'a' }] },
    ],
  },
)
const diego = edge.gateway.known('diego')
const mallory = edge.gateway.known('mallory')
const bearer = (token: string | undefined) => `Authorization: Bearer ${token}`
const basic = (user: string, token: string | undefined) =>
  `Authorization: Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`
const own = (token: string | undefined) => `X-Gatehouse-Token: ${token}`
const cookie = (person: typeof diego) => `Cookie: ${cookieOf(person)}`

async function ask(
  line: string,
  fields: readonly string[],
  host = appHost,
): Promise<number | undefined> {
  const bytes = request(line, ...fields, 'Connection: close').replace(appHost, host)
  return statuses(await edge.exchange(bytes, host))[0]
}

t.test('different people: 400, and the backend hears nothing', async (t) => {
  const path = (token: string | undefined) => `GET /.gatehouse/t/${token}/`
  for (const [line, ...fields] of [
    ['GET /', cookie(diego), bearer(mallory.tokens.a)],
    ['GET /', cookie(mallory), bearer(diego.tokens.a)],
    ['GET /', cookie(diego), own(mallory.tokens.a)],
    ['GET /', cookie(diego), basic('mallory', mallory.tokens.a)],
    ['GET /', bearer(diego.tokens.a), own(mallory.tokens.a)],
    [path(mallory.tokens.a), cookie(diego)],
    [path(mallory.tokens.a), bearer(diego.tokens.a)],
    [path(mallory.tokens.a), own(diego.tokens.a), cookie(diego)],
  ] as const) {
    for (const host of [appHost, `open.${testDomain}`]) {
      t.equal(await ask(line, fields, host), 400, `${host} ${line} ${fields.join(' | ')}`)
    }
  }
  t.equal(backend.requests.length, 0)
})

t.test('the same person twice is one person', async (t) => {
  t.equal(await ask('GET /', [cookie(diego), bearer(diego.tokens.a)]), 200)
  t.equal(await ask(`GET /.gatehouse/t/${diego.tokens.a}/`, [bearer(diego.tokens.a)]), 200)
  t.same(backend.requests.at(-1)?.field('remote-user'), ['diego'])
})

t.test('a name that is not the token’s in Basic is no sign-in at all', async (t) => {
  const before = backend.requests.length
  t.equal(await ask('GET /', [basic('diego', mallory.tokens.a)]), 401)
  t.equal(await ask('GET /', [basic('diego ', diego.tokens.a)]), 401)
  t.equal(backend.requests.length, before)
  t.equal(await ask('GET /', [basic('diego', diego.tokens.a)]), 200)
})

t.test('a token that is not good is refused, however good the session beside it', async (t) => {
  const before = backend.requests.length
  t.equal(await ask('GET /', [cookie(diego), bearer(`gth_${'A'.repeat(43)}`)]), 401)
  t.equal(await ask('GET /', [cookie(diego), own('gth_x')]), 401)
  t.equal(await ask(`GET /.gatehouse/t/gth_x/`, [cookie(diego)]), 401)
  t.equal(backend.requests.length, before)
})
