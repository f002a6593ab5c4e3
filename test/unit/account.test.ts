// The account pages: who may open them, who may change something, and each change, in the store and written down.

import t, { type Test } from 'tap'
import { createAuthenticator } from '../fixtures/authenticator.ts'
import {
  formOn,
  loginDomain,
  loginHost,
  type Seen,
  startLogin,
  type TestLogin,
  totpCode,
  type Visitor,
} from '../fixtures/login-app.ts'
import { postJson, register } from '../fixtures/login-script.ts'
import { accountCookie, sessionCookie, type TestPerson } from '../fixtures/people.ts'

const ada = { id: 'ada', displayName: 'Ada Lovelace', email: 'ada@example.com' } as const
const password = 'four random words here'

/** Somebody with the session that was there at the start. */
function enter(login: TestLogin, id = 'ada', from = '192.0.2.7'): Visitor {
  const visitor = login.visitor(from)
  const { session } = login.known(id)
  visitor.jar.take(loginHost, '/', [
    `${sessionCookie}=${session.token}; Domain=${loginDomain}; Path=/; Secure`,
    `${accountCookie}=${session.accountToken}; Path=/; Secure`,
  ])
  return visitor
}

async function withAda(t: Test, more: Partial<TestPerson> = {}) {
  const login = await startLogin(t, { people: [{ ...ada, ...more }] })
  await login.context.tokens.load()
  const visitor = enter(login)
  const credentials = () => login.store.users.credentials(login.known('ada').id)
  const audit = async (event: string) => {
    await login.store.audit.flush()
    return login.store.audit.list({ event })
  }
  const notices = async () =>
    (await login.store.users.notices(login.known('ada').id)).map(({ text }) => text)
  return { login, visitor, credentials, audit, notices }
}

/** The page to change one credential, by its name in the list. */
async function change(visitor: Visitor, name: string): Promise<Seen> {
  const page = await visitor.ask('/account')
  const href = page.links.find((link) => {
    const { pathname, searchParams } = new URL(link)
    return pathname === '/account/credential' && searchParams.get('kind') === name
  })
  if (href === undefined) throw new Error(`no ${name}: ${page.links.join(' ')}`)
  const { pathname, search } = new URL(href)
  return visitor.ask(pathname + search)
}

const pages = [
  '/account',
  '/account/devices',
  '/account/tokens',
  '/account/tokens/new',
  '/account/passkeys',
  '/account/security-keys',
  '/account/password',
  '/account/authenticators',
  '/account/recovery-codes',
  '/account/credential?kind=password',
  '/approve',
]

t.test(
  'both cookies are needed, of one session; everybody else signs in and comes back',
  async (t) => {
    const login = await startLogin(t, { people: [ada, { id: 'bob' }] })
    const { session } = login.known('ada')
    const bobs = login.known('bob').session
    const headers = {
      'no cookie': '',
      'the domain’s alone': `${sessionCookie}=${session.token}`,
      'the login host’s alone': `${accountCookie}=${session.accountToken}`,
      'of two sessions': `${sessionCookie}=${session.token}; ${accountCookie}=${bobs.accountToken}`,
    }
    for (const [what, cookie] of Object.entries(headers)) {
      for (const path of pages) {
        const answer = await login.visitor().ask(path, { headers: { cookie } })
        t.equal(answer.status, 303, `${what}: ${path}`)
        const to = new URL(answer.headers.location ?? '', `https://${loginHost}`)
        t.equal(to.pathname, '/')
        t.equal(to.searchParams.get('rd'), `https://${loginHost}${path}`)
      }
    }
    t.equal((await enter(login).ask('/account')).status, 200)
  },
)

t.test('a change needs a recent login; looking and ending do not', async (t) => {
  const { login, visitor } = await withAda(t, { password, totp: true, tokens: [{ label: 'x' }] })
  const account = await visitor.ask('/account')
  const tokens = await visitor.ask('/account/tokens')
  login.advance(600_001)
  for (const path of ['/account', '/account/devices', '/account/tokens']) {
    t.equal((await visitor.ask(path)).status, 200, path)
  }
  for (const path of pages.slice(3)) {
    if (path === '/account/recovery-codes') continue
    const answer = await visitor.ask(path)
    t.equal(answer.status, 303, path)
    const to = new URL(answer.headers.location ?? '', `https://${loginHost}`)
    t.equal(to.searchParams.get('reason'), 'not-recent', path)
    t.equal(to.searchParams.get('rd'), `https://${loginHost}${path}`)
  }
  const csrf = formOn(tokens, '/account/tokens/revoke').fields.find(({ name }) => name === '_csrf')
  const posts = {
    '/account/password': { password, again: password },
    '/account/recovery-codes': {},
    '/account/tokens': { label: 'new', expires: '90' },
    '/account/credential/remove': { kind: 'password' },
    '/account/credential/rename': { kind: 'password', label: 'x' },
    '/approve': { code: 'ABCDEFGH' },
  }
  for (const [path, values] of Object.entries(posts)) {
    const body = new URLSearchParams({ _csrf: csrf?.value ?? '', ...values }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await visitor.ask(path, { body, headers })
    t.equal(answer.status, 303, path)
    t.match(answer.headers.location, 'reason=not-recent', path)
  }
  const script = await visitor.ask('/account/passkeys/options', {
    body: '{}',
    headers: { 'content-type': 'application/json', 'x-csrf-token': csrf?.value ?? '' },
  })
  t.strictSame([script.status, JSON.parse(script.text).error], [403, 'not-recent'])
  t.match((await login.store.users.credentials(login.known('ada').id)).password, Object)
  t.equal((await visitor.submit(tokens, '/account/tokens/revoke')).status, 303)
  t.equal(login.context.tokens.list().length, 0, 'a right is taken away at once')
  t.ok(account)
})

t.test('every POST needs the token of its browser', async (t) => {
  const { visitor, credentials } = await withAda(t, { password, totp: true })
  await visitor.ask('/account')
  for (const path of [
    '/account/password',
    '/account/recovery-codes',
    '/account/credential/remove',
    '/account/devices/end-others',
    '/account/tokens',
    '/account/notices/dismiss',
    '/approve',
    '/approve/new',
    '/approve/finish',
  ]) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await visitor.ask(path, { body: `kind=password&password=x`, headers })
    t.equal(answer.status, 403, path)
  }
  t.match((await credentials()).password, Object)
})

t.test('a passkey is added, named, renamed and removed', async (t) => {
  const { visitor, credentials, audit, notices } = await withAda(t, { password, totp: true })
  const authenticator = createAuthenticator()
  const path = '/account/passkeys'
  const made = await register(visitor, await visitor.ask(path), {
    path,
    authenticator,
    fields: { label: '<b>Yubi & co</b>' },
  })
  t.strictSame(made.json, { to: '/account' })
  const page = await visitor.ask('/account')
  t.match(page.text, '&lt;b&gt;Yubi &amp; co&lt;/b&gt;')
  t.notMatch(page.text, '<b>Yubi')
  const again = await postJson(visitor, await visitor.ask(path), `${path}/options`, {})
  const { excludeCredentials } = again.json.options as { excludeCredentials: { id: string }[] }
  t.equal(excludeCredentials[0]?.id, authenticator.credentials[0]?.id)

  const form = await change(visitor, 'passkey')
  await visitor.submit(form, '/account/credential/rename', { label: 'Blue key' })
  t.match((await credentials()).passkeys, [{ label: 'Blue key' }])
  await visitor.submit(form, '/account/credential/remove')
  t.strictSame((await credentials()).passkeys, [])
  t.match(await audit('credential-added'), [{ user: 'ada', details: { kind: 'passkey' } }])
  t.match(await audit('credential-renamed'), [{ details: { label: 'Blue key' } }])
  t.match(await audit('credential-removed'), [{ client: '192.0.2.7' }])
  t.match(await notices(), [/Added: the passkey/, /Removed: the passkey “Blue key”/])
  t.equal((await visitor.submit(form, '/account/credential/remove')).status, 404, 'twice')
})

t.test('a challenge for one kind of key is no challenge for the other', async (t) => {
  const { visitor, credentials } = await withAda(t)
  const page = await visitor.ask('/account/security-keys')
  const asked = await postJson(visitor, page, '/account/security-keys/options', {})
  t.match(asked.json.options, {
    authenticatorSelection: { residentKey: 'discouraged', userVerification: 'discouraged' },
    pubKeyCredParams: [{ alg: -8 }, { alg: -7 }, { alg: -257 }],
  })
  const response = createAuthenticator().create(
    asked.json.options as never,
    `https://${loginHost}`,
    { userVerified: false },
  )
  const body = { flow: asked.json.flow, response }
  t.equal((await postJson(visitor, page, '/account/passkeys', body)).status, 401)
  t.strictSame((await credentials()).passkeys, [])
})

t.test('the last way to sign in cannot be removed', async (t) => {
  const { visitor, credentials } = await withAda(t, { password, totp: true })
  for (const kind of ['password', 'totp']) {
    const form = await change(visitor, kind)
    const answer = await visitor.submit(form, '/account/credential/remove')
    t.equal(answer.status, 409, kind)
    t.match(answer.words, 'lock yourself out')
  }
  t.match(await credentials(), { password: Object, totps: [Object] })
})

t.test('a new password ends the other sessions unless it is not to', async (t) => {
  const { login, visitor, credentials } = await withAda(t, { password, totp: true })
  const other = login.visitor('198.51.100.7')
  const step = await other.send(await other.ask('/'), '/password', { name: 'ada', password })
  const code = totpCode(login.known('ada').totpSecret, login.now())
  await other.submit(step, '/second-factor', { code })
  t.ok(other.isSignedIn())
  const before = (await credentials()).password?.hash
  const form = await visitor.ask('/account/password')
  const fresh = 'another four words'
  await visitor.submit(form, '/account/password', { password: fresh, again: fresh, others: 'yes' })
  t.not((await credentials()).password?.hash, before)
  t.notOk(other.isSignedIn())
  t.ok(visitor.isSignedIn())
})

t.test('an authenticator app is added with a code that proves it, once', async (t) => {
  const { login, visitor, credentials } = await withAda(t, { password, totp: true })
  const path = '/account/authenticators'
  const form = await visitor.ask(path)
  const secret = (/<code class="secret">([A-Z2-7 ]+)</.exec(form.text)?.[1] ?? '').replaceAll(
    ' ',
    '',
  )
  const wrong = await visitor.submit(form, path, { code: '000000', label: 'Tablet' })
  t.equal(wrong.status, 422)
  t.match(wrong.text, 'value="Tablet"')
  const values = { code: totpCode(secret, login.now()), label: 'Tablet' }
  t.equal((await visitor.submit(wrong, path, values)).status, 303)
  t.match((await credentials()).totps.map(({ label }) => label).sort(), ['Tablet', 'phone'])
  const twice = await visitor.submit(wrong, path, values)
  t.equal(twice.status, 422, 'the set-up is over')
  t.equal((await credentials()).totps.length, 2)
})

t.test(
  'recovery codes: new ones void the old, and are shown in this browser for a while',
  async (t) => {
    const { login, visitor, credentials } = await withAda(t, { recoveryCodes: true })
    const page = await visitor.ask('/account/recovery-codes')
    t.match(page.words, '10 of 10 left')
    const made = await visitor.submit(page, '/account/recovery-codes')
    const { pathname, search } = new URL(made.headers.location ?? '')
    const shown = await visitor.ask(pathname + search)
    t.equal(shown.text.match(/<li>[0-9A-Z-]{23}<\/li>/g)?.length, 10)
    t.equal((await credentials()).recoveryCodes, 10)
    const [old = ''] = login.known('ada').recoveryCodes
    t.notMatch(shown.text, old)
    const thief = enter(login, 'ada', '198.51.100.9')
    t.notMatch((await thief.ask(pathname + search)).text, /<li>[0-9A-Z-]{23}<\/li>/)
    login.advance(599_000)
    t.match((await visitor.ask(pathname + search)).words, 'Your recovery codes')
    login.advance(2_000)
    t.match((await visitor.ask(pathname + search)).words, 'not shown again')
  },
)

t.test('sessions are listed with device and place; one ends, or all others', async (t) => {
  const { login, visitor } = await withAda(t, { authenticator: createAuthenticator() })
  const begin = async (userAgent: string, address: string) => {
    const user = await login.store.users.user(login.known('ada').id)
    if (user === null) throw new Error('ada')
    const shown = { methods: ['passkey'], passkey: true, secondFactor: true } as const
    const rest = { user, remember: false, account: null, address, userAgent }
    return login.context.sessions.begin({ ...shown, ...rest })
  }
  const phone = await begin('Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile', '203.0.113.5')
  const evil = await begin('<script>alert(1)</script>', '203.0.113.6')
  await begin('curl/8.9', '203.0.113.7')
  const page = await visitor.ask('/account/devices')
  t.match(page.words, /this device/)
  t.match(page.words, /Chrome on Android[\s\S]*203\.0\.113\.5/)
  t.notMatch(page.text, '<script>alert')
  const { ref } = phone.session.record
  await visitor.submit(page, '/account/devices/end', { ref })
  t.ok(phone.session.ended)
  t.notOk(evil.session.ended)
  await visitor.submit(page, '/account/devices/end-others')
  t.ok(evil.session.ended)
  t.equal(login.context.sessions.list().length, 1)
  t.ok(visitor.isSignedIn())
})

t.test('nobody ends or revokes what is somebody else’s', async (t) => {
  const login = await startLogin(t, {
    people: [
      { ...ada, tokens: [{ label: 'mine' }] },
      { id: 'bob', tokens: [{ label: 'bobs' }], password, totp: true },
    ],
  })
  await login.context.tokens.load()
  const visitor = enter(login)
  const tokens = await visitor.ask('/account/tokens')
  const bobs = login.known('bob').session.ref
  const { fields } = formOn(tokens, '/account/tokens/revoke')
  const csrf = fields.find(({ name }) => name === '_csrf')?.value ?? ''
  const ended = await visitor.ask('/account/devices/end', {
    body: new URLSearchParams({ _csrf: csrf, ref: bobs }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  t.equal(ended.status, 303)
  t.ok(login.context.sessions.byRef(bobs))
  t.notMatch(tokens.words, 'bobs')
  const [token] = login.context.tokens.list(login.known('bob').id)
  await visitor.submit(tokens, '/account/tokens/revoke', { id: token?.record.id ?? '' })
  t.equal(login.context.tokens.list(login.known('bob').id).length, 1)
  const [totp] = (await login.store.users.credentials(login.known('bob').id)).totps
  const absent = await visitor.ask(`/account/credential?kind=totp&id=${totp?.id}`)
  t.equal(absent.status, 404)
})

t.test('notices are shown until they are dismissed, up to what was read', async (t) => {
  const { login, visitor, notices } = await withAda(t)
  const add = (text: string) =>
    login.store.users.addNotice({
      user: login.known('ada').id,
      at: login.now(),
      kind: 'ban',
      text,
    })
  await add('First <i>')
  const page = await visitor.ask('/account')
  t.match(page.text, 'First &lt;i&gt;')
  await add('Second')
  await visitor.submit(page, '/account/notices/dismiss')
  t.strictSame(await notices(), ['Second'])
})

t.test('a password manager finds the page to change a password', async (t) => {
  const { visitor } = await withAda(t)
  const answer = await visitor.ask('/.well-known/change-password')
  t.strictSame([answer.status, answer.headers.location], [303, '/account/password'])
})

t.test('a store that fails grants and shows nothing', async (t) => {
  const { GatehouseError } = await import('../../src/errors.ts')
  const gone = async (): Promise<never> => {
    throw new GatehouseError('store-unavailable', 'locked')
  }
  const login = await startLogin(t, {
    people: [ada],
    change: (context) => ({
      ...context,
      users: { ...context.users, user: gone, credentials: gone },
    }),
  })
  for (const path of pages) {
    t.equal((await enter(login).ask(path)).status, 503, path)
  }
})
