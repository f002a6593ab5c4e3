// Signing in with GitHub, from outside: a whole gateway, a person with cookies, and a GitHub of our own.

import { readFile, writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import type { AuditEntry } from '../../src/auth/audit.ts'
import type { UserId } from '../../src/model.ts'
import { type Edge, privateRow, recordingBackend, startEdge, until } from '../fixtures/edge.ts'
import { type GatewayOptions, loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { type FakeGithub, startGithub } from '../fixtures/github.ts'
import {
  comeBackFromGithub,
  fromGithub,
  githubLogin,
  signInWithGithub,
} from '../fixtures/github-person.ts'
import { sessionCookie } from '../fixtures/people.ts'
import { createPerson, type Person } from '../fixtures/person.ts'
import { signInWithPassword } from '../fixtures/sign-in.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const app = `https://app.${testDomain}`
const auth = new URL(loginOrigin).hostname
const id = 583231

interface World extends Edge {
  readonly github: FakeGithub
  /** The newest entries of the audit log, newest first. */
  audit(event: string): Promise<readonly AuditEntry[]>
  user(name: string): Promise<unknown>
  /** Replaces text in the table, and waits until the gateway has read it. */
  edit(from: string, to: string): Promise<void>
}

async function setUp(
  t: Test,
  lists: string,
  options: Partial<GatewayOptions> & { rows?: readonly string[] } = {},
): Promise<World> {
  const github = await startGithub()
  t.teardown(() => github.close())
  github.addAccount({
    id,
    login: 'octocat',
    name: 'The Octocat',
    twoFactor: true,
    emails: [{ email: 'octocat@example.test', primary: true, verified: true }],
  })
  github.visitor = id
  const { rows = [privateRow('app', backend.port)], ...more } = options
  const edge = await startEdge(t, rows, {
    login: githubLogin(github, lists),
    secrets: { GITHUB_CLIENT_SECRET: github.clientSecret },
    ...more,
  })
  const { gateway } = edge
  return {
    ...edge,
    github,
    async audit(event) {
      // Written in batches of a second at most.
      let found: readonly AuditEntry[] = []
      for (let i = 0; i < 150 && found.length === 0; i++) {
        found = await gateway.change((store) => store.audit.list({ event }))
        if (found.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return found
    },
    user: (name) => gateway.change((store) => store.users.user(name as UserId)),
    async edit(from, to) {
      const text = await readFile(gateway.routesFile, 'utf8')
      if (!text.includes(from)) throw new Error(`the table has no ${from}`)
      await writeFile(gateway.routesFile, text.replace(from, to))
      await gateway.running.reload('admin')
    },
  }
}

function isSignedIn(person: Person): boolean {
  return person.jar.value(auth, sessionCookie) !== null
}

/** Whose page it is, by what the backend was told. */
async function whoAtApp(person: Person): Promise<string> {
  const before = backend.requests.length
  const page = await person.visit(`${app}/`)
  if (backend.requests.length === before) return `${page.status} at ${new URL(page.url).host}`
  return backend.requests.at(-1)?.field('remote-user')[0] ?? 'nobody'
}

t.test('to GitHub, and back to the very page', async (t) => {
  const { gateway, github, audit, user } = await setUp(t, 'users: [octocat], groups: [family]')
  const person = createPerson(gateway)
  const url = `${app}/deep/er?x=1&y=%2F%20z`
  const page = await signInWithGithub(person, { at: url })
  t.equal(page.url, url)
  t.equal(page.words, 'ok')
  const told = backend.requests.at(-1)
  t.strictSame(told?.field('remote-user'), ['octocat'])
  t.strictSame(told?.field('remote-name'), ['The Octocat'])
  t.strictSame(told?.field('remote-email'), ['octocat@example.test'])
  t.strictSame(told?.field('remote-groups'), ['family'])
  t.match(await user('octocat'), { displayName: 'The Octocat', disabled: false })
  const [entry] = await audit('sign-in')
  t.match(entry, { user: 'octocat', details: { methods: 'provider', secondFactor: true } })
  t.match(entry?.details.account, /^github:583231@127\.0\.0\.1:\d+$/)
  await until(() => github.tokens.size === 0)

  t.comment('again: the same user')
  const other = createPerson(gateway)
  await signInWithGithub(other)
  t.equal(await whoAtApp(other), 'octocat')
})

t.test('nothing of it is in a log', async (t) => {
  const { gateway, github } = await setUp(t, 'organisations: [octo-org]')
  github.addOrganisation('octo-org', 9919).members.set(id, 'active')
  const person = createPerson(gateway)
  const secrets: string[] = [github.clientSecret]
  const callback = new URL(await comeBackFromGithub(person, { at: `${app}/` }))
  secrets.push(callback.searchParams.get('code') ?? '-', callback.searchParams.get('state') ?? '-')
  await person.visit(callback.href, fromGithub)
  t.ok(isSignedIn(person))
  github.faults.set('token', 'garbage')
  const failing = new URL(await comeBackFromGithub(createPerson(gateway)))
  secrets.push(failing.searchParams.get('code') ?? '-', failing.searchParams.get('state') ?? '-')
  await createPerson(gateway).visit(failing.href, fromGithub)
  const body = github.requests.map((request) => new URLSearchParams(request.body))
  for (const form of body) secrets.push(...form.getAll('code_verifier'))
  secrets.push(...github.tokens.keys())
  t.ok(secrets.length >= 7)
  const logs = JSON.stringify([gateway.events(), await gateway.accessLines()])
  t.match(logs, /provider\/github\/callback/, 'the callback is in the log')
  for (const secret of secrets) t.notOk(logs.includes(secret), 'but not with what it carries')
  const audit = await gateway.change((store) => store.audit.list({ limit: 1000 }))
  for (const secret of secrets) t.notOk(JSON.stringify(audit).includes(secret))
})

t.test('two tabs at once both get where they wanted to go', async (t) => {
  const { gateway } = await setUp(t, 'users: [octocat]')
  const person = createPerson(gateway)
  const first = await comeBackFromGithub(person, { at: `${app}/one` })
  const second = await comeBackFromGithub(person, { at: `${app}/two` })
  const pages = await Promise.all([first, second].map((url) => person.visit(url, fromGithub)))
  t.strictSame(
    pages.map(({ hops }) => hops[0]),
    [
      { status: 303, location: `${app}/one` },
      { status: 303, location: `${app}/two` },
    ],
  )
  t.equal(await whoAtApp(person), 'octocat')
})

t.test('a user of that name is not taken over; the table alone can say who is who', async (t) => {
  const people = [{ id: 'octocat' }, { id: 'diego', groups: ['admins'] }]
  const { gateway, github, edit, audit } = await setUp(t, 'users: [octocat]', { people })
  const person = createPerson(gateway)
  const page = await signInWithGithub(person)
  t.equal(page.status, 403)
  t.match(page.words, /That name is taken here/)
  t.notOk(isSignedIn(person))
  t.match((await audit('sign-in-failed'))[0], { user: null, details: { reason: 'name-taken' } })

  await edit('users: [octocat]', 'users: [{ account: octocat, as: diego }]')
  await signInWithGithub(person)
  t.equal(await whoAtApp(person), 'diego')
  const notices = await gateway.change((store) => store.users.notices('diego' as UserId))
  t.match(notices, [{ kind: 'credential-added' }], 'he is told')

  t.comment('what is linked stays linked: the table cannot hand it on in silence')
  await edit('as: diego', 'as: octocat')
  const refused = await signInWithGithub(createPerson(gateway))
  t.equal(refused.status, 403)
  t.match(refused.words, /belongs to another user/)
  t.equal(github.accounts.size, 1)
})

t.test('who is in no list is told so, and nobody is made of him', async (t) => {
  const { gateway, user } = await setUp(t, 'users: [hubot]')
  const person = createPerson(gateway)
  const page = await signInWithGithub(person, { at: `${app}/x` })
  t.equal(page.status, 403)
  t.match(page.words, /This account may not enter/)
  t.notOk(isSignedIn(person))
  t.equal(await user('octocat'), null)
  t.equal(page.headers['cache-control'], 'no-store')
})

t.test('who says no at GitHub is asked nothing more, and can go another way', async (t) => {
  const { gateway, github } = await setUp(t, 'users: [octocat]')
  github.consent = 'deny'
  const page = await signInWithGithub(createPerson(gateway), { at: `${app}/deep` })
  t.equal(page.status, 403)
  t.match(page.words, /you did not agree/)
  const [form] = page.forms
  t.equal(form?.fields.find(({ name }) => name === 'rd')?.value, `${app}/deep`, 'still on the way')
})

t.test('a GitHub that is down takes nobody else along', async (t) => {
  const people = [{ id: 'diego', password: 'correct horse', totp: true, session: false as const }]
  const { gateway, github } = await setUp(t, 'users: [octocat]', { people })
  for (const fault of ['error-500', 'html', 'garbage', 'endless', 'reset'] as const) {
    github.faults.set('token', fault)
    const page = await signInWithGithub(createPerson(gateway))
    t.equal(page.status, 503, fault)
    t.match(page.words, /GitHub does not answer/)
    t.equal(page.headers['retry-after'], '60')
  }
  const diego = createPerson(gateway)
  await signInWithPassword(diego, gateway.known('diego'))
  t.equal(await whoAtApp(diego), 'diego')
  const events = gateway.events().filter(({ event }) => event === 'provider-failed')
  t.match(events[0], { level: 'warn', code: 'unavailable', detail: 'token-status-500' })
  t.notOk(gateway.events().some(({ level }) => level === 'error'))
})

t.test('a secret that is wrong is the owner’s to find', async (t) => {
  const { gateway } = await setUp(t, 'users: [octocat]', {
    secrets: { GITHUB_CLIENT_SECRET: 'wrong' },
  })
  const page = await signInWithGithub(createPerson(gateway))
  t.equal(page.status, 503)
  t.match(page.words, /is not set up right/)
  t.match(
    gateway.events().find(({ event }) => event === 'provider-failed'),
    { code: 'misconfigured', detail: 'incorrect-client-credentials' },
  )
})

t.test('the callback follows the table, and nothing beside it is one', async (t) => {
  const { gateway, github, edit } = await setUp(t, 'users: [octocat]')
  await edit('users: [octocat]', 'users: [octocat], callbackPath: /oauth2/callback')
  github.callbackUrl = `${loginOrigin}/oauth2/callback`
  const person = createPerson(gateway)
  const back = await comeBackFromGithub(person)
  t.equal(new URL(back).pathname, '/oauth2/callback')
  const moved = (path: string) => back.replace('/oauth2/callback', path)
  for (const path of [
    '/provider/github/callback',
    '/oauth2/callback/',
    '/oauth2/callback/x',
    '/oauth2/Callback',
    '/oauth2//callback',
  ]) {
    t.equal((await person.visit(moved(path), fromGithub)).status, 404, path)
  }
  const head = await person.request(back, { method: 'HEAD', headers: fromGithub })
  t.not(head.status, 303, 'HEAD signs nobody in')
  t.notOk(isSignedIn(person))
  t.equal((await person.visit(back, fromGithub)).hops[0]?.status, 303)
  t.ok(isSignedIn(person))
})

t.test('another GitHub in the table is another GitHub', async (t) => {
  const { gateway, edit, github } = await setUp(t, 'users: [octocat]')
  const other = await startGithub()
  t.teardown(() => other.close())
  other.addAccount({ id, login: 'octocat' })
  other.visitor = id
  const person = createPerson(gateway)
  await signInWithGithub(person)
  t.equal(await whoAtApp(person), 'octocat')
  // An older Enterprise server, which says nothing of itself: our own memory has to tell them apart.
  github.callback = { iss: null }
  const late = createPerson(gateway)
  const begun = await comeBackFromGithub(late)

  await edit(github.url, other.url)
  t.equal(
    (await late.visit(begun, fromGithub)).status,
    400,
    'what began with one is not finished with the other',
  )
  t.notOk(
    other.requests.some(({ endpoint }) => endpoint === 'token'),
    'no code is sent there',
  )
  const stranger = createPerson(gateway)
  const page = await signInWithGithub(stranger)
  t.equal(page.status, 403, 'the same number and name on another server')
  t.match(page.words, /That name is taken/)
  await until(() => gateway.events().some(({ event }) => event === 'membership-ended'))
  t.match(await whoAtApp(person), /auth/, 'and who came by the first is signed out')
})

t.test('who leaves the lists leaves the gateway at once', async (t) => {
  const { gateway, edit, audit } = await setUp(t, 'users: [octocat, hubot]')
  const person = createPerson(gateway)
  await signInWithGithub(person)
  t.equal(await whoAtApp(person), 'octocat')
  await edit('[octocat, hubot]', '[hubot]')
  t.match((await audit('membership-ended'))[0], {
    user: 'octocat',
    details: { reason: 'not-listed', sessions: 1 },
  })
  t.match(await whoAtApp(person), /auth/)
  t.equal((await signInWithGithub(person)).status, 403)
})

t.test('who leaves the organisation loses session, passkey and token alike', async (t) => {
  let now = Date.now()
  const { gateway, github, user } = await setUp(t, 'organisations: [octo-org]', {
    now: () => now,
  })
  const organisation = github.addOrganisation('octo-org', 9919)
  organisation.members.set(id, 'active')
  const person = createPerson(gateway)
  await signInWithGithub(person)
  t.equal(await whoAtApp(person), 'octocat')
  organisation.members.delete(id)
  now += 2 * 3_600_000
  await until(() => gateway.events().some(({ event }) => event === 'membership-ended'))
  t.match(await whoAtApp(person), /auth/)
  await until(() => gateway.events().some(({ event }) => event === 'membership-ended'))
  t.match(await user('octocat'), { disabled: true })

  t.comment('and comes back')
  organisation.members.set(id, 'active')
  await signInWithGithub(person)
  t.equal(await whoAtApp(person), 'octocat')
  t.match(await user('octocat'), { disabled: false })
})
