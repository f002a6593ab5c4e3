// The attacks on the way back from an identity provider (RFC 9700 §4): somebody else's code or state put into a victim's
// browser (login CSRF, code injection), an attempt prepared for the victim (fixation), a callback used twice, an answer of
// another provider (mix-up), and a callback that leads on to wherever its address says. oauth2-proxy GHSA-f24x-5g9q-753f,
// Pocket ID CVE-2026-28512, Tinyauth CVE-2026-32245.

import t, { type Test } from 'tap'
import type { UserId } from '../../src/model.ts'
import { startGithub } from '../fixtures/github.ts'
import { followToCallback, githubSettings } from '../fixtures/github-settings.ts'
import {
  appOrigin,
  loginHost,
  loginOrigin,
  type Seen,
  startLogin,
  targetOf,
  type Visitor,
} from '../fixtures/login-app.ts'
import { accountCookie, browserCookie, sessionCookie } from '../fixtures/people.ts'

const victim = 1
const attacker = 666
const callbackPath = '/provider/github/callback'
const github = await startGithub()
github.addAccount({ id: victim, login: 'victim' })
github.addAccount({ id: attacker, login: 'attacker' })
github.callbackUrl = loginOrigin + callbackPath
t.teardown(() => github.close())
const { store, known, visitor, advance, now, logged } = await startLogin(t, {
  // Both may enter: what is to be shown is that neither becomes the other.
  github: githubSettings(github, {
    users: [
      { account: 'victim', as: null },
      { account: 'attacker', as: null },
    ],
  }),
  secrets: { GITHUB_CLIENT_SECRET: github.clientSecret },
  people: [{ id: 'diego' }],
})
github.now = now
let networks = 0

t.beforeEach(() => {
  github.callback = {}
  github.visitor = victim
})

/** Somebody with a network of his own, so that no test slows another. */
function someone(): Visitor {
  networks += 1
  return visitor(`192.0.2.${networks}`)
}

/** Somebody whose browser has our cookie already. */
async function newcomer(): Promise<Visitor> {
  const person = someone()
  await person.ask('/')
  return person
}

/** Presses our button, goes to GitHub as that account, and stops at the way back. */
async function callbackOf(person: Visitor, account: number, at = '/'): Promise<string> {
  const answer = await person.submit(await person.ask(at), '/provider/github')
  github.visitor = account
  return followToCallback(answer.headers.location ?? '')
}

function comeBack(person: Visitor, callback: string): Promise<Seen> {
  return person.ask(targetOf(callback), { headers: { 'sec-fetch-site': 'cross-site' } })
}

function refused(t: Test, page: Seen, why: string): void {
  t.equal(page.status, 400, why)
  t.equal(page.headers.location, undefined, 'and leads nowhere')
  t.notOk(page.setCookies.some((line) => line.startsWith(sessionCookie)))
}

t.test('login CSRF: the attacker’s callback in the victim’s browser signs nobody in', async (t) => {
  const mallory = someone()
  const callback = await callbackOf(mallory, attacker)
  for (const person of [someone(), await newcomer()]) {
    refused(t, await comeBack(person, callback), 'it is another browser’s')
    t.notOk(person.isSignedIn())
  }
  const tokens = github.requests.filter(({ endpoint }) => endpoint === 'token')
  t.equal(tokens.length, 0, 'its code was not even looked at')
  await comeBack(mallory, callback)
  t.ok(mallory.isSignedIn(), 'in the browser that began it, it was good')
})

t.test(
  'fixation: an attempt that the attacker began is worth nothing to the victim, nor to him',
  async (t) => {
    const mallory = someone()
    const answer = await mallory.submit(await mallory.ask('/'), '/provider/github')
    // The victim is lured to the attacker's authorisation address, and GitHub sends the victim's code with the attacker's state.
    github.visitor = victim
    const person = await newcomer()
    const callback = await followToCallback(answer.headers.location ?? '')
    refused(t, await comeBack(person, callback), 'not begun here')
    t.notOk(person.isSignedIn())
  },
)

t.test('code injection: a stolen code in an attempt of one’s own', async (t) => {
  const person = await newcomer()
  const stolen = new URL(await callbackOf(person, victim)).searchParams.get('code') ?? ''
  const mallory = someone()
  github.callback = { code: stolen }
  const page = await comeBack(mallory, await callbackOf(mallory, attacker))
  refused(t, page, 'the code belongs to another verifier')
  t.notOk(mallory.isSignedIn())
})

t.test('a callback works once, also when two come at the same time', async (t) => {
  const person = someone()
  const callback = await callbackOf(person, victim)
  const [one, two] = await Promise.all([comeBack(person, callback), comeBack(person, callback)])
  t.strictSame([one.status, two.status].sort(), [303, 400])
  refused(t, await comeBack(person, callback), 'replayed, from the history')
})

t.test('an attempt ends after ten minutes', async (t) => {
  const person = someone()
  const callback = await callbackOf(person, victim)
  advance(600_001)
  refused(t, await comeBack(person, callback), 'too late')
})

t.test('mix-up: the answer of another issuer is not believed', async (t) => {
  for (const iss of ['https://evil.test/login/oauth', `${github.url}/login/oauth/`, '']) {
    const person = someone()
    github.callback = { iss }
    refused(t, await comeBack(person, await callbackOf(person, victim)), iss)
    t.notOk(person.isSignedIn())
  }
  github.callback = { iss: null }
  const person = someone()
  await comeBack(person, await callbackOf(person, victim))
  t.ok(person.isSignedIn(), 'a server that says nothing of itself')
})

t.test('state that is missing, doubled, long or odd', async (t) => {
  const person = someone()
  for (const change of [
    (url: URL) => url.searchParams.delete('state'),
    (url: URL) => url.searchParams.append('state', 'x'),
    (url: URL) => url.searchParams.set('state', ''),
    (url: URL) => url.searchParams.set('state', 'x'.repeat(5_000)),
    (url: URL) => url.searchParams.set('state', '__proto__.__proto__'),
    (url: URL) => url.searchParams.set('state', `${url.searchParams.get('state')}x`),
    (url: URL) => url.searchParams.set('state', (url.searchParams.get('state') ?? '').slice(0, -1)),
    (url: URL) => url.searchParams.set('state', '%00%ff'),
  ]) {
    const url = new URL(await callbackOf(person, victim))
    change(url)
    const page = await comeBack(person, url.href)
    t.equal(page.status, 400, url.search.slice(0, 100))
    t.notOk(person.isSignedIn())
  }
})

t.test('the id of a flow alone is not enough, and a wrong guess uses it up', async (t) => {
  const person = someone()
  const callback = new URL(await callbackOf(person, victim))
  const [id = ''] = (callback.searchParams.get('state') ?? '').split('.')
  const good = callback.href
  callback.searchParams.set('state', `${id}.${'A'.repeat(43)}`)
  refused(t, await comeBack(person, callback.href), 'guessed')
  refused(t, await comeBack(person, good), 'no second guess')
})

t.test('the callback leads where the attempt was to lead, whatever else it says', async (t) => {
  for (const extra of [
    'rd=https://evil.test/',
    'redirect=https://evil.test/',
    'returnTo=//evil.test',
    'reason=passkey',
  ]) {
    const person = someone()
    github.callback = { extra }
    const page = await comeBack(
      person,
      await callbackOf(person, victim, `/?rd=${encodeURIComponent(`${appOrigin}/x`)}`),
    )
    t.equal(page.headers.location, `${appOrigin}/x`, extra)
  }
  const person = someone()
  const at = `/?rd=${encodeURIComponent(`${appOrigin}@evil.test/`)}`
  const page = await comeBack(person, await callbackOf(person, victim, at))
  t.equal(page.headers.location, '/', 'a target that is not ours is none')
})

t.test('to GitHub goes who presses our button, not who is sent by a sibling’s page', async (t) => {
  const person = await newcomer()
  for (const origin of [{ origin: appOrigin }, { origin: 'null' }, { origin: loginOrigin }, {}]) {
    const answer = await person.ask('/provider/github', {
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...origin },
      body: 'rd=',
    })
    t.equal(answer.status, 403)
    t.equal(answer.headers.location, undefined)
  }
  t.equal((await person.ask('/provider/github')).status, 404, 'GET does nothing')
})

t.test('linking: nobody’s account is linked to whoever follows a link', async (t) => {
  const callback = await callbackOf(someone(), attacker)
  const person = await newcomer()
  const { session } = known('diego')
  person.jar.put({ name: sessionCookie, value: session.token, domain: loginHost })
  person.jar.put({ name: accountCookie, value: session.accountToken, domain: loginHost })
  t.ok(person.isSignedIn())
  refused(t, await comeBack(person, callback), 'it is another browser’s')
  t.strictSame((await store.users.credentials('diego' as UserId)).accounts, [])
})

t.test('guessing callbacks costs time, and then a rest', async (t) => {
  const person = await newcomer()
  const statuses: number[] = []
  for (let i = 0; i < 30; i++) {
    const state = `${'A'.repeat(22)}.${'A'.repeat(43)}`
    statuses.push((await person.ask(`${callbackPath}?code=x&state=${state}`)).status)
  }
  t.equal(statuses[0], 400)
  t.equal(statuses.at(-1), 429)
  t.notOk(statuses.some((status) => status >= 500))
})

t.test('the browser’s own cookie is what binds, and a sibling cannot set it', async (t) => {
  const mallory = someone()
  const callback = await callbackOf(mallory, attacker)
  const value = mallory.jar.value(loginHost, browserCookie) ?? ''
  const person = await newcomer()
  // As if a sibling's cookie of the same name stood beside the real one.
  const own = person.jar.value(loginHost, browserCookie) ?? ''
  for (const cookie of [
    `${browserCookie}=${value}; ${browserCookie}=${own}`,
    `${browserCookie}=${own}; ${browserCookie}=${value}`,
  ]) {
    refused(t, await person.ask(targetOf(callback), { headers: { cookie } }), 'two are none')
  }
})

t.test('what is refused says in the log why, and nothing that was sent', async (t) => {
  const person = someone()
  github.callback = { iss: 'https://evil.test/' }
  const callback = await callbackOf(person, victim)
  await comeBack(person, callback)
  const { fields } = logged.findLast(({ event }) => event === 'provider-refused') ?? {}
  t.match(fields, { provider: 'github', code: 'invalid', detail: 'issuer' })
  const query = [...new URL(callback).searchParams.values()]
  for (const value of query) t.notOk(JSON.stringify(logged).includes(value), value)
})
