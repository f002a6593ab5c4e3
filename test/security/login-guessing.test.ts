// The attack: to try passwords and codes until one fits; or to fail on purpose, so that the owner is held up. Guesses cost
// growing time per account and per network, are counted before they are looked at, and never hold up a passkey.

import t, { type Test } from 'tap'
import { startLogin, type TestLogin, totpCode, type Visitor } from '../fixtures/login-app.ts'

const ada = { id: 'ada', password: 'correct horse', totp: true, session: false } as const

async function guessPassword(visitor: Visitor, password = 'guess', name = 'ada') {
  return visitor.submit(await visitor.ask('/'), '/password', { name, password })
}

t.test('after three wrong passwords the account answers 429, longer and longer', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const waits: number[] = []
  for (let i = 0; i < 9; i++) {
    // From a new network each time: the account alone is what counts.
    const answer = await guessPassword(login.visitor(`198.51.100.${i}`))
    if (i < 3) {
      t.equal(answer.status, 401)
      continue
    }
    t.equal(answer.status, 429)
    const seconds = Number(answer.headers['retry-after'])
    waits.push(seconds)
    t.match(answer.words, 'Too many attempts')
    t.match(answer.text, 'value="ada"', 'the name is kept')
    login.advance(seconds * 1000)
    t.equal((await guessPassword(login.visitor(`203.0.113.${i}`))).status, 401)
  }
  t.strictSame(waits, [1, 2, 4, 8, 16, 32])
})

t.test('the delay of an account ends at a quarter of an hour', async (t) => {
  const { context, advance } = await startLogin(t)
  const who = (i: number) => ({ user: 'ada', network: `192.0.2.${i}` })
  let longest = 0
  for (let i = 0; i < 40; i++) {
    const answer = context.throttle.check('password', who(i))
    if (answer.ok) context.throttle.failed('password', who(i))
    else {
      longest = Math.max(longest, answer.retryAfterMs)
      advance(answer.retryAfterMs)
    }
  }
  t.equal(longest, 900_000)
})

t.test('guesses that come at once are counted before the first one is looked at', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, i) => guessPassword(login.visitor(`198.51.100.${i}`))),
  )
  const looked = answers.filter(({ status }) => status === 401)
  t.equal(looked.length, 3)
  t.ok(answers.every(({ status }) => status === 401 || status === 429))
})

t.test('the right password does not get through while the account is held up', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  for (let i = 0; i < 3; i++) await guessPassword(login.visitor(`198.51.100.${i}`))
  t.equal((await guessPassword(login.visitor(), ada.password)).status, 429)
  login.advance(1000)
  t.equal((await guessPassword(login.visitor(), ada.password)).status, 303)
})

t.test(
  'an account under attack does not hold up its owner’s passkey, nor his own network',
  async (t) => {
    const { context } = await startLogin(t)
    for (let i = 0; i < 20; i++) {
      const who = { user: 'ada', network: `198.51.100.${i}` }
      if (context.throttle.check('password', who).ok) context.throttle.failed('password', who)
    }
    const owner = { user: 'ada', network: '192.0.2.1' }
    t.notOk(context.throttle.check('password', owner).ok)
    t.ok(context.throttle.check('passkey', owner).ok)
  },
)

t.test(
  'a network is banned after twenty failures, for everything, and it is told once',
  async (t) => {
    const login = await startLogin(t, { people: [ada] })
    const { throttle } = login.context
    const network = '198.51.100.9'
    for (let i = 0; login.bans.length === 0 && i < 200; i++) {
      const who = { user: `user-${i}`, network }
      const answer = throttle.check('password', who)
      if (answer.ok) throttle.failed('password', who)
      else login.advance(answer.retryAfterMs)
    }
    t.strictSame(login.bans, [network])
    t.match(throttle.check('passkey', { network }), {
      ok: false,
      banned: true,
      retryAfterMs: 900_000,
    })
    const page = await guessPassword(login.visitor(network), ada.password)
    t.equal(page.status, 429)
    t.equal(page.headers['retry-after'], '900')
    t.match(page.words, 'from your network')
    t.equal(
      (await guessPassword(login.visitor(), ada.password)).status,
      303,
      'others are not banned',
    )
    t.strictSame(throttle.bans(), [{ network, remainingMs: 900_000 }])
    login.advance(900_001)
    t.equal((await guessPassword(login.visitor(network), ada.password)).status, 303)
    t.strictSame(throttle.bans(), [])
  },
)

t.test(
  'codes are guessed no faster than passwords, and a right password does not reset them',
  async (t) => {
    const login = await startLogin(t, { people: [ada] })
    const wrong = '000000'
    t.not(totpCode(login.known('ada').totpSecret, login.now()), wrong)
    const statuses: number[] = []
    for (let i = 0; i < 6; i++) {
      const visitor = login.visitor(`198.51.100.${i}`)
      const page = await visitor.follow(await guessPassword(visitor, ada.password))
      statuses.push((await visitor.submit(page, '/second-factor', { code: wrong })).status)
    }
    t.strictSame(statuses, [401, 401, 401, 429, 429, 429])
  },
)

t.test('recovery codes are throttled as well', async (t) => {
  const login = await startLogin(t, { people: [ada] })
  const statuses: number[] = []
  for (let i = 0; i < 5; i++) {
    const visitor = login.visitor(`198.51.100.${i}`)
    const page = await visitor.ask('/recovery')
    const fields = { name: 'ada', code: '00000-00000-00000-00000' }
    statuses.push((await visitor.submit(page, '/recovery', fields)).status)
  }
  t.strictSame(statuses, [401, 401, 401, 429, 429])
})

t.test(
  'with more hashes asked for than the machine shall compute, the rest is 429 and costs nothing',
  async (t) => {
    const login = await startLogin(t, { people: [ada] })
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        guessPassword(login.visitor(`198.51.100.${i}`), 'guess', `user-${i}`),
      ),
    )
    const { 401: looked = [], 429: refused = [] } = Object.groupBy(answers, ({ status }) => status)
    t.equal(looked.length + refused.length, 60)
    t.ok(looked.length <= 30, `${looked.length} were hashed`)
    t.ok(refused.every(({ headers }) => Number(headers['retry-after']) >= 1))
    countsNothing(t, login)
  },
)

/** Who was refused because others were busy has not failed. */
function countsNothing(t: Test, login: TestLogin): void {
  const who = { user: 'user-59', network: '198.51.100.59' }
  t.ok(login.context.throttle.check('password', who).ok)
}
