// The attack: to know the victim's session before there is one. A cookie is planted in his browser (a sibling host can), he
// signs in, and the planted value is now worth his account; or it survives a step-up and is worth more than when it was stolen.
// oauth2-proxy GHSA-f24x-5g9q-753f; OWASP WSTG-SESS-03. And the same for what lies between: a half-finished sign-in that was
// begun in the attacker's browser must not be finished in another.

import t from 'tap'
import { privateRow, recordingBackend, startEdge } from '../fixtures/edge.ts'
import { loginOrigin, testDomain } from '../fixtures/gateway.ts'
import {
  accountCookie,
  browserCookie,
  type KnownPerson,
  sessionCookie,
} from '../fixtures/people.ts'
import { createPerson, formTo, type Person } from '../fixtures/person.ts'
import { enterCode, enterPassword, signInWithPassword } from '../fixtures/sign-in.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
let now = Date.now()
const edge = await startEdge(
  t,
  [
    privateRow('app', backend.port),
    privateRow('recent', backend.port, 'access: { within: 5m }'),
    privateRow('strong', backend.port, 'access: { with: second-factor }'),
  ],
  {
    people: [
      { id: 'victim', password: 'correct horse battery', totp: true, session: false },
      { id: 'mallory', password: 'staple', totp: true },
      {
        id: 'weak',
        password: 'one factor was enough',
        totp: true,
        session: {
          methods: ['password'],
          secondFactor: false,
          authenticatedAt: now - 1_200_000,
        },
      },
    ],
    now: () => now,
  },
)
const { gateway } = edge
const auth = new URL(loginOrigin).hostname
const app = `https://app.${testDomain}/`

function plant(person: Person, session: KnownPerson['session']): void {
  const { token, accountToken } = session
  person.jar.put({ name: sessionCookie, value: token, domain: testDomain, hostOnly: false })
  person.jar.put({ name: accountCookie, value: accountToken, domain: auth })
}

/** Who the apps think somebody is who has this cookie and nothing else; `null`: nobody. */
async function who(token: string | null): Promise<string | null> {
  const person = createPerson(gateway)
  person.jar.put({ name: sessionCookie, value: token ?? '', domain: testDomain, hostOnly: false })
  const before = backend.requests.length
  const { status } = await person.request(app)
  return status === 200 ? (backend.requests[before]?.field('remote-user')[0] ?? '') : null
}

t.test('a planted value never becomes a session', async (t) => {
  const victim = createPerson(gateway)
  const planted = { token: 'A'.repeat(43), accountToken: 'B'.repeat(43) }
  plant(victim, { ...gateway.known('mallory').session, ...planted })
  const page = await signInWithPassword(victim, gateway.known('victim'), { now })
  t.equal(page.status, 200)
  t.not(victim.jar.value(auth, sessionCookie), planted.token)
  t.not(victim.jar.value(auth, accountCookie), planted.accountToken)
  t.equal(await who(planted.token), null)
  t.equal(await who(victim.jar.value(auth, sessionCookie)), 'victim')
  now += 60_000
})

t.test('nor does a session of the attacker’s become the victim’s', async (t) => {
  const mallory = gateway.known('mallory')
  const victim = createPerson(gateway)
  plant(victim, mallory.session)
  t.equal(await who(mallory.session.token), 'mallory')
  // With a session in the browser the login page says so; he signs in by the page for another route.
  const page = await victim.visit(`${loginOrigin}/?reason=second-factor`)
  const form = formTo(page, '/password')
  t.ok(form)
  const done = await signInWithPassword(victim, gateway.known('victim'), {
    at: `${loginOrigin}/?reason=second-factor`,
    now,
  })
  t.equal(done.status, 200)
  t.equal(await who(victim.jar.value(auth, sessionCookie)), 'victim')
  t.not(await who(mallory.session.token), 'victim', 'what the attacker knows is not worth more')
  now += 60_000
})

t.test('each sign-in makes new secrets, and the ones before are dead', async (t) => {
  const person = createPerson(gateway)
  const known = gateway.known('victim')
  const seen = new Set<string | null>()
  const tokens: (string | null)[] = []
  for (let i = 0; i < 3; i++) {
    await signInWithPassword(person, known, { at: `${loginOrigin}/?reason=not-recent`, now })
    const token = person.jar.value(auth, sessionCookie)
    tokens.push(token)
    seen.add(token)
    seen.add(person.jar.value(auth, accountCookie))
    now += 60_000
  }
  t.equal(seen.size, 6)
  t.same(await Promise.all(tokens.map(who)), [null, null, 'victim'])
})

t.test(
  'a step-up makes new secrets for the same session, and the old ones are dead at once',
  async (t) => {
    const weak = gateway.known('weak')
    const person = createPerson(gateway)
    plant(person, weak.session)
    t.equal((await person.request(`https://strong.${testDomain}/`)).status, 401)
    t.equal((await person.request(`https://recent.${testDomain}/`)).status, 401)
    const asked = await person.visit(`https://strong.${testDomain}/deep?x=1`)
    t.equal(new URL(asked.url).hostname, auth, 'sent to show more')
    t.equal(new URL(asked.url).searchParams.get('reason'), 'second-factor')
    const done = await signInWithPassword(person, weak, { at: asked.url, now })
    t.equal(done.url, `https://strong.${testDomain}/deep?x=1`, 'and back to where he was going')
    t.equal(done.status, 200)
    t.equal(await who(weak.session.token), null)
    t.equal(await who(person.jar.value(auth, sessionCookie)), 'weak')
    t.equal((await person.request(`https://recent.${testDomain}/`)).status, 200)
    const sessions = await gateway.change(({ sessions }) => sessions.all())
    t.equal(sessions.filter(({ user }) => user === 'weak').length, 1)
    t.equal(sessions.find(({ user }) => user === 'weak')?.ref, weak.session.ref, 'it kept its name')
    now += 60_000
  },
)

t.test('a sign-in that was begun in one browser cannot be finished in another', async (t) => {
  const known = gateway.known('mallory')
  const attacker = createPerson(gateway)
  const half = await enterPassword(attacker, known)
  formTo(half, '/second-factor')
  // The attacker's page, posted with the victim's cookies: everything but the browser's own cookie is right.
  const victim = createPerson(gateway)
  await victim.visit(`${loginOrigin}/`)
  const before = victim.jar.value(auth, browserCookie)
  const page = await enterCode(victim, half, known, { now })
  t.ok(page.status >= 400, String(page.status))
  t.equal(victim.jar.value(auth, sessionCookie), null)
  t.equal(victim.jar.value(auth, browserCookie), before)
})
