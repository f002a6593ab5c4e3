// From GitHub's callback to a token: what is believed of the way back, and what of the answer.

import t, { type Test } from 'tap'
import { createGithub } from '../../src/auth/app/github.ts'
import { type Attempt, ProviderError } from '../../src/auth/app/provider.ts'
import {
  askProvider,
  isSafeAddress,
  maxProviderAnswerBytes,
} from '../../src/auth/app/provider-http.ts'
import { makeCa } from '../fixtures/certificates.ts'
import { startGithub } from '../fixtures/github.ts'
import { githubSettings, memorySettings, newAttempt, wayBack } from '../fixtures/github-settings.ts'

async function setUp(t: Test) {
  const github = await startGithub()
  t.teardown(() => github.close())
  github.addAccount({ id: 583231, login: 'octocat' })
  github.visitor = 583231
  let secret: string | null = github.clientSecret
  const provider = createGithub({
    settings: () => githubSettings(github, { users: [{ account: 'octocat', as: null }] }),
    secret: () => secret,
    store: memorySettings(),
  })
  /** Comes back with the query as `spoil` leaves it. */
  async function finish(
    spoil: (query: URLSearchParams) => void = () => {},
    attempt: Attempt = newAttempt(github),
  ): Promise<string> {
    const query = await wayBack(provider, attempt)
    spoil(query)
    return outcome(query, attempt)
  }
  async function outcome(query: URLSearchParams, attempt: Attempt): Promise<string> {
    try {
      return `entered as ${(await provider.finish(query, attempt)).login}`
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      // Errors go into logs and pages: nothing of what came or of our own secrets may be in them.
      const text = `${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`
      for (const hidden of [...query.values(), attempt.verifier, github.clientSecret]) {
        if (hidden.length > 12) t.notOk(text.includes(hidden), 'no secret in the error')
      }
      for (const token of github.tokens.keys()) t.notOk(text.includes(token))
      return `${error.code}: ${error.detail}`
    }
  }
  return {
    github,
    provider,
    finish,
    outcome,
    setSecret(value: string | null) {
      secret = value
    },
  }
}

t.test('state and issuer must be those of the attempt', async (t) => {
  const { github, finish } = await setUp(t)
  const issuer = `${github.url}/login/oauth`
  t.equal(await finish(), 'entered as octocat')
  t.equal(await finish((q) => q.delete('iss')), 'entered as octocat', 'an older Enterprise server')
  t.equal(await finish((q) => q.set('iss', 'https://evil.test/login/oauth')), 'invalid: issuer')
  t.equal(await finish((q) => q.set('iss', `${issuer}/`)), 'invalid: issuer')
  t.equal(await finish((q) => q.set('iss', '')), 'invalid: issuer')
  t.equal(await finish((q) => q.append('iss', issuer)), 'invalid: callback', 'twice')
  t.equal(await finish((q) => q.set('state', newAttempt(github).state)), 'invalid: callback')
  t.equal(await finish((q) => q.delete('state')), 'invalid: callback')
  t.equal(await finish((q) => q.append('state', 'x')), 'invalid: callback')
  t.equal(await finish((q) => q.set('id_token', 'x')), 'invalid: callback', 'a flow we never began')
  t.equal(await finish((q) => q.set('response', 'x')), 'invalid: callback')
})

t.test('one code, readable, of this attempt, once', async (t) => {
  const { github, provider, finish, outcome } = await setUp(t)
  t.equal(await finish((q) => q.delete('code')), 'invalid: no-code')
  t.equal(await finish((q) => q.set('code', '')), 'invalid: no-code')
  t.equal(await finish((q) => q.append('code', 'x')), 'invalid: no-code')
  t.equal(await finish((q) => q.set('code', 'a b')), 'invalid: no-code')
  t.equal(await finish((q) => q.set('code', 'x'.repeat(600))), 'invalid: no-code')
  t.equal(await finish((q) => q.set('code', 'guessed')), 'invalid: bad-verification-code')

  const attempt = newAttempt(github)
  const query = await wayBack(provider, attempt)
  t.equal(await outcome(query, attempt), 'entered as octocat')
  t.equal(await outcome(query, attempt), 'invalid: bad-verification-code', 'replayed')

  const late = newAttempt(github)
  const back = await wayBack(provider, late)
  const madeAt = Date.now()
  github.now = () => madeAt + 601_000
  t.equal(await outcome(back, late), 'invalid: bad-verification-code', 'after ten minutes')
})

t.test("a code from somebody else's attempt is worth nothing here: PKCE", async (t) => {
  const { github, provider, finish } = await setUp(t)
  const theirs = (await wayBack(provider, newAttempt(github))).get('code') ?? ''
  t.equal(await finish((q) => q.set('code', theirs)), 'invalid: bad-verification-code')
})

t.test(
  'what GitHub says of us is the owner’s business, what it says of a person is his',
  async (t) => {
    const { github, finish, setSecret } = await setUp(t)
    github.consent = 'deny'
    t.equal(await finish(), 'denied: access-denied')
    github.consent = 'grant'
    t.equal(
      await finish(undefined, newAttempt(github, { redirectUri: 'https://evil.test/' })),
      'misconfigured: redirect-uri-mismatch',
    )
    setSecret('wrong')
    t.equal(await finish(), 'misconfigured: incorrect-client-credentials')
    setSecret(null)
    await t.rejects(finish(), { code: 'misconfigured', detail: 'no-client-secret' })
    setSecret(github.clientSecret)
    t.equal(await finish((q) => q.set('error', 'server_error')), 'unavailable: server-error')
    t.equal(await finish((q) => q.set('error', '<script>alert(1)</script>')), 'invalid: other')
    t.equal(await finish((q) => q.set('error', '__proto__')), 'invalid: other')
  },
)

t.test('an answer to the code that is none', async (t) => {
  const { github, finish } = await setUp(t)
  for (const [fault, expected] of [
    ['error-500', 'unavailable: token-status-500'],
    ['error-502-html', 'unavailable: token-status-502'],
    ['html', 'unavailable: token-not-json'],
    ['garbage', 'unavailable: token-not-json'],
    ['array', 'unavailable: token-not-json'],
    ['huge', 'unavailable: too-large'],
    ['endless', 'unavailable: too-large'],
    ['redirect', 'unavailable: token-status-302'],
    ['reset', 'unavailable: network'],
  ] as const) {
    github.faults.set('token', fault)
    t.equal(await finish(), expected, fault)
  }
  github.faults.clear()
  for (const [fault, expected] of [
    ['error-500', 'unavailable: status-500'],
    ['html', 'unavailable: not-json'],
    ['huge', 'unavailable: too-large'],
    ['rate-limit', 'unavailable: rate-limited'],
  ] as const) {
    github.faults.set('user', fault)
    t.equal(await finish(), expected, fault)
  }
})

t.test('a redirect is not followed, wherever it leads', async (t) => {
  const { github, finish } = await setUp(t)
  github.faults.set('user', 'redirect')
  await finish()
  t.notOk(github.requests.some(({ path }) => path === '/elsewhere'))
})

t.test('the token endpoint is asked with the secret in the body and for JSON', async (t) => {
  const { github, finish } = await setUp(t)
  await finish()
  const asked = github.requests.find(({ endpoint }) => endpoint === 'token')
  const body = new URLSearchParams(asked?.body)
  t.equal(asked?.authorization, null)
  t.equal(asked?.path, '/login/oauth/access_token', 'nothing in the address')
  t.equal(body.get('client_secret'), github.clientSecret)
  t.equal(body.get('redirect_uri'), github.callbackUrl)
  t.match(body.get('code_verifier'), /^[\w-]{43}$/)
})

t.test('whoever does not answer in time has not answered', async (t) => {
  const { github } = await setUp(t)
  github.faults.set('user', 'hang')
  const question = { method: 'GET', headers: {}, deadlineMs: 20 } as const
  await t.rejects(askProvider(`${github.apiUrl}/user`, question), {
    code: 'unavailable',
    detail: 'timeout',
  })
})

t.test('an answer may be as large as the bound, and no byte larger', async (t) => {
  const { github } = await setUp(t)
  github.faults.set('user', 'huge')
  await t.rejects(askProvider(`${github.apiUrl}/user`, { method: 'GET', headers: {} }), {
    code: 'unavailable',
    detail: 'too-large',
  })
  t.ok(maxProviderAnswerBytes < 300_000, 'what the fake sends is more')
})

t.test('a server that cannot prove who it is gets no question', async (t) => {
  const ca = await makeCa()
  const { certPem, keyPem } = await ca.issue({ names: ['127.0.0.1', 'localhost'] })
  const github = await startGithub({ tls: { cert: certPem, key: keyPem } })
  t.teardown(() => github.close())
  await t.rejects(
    askProvider(`${github.apiUrl}/user`, { method: 'GET', headers: { authorization: 'Bearer x' } }),
    { code: 'unavailable', detail: 'network' },
  )
  t.equal(github.requests.length, 0)
})

t.test('plain HTTP is for this machine alone', async (t) => {
  for (const address of [
    'https://github.com/x',
    'http://127.0.0.1:3000/x',
    'http://127.9.9.9/',
    'http://[::1]:1/',
    'http://localhost/',
  ]) {
    t.equal(isSafeAddress(address), true, address)
  }
  for (const address of [
    'http://github.com/',
    'http://127.0.0.1.evil.test/',
    'http://localhost.evil.test/',
    'http://10.0.0.1/',
    'https://user:secret@github.com/',
    'ftp://127.0.0.1/',
    'data:application/json,{}',
    'nonsense',
  ]) {
    t.equal(isSafeAddress(address), false, address)
  }
  await t.rejects(askProvider('http://github.com/', { method: 'GET', headers: {} }), {
    code: 'misconfigured',
    detail: 'insecure-address',
  })
})
