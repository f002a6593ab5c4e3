// A signed-in device lets a new one in: the code, who may approve, what the new session is worth, and every way it must not work.

import t, { type Test } from 'tap'
import { createApprovals, readApprovalCode } from '../../src/auth/app/approvals.ts'
import {
  appOrigin,
  loginDomain,
  loginHost,
  startLogin,
  type TestLogin,
  type Visitor,
} from '../fixtures/login-app.ts'
import { accountCookie, sessionCookie, type TestPerson } from '../fixtures/people.ts'

const deep = `${appOrigin}/albums/7`

async function begin(t: Test, person: Partial<TestPerson> = {}) {
  const login = await startLogin(t, { people: [{ id: 'ada', ...person }] })
  const owner = login.visitor('192.0.2.7')
  const { session } = login.known('ada')
  owner.jar.take(loginHost, '/', [
    `${sessionCookie}=${session.token}; Domain=${loginDomain}; Path=/; Secure`,
    `${accountCookie}=${session.accountToken}; Path=/; Secure`,
  ])
  return { login, owner }
}

/** A new device that shows a code. */
async function ask(login: TestLogin, from = '192.0.2.7', query = '') {
  const visitor = login.visitor(from)
  const waiting = await visitor.send(await visitor.ask(`/approve/new${query}`), '/approve/new')
  const code = /<code>([0-9A-Z]{4}-[0-9A-Z]{4})<\/code>/.exec(waiting.text)?.[1] ?? ''
  return { visitor, waiting, code }
}

async function stateOf(visitor: Visitor): Promise<unknown> {
  const { text } = await visitor.ask('/approve/state', { headers: { accept: 'application/json' } })
  return JSON.parse(text).state
}

async function approve(owner: Visitor, code: string) {
  return owner.submit(await owner.ask(`/approve?code=${code}`), '/approve')
}

t.test(
  'the new device is signed in where it wanted to go, as weak or strong as the old one',
  async (t) => {
    for (const secondFactor of [true, false]) {
      const { login, owner } = await begin(t, { session: { secondFactor } })
      const { visitor, waiting, code } = await ask(
        login,
        '192.0.2.7',
        `?rd=${encodeURIComponent(deep)}`,
      )
      t.match(waiting.text, '<svg class="qr"')
      t.equal(await stateOf(visitor), 'waiting')
      const shown = await owner.ask(`/approve?code=${code.toLowerCase().replace('-', '+')}`)
      t.match(shown.words, code)
      t.match(shown.words, 'Firefox on Linux')
      t.match(shown.words, '192.0.2.7')
      t.notMatch(shown.words, 'another network')
      t.equal((await owner.submit(shown, '/approve')).status, 200)
      t.equal(await stateOf(visitor), 'approved')
      t.notOk(visitor.isSignedIn(), 'by looking nobody is signed in')
      const done = await visitor.submit(await visitor.ask('/approve/wait'), '/approve/finish')
      t.strictSame([done.status, done.headers.location], [303, deep])
      const own = login.known('ada').session.ref
      const made = login.context.sessions.list().find(({ record }) => record.ref !== own)
      t.match(made?.record, { user: 'ada', methods: ['approved'], passkey: false, secondFactor })
      await login.store.audit.flush()
      t.match(await login.store.audit.list({ event: 'device-approved' }), [
        { user: 'ada', details: { device: 'Firefox on Linux', address: '192.0.2.7' } },
      ])
    }
  },
)

t.test('a code works once, for its own browser, for five minutes', async (t) => {
  const { login, owner } = await begin(t)
  const { visitor, code } = await ask(login)
  const confirm = await owner.ask(`/approve?code=${code}`)
  t.equal((await owner.submit(confirm, '/approve')).status, 200)
  t.equal((await owner.submit(confirm, '/approve')).status, 410, 'approved twice')
  const thief = login.visitor()
  t.equal((await thief.ask('/approve/wait')).status, 410)
  const page = await visitor.ask('/approve/wait')
  t.equal((await visitor.submit(page, '/approve/finish')).status, 303)
  t.equal((await visitor.submit(page, '/approve/finish')).status, 410, 'finished twice')

  const late = await ask(login)
  const open = await owner.ask(`/approve?code=${late.code}`)
  login.advance(300_000)
  t.equal((await owner.submit(open, '/approve')).status, 410)
  t.equal(await stateOf(late.visitor), 'gone')

  const tardy = await ask(login)
  await approve(owner, tardy.code)
  const go = await tardy.visitor.ask('/approve/wait')
  login.advance(300_000)
  t.equal((await tardy.visitor.submit(go, '/approve/finish')).status, 410)
  t.notOk(tardy.visitor.isSignedIn())
})

t.test('a device in another network is pointed out, and can be refused', async (t) => {
  const { login, owner } = await begin(t)
  const { visitor, code } = await ask(login, '203.0.113.66')
  const shown = await owner.ask(`/approve?code=${code}`)
  t.match(shown.words, 'another network')
  t.match(shown.words, '203.0.113.66')
  t.equal((await owner.submit(shown, '/approve/refuse')).status, 200)
  t.equal(await stateOf(visitor), 'gone')
  t.equal((await owner.submit(shown, '/approve')).status, 410)
})

t.test('only somebody signed in lately approves', async (t) => {
  const { login, owner } = await begin(t)
  const { code, visitor } = await ask(login)
  t.equal((await login.visitor().ask(`/approve?code=${code}`)).status, 303)
  const shown = await owner.ask(`/approve?code=${code}`)
  login.advance(600_001)
  const fresh = await ask(login)
  t.match((await owner.submit(shown, '/approve')).headers.location, 'reason=not-recent')
  const asked = await owner.ask(`/approve?code=${fresh.code}`)
  const to = new URL(asked.headers.location ?? '', `https://${loginHost}`)
  const plain = fresh.code.replace('-', '')
  t.equal(to.searchParams.get('rd'), `https://${loginHost}/approve?code=${plain}`)
  t.notOk(visitor.isSignedIn())
})

t.test(
  'when the one who approved is signed out before the new device goes on, it gets nothing',
  async (t) => {
    const { login, owner } = await begin(t)
    const { visitor, code } = await ask(login)
    await approve(owner, code)
    const page = await visitor.ask('/approve/wait')
    await login.context.sessions.endUser(login.known('ada').id, 'test')
    t.equal((await visitor.submit(page, '/approve/finish')).status, 410)
    t.notOk(visitor.isSignedIn())
  },
)

t.test('what came from a provider account ends with it, on the new device too', async (t) => {
  const { login, owner } = await begin(t, { session: { account: 'github:1' } })
  const { visitor, code } = await ask(login)
  await approve(owner, code)
  await visitor.submit(await visitor.ask('/approve/wait'), '/approve/finish')
  t.ok(visitor.isSignedIn())
  await login.context.sessions.endAccount('github:1', 'left')
  t.notOk(visitor.isSignedIn())
})

t.test('guessing codes is slowed down', async (t) => {
  const { owner } = await begin(t)
  const statuses = []
  for (let i = 0; i < 8; i++) {
    statuses.push((await owner.ask(`/approve?code=AAAAAAA${i}`)).status)
  }
  t.equal(statuses[0], 404)
  t.equal(statuses.at(-1), 429)
})

t.test('a page of another host cannot try codes in its visitor’s name', async (t) => {
  const { login, owner } = await begin(t)
  const { code } = await ask(login)
  for (const site of ['same-site', 'cross-site']) {
    for (let i = 0; i < 30; i++) {
      const headers = { 'sec-fetch-site': site }
      const page = await owner.ask(`/approve?code=AAAAAAA${i % 10}`, { headers })
      t.equal(page.status, 200, 'shown, and nothing counted')
    }
    const lured = await owner.ask(`/approve?code=${code}`, { headers: { 'sec-fetch-site': site } })
    t.notMatch(lured.text, 'action="/approve/refuse"', 'nor is a right one one click away')
  }
  t.strictSame(login.bans, [])
  const scanned = await owner.ask(`/approve?code=${code}`, {
    headers: { 'sec-fetch-site': 'none' },
  })
  t.match(scanned.words, 'Let this device in?')
})

t.test('codes are read however they are typed', async (t) => {
  for (const typed of ['ABCD-0123', 'abcd 0123', ' abcd–OI23 ', 'ABCDO123']) {
    t.match(readApprovalCode(typed), /^ABCD0[01]\d3$/, typed)
  }
  for (const typed of ['', 'ABCD', 'ABCD-0123-4', 'ABCDU123', 'x'.repeat(100)]) {
    t.equal(readApprovalCode(typed), null, typed)
  }
})

t.test('those who wait are bounded, per network and altogether', async (t) => {
  let clock = 1_000_000
  let byte = 0
  const approvals = createApprovals({
    now: () => clock,
    randomBytes(size) {
      byte += 1
      return Buffer.from(Array.from({ length: size }, (_, i) => (byte >> (5 * i)) & 31))
    },
  })
  const asks = { userAgent: '', address: '', returnTo: null, reason: null, remember: false }
  const first = approvals.begin('first', { ...asks, network: 'a' })
  for (let i = 0; i < 9; i++) approvals.begin(`a${i}`, { ...asks, network: 'a' })
  t.ok(approvals.byCode(first.code))
  approvals.begin('a10', { ...asks, network: 'a' })
  t.equal(approvals.byCode(first.code), null, 'the oldest of its network made room')
  const own = approvals.begin('own', { ...asks, network: 'b' })
  t.not(approvals.begin('own', { ...asks, network: 'b' }).code, own.code, 'one per browser')
  t.equal(approvals.byCode(own.code), null)
  for (let i = 0; i < 600; i++) approvals.begin(`x${i}`, { ...asks, network: `n${i}` })
  t.equal(approvals.of('a10'), null)
  t.ok(approvals.of('x599'))
  clock -= 1
  t.equal(approvals.of('x599'), null, 'a clock that was set back trusts nothing')
})
