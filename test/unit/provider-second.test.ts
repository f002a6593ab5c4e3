// A second provider beside GitHub: what one must bring along to be on every page, sign people in, be linked and enrolled.

import t, { type Test } from 'tap'
import { html } from '../../src/auth/app/html.ts'
import { createMembership } from '../../src/auth/app/membership.ts'
import { type Provider, ProviderError } from '../../src/auth/app/provider.ts'
import { createProviderSuspension } from '../../src/auth/app/providers.ts'
import { secretHash } from '../../src/auth/secret-text.ts'
import type { GithubSettings, UserId } from '../../src/model.ts'
import { startGithub } from '../fixtures/github.ts'
import { githubSettings } from '../fixtures/github-settings.ts'
import {
  appOrigin,
  formOn,
  type LoginAppOptions,
  loginHost,
  type Seen,
  startLogin,
  targetOf,
  type Visitor,
} from '../fixtures/login-app.ts'
import { accountCookie, sessionCookie } from '../fixtures/people.ts'

/** All of it: the whole file that Google, say, would be. */
function createToy(says: {
  subject: string
  login: string
  fails: ProviderError | null
  allowed: 'yes' | 'no'
  token: string | null
  redirectsOn: boolean
}): Provider & { readonly revoked: string[] } {
  const revoked: string[] = []
  return {
    revoked,
    name: 'toy',
    label: 'Toy',
    icon: html`<svg></svg>`,
    offer: () => ({
      callbackPath: '/toy/callback',
      origin: 'https://toy.test',
      redirectsOn: says.redirectsOn,
      issuer: 'https://toy.test client',
      recheckMs: 3_600_000,
    }),
    async start({ state, nonce, redirectUri, again }) {
      const query = new URLSearchParams({ state, nonce, redirectUri, again: String(again) })
      return new URL(`https://toy.test/authorize?${query}`)
    },
    async finish(callback, { state }) {
      if (callback.get('state') !== state) throw new ProviderError('invalid', 'state')
      if (says.fails !== null) throw says.fails
      const { subject, login, token } = says
      const account = { subject, login, token, displayName: null, email: null, as: null }
      return { ...account, secondFactor: false, groups: [] }
    },
    async stillAllowed() {
      return { verdict: says.allowed, reason: 'toy', left: false, login: null }
    },
    async revoke(token) {
      revoked.push(token)
    },
  }
}

async function setUp(
  t: Test,
  people: LoginAppOptions['people'] = [],
  github: GithubSettings | null = null,
) {
  const says: Parameters<typeof createToy>[0] = {
    subject: 'toy-1',
    login: 'erin',
    fails: null,
    allowed: 'yes',
    token: null,
    redirectsOn: false,
  }
  const toy = createToy(says)
  const login = await startLogin(t, {
    people,
    ...(github === null ? {} : { github }),
    change: (context) => ({ ...context, providers: [...context.providers, toy] }),
  })
  return { ...login, says, toy }
}

/** Where the button leads, and what came along. */
async function press(person: Visitor, page: Seen, path = '/provider/toy'): Promise<URL> {
  const answer = await person.submit(page, path)
  return new URL(answer.headers.location ?? '')
}

async function comeBack(person: Visitor, sent: URL): Promise<Seen> {
  const query = new URLSearchParams({ state: sent.searchParams.get('state') ?? '', code: 'x' })
  return person.ask(`/toy/callback?${query}`, { headers: { 'sec-fetch-site': 'cross-site' } })
}

t.test('it is on the login page, and forms may lead to it', async (t) => {
  const { visitor } = await setUp(t)
  const page = await visitor().ask('/')
  t.match(page.words, /Sign in with Toy/)
  t.notMatch(page.words, /GitHub/, 'which the table does not offer')
  t.match(page.headers['content-security-policy'], /form-action [^;]*https:\/\/toy\.test/)
})

t.test('it signs people in', async (t) => {
  const { visitor, store, context } = await setUp(t)
  const person = visitor()
  const at = `/?rd=${encodeURIComponent(`${appOrigin}/deep`)}`
  const sent = await press(person, await person.ask(at))
  t.equal(sent.searchParams.get('redirectUri'), `https://${loginHost}/toy/callback`)
  t.equal(sent.searchParams.get('again'), 'false')
  t.match(sent.searchParams.get('nonce'), /^[\w-]{43}$/)
  const page = await comeBack(person, sent)
  t.equal(page.headers.location, `${appOrigin}/deep`)
  t.ok(person.isSignedIn())
  const [session] = context.sessions.list('erin' as UserId)
  t.match(session?.record, { account: 'toy:toy-1', methods: ['provider'], secondFactor: false })
  t.match(await store.users.account('toy', 'toy-1'), { user: 'erin', login: 'erin' })
})

t.test(
  'a provider that may redirect further is reached by a page, not by redirects of a form',
  async (t) => {
    const { visitor, says } = await setUp(t)
    says.redirectsOn = true
    const person = visitor()
    const page = await person.submit(await person.ask('/'), '/provider/toy')
    t.equal(page.status, 200)
    const [, href = ''] = /^0; url=(\S+)$/.exec(page.headers.refresh ?? '') ?? []
    t.strictSame(page.links, [href], 'and a link, should the browser not go by itself')
    await comeBack(person, new URL(href))
    t.ok(person.isSignedIn())
  },
)

t.test('whoever is asked to show himself again is asked by the provider too', async (t) => {
  const { visitor } = await setUp(t)
  const person = visitor()
  const sent = await press(person, await person.ask('/?reason=not-recent'))
  t.equal(sent.searchParams.get('again'), 'true')
})

t.test('two providers do not finish each other’s attempts', async (t) => {
  const github = await startGithub()
  t.teardown(() => github.close())
  const { visitor } = await setUp(t, [], githubSettings(github))
  const person = visitor()
  const sent = await press(person, await person.ask('/'))
  const state = sent.searchParams.get('state') ?? ''
  const page = await person.ask(`/provider/github/callback?code=x&state=${state}`)
  t.equal(page.status, 400)
  t.equal((await comeBack(person, sent)).status, 400, 'and it is used up')
  t.notOk(person.isSignedIn())
  t.equal(github.requests.length, 0, 'no code went to the wrong one')
})

t.test(
  'every way to fail has a page with a way on, and none has an error in the log',
  async (t) => {
    const { visitor, says, logged } = await setUp(t)
    let network = 0
    for (const [code, status] of [
      ['denied', 403],
      ['unavailable', 503],
      ['misconfigured', 503],
      ['invalid', 400],
      ['not-a-person', 403],
      ['not-allowed', 403],
      ['organisation-closed', 403],
      ['permission-missing', 403],
    ] as const) {
      says.fails = new ProviderError(code, 'toy')
      const person = visitor(`192.0.2.${++network}`)
      const at = `/?rd=${encodeURIComponent(`${appOrigin}/deep`)}`
      const page = await comeBack(person, await press(person, await person.ask(at)))
      t.equal(page.status, status, code)
      const form = formOn(page, '/')
      t.equal(form.fields.find(({ name }) => name === 'rd')?.value, `${appOrigin}/deep`)
      t.notMatch(page.words, /\{provider\}/)
      t.notOk(person.isSignedIn())
    }
    t.notOk(logged.some(({ level }) => level === 'error'))
  },
)

t.test(
  'a bug in a provider is a bug: 500, nobody is signed in, and the log names it',
  async (t) => {
    const { visitor, toy, logged } = await setUp(t)
    Object.assign(toy, { finish: () => Promise.reject(new TypeError('oops')) })
    const person = visitor()
    const page = await comeBack(person, await press(person, await person.ask('/')))
    t.equal(page.status, 500)
    t.notOk(person.isSignedIn())
    t.ok(logged.some(({ event }) => event === 'login-page-failed'))
  },
)

/** Diego, signed in by both cookies, on his account page. */
async function diego(login: Awaited<ReturnType<typeof setUp>>) {
  const person = login.visitor()
  const { session } = login.known('diego')
  person.jar.put({ name: sessionCookie, value: session.token, domain: loginHost })
  person.jar.put({ name: accountCookie, value: session.accountToken, domain: loginHost })
  return person
}

t.test('it is linked from the account page, to one user and no other', async (t) => {
  const login = await setUp(t, [{ id: 'diego' }, { id: 'erin' }])
  const { store, says, toy, visitor } = login
  const person = await diego(login)
  const sent = await press(person, await person.ask('/account'), '/provider/toy/link')
  t.equal(sent.searchParams.get('again'), 'true', 'so that he can pick the account')
  const page = await comeBack(person, sent)
  t.equal(page.headers.location, '/account')
  t.match(await store.users.account('toy', 'toy-1'), { user: 'diego' })
  t.match(await store.users.notices('diego' as UserId), [{ kind: 'credential-added' }])

  t.comment('the same again changes nothing')
  await comeBack(person, await press(person, await person.ask('/account'), '/provider/toy/link'))
  t.equal((await store.users.notices('diego' as UserId)).length, 1)

  t.comment('by somebody else')
  says.token = 'kept'
  const erin = visitor('192.0.2.9')
  const { session } = login.known('erin')
  erin.jar.put({ name: sessionCookie, value: session.token, domain: loginHost })
  erin.jar.put({ name: accountCookie, value: session.accountToken, domain: loginHost })
  const refused = await comeBack(
    erin,
    await press(erin, await erin.ask('/account'), '/provider/toy/link'),
  )
  t.equal(refused.status, 403)
  t.match(refused.words, /linked already/)
  t.match(refused.links, /\/account$/)
  t.strictSame(toy.revoked, ['kept'], 'a token that is not kept is given back')
  t.match(await store.users.account('toy', 'toy-1'), { user: 'diego', token: null })
})

t.test('linking needs a recent login, both cookies, and the session that began it', async (t) => {
  const login = await setUp(t, [{ id: 'diego' }])
  const { store, context } = login
  const person = await diego(login)
  const page = await person.ask('/account')
  const sent = await press(person, page, '/provider/toy/link')
  await context.sessions.endUser('diego' as UserId, 'test')
  const late = await comeBack(person, sent)
  t.equal(late.status, 403)
  t.match(late.words, /not signed in as before/)

  t.comment('somebody else signed in meanwhile, in the same browser')
  const shared = await setUp(t, [{ id: 'diego' }, { id: 'erin' }])
  const browser = await diego(shared)
  const begun = await press(browser, await browser.ask('/account'), '/provider/toy/link')
  const { session } = shared.known('erin')
  browser.jar.put({ name: sessionCookie, value: session.token, domain: loginHost })
  browser.jar.put({ name: accountCookie, value: session.accountToken, domain: loginHost })
  t.equal((await comeBack(browser, begun)).status, 403)
  t.equal(await shared.store.users.account('toy', 'toy-1'), null)

  t.comment('too long ago, or with one cookie alone')
  const other = await setUp(t, [{ id: 'diego' }])
  const again = await diego(other)
  const old = await again.ask('/account')
  other.advance(3_600_000)
  const refused = await again.submit(old, '/provider/toy/link')
  t.equal(refused.status, 303)
  t.match(refused.headers.location, /^\/\?rd=.*reason=not-recent/)
  again.jar.remove(accountCookie)
  const stranger = await again.submit(old, '/provider/toy/link')
  t.match(stranger.headers.location, /^\/\?rd=/)
  t.equal(await store.users.account('toy', 'toy-1'), null)
  t.equal(await other.store.users.account('toy', 'toy-1'), null)
})

t.test('it is a first credential behind a one-time link', async (t) => {
  const login = await setUp(t, [{ id: 'diego', session: false }, { id: 'erin' }])
  const { store, visitor, now, says, context } = login
  const secret = 'A'.repeat(43)
  const user = 'diego' as UserId
  const link = { hash: secretHash(secret), user, createdAt: now(), expiresAt: now() + 3_600_000 }
  await store.users.addLink(link)
  const person = visitor()
  const choice = await person.send(await person.ask(`/enrol/${secret}`), `/enrol/${secret}`)
  t.match(choice.words, /Link a Toy account/)

  t.comment('an account that is somebody else’s leaves the link as good as it was')
  await store.users.addAccount({
    provider: 'toy',
    subject: 'erins',
    user: 'erin' as UserId,
    login: 'erin',
    token: null,
    checkedAt: 0,
    createdAt: 0,
    lastUsedAt: 0,
  })
  says.subject = 'erins'
  const refused = await comeBack(person, await press(person, choice))
  t.equal(refused.status, 403)
  t.match(refused.words, /linked already/)

  says.subject = 'toy-1'
  const anew = await person.send(await person.ask(`/enrol/${secret}`), `/enrol/${secret}`)
  const page = await comeBack(person, await press(person, anew))
  t.match(targetOf(page.headers.location ?? ''), /^\/account\/recovery-codes/)
  t.ok(person.isSignedIn())
  t.match(await store.users.account('toy', 'toy-1'), { user: 'diego' })
  t.match(context.sessions.list(user), [{ record: { account: 'toy:toy-1' } }])
  t.equal((await visitor('192.0.2.8').ask(`/enrol/${secret}`)).status, 410, 'used up')
})

t.test('the schedule looks after it', async (t) => {
  const login = await setUp(t)
  const { visitor, context, says, toy } = login
  const person = visitor()
  await comeBack(person, await press(person, await person.ask('/')))
  const membership = createMembership({
    ...context,
    providers: [toy],
    edition: () => null,
    suspension: createProviderSuspension(context),
    random: () => 0.5,
  })
  await membership.tick()
  t.ok(person.isSignedIn())
  says.allowed = 'no'
  login.advance(2 * 3_600_000)
  await membership.tick()
  t.notOk(person.isSignedIn())
})
