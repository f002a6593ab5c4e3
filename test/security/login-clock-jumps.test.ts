// The attack, or the accident: the machine's clock is set (a wrong time server, a VM that was asleep, a battery that died). Sessions
// must neither end by the thousand nor live for years, a code that was used must not become good again, and "shown within five
// minutes" must not hold for as long as the clock was set back.

import t from 'tap'
import { totpCode } from '../fixtures/authenticator.ts'
import { privateRow, recordingBackend, startEdge } from '../fixtures/edge.ts'
import { loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { cookieOf } from '../fixtures/people.ts'
import { createPerson } from '../fixtures/person.ts'
import { enterCode, enterPassword, signInWithPassword } from '../fixtures/sign-in.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const begun = Date.now()
let now = begun
const year = 365 * 86_400_000
const edge = await startEdge(
  t,
  [privateRow('app', backend.port), privateRow('recent', backend.port, 'access: { within: 5m }')],
  {
    people: [
      {
        id: 'diego',
        password: 'correct horse',
        totp: true,
        tokens: [{ label: 'month', expiresAt: begun + year / 12 }],
      },
      { id: 'erin', password: 'staple', totp: true, session: false },
    ],
    now: () => now,
  },
)
const { gateway } = edge
const diego = gateway.known('diego')
const app = `https://app.${testDomain}/`
const recent = `https://recent.${testDomain}/`

async function ask(
  url: string,
  headers: Record<string, string> = { cookie: cookieOf(diego) },
): Promise<number> {
  const { status } = await createPerson(gateway).request(url, { headers, anonymous: true })
  return status
}

t.test('as long as nobody touches it', async (t) => {
  t.equal(await ask(app), 200)
  t.equal(await ask(recent), 200)
})

t.test('set forward by a year: the session goes on, and is not recent', async (t) => {
  now = begun + year
  t.equal(await ask(app), 200)
  t.equal(await ask(recent), 401)
  t.equal(
    await ask(app, { authorization: `Bearer ${diego.tokens.month}` }),
    401,
    'the token is over',
  )
  const person = createPerson(gateway)
  const page = await signInWithPassword(person, gateway.known('erin'), { now })
  t.equal(page.status, 200, 'one can sign in')
  t.equal((await person.request(app)).status, 200)
})

t.test('and set back to where it was', async (t) => {
  now = begun
  t.equal(await ask(app), 200)
  const person = createPerson(gateway)
  const half = await enterPassword(person, gateway.known('erin'))
  const early = await enterCode(person, half, gateway.known('erin'), { now: begun })
  t.ok(early.status >= 400, 'a code of a time that was spent is not good again')
})

t.test('set back by a year: nothing is recent because of it', async (t) => {
  now = begun - year
  t.equal(await ask(app), 200)
  t.equal(await ask(recent), 401)
  const spent = totpCode(gateway.known('erin').totpSecret, begun + year)
  const person = createPerson(gateway)
  const half = await enterPassword(person, gateway.known('erin'))
  const replayed = await enterCode(person, half, gateway.known('erin'), { code: spent })
  t.ok(replayed.status >= 400, 'the code that was used in the future is not good either')
  t.equal(replayed.url.startsWith(loginOrigin), true)
})

t.test('the log tells, and nobody was ended', async (t) => {
  now = Date.now()
  t.equal(await ask(app), 200)
  const ended = gateway.events().filter(({ event }) => String(event).includes('session-ended'))
  t.same(ended, [])
})
