// The attack: a service on a sibling host (or whoever took it over) reads the domain's cookie out of requests, or makes the
// browser send them, and with it changes the account: adds a passkey of his own, a token, a recovery code, and stays for ever.
// The cookie of the whole domain is therefore worth visits to services and nothing else. Pages of the account need a second
// one, `__Host-`, that no sibling is ever sent; and both must belong to the same session.

import t from 'tap'
import { privateRow, recordingBackend, startEdge } from '../fixtures/edge.ts'
import { loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { accountCookie, browserCookie, sessionCookie } from '../fixtures/people.ts'
import { createPerson, type Person } from '../fixtures/person.ts'
import { csrfOf } from '../fixtures/sign-in.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const edge = await startEdge(t, [privateRow('app', backend.port)], {
  people: [
    { id: 'diego', password: 'correct horse', totp: true, recoveryCodes: true },
    { id: 'mallory', password: 'x', totp: true },
  ],
})
const { gateway } = edge
const diego = gateway.known('diego')
const mallory = gateway.known('mallory')
const auth = new URL(loginOrigin).hostname

async function thief(cookies: Readonly<Record<string, string>>): Promise<Person> {
  const person = createPerson(gateway)
  for (const [name, value] of Object.entries(cookies)) {
    const shared = name === sessionCookie
    person.jar.put({ name, value, domain: shared ? testDomain : auth, hostOnly: !shared })
  }
  return person
}

/** What the account holds, for comparison. */
async function account(): Promise<unknown> {
  return gateway.change(async ({ users, sessions, tokens }) => ({
    credentials: await users.credentials(diego.id),
    user: { ...(await users.user(diego.id)), lastSignInAt: null },
    sessions: (await sessions.all()).filter(({ user }) => user === diego.id).map(({ ref }) => ref),
    tokens: (await tokens.all()).length,
  }))
}

/** Every address below the account that a page of the real owner's offers, and the ones that are known. */
async function addresses(): Promise<string[]> {
  const owner = await thief({
    [sessionCookie]: diego.session.token,
    [accountCookie]: diego.session.accountToken,
  })
  const found = new Set<string>()
  const page = await owner.visit(`${loginOrigin}/account`)
  t.equal(page.status, 200)
  t.equal(new URL(page.url).pathname, '/account', 'the owner sees his account')
  const pages = [page]
  for (const link of page.links.filter((each) => each.startsWith(`${loginOrigin}/`))) {
    pages.push(await owner.visit(link))
  }
  for (const { forms } of pages) {
    for (const form of forms) if (form.method === 'POST') found.add(new URL(form.action).pathname)
  }
  return [...found]
}

t.test('with the domain’s cookie alone', async (t) => {
  const forms = await addresses()
  t.ok(forms.length >= 3, `the account has forms: ${forms.join(' ')}`)
  const before = await account()
  for (const [who, cookies] of Object.entries({
    'the cookie of the domain': { [sessionCookie]: diego.session.token },
    'with a made-up second cookie': {
      [sessionCookie]: diego.session.token,
      [accountCookie]: 'A'.repeat(43),
    },
    'with the second cookie of another session': {
      [sessionCookie]: diego.session.token,
      [accountCookie]: mallory.session.accountToken,
    },
    'the second cookie alone': { [accountCookie]: diego.session.accountToken },
    'the second where the first should be': {
      [sessionCookie]: diego.session.accountToken,
      [accountCookie]: diego.session.token,
    },
  })) {
    await t.test(who, async (t) => {
      const person = await thief(cookies)
      const shown = await person.visit(`${loginOrigin}/account`)
      t.equal(new URL(shown.url).pathname, '/', 'the account is not shown')
      t.notMatch(shown.text, /recovery codes? left|passkeys? (of|named)/i)
      const csrf = csrfOf(await person.visit(`${loginOrigin}/?reason=not-recent`))
      for (const path of forms.filter((each) => !each.startsWith('/sign-out'))) {
        const form = await person.request(`${loginOrigin}${path}`, {
          method: 'POST',
          headers: {
            origin: loginOrigin,
            'content-type': 'application/x-www-form-urlencoded',
          },
          body: new URLSearchParams({
            _csrf: csrf['x-csrf-token'] ?? '',
            label: 'evil',
          }).toString(),
        })
        const json = await person.postJson(`${loginOrigin}${path}`, { label: 'evil' }, csrf)
        for (const answer of [form, json]) {
          t.ok(answer.status >= 300 && answer.status < 500, `${answer.status} ${path}`)
          t.notMatch(answer.headers['set-cookie']?.join() ?? '', sessionCookie)
        }
      }
    })
  }
  t.same(await account(), before, 'the account is as it was')
})

t.test('a sibling host is never sent what changes an account', async (t) => {
  const owner = await thief({
    [sessionCookie]: diego.session.token,
    [accountCookie]: diego.session.accountToken,
    [browserCookie]: 'C'.repeat(43),
  })
  t.equal(owner.jar.header(`app.${testDomain}`, '/'), `${sessionCookie}=${diego.session.token}`)
  t.equal(owner.jar.header(testDomain, '/'), `${sessionCookie}=${diego.session.token}`)
  const { length } = backend.requests
  t.equal((await owner.request(`https://app.${testDomain}/`)).status, 200)
  t.notMatch(backend.requests[length]?.head, diego.session.accountToken)
})

t.test('a token opens no account either', async (t) => {
  const person = createPerson(gateway)
  const page = await person.visit(`${loginOrigin}/account`, { authorization: 'Bearer x' })
  t.equal(new URL(page.url).pathname, '/')
})
