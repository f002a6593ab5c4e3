// Somebody whose session ended, or who was removed, while his pages were open: every button then says "sign in again".

import { createRequire } from 'node:module'
import t from 'tap'
import type { UserId } from '../../src/model.ts'
import {
  loginOrigin,
  type Seen,
  startLogin,
  targetOf,
  totpCode,
  type Visitor,
} from '../fixtures/login-app.ts'
import { accountCookie } from '../fixtures/people.ts'

const ada = { id: 'ada', password: 'correct horse', totp: true, recoveryCodes: true } as const
/** What forms are filled in with, so that they come as far as they can. */
const values = {
  label: 'New',
  current: ada.password,
  password: 'a better horse',
  'new-password': 'a better horse',
  repeat: 'a better horse',
  code: 'ABCD-EFGH',
}

async function start(t: Parameters<typeof startLogin>[0]) {
  const login = await startLogin(t, { people: [ada, { id: 'ben' }] })
  const signedIn = (): Visitor => {
    const visitor = login.visitor()
    const { token, accountToken } = login.known('ada').session
    const domain = login.context.domain()
    visitor.jar.put({ name: '__Secure-gatehouse', value: token, domain, hostOnly: false })
    visitor.jar.put({ name: accountCookie, value: accountToken, domain: login.context.loginHost() })
    return visitor
  }
  return { login, signedIn }
}

/** Every page that the account leads to. */
async function open(visitor: Visitor): Promise<readonly Seen[]> {
  const opened = new Map<string, Seen>()
  const waiting = ['/account', '/approve']
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (opened.has(path) || opened.size >= 40) continue
    const page = await visitor.ask(path)
    opened.set(path, page)
    for (const link of page.links) {
      if (link.startsWith(`${loginOrigin}/`)) waiting.push(targetOf(link))
    }
  }
  return [...opened.values()].filter(({ status }) => status === 200)
}

for (const [what, isSeen] of [
  ['removed, which this process has not noticed yet', false],
  ['removed', true],
  ['signed out everywhere', true],
] as const) {
  t.test(`pages of somebody who was ${what}`, async (t) => {
    const { login, signedIn } = await start(t)
    const visitor = signedIn()
    const opened = await open(visitor)
    const forms = opened.flatMap((page) =>
      page.forms.filter(({ method }) => method === 'POST').map((form) => ({ page, form })),
    )
    t.ok(forms.length > 9, `there is much to click on: ${forms.length}`)
    const { id } = login.known('ada')
    if (what === 'signed out everywhere') await login.context.sessions.endUser(id, 'revoked')
    else await login.store.users.removeUser(id)
    if (isSeen) await login.context.sessions.load()
    for (const { page, form } of forms) {
      const path = targetOf(form.action)
      const names = form.fields.map(({ name }) => name)
      const fill = Object.fromEntries(
        Object.entries(values).filter(([name]) => names.includes(name)),
      )
      const answer = await visitor.submit(page, path, fill)
      t.ok(answer.status < 500, `POST ${path}: ${answer.status} ${answer.words.slice(0, 80)}`)
      const end = await visitor.follow(answer)
      t.ok(end.status < 500, `and what it leads to: ${end.status}`)
    }
    for (const { url } of opened) {
      const page = await visitor.follow(await visitor.ask(targetOf(url)))
      t.ok(page.status < 500, `GET ${url}: ${page.status}`)
    }
    t.strictSame(
      login.logged.filter(({ level }) => level === 'error'),
      [],
      'nor is it a bug to anybody',
    )
  })
}

t.test('somebody who is removed between his code and his session', async (t) => {
  let removing = false
  const login = await startLogin(t, {
    people: [ada],
    change(context) {
      const { users } = context
      const user = async (id: UserId) => {
        const found = await users.user(id)
        if (removing) await users.removeUser(id)
        return found
      }
      return { ...context, users: { ...users, user } }
    },
  })
  const visitor = login.visitor()
  const { id, password, totpSecret } = login.known('ada')
  const page = await visitor.send(await visitor.ask('/'), '/password', {
    name: id,
    password: password ?? '',
  })
  removing = true
  const code = totpCode(totpSecret, login.now())
  const answer = await visitor.submit(page, '/second-factor', { code })
  t.equal(answer.status, 409)
  t.match(answer.words, 'Please sign in again')
  t.notOk(visitor.isSignedIn())
  t.equal(login.context.sessions.size, 1, 'the one he had before, which the next reading ends')
})

t.test('somebody who is disabled by a command between his code and his session', async (t) => {
  let disabling = false
  const login = await startLogin(t, {
    people: [ada],
    change(context) {
      const { users, sessions } = context
      const begin: typeof sessions.begin = async (input) => {
        const issued = await sessions.begin(input)
        if (disabling) await users.changeUser(input.user.id, { disabled: true })
        return issued
      }
      return { ...context, sessions: { ...sessions, begin } }
    },
  })
  const visitor = login.visitor()
  const { id, password, totpSecret } = login.known('ada')
  const page = await visitor.send(await visitor.ask('/'), '/password', {
    name: id,
    password: password ?? '',
  })
  disabling = true
  await visitor.submit(page, '/second-factor', { code: totpCode(totpSecret, login.now()) })
  t.notOk(visitor.isSignedIn(), 'noticed with the sign-in, not with the next reading')
})

t.test('no page needs what compiles schemas, and it is not loaded', async (t) => {
  const { login, signedIn } = await start(t)
  await open(signedIn())
  t.equal((await login.visitor().ask('/')).status, 200)
  const loaded = Object.keys(createRequire(import.meta.url).cache)
  t.ok(loaded.some((file) => file.includes('/node_modules/fastify/')))
  t.strictSame(
    loaded.filter((file) =>
      /\/(?:ajv|fast-json-stringify-compiler|fast-json-stringify\/index)\b/.test(file),
    ),
    [],
  )
})
