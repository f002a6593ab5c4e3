// The attack: the session cookie is sent to every host of the domain, so a service that is broken into learns it. It opens
// services, as it always did; but the admin, whose owner can undo everything, asks for a cookie that no other host ever sees,
// and hands it out only against the login host's own cookie, once, to the browser that began.

import t from 'tap'
import { adminCookie, adminHost, adminOrigin, startAdmin } from '../fixtures/admin-app.ts'
import { loginDomain, loginHost } from '../fixtures/login-app.ts'
import { sessionCookie } from '../fixtures/people.ts'

const stateCookie = '__Host-gatehouse-admin-state'

t.test('with the domain’s cookie alone nothing is shown, at the API or as a page', async (t) => {
  const admin = await startAdmin(t)
  const { token } = admin.login.known('ada').session
  const cookie = `${sessionCookie}=${token}`
  for (const target of [
    '/api/v1/health',
    '/api/v1/users',
    '/api/v1/openapi.json',
    '/api/v1/events',
  ]) {
    const told = await admin.ask(target, { headers: { cookie } })
    t.equal(told.status, 401, target)
    t.match(told.json, { code: 'sign-in-required', signIn: String })
    t.match(told.headers['www-authenticate'], /Bearer/)
  }
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    const told = await admin.ask('/api/v1/users', {
      method,
      headers: { cookie, origin: adminOrigin },
    })
    t.equal(told.status, 401, method)
  }
  const page = await admin.ask('/', { headers: { cookie, accept: 'text/html' } })
  t.equal(page.status, 303)
  const to = new URL(page.headers.location ?? '')
  t.equal(to.host, loginHost)
  t.equal(to.pathname, '/admin-entrance')
  t.notOk(page.setCookies.some((line) => line.startsWith(`${adminCookie}=`)))
})

t.test('the login host gives a code only to whoever has its own cookie too', async (t) => {
  const admin = await startAdmin(t)
  const { token } = admin.login.known('ada').session
  const state = 'a'.repeat(43)
  const target = `/admin-entrance?host=${adminHost}&state=${state}&to=%2F`
  const cookie = `${sessionCookie}=${token}`
  const told = await admin.ask(target, { host: loginHost, headers: { cookie } })
  t.equal(told.status, 303)
  t.match(told.headers.location, /^\/\?rd=https%3A%2F%2Fauth\./)
})

t.test('and for no host but the admin’s', async (t) => {
  const admin = await startAdmin(t)
  const { jar } = admin.stranger()
  const cookie = jar.header(loginHost, '/') ?? ''
  const state = 'a'.repeat(43)
  for (const host of [
    `cloud.${loginDomain}`,
    'evil.example',
    '',
    `${adminHost}@evil.example`,
    loginHost,
  ]) {
    const target = `/admin-entrance?host=${encodeURIComponent(host)}&state=${state}&to=%2F`
    const told = await admin.ask(target, {
      host: loginHost,
      headers: { cookie, accept: 'text/html' },
    })
    t.equal(told.status, 400, host)
    t.equal(told.headers.location, undefined)
  }
  for (const bad of ['', 'short', `${'a'.repeat(42)}!`, `${state}&state=${state}`]) {
    const target = `/admin-entrance?host=${adminHost}&state=${bad}&to=%2F`
    const told = await admin.ask(target, {
      host: loginHost,
      headers: { cookie, accept: 'text/html' },
    })
    t.equal(told.status, 400, bad)
  }
})

t.test('the way in ends with a cookie of the admin’s host alone, and is good once', async (t) => {
  const admin = await startAdmin(t)
  const browser = admin.stranger()
  const first = await browser.open('/people?x=1')
  t.match(
    first.setCookies[0],
    /^__Host-gatehouse-admin-state=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=600$/,
  )
  const toLogin = new URL(first.headers.location ?? '')
  const second = await browser.open(toLogin.pathname + toLogin.search, loginHost)
  const back = new URL(second.headers.location ?? '')
  t.equal(back.origin, adminOrigin)
  const cookie = browser.jar.header(adminHost, '/') ?? ''
  const third = await browser.open(back.pathname + back.search)
  t.equal(third.status, 303)
  t.equal(third.headers.location, '/people?x=1')
  const line = third.setCookies.find((each) => each.startsWith(`${adminCookie}=`)) ?? ''
  t.match(line, /^__Host-gatehouse-admin=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/)
  t.equal((await browser.fetch('/api/v1/users')).status, 200)

  const again = await admin.ask(back.pathname + back.search, { headers: { cookie } })
  t.equal(again.status, 403)
  t.notOk(
    again.setCookies.some((each) => each.startsWith(`${adminCookie}=`)),
    'a second time',
  )
})

t.test('a code does nothing in another browser, for another person, or later', async (t) => {
  const admin = await startAdmin(t, {
    people: [
      { id: 'ada', groups: ['admin'] },
      { id: 'eve', groups: ['admin'] },
    ],
  })
  async function codeOf(id: string) {
    const browser = admin.stranger(id)
    const first = await browser.open('/')
    const to = new URL(first.headers.location ?? '')
    const second = await browser.open(to.pathname + to.search, loginHost)
    const back = new URL(second.headers.location ?? '')
    return { browser, back, state: to.searchParams.get('state') ?? '' }
  }
  const gained = (told: { setCookies: readonly string[] }) =>
    told.setCookies.some((line) => line.startsWith(`${adminCookie}=`))

  const eves = await codeOf('eve')
  const victim = admin.stranger('ada')
  await victim.open('/')
  const lured = await victim.open(eves.back.pathname + eves.back.search)
  t.equal(lured.status, 403, 'a link with somebody else’s code')
  t.notOk(gained(lured))

  const own = await codeOf('ada')
  const other = admin.stranger('eve')
  other.jar.put({ name: stateCookie, value: own.state, domain: adminHost })
  const wrong = await other.open(own.back.pathname + own.back.search)
  t.equal(wrong.status, 403, 'another session with the same state')
  t.notOk(gained(wrong))

  const late = await codeOf('ada')
  admin.login.advance(60_001)
  const after = await late.browser.open(late.back.pathname + late.back.search)
  t.equal(after.status, 403, 'after a minute')
  t.notOk(gained(after))
})

t.test('the way back leads to a path of the admin’s own host, whatever is asked for', async (t) => {
  const admin = await startAdmin(t)
  const browser = await admin.browser()
  for (const to of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/.entrance?x',
    'x',
    '/a b',
    '/\n/x',
    `/${'x'.repeat(5000)}`,
  ]) {
    const told = await browser.open(`/.entrance?to=${encodeURIComponent(to)}`)
    t.ok(told.status === 303 || told.status === 400, to)
    if (told.status === 303) t.equal(told.headers.location, '/', to)
  }
})

t.test(
  'the cookie ends with the session, and with a new sign-in; two of them are none',
  async (t) => {
    const admin = await startAdmin(t)
    const browser = await admin.browser()
    t.equal((await browser.fetch('/api/v1/health')).status, 200)
    const value = browser.jar.value(adminHost, adminCookie) ?? ''
    const domain = browser.jar.value(adminHost, sessionCookie) ?? ''
    const pair = `${sessionCookie}=${domain}; ${adminCookie}=${value}`
    const status = async (cookie: string) =>
      (await admin.ask('/api/v1/health', { headers: { cookie } })).status
    t.equal(await status(pair), 200)
    t.equal(await status(`${pair}; ${adminCookie}=${value}`), 401, 'twice')
    t.equal(await status(`${sessionCookie}=${domain}; ${adminCookie}=${'A'.repeat(43)}`), 401)
    t.equal(await status(`${adminCookie}=${value}`), 401, 'without the session')

    const session = admin.context.sessions.byRef(admin.login.known('ada').session.ref)
    if (session === null) throw new Error('no session')
    const shown = { methods: ['passkey'], passkey: true, secondFactor: true } as const
    const issued = await admin.context.sessions.stepUp(session, shown)
    const stale = `${sessionCookie}=${issued.token}; ${adminCookie}=${value}`
    t.equal(await status(stale), 401, 'after a step-up')
    await admin.context.sessions.endAll('revoked')
    t.equal(await status(pair), 401, 'after the end')
  },
)
