// Signing in with a passkey, from outside: an authenticator in software does the ceremony, rightly and in every wrong way.

import t from 'tap'
import { createAuthenticator, type Misbehaviour } from '../fixtures/authenticator.ts'
import { privateRow, recordingBackend, startEdge } from '../fixtures/edge.ts'
import { loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { sessionCookie } from '../fixtures/people.ts'
import { createPerson } from '../fixtures/person.ts'
import { csrfOf, enterPassword, signInWithPasskey } from '../fixtures/sign-in.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const phone = createAuthenticator()
const cloud = createAuthenticator({ counts: false })
const stranger = createAuthenticator()
const off = createAuthenticator()
const edge = await startEdge(
  t,
  [
    privateRow('app', backend.port),
    privateRow('strong', backend.port, 'access: { with: passkey }'),
  ],
  {
    behindProxy: true,
    people: [
      { id: 'diego', password: 'correct horse', totp: true, authenticator: phone },
      { id: 'erin', authenticator: cloud, session: false },
      { id: 'off', authenticator: off, session: false, disabled: true },
    ],
  },
)
const { gateway } = edge
const auth = new URL(loginOrigin).hostname
const app = `https://app.${testDomain}`

t.test('without a name, and back to where he wanted to go', async (t) => {
  for (const [id, authenticator] of [
    ['diego', phone],
    ['erin', cloud],
  ] as const) {
    for (let i = 0; i < 2; i++) {
      const person = createPerson(gateway)
      const at = `${app}/deep?x=1`
      const { to } = await signInWithPasskey(person, authenticator, { at })
      t.equal(to, at)
      t.equal((await person.visit(at)).words, 'ok')
      t.same(backend.requests.at(-1)?.field('remote-user'), [id])
    }
  }
})

t.test('it is two factors at once, and opens what asks for a passkey', async (t) => {
  const person = createPerson(gateway)
  const { token } = gateway.known('diego').session
  person.jar.put({ name: sessionCookie, value: token, domain: testDomain, hostOnly: false })
  const strong = `https://strong.${testDomain}/x`
  const page = await person.visit(strong)
  t.equal(new URL(page.url).searchParams.get('reason'), 'passkey')
  t.notMatch(page.text, /action="\/password"/, 'nothing else will do, so nothing else is offered')
  const { to } = await signInWithPasskey(person, phone, { at: strong })
  t.equal(to, strong)
  t.equal((await person.visit(strong)).words, 'ok')
})

t.test('an answer that is not right in every part signs nobody in', async (t) => {
  const wrongs: Readonly<Record<string, Misbehaviour>> = {
    'another challenge': { challenge: Buffer.alloc(32, 7).toString('base64url') },
    'another origin': { origin: `https://evil.${testDomain}` },
    'the origin with a port': { origin: `${loginOrigin}:8443` },
    'over plain HTTP': { origin: loginOrigin.replace('https', 'http') },
    'another relying party': { rpId: testDomain },
    'without looking at the finger': { userVerified: false },
    'somebody else’s handle': { userHandle: Buffer.alloc(32, 1).toString('base64url') },
    'a registration instead': { type: 'webauthn.create' },
    'from a frame of another site': { crossOrigin: true },
    'another signature': { breakSignature: true },
    'a counter that went back': { counter: 1 },
  }
  for (const [what, wrong] of Object.entries(wrongs)) {
    const person = createPerson(gateway)
    const { status, to } = await signInWithPasskey(person, phone, { wrong })
    t.ok(status === 401 || status === 403, `${what}: ${status}`)
    t.equal(to, null)
    t.equal(person.jar.value(auth, sessionCookie), null, what)
  }
})

t.test(
  'nor does a key nobody has registered, or one of somebody who is switched off',
  async (t) => {
    stranger.hold(auth, Buffer.alloc(32, 3).toString('base64url'))
    for (const authenticator of [stranger, off]) {
      const person = createPerson(gateway)
      const { status, to } = await signInWithPasskey(person, authenticator)
      t.ok(status === 401 || status === 403, String(status))
      t.equal(to, null)
      t.equal(person.jar.value(auth, sessionCookie), null)
    }
  },
)

t.test('an answer works once, and in the browser that asked', async (t) => {
  const person = createPerson(gateway)
  const page = await person.visit(`${loginOrigin}/`)
  const csrf = csrfOf(page)
  const asked = await person.postJson(`${loginOrigin}/passkey/options`, {}, csrf)
  const { flow, options } = JSON.parse(asked.text)
  t.match(options, { rpId: auth, userVerification: 'required' })
  t.same(options.allowCredentials ?? [], [], 'the list of keys is nobody’s business')
  const body = { flow, response: phone.get(options, loginOrigin) }
  const other = createPerson(gateway)
  const theirs = csrfOf(await other.visit(`${loginOrigin}/`))
  const stolen = await other.postJson(`${loginOrigin}/passkey`, body, theirs)
  t.ok(stolen.status >= 400, 'another browser')
  t.equal(other.jar.value(auth, sessionCookie), null)
  const first = await person.postJson(`${loginOrigin}/passkey`, body, csrf)
  t.equal(first.status, 200)
  const second = await person.postJson(`${loginOrigin}/passkey`, body, csrf)
  t.ok(second.status >= 400, 'again')
})

t.test('who asks by name learns nothing about who is there', async (t) => {
  const person = createPerson(gateway)
  const csrf = csrfOf(await person.visit(`${loginOrigin}/`))
  const ask = async (name: string) => {
    const { text } = await person.postJson(`${loginOrigin}/passkey/options`, { name }, csrf)
    return JSON.parse(text).options.allowCredentials
  }
  const known = await ask('diego')
  const nobody = await ask('nobody')
  t.equal(known.length, 1)
  t.equal(nobody.length, 1)
  t.equal(nobody[0].id.length, known[0].id.length)
  t.strictSame(await ask('nobody'), nobody, 'always the same')
})

t.test('an account under attack lets its owner in by passkey', async (t) => {
  const home = { address: '198.51.100.20' }
  t.equal((await signInWithPasskey(createPerson(gateway, home), phone)).status, 200)
  const attacker = createPerson(gateway, { address: '203.0.113.66' })
  const known = gateway.known('diego')
  let status = 0
  for (let i = 0; i < 8 && status !== 429; i++) {
    status = (await enterPassword(attacker, known, { password: `guess ${i}` })).status
  }
  t.equal(status, 429, 'guessing is slowed down')
  const owner = createPerson(gateway, { address: '198.51.100.7' })
  const right = await enterPassword(owner, known)
  t.equal(right.status, 429, 'for the owner’s password too')
  t.match(right.headers['retry-after'], /^\d+$/)
  t.equal((await signInWithPasskey(owner, phone)).status, 200, 'and his passkey works at once')
  const atHome = createPerson(gateway, home)
  t.equal(
    (await enterPassword(atHome, known)).status,
    200,
    'where he was before, his password does',
  )
})
