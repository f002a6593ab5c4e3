// Enrolling by a one-time link: what spends it and what does not, each first credential, recovery codes, and a session.

import t from 'tap'
import { recoveryCodeHash } from '../../src/auth/recovery-code.ts'
import { newSecret, secretHash } from '../../src/auth/secret-text.ts'
import { createAuthenticator } from '../fixtures/authenticator.ts'
import {
  loginHost,
  type Seen,
  startLogin,
  type TestLogin,
  totpCode,
  type Visitor,
} from '../fixtures/login-app.ts'
import { register } from '../fixtures/login-script.ts'

const ada = { id: 'ada', displayName: 'Ada Lovelace', session: false } as const
const password = 'four random words here'

/** A link as `gatehouse user add` prints it: its path. */
async function linkFor(login: TestLogin, id = 'ada', lifeMs = 3_600_000): Promise<string> {
  const secret = newSecret((size) => login.context.randomBytes(size))
  const createdAt = login.now()
  const user = login.known(id).id
  const expiresAt = createdAt + lifeMs
  await login.store.users.addLink({ hash: secretHash(secret), user, createdAt, expiresAt })
  return `/enrol/${secret}`
}

/** Opens the link and presses its button. */
async function begin(visitor: Visitor, link: string): Promise<Seen> {
  return visitor.send(await visitor.ask(link), link)
}

/** The secret an authenticator app would read. */
function secretOn(page: Seen): string {
  return (/<code class="secret">([A-Z2-7 ]+)</.exec(page.text)?.[1] ?? '').replaceAll(' ', '')
}

async function credentialsOf(login: TestLogin, id = 'ada') {
  return login.store.users.credentials(login.known(id).id)
}

t.test('a link is not used up by looking at it, nor by half an enrolment', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const link = await linkFor(login)
  for (const method of ['GET', 'HEAD', 'GET']) {
    const preview = await login.visitor().ask(link, { method })
    t.equal(preview.status, 200, method)
  }
  const page = await login.visitor().ask(link)
  t.match(page.words, 'Welcome, Ada Lovelace')
  t.match(page.headers, { 'cache-control': 'no-store', 'referrer-policy': 'same-origin' })
  const started = login.visitor()
  t.match((await begin(started, link)).words, 'How do you want to sign in?')
  const again = login.visitor()
  t.equal((await again.ask(link)).status, 200, 'who left half way opens it again')
  t.match((await begin(again, link)).words, 'How do you want to sign in?')
})

t.test('a passkey as the first credential: link used up, codes shown, signed in', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const link = await linkFor(login)
  const visitor = login.visitor()
  const page = await begin(visitor, link)
  const enrolment = new URL(page.url).searchParams.get('flow') ?? ''
  const authenticator = createAuthenticator()
  const path = '/enrol/passkey'
  const fields = { enrolment, label: '  My   phone ' }
  const done = await register(visitor, page, { path, fields, authenticator })
  t.equal(done.status, 200)
  t.ok(visitor.isSignedIn())
  t.match(login.context.sessions.list()[0]?.record, { methods: ['passkey'], passkey: true })
  const { passkeys, recoveryCodes } = await credentialsOf(login)
  t.match(passkeys, [
    { label: 'My phone', kind: 'passkey', relyingParty: loginHost, counter: Number },
  ])
  t.equal(recoveryCodes, 10)
  t.equal((await login.visitor().ask(link)).status, 410, 'the link is used up')

  const to = new URL(String(done.json.to))
  t.equal(to.pathname, '/account/recovery-codes')
  const codes = await visitor.ask(to.pathname + to.search)
  const shown = [...codes.text.matchAll(/<li>([0-9A-Z-]{23})<\/li>/g)].map(([, code]) => code ?? '')
  t.equal(new Set(shown).size, 10)
  const user = login.known('ada').id
  for (const code of shown) {
    t.ok(await login.store.users.spendRecoveryCode(user, recoveryCodeHash(code) ?? '', 1))
  }
  t.match(codes.text, 'download="recovery-codes-')
})

t.test('password and authenticator app, without JavaScript', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const link = await linkFor(login)
  const visitor = login.visitor()
  const choice = await begin(visitor, link)
  const form = await visitor.submit(choice, '/enrol/password')
  t.match(form.text, '<svg class="qr"')
  const secret = secretOn(form)
  t.match(secret, /^[A-Z2-7]{32}$/)
  const code = totpCode(secret, login.now())
  const values = { password, again: password, code }
  const codes = await visitor.send(form, '/enrol/password', values)
  t.match(codes.words, 'Your recovery codes')
  t.ok(visitor.isSignedIn())
  const kept = await credentialsOf(login)
  t.match(kept.password?.hash, /^\$argon2id\$/)
  t.match(kept.totps, [{ secret, label: 'Authenticator app' }])

  const later = login.visitor('192.0.2.99')
  const step = await later.send(await later.ask('/'), '/password', { name: 'ada', password })
  const replayed = await later.submit(step, '/second-factor', { code })
  t.equal(replayed.status, 401, 'the code that proved the app is spent')
  login.advance(60_000)
  const fresh = totpCode(secret, login.now())
  t.equal((await later.submit(replayed, '/second-factor', { code: fresh })).status, 303)
})

t.test(
  'what is wrong with password or code is said, and the same key is shown again',
  async (t) => {
    const login = await startLogin(t, { people: [ada] })
    const visitor = login.visitor()
    const choice = await begin(visitor, await linkFor(login))
    let form = await visitor.submit(choice, '/enrol/password')
    const secret = secretOn(form)
    const good = { password, again: password, code: totpCode(secret, login.now()) }
    const faults = [
      [{ ...good, password: '', again: '' }, 'Choose a password'],
      [{ ...good, password: 'short', again: 'short' }, 'at least 10 characters'],
      [{ ...good, password: 'aaaaaaaaaaaa', again: 'aaaaaaaaaaaa' }, 'too easy'],
      [{ ...good, again: 'something else' }, 'not the same'],
      [{ ...good, code: '000000' }, 'not the code of this key'],
      [{ ...good, code: 'abc' }, 'not the code of this key'],
    ] as const
    for (const [values, text] of faults) {
      form = await visitor.submit(form, '/enrol/password', values)
      t.equal(form.status, 422, text)
      t.match(form.words, text)
      t.equal(secretOn(form), secret, 'the same key')
      t.notMatch(form.text, password, 'a password is never written into a page')
    }
    t.notOk((await credentialsOf(login)).password)
    t.equal((await visitor.submit(form, '/enrol/password', good)).status, 303)
  },
)

t.test('unknown, expired and withdrawn links say so, whatever is tried', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const link = await linkFor(login, 'ada', 60_000)
  const visitor = login.visitor()
  const page = await visitor.ask(link)
  const choice = await begin(visitor, link)
  const form = await visitor.submit(choice, '/enrol/password')
  login.advance(60_001)
  t.equal((await visitor.ask(link)).status, 410)
  t.equal((await visitor.submit(page, link)).status, 410)
  const values = { password, again: password, code: totpCode(secretOn(form), login.now()) }
  t.equal((await visitor.submit(form, '/enrol/password', values)).status, 410)
  t.notOk((await credentialsOf(login)).password)
  for (const path of ['/enrol/x', `/enrol/${'A'.repeat(43)}`, `/enrol/${'%41'.repeat(43)}`]) {
    t.equal((await visitor.ask(path)).status, 410, path)
  }
})

t.test('two people with the same link: one of them enrols', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const link = await linkFor(login)
  const [first, second] = [login.visitor(), login.visitor('198.51.100.2')]
  const pages = [await begin(first, link), await begin(second, link)] as const
  const path = '/enrol/passkey'
  const results = []
  for (const [visitor, page] of [
    [first, pages[0]],
    [second, pages[1]],
  ] as const) {
    const enrolment = new URL(page.url).searchParams.get('flow') ?? ''
    const authenticator = createAuthenticator()
    results.push(await register(visitor, page, { path, fields: { enrolment }, authenticator }))
  }
  t.strictSame(
    results.map(({ status }) => status),
    [200, 410],
  )
  t.equal((await credentialsOf(login)).passkeys.length, 1)
})

t.test('an enrolment belongs to the browser that began it', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  const page = await begin(visitor, await linkFor(login))
  const thief = login.visitor()
  const { pathname, search } = new URL(page.url)
  t.equal((await thief.ask(pathname + search)).status, 410)
})

t.test('the link is good again when the store cannot keep the credential', async (t) => {
  let broken = true
  const login = await startLogin(t, {
    people: [ada],
    change: (context) => ({
      ...context,
      users: {
        ...context.users,
        async addPasskey(key) {
          if (!broken) return context.users.addPasskey(key)
          throw Object.assign(new Error('full'), { code: 'ENOSPC' })
        },
      },
    }),
  })
  const link = await linkFor(login)
  const path = '/enrol/passkey'
  const enrol = async () => {
    const visitor = login.visitor()
    const page = await begin(visitor, link)
    const enrolment = new URL(page.url).searchParams.get('flow') ?? ''
    const authenticator = createAuthenticator()
    return register(visitor, page, { path, fields: { enrolment }, authenticator })
  }
  t.equal((await enrol()).status, 500)
  broken = false
  t.equal((await enrol()).status, 200)
})

t.test('a key that refuses to verify its user is no passkey', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  const link = await linkFor(login)
  const page = await begin(visitor, link)
  const enrolment = new URL(page.url).searchParams.get('flow') ?? ''
  const path = '/enrol/passkey'
  for (const wrong of [{ userVerified: false }, { rpId: 'example.com' }, { challenge: 'x' }]) {
    const authenticator = createAuthenticator()
    const fields = { enrolment }
    const done = await register(visitor, page, { path, fields, authenticator, wrong })
    t.equal(done.status, 401, JSON.stringify(wrong))
  }
  t.equal((await visitor.ask(link)).status, 200, 'the link is still good')
})

t.test('a link for somebody who has recovery codes leaves them as they are', async (t) => {
  const login = await startLogin(t, {
    people: [{ ...ada, recoveryCodes: true, password: 'correct horse', totp: true }],
  })
  const [code = ''] = login.known('ada').recoveryCodes
  const visitor = login.visitor()
  const page = await begin(visitor, await linkFor(login))
  const enrolment = new URL(page.url).searchParams.get('flow') ?? ''
  const authenticator = createAuthenticator()
  const fields = { enrolment }
  const done = await register(visitor, page, { path: '/enrol/passkey', fields, authenticator })
  t.strictSame(done.json, { to: '/' })
  const user = login.known('ada').id
  t.ok(await login.store.users.spendRecoveryCode(user, recoveryCodeHash(code) ?? '', 1))
})

t.test('a disabled person’s link opens nothing', async (t) => {
  const login = await startLogin(t, { people: [{ ...ada, disabled: true }] })
  t.equal((await login.visitor().ask(await linkFor(login))).status, 410)
})
