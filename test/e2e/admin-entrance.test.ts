// The way in to the admin of a gateway that runs, and every way in which it must fail.

import t, { type Test } from 'tap'
import {
  adminCookie,
  adminHost,
  adminOrigin,
  adminStateCookie,
  atAdmin,
  openAdmin,
  signedIn,
} from '../fixtures/admin-visitor.ts'
import { loginOrigin, startGateway, testDomain } from '../fixtures/gateway.ts'
import { sessionCookie } from '../fixtures/people.ts'
import { createPerson, formTo, type Person } from '../fixtures/person.ts'
import { enterCode, signInWithPassword, submitPassword } from '../fixtures/sign-in.ts'

const minute = 60_000
let aheadMs = 0
const now = () => Date.now() + aheadMs
const gateway = await startGateway({
  routes: '- { host: app, to: "http://127.0.0.1:9", access: public, prefix: true }',
  now,
  people: [
    { id: 'diego', groups: ['admin'], password: 'correct horse', totp: true },
    { id: 'eve', groups: ['admin'] },
    { id: 'ana', password: 'battery staple', totp: true },
  ],
})
t.teardown(() => gateway.close())

const navigation = {
  accept: 'text/html',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
}

/** One step of a navigation: nothing is followed. */
async function step(person: Person, url: string) {
  const answer = await person.request(url, { headers: navigation })
  const location = answer.headers.location ?? ''
  return { ...answer, to: location === '' ? null : new URL(location, url) }
}

/** Up to the address with the code, which is not opened. */
async function codeFor(person: Person, path = '/'): Promise<URL> {
  const away = await step(person, `${adminOrigin}${path}`)
  const back = await step(person, away.to?.href ?? '')
  if (back.to?.pathname !== '/.entrance') throw new Error(`no code: ${back.status} ${back.text}`)
  return back.to
}

/** Shown nothing of the admin, not as a page and not by the API. */
async function isOutside(t: Tap, person: Person): Promise<void> {
  const page = await step(person, `${adminOrigin}/`)
  t.not(page.status, 200, 'no page')
  t.notMatch(page.text, 'Routes')
  const told = await person.request(`${adminOrigin}/api/v1/routes`)
  t.equal(told.status, 401, 'no API')
  t.notMatch(told.text, 'app.')
}
type Tap = Test

t.test('each step of the way in, and what is set on it', async (t) => {
  const person = signedIn(gateway, 'diego')
  const away = await step(person, `${adminOrigin}/route?id=app%2F`)
  t.equal(away.status, 303)
  t.equal(away.to?.origin, loginOrigin)
  t.equal(away.to?.pathname, '/admin-entrance')
  t.equal(away.headers['cache-control'], 'no-store')
  const [state = ''] = away.headers['set-cookie'] ?? []
  t.match(
    state,
    /^__Host-gatehouse-admin-state=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=600$/,
  )
  const back = await step(person, away.to?.href ?? '')
  t.equal(back.status, 303)
  t.equal(back.to?.origin, adminOrigin)
  t.equal(back.to?.pathname, '/.entrance')
  t.equal(back.headers['cache-control'], 'no-store', 'the address with a code is in no cache')
  t.equal(back.headers['referrer-policy'], 'same-origin', 'and goes to no other site')
  const inside = await step(person, back.to?.href ?? '')
  t.equal(inside.status, 303)
  t.equal(inside.to?.href, `${adminOrigin}/route?id=app%2F`, 'where one wanted to go')
  const [own = '', gone = ''] = inside.headers['set-cookie'] ?? []
  t.match(own, /^__Host-gatehouse-admin=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/)
  t.match(gone, /^__Host-gatehouse-admin-state=; .*Max-Age=0/)
  const page = await step(person, inside.to?.href ?? '')
  t.equal(page.status, 200)
})

t.test('the cookie of the domain alone opens nothing and is worth no code', async (t) => {
  const thief = createPerson(gateway)
  const { token } = gateway.known('diego').session
  thief.jar.put({ name: sessionCookie, value: token, domain: testDomain, hostOnly: false })
  await isOutside(t, thief)
  const end = await thief.visit(`${adminOrigin}/`)
  t.equal(new URL(end.url).origin, loginOrigin, 'he is asked to sign in')
  t.notOk(end.hops.some(({ location }) => location?.includes('code=')))
  t.equal(thief.jar.value(adminHost, adminCookie), null)
})

t.test('a code is good once', async (t) => {
  const person = signedIn(gateway, 'diego')
  const address = await codeFor(person)
  const before = person.jar.copy()
  t.equal((await step(person, address.href)).status, 303)
  const again = createPerson(gateway, { jar: before })
  const refused = await step(again, address.href)
  t.equal(refused.status, 403)
  t.equal(again.jar.value(adminHost, adminCookie), null)
  await isOutside(t, again)
})

t.test('and for a minute', async (t) => {
  const person = signedIn(gateway, 'diego')
  const address = await codeFor(person)
  aheadMs += minute + 1000
  const refused = await step(person, address.href)
  t.equal(refused.status, 403)
  t.match(refused.text, /took too long/)
  t.equal(person.jar.value(adminHost, adminCookie), null)
  t.equal((await person.visit(`${adminOrigin}/`)).status, 200, 'trying again helps')
})

t.test('a code of somebody else lets nobody in, not even another administrator', async (t) => {
  const diego = signedIn(gateway, 'diego')
  const eve = signedIn(gateway, 'eve')
  const address = await codeFor(diego)
  await step(eve, `${adminOrigin}/`)
  // She even has his state, as a page that reads his address bar would.
  const value = diego.jar.value(adminHost, adminStateCookie) ?? ''
  eve.jar.put({ name: adminStateCookie, value, domain: adminHost })
  t.equal((await step(eve, address.href)).status, 403)
  t.equal(eve.jar.value(adminHost, adminCookie), null)
  t.equal((await step(diego, address.href)).status, 403, 'and the code is spent')
})

t.test('an entrance that began in another browser ends there: no login CSRF', async (t) => {
  // Eve begins, and sends Diego her address with the code: he would work in her name without knowing.
  const eve = signedIn(gateway, 'eve')
  const address = await codeFor(eve)
  const visitor = createPerson(gateway)
  await visitor.visit(address.href)
  t.equal(visitor.jar.value(adminHost, adminCookie), null, 'a stranger')
  const diego = signedIn(gateway, 'diego')
  const refused = await step(diego, address.href)
  t.equal(refused.status, 403, 'himself')
  t.match(refused.text, /cookie/)
  t.equal(diego.jar.value(adminHost, adminCookie), null)
  // His own browser, her session: the sibling that tosses a cookie for the domain cannot toss the state.
  const { token } = gateway.known('eve').session
  diego.jar.put({ name: sessionCookie, value: token, domain: testDomain, hostOnly: false })
  await diego.visit(address.href)
  t.equal(diego.jar.value(adminHost, adminCookie), null, 'himself with her session')
})

t.test('`to` leads to a path of the admin, whatever was written there', async (t) => {
  const bad = [
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '/\t/evil.example/',
    '/%09/evil.example',
    'javascript:alert(1)',
    '/\r\nset-cookie: x=y',
    '/.entrance?code=x',
    `${adminOrigin}@evil.example/`,
    `/${'a'.repeat(5000)}`,
    '',
  ]
  for (const to of bad) {
    const person = signedIn(gateway, 'diego')
    const address = await codeFor(person)
    address.searchParams.set('to', to)
    const inside = await step(person, address.href)
    t.equal(inside.to?.origin ?? adminOrigin, adminOrigin, JSON.stringify(to.slice(0, 40)))
    t.notOk(inside.headers['set-cookie']?.some((line) => line.startsWith('x=')))
    const other = signedIn(gateway, 'diego')
    const away = await step(other, `${adminOrigin}/`)
    const login = new URL(away.to ?? '')
    login.searchParams.set('to', to)
    const back = await step(other, login.href)
    if (back.to !== null) {
      t.equal(back.to.origin, adminOrigin, `by the login host: ${JSON.stringify(to.slice(0, 40))}`)
      t.equal((await step(other, back.to.href)).to?.origin ?? adminOrigin, adminOrigin)
    }
  }
})

t.test('the login host gives codes for the admin’s own host alone', async (t) => {
  const person = signedIn(gateway, 'diego')
  const away = await step(person, `${adminOrigin}/`)
  const hosts = [`app.${testDomain}`, `auth.${testDomain}`, 'evil.example', '', testDomain]
  for (const host of hosts) {
    const address = new URL(away.to ?? '')
    address.searchParams.set('host', host)
    const answer = await step(person, address.href)
    t.equal(answer.status, 400, host)
    t.notMatch(answer.text, /code=/)
  }
})

t.test('somebody who does not administer is told so, with a code or without', async (t) => {
  const ana = signedIn(gateway, 'ana')
  const page = await ana.visit(`${adminOrigin}/`)
  t.equal(page.status, 403)
  t.equal(ana.jar.value(adminHost, adminCookie), null)
  const diego = signedIn(gateway, 'diego')
  const address = await codeFor(diego)
  t.equal((await step(ana, address.href)).status, 403)
})

t.test('whoever is not signed in signs in, and comes to the page he wanted', async (t) => {
  const person = createPerson(gateway)
  const page = await signInWithPassword(person, gateway.known('diego'), {
    at: `${adminOrigin}/explain`,
    now: now(),
  })
  t.equal(page.status, 200)
  t.equal(page.url, `${adminOrigin}/explain`)
})

t.test('the cookie ends with its session, and with the person', async (t) => {
  const admin = await openAdmin(gateway, 'eve')
  t.equal((await admin.call('GET', '/api/v1/auth')).status, 200)
  const stolen = admin.person.jar.value(adminHost, adminCookie) ?? ''
  const other = signedIn(gateway, 'diego')
  other.jar.put({ name: adminCookie, value: stolen, domain: adminHost })
  await isOutside(t, other)
  await gateway.change(({ users }) => users.changeUser(gateway.known('eve').id, { disabled: true }))
  await isOutside(t, admin.person)
})

t.test('an old login looks, and shows himself again before he changes something', async (t) => {
  const person = createPerson(gateway)
  const known = gateway.known('diego')
  aheadMs += minute
  const first = await signInWithPassword(person, known, { at: `${adminOrigin}/`, now: now() })
  t.equal(first.status, 200)
  const before = await atAdmin(person)
  aheadMs += 11 * minute
  const read = await before.call('GET', '/api/v1/lockdown')
  t.equal(read.status, 200)
  const refused = await before.call('PUT', '/api/v1/lockdown', { body: { on: true } })
  t.equal(refused.status, 403)
  t.match(refused.json, { code: 'recent-login-required', signIn: `${loginOrigin}/?rd=` })
  t.match((await before.call('GET', '/api/v1/lockdown')).json, { on: false })
  // What a page offers him leads back to that page, and what he was about to do is kept.
  const form = formTo(await person.visit(`${adminOrigin}/route?id=app%2F`), '/route/act')
  const review = await person.submit(first, form, { act: 'disable' })
  t.match(review.url, `${adminOrigin}/review/`)
  const link = review.links.find((href) => href.includes('not-recent')) ?? ''
  t.ok(link.startsWith(`${loginOrigin}/?rd=`), link)
  const asked = await person.visit(link)
  t.equal(new URL(asked.url).origin, loginOrigin)
  t.match(asked.words, /Confirm that it is you/)
  const second = await submitPassword(person, asked, known)
  const back = await enterCode(person, second, known, { now: now() })
  t.equal(back.status, 200)
  t.equal(back.url, review.url, 'back where he was')
  const saved = await person.submit(back, formTo(back, new URL(back.url).pathname))
  t.equal(saved.status, 200, saved.words)
  const after = await atAdmin(person)
  t.match((await after.call('GET', '/api/v1/routes/app~1')).json, { id: 'app/', disabled: true })
  const stale = await before.call('PUT', '/api/v1/lockdown', { body: { on: true } })
  t.match(stale.json, { code: 'stale-page' }, 'what an old page holds is worth nothing now')
  t.equal((await after.call('PUT', '/api/v1/lockdown', { body: { on: true } })).status, 200)
  t.equal((await after.call('PUT', '/api/v1/lockdown', { body: { on: false } })).status, 200)
})
