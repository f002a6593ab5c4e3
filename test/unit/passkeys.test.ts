// Signing in with passkeys and security keys: what is asked of a key, and every answer that must not open anything.

import t from 'tap'
import { createAuthenticator } from '../fixtures/authenticator.ts'
import { appOrigin, loginHost, startLogin } from '../fixtures/login-app.ts'
import { postJson, register, signInWithKey } from '../fixtures/login-script.ts'

const deep = `${appOrigin}/albums/7`

t.test('a passkey signs in without a name, back to where the visitor wanted to go', async (t) => {
  const authenticator = createAuthenticator()
  const login = await startLogin(t, { people: [{ id: 'ada', authenticator, session: false }] })
  const visitor = login.visitor()
  const page = await visitor.ask(`/?rd=${encodeURIComponent(deep)}`)
  const asked = await postJson(visitor, page, '/passkey/options', {})
  t.match(asked.json.options, { rpId: loginHost, userVerification: 'required' })
  t.notOk((asked.json.options as { allowCredentials?: unknown[] }).allowCredentials?.length)
  const done = await signInWithKey(visitor, page, { authenticator, fields: { rd: deep } })
  t.strictSame([done.status, done.json], [200, { to: deep }])
  const [session] = login.context.sessions.list()
  t.match(session?.record, {
    user: 'ada',
    methods: ['passkey'],
    passkey: true,
    secondFactor: true,
    remember: false,
  })
  const [kept] = (await login.store.users.credentials(login.known('ada').id)).passkeys
  t.equal(kept?.counter, 1, 'the counter is kept')
  t.equal(kept?.lastUsedAt, login.now())
})

t.test('a key is asked for by name when it must be told one', async (t) => {
  const authenticator = createAuthenticator()
  const login = await startLogin(t, { people: [{ id: 'ada', authenticator, session: false }] })
  const visitor = login.visitor()
  const page = await visitor.ask('/passkey')
  t.equal(page.status, 200)
  const fields = { name: ' Ada ' }
  const asked = await postJson(visitor, page, '/passkey/options', fields)
  const [credential] = authenticator.credentials
  t.match(asked.json.options, { allowCredentials: [{ id: credential?.id }] })
  // An old key does not say whose it is.
  const silent = await signInWithKey(visitor, page, {
    authenticator,
    fields,
    wrong: { userHandle: '' },
  })
  t.equal(silent.status, 200)
  t.ok(visitor.isSignedIn())
})

t.test('a name that nobody has looks like one that somebody has', async (t) => {
  const authenticator = createAuthenticator()
  const login = await startLogin(t, {
    people: [
      { id: 'ada', authenticator, session: false },
      { id: 'bob', password: 'x', session: false },
    ],
  })
  const visitor = login.visitor()
  const page = await visitor.ask('/passkey')
  const idsFor = async (name: string) => {
    const { json } = await postJson(visitor, page, '/passkey/options', { name })
    const { allowCredentials } = json.options as { allowCredentials: { id: string }[] }
    return allowCredentials.map(({ id }) => id)
  }
  for (const name of ['nobody', 'bob', '<script>']) {
    const ids = await idsFor(name)
    t.equal(ids.length, 1, name)
    t.strictSame(await idsFor(name), ids, 'the same again')
    t.equal(Buffer.from(ids[0] ?? '', 'base64url').length, 32, 'as long as real ones')
  }
  t.notSame(await idsFor('nobody'), await idsFor('bob'))
})

t.test(
  'a key that answers wrongly opens nothing, and all wrong answers look the same',
  async (t) => {
    const own = createAuthenticator()
    const other = createAuthenticator()
    const login = await startLogin(t, {
      people: [
        { id: 'ada', authenticator: own, session: false },
        { id: 'bob', authenticator: other, session: false },
      ],
    })
    const bobs = other.credentials[0]?.userHandle ?? ''
    const wrongs = {
      'another challenge': { challenge: Buffer.alloc(32, 7).toString('base64url') },
      'another origin': { origin: `https://evil.${loginHost}` },
      'a sibling’s origin': { origin: appOrigin },
      'another relying party': { rpId: 'login-test.example' },
      'without user verification': { userVerified: false },
      'somebody else’s handle': { userHandle: bobs },
      'no handle, and no name said': { userHandle: '' },
      'a broken signature': { breakSignature: true },
      'the type of a registration': { type: 'webauthn.create' },
    }
    const answers = new Set<string>()
    for (const [what, wrong] of Object.entries(wrongs)) {
      const visitor = login.visitor(
        `192.0.2.${answers.size + Object.keys(wrongs).indexOf(what) + 20}`,
      )
      const page = await visitor.ask('/')
      const done = await signInWithKey(visitor, page, { authenticator: own, wrong })
      t.equal(done.status, 401, what)
      answers.add(JSON.stringify(done.json))
      t.notOk(visitor.isSignedIn(), what)
    }
    t.equal(answers.size, 1)
    t.equal(login.context.sessions.size, 0)
    await login.store.audit.flush()
    const failures = await login.store.audit.list({ event: 'sign-in-failed' })
    t.equal(failures.length, Object.keys(wrongs).length, 'each is written down')
  },
)

t.test('a name said first must be the key’s owner', async (t) => {
  const authenticator = createAuthenticator()
  const login = await startLogin(t, {
    people: [
      { id: 'ada', authenticator, session: false },
      { id: 'bob', password: 'x', session: false },
    ],
  })
  const visitor = login.visitor()
  const page = await visitor.ask('/passkey')
  const { json } = await postJson(visitor, page, '/passkey/options', { name: 'bob' })
  const options = { ...(json.options as { challenge: string }), allowCredentials: [] }
  const response = authenticator.get(options, `https://${loginHost}`)
  const done = await postJson(visitor, page, '/passkey', { flow: json.flow, response })
  t.equal(done.status, 401)
})

t.test(
  'a counter that goes back is refused and written down: one of two keys is a copy',
  async (t) => {
    const authenticator = createAuthenticator()
    const login = await startLogin(t, { people: [{ id: 'ada', authenticator, session: false }] })
    const visitor = login.visitor()
    const page = await visitor.ask('/')
    t.equal(
      (await signInWithKey(visitor, page, { authenticator, wrong: { counter: 9 } })).status,
      200,
    )
    const copy = login.visitor()
    const copied = await copy.ask('/')
    for (const counter of [3, 9]) {
      const refused = await signInWithKey(copy, copied, { authenticator, wrong: { counter } })
      t.equal(refused.status, 401, `${counter}`)
    }
    await login.store.audit.flush()
    const [entry] = await login.store.audit.list({ event: 'sign-in-failed' })
    t.match(entry, { user: 'ada', details: { reason: 'counter', counter: 9 } })
    t.ok(login.logged.some(({ event }) => event === 'key-copied'))
    const later = await signInWithKey(copy, await copy.ask('/'), {
      authenticator,
      wrong: { counter: 10 },
    })
    t.equal(later.status, 200)
  },
)

t.test('a synchronised passkey never counts, and works again and again', async (t) => {
  const authenticator = createAuthenticator({ counts: false })
  const login = await startLogin(t, { people: [{ id: 'ada', authenticator, session: false }] })
  for (let i = 0; i < 3; i++) {
    const visitor = login.visitor()
    const done = await signInWithKey(visitor, await visitor.ask('/'), { authenticator })
    t.equal(done.status, 200)
  }
})

t.test('a challenge works once, in its own browser, for ten minutes', async (t) => {
  const authenticator = createAuthenticator()
  const login = await startLogin(t, { people: [{ id: 'ada', authenticator, session: false }] })
  const visitor = login.visitor()
  const page = await visitor.ask('/')
  const ask = async () => (await postJson(visitor, page, '/passkey/options', {})).json
  const answerTo = ({ options }: Readonly<Record<string, unknown>>) =>
    authenticator.get(options as never, `https://${loginHost}`)

  const once = await ask()
  const body = { flow: once.flow, response: answerTo(once) }
  t.equal((await postJson(visitor, page, '/passkey', body)).status, 200)
  t.equal((await postJson(visitor, page, '/passkey', body)).status, 409, 'used')

  const stolen = await ask()
  const thief = login.visitor()
  const theirs = await thief.ask('/')
  const moved = { flow: stolen.flow, response: answerTo(stolen) }
  t.equal((await postJson(thief, theirs, '/passkey', moved)).status, 409, 'another browser')
  t.notOk(thief.isSignedIn())

  const old = await ask()
  login.advance(600_000)
  const late = { flow: old.flow, response: answerTo(old) }
  t.equal((await postJson(visitor, page, '/passkey', late)).status, 409, 'too old')
})

t.test('a passkey works while its account is under attack', async (t) => {
  const authenticator = createAuthenticator()
  const login = await startLogin(t, {
    people: [{ id: 'ada', password: 'correct horse', authenticator, session: false }],
  })
  for (let i = 0; i < 12; i++) {
    const attacker = login.visitor(`198.51.100.${i}`)
    await attacker.send(await attacker.ask('/'), '/password', { name: 'ada', password: 'wrong' })
  }
  const held = login.visitor()
  const byPassword = await held.send(await held.ask('/'), '/password', {
    name: 'ada',
    password: 'correct horse',
  })
  t.equal(byPassword.status, 429, 'the password has to wait')
  const done = await signInWithKey(held, await held.ask('/'), { authenticator })
  t.equal(done.status, 200)
})

t.test('a network that sends wrong keys all the time is banned', async (t) => {
  const authenticator = createAuthenticator()
  const login = await startLogin(t, { people: [{ id: 'ada', authenticator, session: false }] })
  const visitor = login.visitor('203.0.113.9')
  const page = await visitor.ask('/')
  let last = 0
  for (let i = 0; i < 40 && login.bans.length === 0; i++) {
    login.advance(40_000)
    const wrong = { breakSignature: true }
    last = (await signInWithKey(visitor, page, { authenticator, wrong })).status
  }
  t.strictSame(login.bans, ['203.0.113.9'], `last ${last}`)
  const refused = await signInWithKey(visitor, page, { authenticator })
  t.equal(refused.status, 429)
  t.match(refused.seen.headers, { 'retry-after': /^\d+$/ })
})

t.test('a disabled person’s passkey opens nothing', async (t) => {
  const authenticator = createAuthenticator()
  const login = await startLogin(t, {
    people: [{ id: 'ada', authenticator, disabled: true, session: false }],
  })
  const visitor = login.visitor()
  const done = await signInWithKey(visitor, await visitor.ask('/'), { authenticator })
  t.equal(done.status, 403)
  t.notOk(visitor.isSignedIn())
})

t.test('a security key is the second step after the password, and no passkey', async (t) => {
  const authenticator = createAuthenticator()
  const login = await startLogin(t, {
    people: [{ id: 'ada', password: 'correct horse', totp: true }],
  })
  const owner = login.visitor()
  const { session } = login.known('ada')
  owner.jar.take(loginHost, '/', [
    `__Secure-gatehouse=${session.token}; Domain=login-test.example; Path=/; Secure`,
    `__Host-gatehouse-account=${session.accountToken}; Path=/; Secure`,
  ])
  const path = '/account/security-keys'
  const made = await register(owner, await owner.ask(path), { path, authenticator, fields: {} })
  t.strictSame(made.json, { to: '/account' })

  const visitor = login.visitor()
  const first = await visitor.ask('/')
  const alone = await signInWithKey(visitor, first, { authenticator })
  t.equal(alone.status, 401, 'it opens nothing by itself')
  const step = await visitor.send(first, '/password', { name: 'ada', password: 'correct horse' })
  const id = /name="step" value="([^"]+)"/.exec(step.text)?.[1] ?? ''
  const asked = await postJson(visitor, step, '/security-key/options', { step: id })
  t.match(asked.json.options, { userVerification: 'discouraged' })
  const key = { path: '/security-key', authenticator, fields: { step: id } }
  const broken = await signInWithKey(visitor, step, { ...key, wrong: { breakSignature: true } })
  t.equal(broken.status, 401)
  const done = await signInWithKey(visitor, step, { ...key, wrong: { userVerified: false } })
  t.strictSame(done.json, { to: '/' }, 'a wrong answer did not end the step')
  const records = login.context.sessions.list().map(({ record }) => record)
  t.match(
    records.find(({ ref }) => ref !== session.ref),
    {
      methods: ['password', 'security-key'],
      passkey: false,
      secondFactor: true,
    },
  )
  const again = await postJson(visitor, step, '/security-key/options', { step: id })
  t.equal(again.status, 409, 'the step is used up')
})

t.test('nonsense in place of a key is refused, and nothing breaks', async (t) => {
  const login = await startLogin(t)
  const visitor = login.visitor()
  const page = await visitor.ask('/')
  const deep = JSON.parse(`${'{"a":'.repeat(200)}1${'}'.repeat(200)}`)
  const responses = [
    null,
    1,
    'x',
    [],
    {},
    deep,
    { type: 'public-key' },
    { type: 'public-key', id: 'a', rawId: 'b', response: {} },
    { type: 'public-key', id: 'a', rawId: 'a', response: { clientDataJSON: 'e30' } },
    { type: 'public-key', id: 'x'.repeat(2000), rawId: 'x'.repeat(2000), response: {} },
  ]
  for (const [i, response] of responses.entries()) {
    const visitor = login.visitor(`192.0.2.${i + 100}`)
    const page = await visitor.ask('/')
    const { json } = await postJson(visitor, page, '/passkey/options', {})
    const done = await postJson(visitor, page, '/passkey', { flow: json.flow, response })
    t.equal(done.status, 401, JSON.stringify(response).slice(0, 60))
  }
  for (const flow of ['', 'x', '__proto__', 'x'.repeat(9000)]) {
    const done = await postJson(visitor, page, '/passkey', { flow, response: {} })
    t.equal(done.status, 409)
  }
})
