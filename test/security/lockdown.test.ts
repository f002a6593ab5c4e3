// Closed to visitors: while something is wrong, nobody gets in who is not signed in already, not even to what is public or to
// the login page; but from a network that somebody signed in from lately, people can sign in again.

import t from 'tap'
import { readLockdown, writeLockdown } from '../../src/auth/lockdown.ts'
import { privateRow, publicRow, recordingBackend, startEdge } from '../fixtures/edge.ts'
import { loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { sessionCookie } from '../fixtures/people.ts'
import { createPerson } from '../fixtures/person.ts'
import { signInWithPassword } from '../fixtures/sign-in.ts'

const backend = await recordingBackend()
const open = await recordingBackend()
t.teardown(() => Promise.all([backend.close(), open.close()]))
const edge = await startEdge(t, [publicRow('open', open.port), privateRow('app', backend.port)], {
  people: [{ id: 'diego', password: 'correct horse', totp: true }],
})
const { gateway } = edge
const diego = gateway.known('diego')
const places = [`https://open.${testDomain}/`, `https://app.${testDomain}/`, `${loginOrigin}/`]

async function statuses(signedIn: boolean): Promise<(number | string)[]> {
  const person = createPerson(gateway)
  if (signedIn) {
    const cookie = { name: sessionCookie, value: diego.session.token, domain: testDomain }
    person.jar.put({ ...cookie, hostOnly: false })
  }
  const seen: (number | string)[] = []
  for (const place of places) {
    const page = await person.visit(place)
    seen.push(page.words.includes('closed to visitors') ? `closed ${page.status}` : page.status)
  }
  return seen
}

t.test('visitors are shut out, people who are signed in are not', async (t) => {
  t.same(await statuses(false), [200, 200, 200], 'the private one leads to the login page')
  await gateway.change(({ settings }) =>
    writeLockdown(settings, { on: true, by: 'cli', at: Date.now() }),
  )
  t.same(await statuses(false), ['closed 403', 'closed 403', 'closed 403'])
  const before = backend.requests.length
  t.match(await statuses(true), [200, 200, 200])
  t.equal(backend.requests.length, before + 1)
  await gateway.change(({ settings }) =>
    writeLockdown(settings, { on: false, by: 'cli', at: Date.now() }),
  )
  t.same(await statuses(false), [200, 200, 200])
})

t.test('from a network that is known one can sign in again', async (t) => {
  const person = createPerson(gateway)
  await signInWithPassword(person, diego)
  await gateway.change(({ settings }) =>
    writeLockdown(settings, { on: true, by: 'cli', at: Date.now() }),
  )
  t.same(await statuses(false), [200, 200, 200])
})

t.test('what nobody understands keeps it closed', async (t) => {
  for (const text of ['{', '{}', 'on', '{"since":"x","by":1}']) {
    const settings = { get: async () => text, set: async () => {} }
    t.equal((await readLockdown(settings)).on, true, text)
  }
  const never = { get: async () => null, set: async () => {} }
  t.equal((await readLockdown(never)).on, false)
})
