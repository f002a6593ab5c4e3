// The login application as a visitor without JavaScript meets it: each way in, and each way it can fail.

import t from 'tap'
import { GatehouseError } from '../../src/errors.ts'
import {
  appOrigin,
  landingOrigin,
  loginDomain,
  loginHost,
  loginOrigin,
  type Seen,
  startLogin,
  type TestLogin,
  totpCode,
  type Visitor,
} from '../fixtures/login-app.ts'

const ada = { id: 'ada', password: 'correct horse', totp: true, session: false } as const
const deep = `${appOrigin}/albums/7?page=2`
const withTarget = `/?rd=${encodeURIComponent(deep)}`

/** Up to the page that asks for the code. */
async function enterPassword(visitor: Visitor, at = withTarget, password: string = ada.password) {
  return visitor.send(await visitor.ask(at), '/password', { name: 'ada', password })
}

function codeNow(login: TestLogin): string {
  return totpCode(login.known('ada').totpSecret, login.now())
}

function alertOf(page: Seen): string {
  return /role="alert"><p>([^<]*)</.exec(page.text)?.[1] ?? ''
}

t.test('name, password and code lead back to exactly where the visitor wanted to go', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  const codePage = await enterPassword(visitor)
  t.equal(codePage.status, 200)
  t.match(codePage.words, 'Enter your code')
  t.notOk(visitor.isSignedIn(), 'a password alone is no session')
  const done = await visitor.submit(codePage, '/second-factor', { code: codeNow(login) })
  t.equal(done.status, 303)
  t.equal(done.headers.location, deep)
  t.ok(visitor.isSignedIn())
  const [session] = login.context.sessions.list()
  t.match(session?.record, {
    user: 'ada',
    methods: ['password', 'totp'],
    passkey: false,
    secondFactor: true,
    remember: false,
  })
  const [cookie = ''] = done.setCookies.filter((line) => line.startsWith('__Secure-gatehouse='))
  t.match(cookie, `Domain=${loginDomain}`)
  t.notMatch(cookie, 'Max-Age', 'it ends with the browser')
})

t.test('a service’s landing page leads on to what is behind it', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  const page = await enterPassword(visitor, `/?rd=${encodeURIComponent(`${landingOrigin}/`)}`)
  const done = await visitor.submit(page, '/second-factor', { code: codeNow(login) })
  t.equal(done.headers.location, `${landingOrigin}/inside`)
})

t.test('a session that is to be remembered has cookies that last', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  const first = await visitor.ask('/')
  const page = await visitor.send(first, '/password', {
    name: 'ada',
    password: ada.password,
    remember: 'yes',
  })
  const done = await visitor.submit(page, '/second-factor', { code: codeNow(login) })
  t.equal(done.headers.location, '/')
  for (const name of ['__Secure-gatehouse', '__Host-gatehouse-account']) {
    const line = done.setCookies.find((each) => each.startsWith(`${name}=`))
    t.match(line, 'Max-Age=7776000', name)
  }
  visitor.jar.restart()
  t.ok(visitor.isSignedIn())
})

t.test('a name is found however a phone writes it', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  const first = await visitor.ask('/')
  const page = await visitor.send(first, '/password', { name: ' Ada ', password: ada.password })
  t.match(page.words, 'Enter your code')
})

t.test('a wrong password keeps name and target, and a new try works', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  const wrong = await enterPassword(visitor, withTarget, 'wrong')
  t.equal(wrong.status, 401)
  t.match(wrong.headers['www-authenticate'], 'Bearer')
  const error = /<p class="error" id="password-error">([^<]+)</.exec(wrong.text)?.[1]
  t.match(error, 'do not fit together')
  t.match(wrong.text, /id="password"[^>]* aria-describedby="password-error" aria-invalid="true"/)
  t.match(wrong.text, /name="name" type="text" value="ada"/)
  const page = await visitor.send(wrong, '/password', { name: 'ada', password: ada.password })
  const done = await visitor.submit(page, '/second-factor', { code: codeNow(login) })
  t.equal(done.headers.location, deep)
})

t.test('an empty field is named, and nothing is counted or hashed', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  const first = await visitor.ask(withTarget)
  const noName = await visitor.send(first, '/password', { name: '', password: 'x' })
  t.equal(noName.status, 422)
  t.match(noName.text, 'id="name-error"')
  const noPassword = await visitor.send(noName, '/password', { name: 'ada', password: '' })
  t.equal(noPassword.status, 422)
  t.match(noPassword.text, 'id="password-error"')
  t.equal(login.context.throttle.size, 0)
})

t.test('a wrong code is told at its field; the step before is kept', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  const page = await enterPassword(visitor)
  const wrong = await visitor.submit(page, '/second-factor', { code: '000000' })
  t.equal(wrong.status, 401)
  t.match(wrong.text, /id="code-error">That code is not right/)
  const notDigits = await visitor.submit(wrong, '/second-factor', { code: 'abc' })
  t.equal(notDigits.status, 422)
  t.match(notDigits.text, /id="code-error">Type the six digits/)
  const code = codeNow(login)
  const spaced = `${code.slice(0, 3)} ${code.slice(3)}`
  const done = await visitor.submit(notDigits, '/second-factor', { code: spaced })
  t.equal(done.headers.location, deep)
})

t.test('a code of the step before or after is good, one of two steps away is not', async (t) => {
  for (const [steps, good] of [
    [-2, false],
    [-1, true],
    [1, true],
    [2, false],
  ] as const) {
    const login = await startLogin(t, { people: [ada] })
    const visitor = login.visitor()
    const page = await enterPassword(visitor)
    const code = totpCode(login.known('ada').totpSecret, login.now() + steps * 30_000)
    const done = await visitor.submit(page, '/second-factor', { code })
    t.equal(done.status, good ? 303 : 401, `${steps}`)
  }
})

t.test('a code works once: whoever looked over the shoulder is told to wait', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const owner = login.visitor()
  const code = codeNow(login)
  await owner.submit(await enterPassword(owner), '/second-factor', { code })
  const thief = login.visitor('192.0.2.66')
  const page = await enterPassword(thief)
  const replayed = await thief.submit(page, '/second-factor', { code })
  t.equal(replayed.status, 401)
  t.match(replayed.text, 'used already')
  t.notOk(thief.isSignedIn())
})

t.test(
  'two tabs sign in one after the other with the same code, and both go where they wanted',
  async (t) => {
    const login = await startLogin(t, { people: [ada] })
    const visitor = login.visitor()
    const one = await enterPassword(visitor, withTarget)
    const two = await enterPassword(visitor, `/?rd=${encodeURIComponent(`${appOrigin}/two`)}`)
    const code = codeNow(login)
    t.equal((await visitor.submit(one, '/second-factor', { code })).headers.location, deep)
    const second = await visitor.submit(two, '/second-factor', { code })
    t.equal(second.headers.location, `${appOrigin}/two`)
    t.equal(login.context.sessions.size, 1)
  },
)

t.test('a step that took too long goes back to the login page with name and target', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  const page = await enterPassword(visitor)
  login.advance(601_000)
  const late = await visitor.submit(page, '/second-factor', { code: codeNow(login) })
  t.equal(late.status, 409)
  t.match(alertOf(late), 'took too long')
  t.match(late.text, /name="name" type="text" value="ada"/)
  const again = await visitor.send(late, '/password', { name: 'ada', password: ada.password })
  const done = await visitor.submit(again, '/second-factor', { code: codeNow(login) })
  t.equal(done.headers.location, deep)
})

t.test('a login page that was open all night still works', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  const first = await visitor.ask(withTarget)
  login.advance(30 * 3_600_000)
  const page = await visitor.send(first, '/password', { name: 'ada', password: ada.password })
  t.match(page.words, 'Enter your code')
})

t.test(
  'a password without a second factor opens nothing, and only the right one is told so',
  async (t) => {
    const people = [{ id: 'bo', password: 'bo has one', session: false }] as const
    const login = await startLogin(t, { people })
    const visitor = login.visitor()
    const first = await visitor.ask('/')
    const wrong = await visitor.send(first, '/password', { name: 'bo', password: 'guess' })
    t.equal(wrong.status, 401)
    t.notMatch(wrong.words, 'second factor')
    const right = await visitor.send(first, '/password', { name: 'bo', password: 'bo has one' })
    t.equal(right.status, 403)
    t.match(right.words, 'A second factor is missing')
    t.notOk(visitor.isSignedIn())
  },
)

t.test('who is switched off reads so after showing everything, and gets no session', async (t) => {
  const login = await startLogin(t, { people: [{ ...ada, disabled: true }] })
  const visitor = login.visitor()
  const page = await enterPassword(visitor)
  const done = await visitor.submit(page, '/second-factor', { code: codeNow(login) })
  t.equal(done.status, 403)
  t.match(done.words, 'switched off')
  t.notOk(visitor.isSignedIn())
})

t.test('a recovery code signs in once, without a second factor, and is announced', async (t) => {
  const login = await startLogin(t, { people: [{ ...ada, recoveryCodes: true }] })
  const visitor = login.visitor()
  const [code = ''] = login.known('ada').recoveryCodes
  const form = await visitor.ask('/recovery')
  const done = await visitor.submit(form, '/recovery', { name: 'ada', code: code.toUpperCase() })
  t.equal(done.headers.location, '/account')
  t.match(login.context.sessions.list()[0]?.record, {
    methods: ['recovery-code'],
    secondFactor: false,
    authenticatedAt: login.now(),
  })
  const [notice] = await login.store.users.notices(login.known('ada').id)
  t.match(notice, { kind: 'recovery-code-used', text: /9 are left/ })
  const thief = login.visitor('192.0.2.66')
  const again = await thief.submit(await thief.ask('/recovery'), '/recovery', { name: 'ada', code })
  t.equal(again.status, 401)
  t.notOk(thief.isSignedIn())
})

t.test('a new device of somebody who had others is announced to him', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const { id } = login.known('ada')
  for (const [client, notices] of [
    ['192.0.2.7', 0],
    ['192.0.2.8', 1],
  ] as const) {
    const visitor = login.visitor(client)
    login.advance(60_000)
    const page = await enterPassword(visitor)
    await visitor.submit(page, '/second-factor', { code: codeNow(login) })
    const found = await login.store.users.notices(id)
    t.equal(found.length, notices, client)
  }
  const [notice] = await login.store.users.notices(id)
  t.match(notice, { kind: 'new-device', text: /Firefox on Linux, from 192\.0\.2\.8/ })
})

t.test('a device that was there before is not announced again', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  for (let i = 0; i < 2; i++) {
    login.advance(60_000)
    const page = await enterPassword(visitor)
    await visitor.submit(page, '/second-factor', { code: codeNow(login) })
    visitor.jar.remove('__Secure-gatehouse')
  }
  t.strictSame(await login.store.users.notices(login.known('ada').id), [])
})

t.test('a step-up gives the same session new secrets; the old cookie is dead', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  await visitor.submit(await enterPassword(visitor), '/second-factor', { code: codeNow(login) })
  const before = visitor.jar.value(loginHost, '__Secure-gatehouse') ?? ''
  const ref = login.context.sessions.list()[0]?.record.ref
  login.advance(3_600_000)
  const asked = await visitor.ask(`${withTarget}&reason=not-recent`)
  t.match(asked.words, 'Confirm that it is you')
  t.match(asked.text, /value="ada"/, 'the name is there already')
  const page = await visitor.send(asked, '/password', { name: 'ada', password: ada.password })
  const done = await visitor.submit(page, '/second-factor', { code: codeNow(login) })
  t.equal(done.headers.location, deep)
  t.equal(login.context.sessions.find(before), null)
  const [after, ...others] = login.context.sessions.list()
  t.strictSame(others, [])
  t.equal(after?.record.ref, ref)
  t.equal(after?.record.authenticatedAt, login.now())
})

t.test('signing in as somebody else ends the session that was there', async (t) => {
  const bo = { id: 'bo', password: 'bo has one', totp: true, session: false } as const
  const login = await startLogin(t, { people: [ada, bo] })
  const visitor = login.visitor()
  await visitor.submit(await enterPassword(visitor), '/second-factor', { code: codeNow(login) })
  const first = await visitor.ask('/?reason=not-recent')
  const page = await visitor.send(first, '/password', { name: 'bo', password: bo.password })
  const code = totpCode(login.known('bo').totpSecret, login.now())
  await visitor.submit(page, '/second-factor', { code })
  t.strictSame(
    login.context.sessions.list().map(({ record }) => record.user),
    ['bo'],
  )
})

t.test('a page for passkeys alone offers nothing else', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const page = await login.visitor().ask(`${withTarget}&reason=passkey`)
  t.match(page.words, 'opens with a passkey alone')
  t.strictSame(
    page.forms.map(({ action }) => action),
    [`${loginOrigin}/passkey`],
  )
})

t.test('who is signed in already goes on at once, or sees who he is', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  await visitor.submit(await enterPassword(visitor), '/second-factor', { code: codeNow(login) })
  t.equal((await visitor.ask(withTarget)).headers.location, deep)
  const home = await visitor.ask('/')
  t.match(home.words, 'Hello, ada')
  t.ok(home.links.includes(`${loginOrigin}/account`))
})

t.test('signing out takes the cookies away and ends the session', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  await visitor.submit(await enterPassword(visitor), '/second-factor', { code: codeNow(login) })
  const done = await visitor.send(await visitor.ask('/sign-out'), '/sign-out')
  t.match(done.words, 'You are signed out')
  t.equal(login.context.sessions.size, 0)
  t.equal(visitor.jar.value(loginHost, '__Secure-gatehouse'), null)
  t.equal(visitor.jar.value(loginHost, '__Host-gatehouse-account'), null)
  t.not(visitor.jar.value(loginHost, '__Host-gatehouse-device'), null, 'the device stays known')
})

t.test('signing out everywhere ends every session, and needs both cookies', async (t) => {
  const login = await startLogin(t, { people: [{ id: 'ada', password: 'x', totp: true }] })
  const { session } = login.known('ada')
  const visitor = login.visitor()
  await visitor.ask('/')
  visitor.jar.put({
    name: '__Secure-gatehouse',
    value: session.token,
    domain: loginDomain,
    hostOnly: false,
  })
  const half = await visitor.ask('/sign-out')
  t.notMatch(half.words, 'everywhere', 'by the domain’s cookie alone it is not offered')
  visitor.jar.put({
    name: '__Host-gatehouse-account',
    value: session.accountToken,
    domain: loginHost,
  })
  const page = await visitor.ask('/sign-out')
  const done = await visitor.send(page, '/sign-out-everywhere')
  t.match(done.words, 'You are signed out')
  t.equal(login.context.sessions.size, 0)
})

t.test('with cookies switched off a page says so, and keeps name and target', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  const first = await visitor.ask(withTarget)
  visitor.jar.clear()
  const refused = await visitor.submit(first, '/password', { name: 'ada', password: ada.password })
  t.equal(refused.status, 403)
  t.match(refused.words, 'Cookies are switched off')
  const again = await visitor.submit(refused, '/')
  t.match(again.text, /name="name" type="text" value="ada"/)
  const page = await visitor.send(again, '/password', { name: 'ada', password: ada.password })
  const done = await visitor.submit(page, '/second-factor', { code: codeNow(login) })
  t.equal(done.headers.location, deep)
})

t.test('a host that sends a signed-in person back again and again is named', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  await visitor.submit(await enterPassword(visitor), '/second-factor', { code: codeNow(login) })
  for (let i = 0; i < 5; i++) {
    t.equal((await visitor.ask(withTarget)).headers.location, deep)
    login.advance(1000)
  }
  const page = await visitor.ask(withTarget)
  t.equal(page.status, 409)
  t.match(page.words, new URL(deep).host)
  t.ok(page.links.includes(deep))
  login.advance(11_000)
  t.equal((await visitor.ask(withTarget)).headers.location, deep)
})

t.test(
  'when the records cannot be reached the page says so, counts nothing and keeps everything',
  async (t) => {
    let failing = true
    const login = await startLogin(t, {
      people: [ada],
      change: (context) => ({
        ...context,
        users: {
          ...context.users,
          user: async (id) => {
            if (failing) throw new GatehouseError('store-unavailable', 'the database is locked')
            return context.users.user(id)
          },
        },
      }),
    })
    const visitor = login.visitor()
    const refused = await enterPassword(visitor)
    t.equal(refused.status, 503)
    t.equal(refused.headers['retry-after'], '5')
    t.match(refused.words, 'does not work right now')
    t.notOk(visitor.isSignedIn())
    t.equal(login.context.throttle.size, 0)
    failing = false
    const again = await visitor.submit(refused, '/')
    t.match(again.text, /name="name" type="text" value="ada"/)
    const page = await visitor.send(again, '/password', { name: 'ada', password: ada.password })
    failing = true
    const code = codeNow(login)
    const late = await visitor.submit(page, '/second-factor', { code })
    t.equal(late.status, 503, 'a code that is right does not let in without the records')
    t.notOk(visitor.isSignedIn())
  },
)

t.test(
  'a handler that throws something else is a bug: 500 with its id, logged, and no session',
  async (t) => {
    const login = await startLogin(t, {
      people: [ada],
      change: (context) => ({
        ...context,
        users: { ...context.users, user: () => Promise.reject(new TypeError('a secret inside')) },
      }),
    })
    const visitor = login.visitor()
    const failed = await enterPassword(visitor)
    t.equal(failed.status, 500)
    t.match(failed.words, /Request test-[0-9a-f]{8}/)
    t.notMatch(failed.text, 'a secret inside')
    t.match(login.logged, [{ level: 'error', event: 'login-page-failed' }])
    t.notOk(visitor.isSignedIn())
  },
)

t.test('every page says what it is in valid, readable HTML', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const visitor = login.visitor()
  for (const target of ['/', withTarget, '/recovery', '/sign-out', '/nothing-here']) {
    const page = await visitor.ask(target)
    t.match(page.text, /^<!doctype html><html lang="en">/, target)
    t.match(page.text, /<title>[^<]+<\/title>/, target)
    t.equal(page.text.match(/<h1>/g)?.length, 1, target)
    t.equal(page.headers['cache-control'], 'no-store', target)
    t.equal(page.headers['referrer-policy'], 'same-origin', target)
    t.equal(page.headers['cross-origin-opener-policy'], 'same-origin', target)
    t.match(page.headers['content-security-policy'], "frame-ancestors 'none'", target)
    t.equal(page.headers['x-frame-options'], 'DENY', target)
    t.match(page.headers['content-security-policy'], "default-src 'none'", target)
    for (const [, id = ''] of page.text.matchAll(/<input id="([\w-]+)"/g)) {
      t.match(page.text, `<label for="${id}">`, `${target} ${id} has a label`)
    }
  }
})

t.test('HEAD is answered as GET is, without the page', async (t) => {
  const login = await startLogin(t, {})
  const visitor = login.visitor()
  const head = await visitor.ask('/', { method: 'HEAD' })
  t.equal(head.status, 200)
  t.equal(head.text, '')
  t.ok(Number(head.headers['content-length']) > 1000)
  const other = await visitor.ask('/', { method: 'DELETE' })
  t.equal(other.status, 405)
  t.equal(other.headers.allow, 'GET, HEAD, POST')
})
