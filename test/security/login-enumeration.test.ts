// The attack: to learn who has an account. The page, the status, a header, a redirect, the time an answer takes or the moment
// the throttle sets in must not tell a name that exists from one that does not. Authelia counts bans by spelling (CVE-2025-24806,
// CVE-2026-47203): the spelling must not matter either.

import t, { type Test } from 'tap'
import { startLogin, type TestLogin } from '../fixtures/login-app.ts'

const people = [
  { id: 'ada', password: 'her password', totp: true, session: false },
  // Made elsewhere, and much more costly or cheaper than ours.
  { id: 'bert', passwordHash: `$2b$11$${'a'.repeat(53)}`, session: false },
  {
    id: 'cleo',
    passwordHash: `$pbkdf2-sha512$1000$${'c2FsdHNhbHQ'}$${'A'.repeat(86)}`,
    session: false,
  },
  { id: 'dora', session: false },
  { id: 'emil', password: 'switched off', totp: true, disabled: true, session: false },
] as const
const names = [
  ...people.map(({ id }) => id),
  'nobody',
  '../../etc',
  'ada\u0301',
  '-',
  'a'.repeat(64),
]

/** What a visitor sees of a wrong attempt, without what differs between any two answers. */
async function wrongAttempt(login: TestLogin, path: string, fields: Record<string, string>) {
  const visitor = login.visitor()
  const page = await visitor.ask(path === '/password' ? '/' : path)
  const answer = await visitor.submit(page, path, fields)
  const text = answer.text
    .replace(/ name="name" type="text"( value="[^"]*")?/, '')
    .replaceAll(/\?name=[^"]*/g, '')
    .replaceAll(/(name="_csrf" value|csrf-token" content)="[^"]+"/g, '')
  const { 'content-length': _, ...headers } = answer.headers
  return { status: answer.status, headers, text, cookies: answer.setCookies.length }
}

type Answer = Awaited<ReturnType<typeof wrongAttempt>>

/** Says where the first difference is, not what two whole pages look like. */
function sameAs(t: Test, answer: Answer, first: Answer | undefined, name: string): void {
  const { text, ...rest } = answer
  const { text: firstText = '', ...firstRest } = first ?? {}
  t.strictSame(rest, firstRest, name)
  let at = 0
  while (at < text.length && text[at] === firstText[at]) at += 1
  t.equal(text.slice(at, at + 60), firstText.slice(at, at + 60), `${name}: the page`)
}

t.test('a wrong password looks the same for every name', async (t) => {
  const answers = []
  for (const name of names) {
    const login = await startLogin(t, { people })
    answers.push(await wrongAttempt(login, '/password', { name, password: 'guess' }))
  }
  t.equal(answers[0]?.status, 401)
  for (const [i, answer] of answers.entries()) sameAs(t, answer, answers[0], names[i] ?? '')
})

t.test('a wrong recovery code looks the same for every name', async (t) => {
  const answers = []
  for (const name of names) {
    const login = await startLogin(t, { people })
    const code = '00000-00000-00000-00000'
    answers.push(await wrongAttempt(login, '/recovery', { name, code }))
  }
  t.equal(answers[0]?.status, 401)
  for (const [i, answer] of answers.entries()) sameAs(t, answer, answers[0], names[i] ?? '')
})

t.test(
  'a wrong answer always comes at a full step of time, whatever was computed for it',
  async (t) => {
    for (const name of ['ada', 'bert', 'cleo', 'dora', 'emil', 'nobody']) {
      const login = await startLogin(t, { people })
      await wrongAttempt(login, '/password', { name, password: 'guess' })
      // The clock of this test stands still while a hash is computed: what is left to wait is one whole step.
      t.strictSame(login.waits, [500], name)
    }
  },
)

t.test('the throttle sets in at the same attempt for every name', async (t) => {
  const seen = []
  for (const name of ['ada', 'nobody']) {
    const login = await startLogin(t, { people })
    const statuses = []
    for (let i = 0; i < 8; i++) {
      const { status } = await wrongAttempt(login, '/password', { name, password: 'guess' })
      statuses.push(status)
      login.advance(500)
    }
    seen.push(statuses)
  }
  t.strictSame(seen[0], seen[1])
  t.ok(seen[0]?.includes(429))
})

t.test('another spelling of a name is the same account to the throttle', async (t) => {
  const login = await startLogin(t, { people })
  const statuses = []
  for (const name of ['ada', 'Ada', 'ADA', ' ada', 'aDa ']) {
    const { status } = await wrongAttempt(login, '/password', { name, password: 'guess' })
    statuses.push(status)
  }
  t.strictSame(statuses, [401, 401, 401, 429, 429])
})

t.test('a name that nobody has is not written down: people type passwords there', async (t) => {
  const login = await startLogin(t, { people })
  await wrongAttempt(login, '/password', { name: 'my-secret-password', password: 'guess' })
  await wrongAttempt(login, '/password', { name: 'ada', password: 'guess' })
  await login.store.audit.flush()
  const entries = await login.store.audit.list({ event: 'sign-in-failed' })
  t.strictSame(
    entries.map(({ user, details }) => [user, details.reason]),
    [
      ['ada', 'wrong-password'],
      [null, 'unknown-user'],
    ],
  )
  t.notMatch(JSON.stringify([entries, login.logged]), 'my-secret-password')
})
