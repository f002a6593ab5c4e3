// GitHub as a provider, against a GitHub of our own: who may enter, as whom, and for how long.

import t, { type Test } from 'tap'
import { createGithub } from '../../src/auth/app/github.ts'
import { type ProviderAccount, ProviderError } from '../../src/auth/app/provider.ts'
import type { LinkedAccount } from '../../src/auth/people.ts'
import { GatehouseError } from '../../src/errors.ts'
import type { GithubSettings, UserId } from '../../src/model.ts'
import { startGithub } from '../fixtures/github.ts'
import { githubSettings, memorySettings, newAttempt, wayBack } from '../fixtures/github-settings.ts'

const id = 583231
const user = 'octocat' as UserId

async function setUp(t: Test, change: Partial<GithubSettings> = {}) {
  const github = await startGithub()
  t.teardown(() => github.close())
  github.addAccount({
    id,
    login: 'octocat',
    name: 'The Octocat',
    twoFactor: true,
    emails: [
      { email: 'old@example.test', primary: false, verified: true },
      { email: 'octocat@example.test', primary: true, verified: true },
    ],
  })
  github.visitor = id
  let settings: GithubSettings | null = githubSettings(github, change)
  const secrets = new Map([['GITHUB_CLIENT_SECRET', github.clientSecret]])
  const store = memorySettings()
  const provider = createGithub({
    settings: () => settings,
    secret: (name) => secrets.get(name) ?? null,
    store,
  })
  async function signIn(): Promise<ProviderAccount> {
    const attempt = newAttempt(github)
    return provider.finish(await wayBack(provider, attempt), attempt)
  }
  return {
    github,
    provider,
    secrets,
    host: new URL(github.url).host,
    signIn,
    /** Signs in; what comes of it in words. */
    outcome: () => outcome(signIn()),
    edit(next: Partial<GithubSettings> | null) {
      settings = next === null ? null : githubSettings(github, next)
    },
    /** Asks again about an account that signed in. */
    async standing(account: Partial<LinkedAccount> & { subject: string }) {
      const { verdict, reason, left, login } = await provider.stillAllowed(
        linked(account),
        AbortSignal.timeout(5_000),
      )
      return `${verdict}: ${reason}${left ? ', left' : ''}${login === null ? '' : ` (${login})`}`
    },
  }
}

async function outcome(work: Promise<ProviderAccount>): Promise<string> {
  try {
    return `entered as ${(await work).login}`
  } catch (error) {
    if (error instanceof ProviderError) return `${error.code}: ${error.detail}`
    throw error
  }
}

function linked(account: Partial<LinkedAccount> & { subject: string }): LinkedAccount {
  return {
    provider: 'github',
    user,
    login: 'octocat',
    token: null,
    checkedAt: 0,
    createdAt: 0,
    lastUsedAt: 0,
    ...account,
  }
}

const listed = { users: [{ account: 'octocat', as: null }] }

t.test('the browser is sent with PKCE, state, an exact address and few scopes', async (t) => {
  const { github, provider, edit } = await setUp(t, listed)
  const attempt = newAttempt(github)
  const url = await provider.start(attempt)
  t.equal(url.origin + url.pathname, `${github.url}/login/oauth/authorize`)
  const query = Object.fromEntries(url.searchParams)
  t.match(query.code_challenge, /^[\w-]{43}$/)
  t.not(query.code_challenge, attempt.verifier)
  delete query.code_challenge
  t.strictSame(query, {
    response_type: 'code',
    client_id: github.clientId,
    redirect_uri: github.callbackUrl,
    scope: 'read:user user:email',
    state: attempt.state,
    code_challenge_method: 'S256',
    allow_signup: 'false',
  })
  const again = await provider.start(newAttempt(github, { again: true }))
  t.equal(again.searchParams.get('prompt'), 'select_account')

  edit({ teams: ['octo-org/admins'] })
  const members = await provider.start(attempt)
  t.equal(members.searchParams.get('scope'), 'read:user user:email read:org')
  edit({ teams: ['octo-org/admins'], organisationToken: 'GITHUB_ORGANISATION_TOKEN' })
  const shared = await provider.start(attempt)
  t.equal(shared.searchParams.get('scope'), 'read:user user:email', 'the organisation answers')
})

t.test('a listed account enters under its number, and its token is given back', async (t) => {
  const { github, signIn, host } = await setUp(t, listed)
  const revoked = github.seen('revoke')
  t.strictSame(await signIn(), {
    subject: `${id}@${host}`,
    login: 'octocat',
    displayName: 'The Octocat',
    email: 'octocat@example.test',
    secondFactor: true,
    token: null,
    as: null,
    groups: ['family'],
  })
  await revoked
  t.equal(github.tokens.size, 0)
  for (const request of github.requests.filter(({ endpoint }) => endpoint !== 'authorize')) {
    t.ok(request.userAgent, `${request.endpoint}: GitHub refuses who does not say what he is`)
  }
})

t.test('a second factor counts when GitHub says that there is one, and only then', async (t) => {
  const { github, signIn } = await setUp(t, listed)
  const account = github.accounts.get(id)
  t.equal((await signIn()).secondFactor, true)
  if (account !== undefined) account.twoFactor = false
  t.equal((await signIn()).secondFactor, false)
  if (account !== undefined) account.twoFactor = true
  github.grants = () => []
  t.equal((await signIn()).secondFactor, false, 'not told')
})

t.test('an address is verified, primary and clean, or there is none', async (t) => {
  const { github, signIn } = await setUp(t, listed)
  const account = github.accounts.get(id)
  if (account === undefined) throw new Error('no account')
  for (const [emails, expected] of [
    [[{ email: 'a@b.test', primary: true, verified: false }], null],
    [[{ email: 'a@b.test', primary: false, verified: true }], null],
    [[{ email: 'a@b@c.test', primary: true, verified: true }], null],
    [[{ email: 'a@b.test\r\nRemote-User: admin', primary: true, verified: true }], null],
    [[], null],
    [[{ email: 'a@b.test', primary: true, verified: true }], 'a@b.test'],
  ] as const) {
    account.emails = emails
    t.equal((await signIn()).email, expected, JSON.stringify(emails))
  }
  github.faults.set('emails', 'error-500')
  t.equal((await signIn()).email, null, 'nobody is kept out for want of an address')
})

t.test('a name for people has no control characters and 80 characters at most', async (t) => {
  const { github, signIn } = await setUp(t, listed)
  const account = github.accounts.get(id)
  if (account === undefined) throw new Error('no account')
  account.name = `  A\u0000B\r\n\u202eC ${'x'.repeat(200)}`
  const { displayName } = await signIn()
  t.match(displayName, /^A B C x{74}$/)
  account.name = ' \n '
  t.equal((await signIn()).displayName, null)
})

t.test('only people sign in', async (t) => {
  const { github, outcome } = await setUp(t, listed)
  const account = github.accounts.get(id)
  for (const type of ['Organization', 'Bot'] as const) {
    if (account !== undefined) account.type = type
    t.equal(await outcome(), 'not-a-person: account-type')
  }
})

t.test('whoever is in no list may not enter, and leaves no token behind', async (t) => {
  const { github, outcome } = await setUp(t, { users: [{ account: 'hubot', as: null }] })
  const revoked = github.seen('revoke')
  t.equal(await outcome(), 'not-allowed: not-listed')
  await revoked
  t.equal(github.tokens.size, 0)
})

t.test('a listed name is pinned to the number that came first', async (t) => {
  const { github, outcome, signIn, standing, host } = await setUp(t, {
    users: [
      { account: 'octocat', as: 'diego' as UserId },
      { account: 'waiting', as: 'root' as UserId },
    ],
  })
  t.equal((await signIn()).as, 'diego')
  const account = github.accounts.get(id)
  if (account === undefined) throw new Error('no account')

  t.comment('he renames himself; somebody else takes the name')
  account.login = 'octocat-the-first'
  github.addAccount({ id: 666, login: 'octocat' })
  t.equal(await outcome(), 'entered as octocat-the-first')
  github.visitor = 666
  t.equal(await outcome(), 'not-allowed: not-listed')
  t.equal(await standing({ subject: `666@${host}` }), 'no: not-listed')

  t.comment('who is listed cannot take a name that waits for another')
  github.visitor = id
  account.login = 'waiting'
  t.equal((await signIn()).as, 'diego')
  github.addAccount({ id: 777, login: 'WAITING' })
  account.login = 'octocat'
  github.visitor = 777
  t.equal((await signIn()).as, 'root', 'it still waits, and case does not matter')
})

t.test('a number in the list is an account whatever it is called', async (t) => {
  const { github, signIn, outcome } = await setUp(t, {
    users: [{ account: String(id), as: 'diego' as UserId }],
  })
  t.equal((await signIn()).as, 'diego')
  github.addAccount({ id: 4, login: String(id) })
  github.visitor = 4
  t.equal(await outcome(), 'not-allowed: not-listed', 'a login name of digits is no number')
})

t.test('numbers of another server are other people', async (t) => {
  const { standing, host } = await setUp(t, { users: [{ account: String(id), as: null }] })
  t.equal(await standing({ subject: `${id}@${host}` }), 'yes: listed (octocat)')
  t.equal(await standing({ subject: String(id) }), 'no: another-server')
  t.equal(await standing({ subject: `${id}@ghe.example.test` }), 'no: another-server')
})

t.test(
  'an active member of an organisation enters, and the token that can tell is kept',
  async (t) => {
    const { github, signIn, outcome, standing } = await setUp(t, { organisations: ['octo-org'] })
    t.equal(await outcome(), 'not-allowed: not-a-member', 'there is no such organisation')
    const organisation = github.addOrganisation('octo-org', 9919)
    t.equal(await outcome(), 'not-allowed: not-a-member')
    organisation.members.set(id, 'pending')
    t.equal(await outcome(), 'not-allowed: not-a-member', 'invited is not in')
    organisation.members.set(id, 'active')
    const account = await signIn()
    t.ok(github.tokens.has(account.token ?? ''))
    t.equal(await standing(account), 'yes: member (octocat)')
    organisation.members.delete(id)
    t.equal(await standing(account), 'no: not-a-member, left (octocat)')
  },
)

t.test(
  'an organisation can close itself to us, and a person can keep quiet about it',
  async (t) => {
    const { github, signIn, outcome, standing } = await setUp(t, { organisations: ['octo-org'] })
    const organisation = github.addOrganisation('octo-org', 9919)
    organisation.members.set(id, 'active')
    const account = await signIn()
    organisation.restricted = true
    t.equal(await outcome(), 'organisation-closed: organisation-closed')
    t.equal(await standing(account), 'unknown: organisation-closed (octocat)', 'that is no no')
    organisation.restricted = false
    github.grants = () => ['read:user']
    t.equal(await outcome(), 'permission-missing: permission-missing')
  },
)

t.test('an organisation that was renamed and registered anew lets nobody in', async (t) => {
  const { github, outcome, signIn, standing } = await setUp(t, {
    organisations: ['octo-org'],
    teams: ['octo-org/admins'],
  })
  github.addOrganisation('octo-org', 9919).members.set(id, 'active')
  const account = await signIn()
  const squatted = github.addOrganisation('octo-org', 6666)
  squatted.members.set(id, 'active')
  squatted.teams.set('admins', new Map([[id, 'active']]))
  t.equal(await outcome(), 'not-allowed: not-a-member')
  t.equal(await standing(account), 'no: not-a-member, left (octocat)')
})

t.test('a member of a team enters; of its organisation alone, not', async (t) => {
  const { github, signIn, outcome, standing } = await setUp(t, { teams: ['octo-org/admins'] })
  const organisation = github.addOrganisation('octo-org', 9919)
  organisation.members.set(id, 'active')
  const team = new Map<number, 'active' | 'pending'>()
  organisation.teams.set('admins', team)
  t.equal(await outcome(), 'not-allowed: not-a-member')
  team.set(id, 'pending')
  t.equal(await outcome(), 'not-allowed: not-a-member')
  team.set(id, 'active')
  const account = await signIn()
  t.ok(account.token)
  team.delete(id)
  t.equal(await standing(account), 'no: not-a-member, left (octocat)')
})

t.test('with a token of the organisation nobody lends us his own', async (t) => {
  const { github, signIn, outcome, standing, secrets } = await setUp(t, {
    organisations: ['octo-org'],
    teams: ['octo-org/admins'],
    organisationToken: 'GITHUB_ORGANISATION_TOKEN',
  })
  github.addAccount({ id: 1, login: 'owner' })
  const organisation = github.addOrganisation('octo-org', 9919)
  organisation.restricted = true
  organisation.members.set(1, 'active').set(id, 'active')
  t.equal(await outcome(), 'misconfigured: no-organisation-token')
  secrets.set('GITHUB_ORGANISATION_TOKEN', 'github_pat_owner')
  github.addToken('github_pat_owner', { account: 1, scopes: ['read:org'] })
  const account = await signIn()
  t.equal(account.token, null)
  t.equal(await standing(account), 'yes: member (octocat)')

  t.comment('he renames himself, and somebody else takes the name')
  const renamed = github.accounts.get(id)
  if (renamed !== undefined) renamed.login = 'octocat-the-first'
  github.addAccount({ id: 666, login: 'octocat' })
  t.equal(await standing(account), 'yes: member (octocat-the-first)')
  github.visitor = 666
  t.equal(await outcome(), 'not-allowed: not-a-member')

  t.comment('the name changes hands between two questions of ours')
  organisation.members.set(666, 'active')
  let asked = 0
  Object.defineProperty(renamed, 'login', {
    configurable: true,
    get: () => (asked++ === 0 ? 'octocat' : 'octocat-the-first'),
  })
  t.equal(await standing(account), 'no: not-a-member, left (octocat)')
  Object.defineProperty(renamed, 'login', { value: 'octocat-the-first' })

  organisation.members.delete(id)
  t.equal(await standing(account), 'no: not-a-member, left (octocat-the-first)')
  organisation.teams.set('admins', new Map([[id, 'active']]))
  t.equal(await standing(account), 'yes: member (octocat-the-first)')
  github.tokens.delete('github_pat_owner')
  t.equal(await standing(account), 'unknown: token-refused')
})

t.test('what became of an account is a no when it is certain, else unknown', async (t) => {
  const { github, signIn, standing, edit } = await setUp(t, listed)
  const account = await signIn()
  t.equal(await standing(account), 'yes: listed (octocat)')
  const known = github.accounts.get(id)
  if (known === undefined) throw new Error('no account')
  known.suspended = true
  t.equal(await standing(account), 'no: account-gone', 'whom the table names has not left anything')
  known.suspended = false
  github.accounts.delete(id)
  t.equal(await standing(account), 'no: account-gone')
  github.addAccount(known)

  t.comment('edits of the table')
  edit({ users: [{ account: 'octocat', as: 'somebody-else' as UserId }] })
  t.equal(await standing(account), 'no: named-for-another-user')
  edit({ users: [] })
  t.equal(await standing(account), 'no: not-listed')
  edit(null)
  t.equal(await standing(account), 'no: not-offered')
  edit({ organisations: ['octo-org'] })
  t.equal(await standing(account), 'unknown: no-token', 'he entered by the list')

  t.comment('with his own token')
  github.addOrganisation('octo-org', 9919).members.set(id, 'active')
  const member = await signIn()
  known.suspended = true
  t.equal(await standing(member), 'no: suspended, left')
  known.suspended = false
  github.tokens.clear()
  t.equal(await standing(member), 'unknown: token-revoked')
})

t.test('the eleventh token revokes the oldest: that is not a no', async (t) => {
  const { github, signIn, standing } = await setUp(t, { organisations: ['octo-org'] })
  github.addOrganisation('octo-org', 9919).members.set(id, 'active')
  const first = await signIn()
  for (let i = 0; i < 10; i++) await signIn()
  t.equal(github.tokens.size, 10)
  t.equal(await standing(first), 'unknown: token-revoked')
})

t.test('an answer that says nothing is unknown', async (t) => {
  const { github, provider, signIn, standing } = await setUp(t, { organisations: ['octo-org'] })
  github.addOrganisation('octo-org', 9919).members.set(id, 'active')
  const account = await signIn()
  for (const [fault, reason] of [
    ['error-500', 'status-500'],
    ['error-502-html', 'status-502'],
    ['html', 'not-json'],
    ['garbage', 'not-json'],
    ['array', 'not-json'],
    ['huge', 'too-large'],
    ['endless', 'too-large'],
    ['redirect', 'status-302'],
    ['rate-limit', 'rate-limited'],
    ['secondary-limit', 'rate-limited'],
    ['reset', 'network'],
  ] as const) {
    github.faults.set('user', fault)
    t.equal(await standing(account), `unknown: ${reason}`, fault)
    github.faults.clear()
    github.faults.set('membership', fault)
    t.equal(await standing(account), `unknown: ${reason} (octocat)`, `membership: ${fault}`)
    github.faults.clear()
  }
  github.faults.set('user', 'hang')
  const controller = new AbortController()
  const answer = provider.stillAllowed(linked(account), controller.signal)
  controller.abort()
  t.equal((await answer).verdict, 'unknown', 'broken off')
})

t.test('a store that cannot be read lets nobody in and says no to nobody', async (t) => {
  const github = await startGithub()
  t.teardown(() => github.close())
  github.addAccount({ id, login: 'octocat' })
  github.visitor = id
  const down = () => Promise.reject(new GatehouseError('store-unavailable', 'locked'))
  const provider = createGithub({
    settings: () => githubSettings(github, listed),
    secret: () => github.clientSecret,
    store: { get: down, set: down },
  })
  const attempt = newAttempt(github)
  const back = await wayBack(provider, attempt)
  await t.rejects(provider.finish(back, attempt), { code: 'store-unavailable' })
  const account = linked({ subject: `${id}@${new URL(github.url).host}` })
  const standing = await provider.stillAllowed(account, AbortSignal.timeout(5_000))
  t.equal(standing.verdict, 'unknown')
})
