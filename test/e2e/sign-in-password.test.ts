// Signing in with name, password and code, from outside: a whole gateway, a person who keeps cookies and follows redirects.

import { pbkdf2Sync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { UserId } from '../../src/model.ts'
import { privateRow, recordingBackend, startEdge } from '../fixtures/edge.ts'
import { loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { accountCookie, browserCookie, sessionCookie } from '../fixtures/people.ts'
import { createPerson, fieldFor, formTo, type Page, type Person } from '../fixtures/person.ts'
import {
  enterCode,
  enterPassword,
  signInWithPassword,
  submitPassword,
} from '../fixtures/sign-in.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
let now = Date.now()
/** `old password`, as `htpasswd -B` writes it. */
const bcrypt = '$2y$08$KGzxKDw7qjVw7ZsoEC0nQOHphYUuYFAo.4NRahBN.0Y7BZg/deNFy'
/** As Authelia writes it: base64 with a dot for the plus, without padding. */
const salt = Buffer.from('sixteen bytes of')
const adapted = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '').replaceAll('+', '.')
const pbkdf2 = `$pbkdf2-sha512$20000$${adapted(salt)}$${adapted(pbkdf2Sync('old password', salt, 20_000, 64, 'sha512'))}`
const edge = await startEdge(t, [privateRow('app', backend.port)], {
  now: () => now,
  behindProxy: true,
  people: [
    {
      id: 'diego',
      password: 'correct horse battery',
      totp: true,
      recoveryCodes: true,
      session: false,
    },
    { id: 'erin', password: 'another one', totp: true, recoveryCodes: true, session: false },
    { id: 'ada', displayName: 'Ada', password: 'pass word', totp: true, session: false },
    { id: 'half', password: 'half of it', session: false },
    {
      id: 'from-htpasswd',
      password: 'old password',
      passwordHash: bcrypt,
      totp: true,
      session: false,
    },
    {
      id: 'from-authelia',
      password: 'old password',
      passwordHash: pbkdf2,
      totp: true,
      session: false,
    },
    { id: 'off', password: 'switched off', totp: true, disabled: true, session: false },
  ],
})
const { gateway } = edge
const auth = new URL(loginOrigin).hostname
const app = `https://app.${testDomain}`
/** Each from an address of his own, or one's mistakes would be another's. */
let count = 0
const someone = () => {
  count += 1
  return createPerson(gateway, { address: `198.51.100.${count}` })
}
const later = () => {
  now += 60_000
}

function cookiesOf(person: Person): string[] {
  return person.jar.all().map(({ name }) => name)
}

/** What a reader sees, without what differs from page to page anyhow. */
function sameWords(page: Page): string {
  return page.words.replace(/Request \w+/, '')
}

t.test('password, code, and he is where he wanted to go', async (t) => {
  const person = someone()
  const url = `${app}/deep/er?x=1&y=%2F%20z&rd=https://evil.example/`
  const login = await person.visit(url)
  t.equal(new URL(login.url).origin, loginOrigin)
  t.same(
    cookiesOf(person).filter((name) => !name.startsWith(browserCookie)),
    [],
    'nothing but the browser’s own cookie before there is a session',
  )
  const half = await submitPassword(person, login, gateway.known('diego'))
  t.equal(half.status, 200)
  t.equal(person.jar.value(auth, sessionCookie), null, 'a password is half of it')
  const page = await enterCode(person, half, gateway.known('diego'), { now })
  t.equal(page.url, url)
  t.equal(page.words, 'ok')
  t.match(
    backend.requests.at(-1)?.head,
    /^GET \/deep\/er\?x=1&y=%2F%20z&rd=https:\/\/evil\.example\/ HTTP/,
  )
  t.same(backend.requests.at(-1)?.field('remote-user'), ['diego'])

  const cookies = new Map(person.jar.all().map((cookie) => [cookie.name, cookie]))
  t.match(cookies.get(sessionCookie), {
    domain: testDomain,
    hostOnly: false,
    path: '/',
    secure: true,
    httpOnly: true,
    sameSite: 'lax',
    expiresAt: null,
  })
  t.match(cookies.get(sessionCookie)?.value, /^[\w-]{43}$/)
  t.match(cookies.get(accountCookie), {
    domain: auth,
    hostOnly: true,
    httpOnly: true,
    expiresAt: null,
  })
  later()
})

t.test('signed in, the login page knows him, and every service does', async (t) => {
  const person = someone()
  await signInWithPassword(person, gateway.known('ada'), { now })
  const home = await person.visit(`${loginOrigin}/`)
  t.match(home.words, /Ada/)
  t.equal((await person.request(`${app}/`)).status, 200)
  const account = await person.visit(`${loginOrigin}/account`)
  t.equal(account.url, `${loginOrigin}/account`)
  later()
})

t.test('remembered when he says so', async (t) => {
  const person = someone()
  await signInWithPassword(person, gateway.known('diego'), { now, remember: true })
  const cookie = person.jar.all().find(({ name }) => name === sessionCookie)
  t.ok((cookie?.expiresAt ?? 0) > Date.now() + 86_400_000)
  person.jar.restart()
  t.equal((await person.request(`${app}/`)).status, 200, 'after the browser was closed')
  later()
})

t.test('whoever does not know the password learns nothing', async (t) => {
  const person = someone()
  const known = gateway.known('diego')
  const wrong = await enterPassword(person, known, { password: 'wrong' })
  const unknown = await enterPassword(
    person,
    { ...known, id: 'nobody' as UserId },
    { password: 'wrong' },
  )
  const disabled = await enterPassword(person, gateway.known('off'), { password: 'wrong' })
  t.same([wrong.status, unknown.status, disabled.status], [401, 401, 401])
  t.equal(sameWords(unknown), sameWords(wrong))
  t.equal(sameWords(disabled), sameWords(wrong))
  t.same(
    cookiesOf(person).filter((name) => !name.startsWith(browserCookie)),
    [],
  )
  t.equal(formTo(wrong, '/password').fields.find(({ type }) => type === 'password')?.value, '')
  t.notMatch(wrong.text, 'value="wrong"', 'a password is not written into a page')
  const known2 = formTo(wrong, '/password').fields.find(
    ({ name }) => name === fieldFor(formTo(wrong, '/password'), 'username'),
  )
  t.equal(known2?.value, 'diego', 'the name need not be typed again')
  later()
})

t.test('a wrong code, then the right one, and never the same one twice', async (t) => {
  const person = someone()
  const known = gateway.known('erin')
  let page = await enterPassword(person, known)
  page = await enterCode(person, page, known, { code: '000000' })
  t.equal(page.status, 401)
  t.equal(person.jar.value(auth, sessionCookie), null)
  page = await enterCode(person, page, known, { code: 'abc' })
  t.equal(page.status, 422)
  page = await enterCode(person, page, known, { now })
  t.equal(page.status, 200)
  t.not(person.jar.value(auth, sessionCookie), null)

  const thief = someone()
  const again = await enterPassword(thief, known)
  const replayed = await enterCode(thief, again, known, { now })
  t.equal(replayed.status, 401, 'the code was used')
  t.equal(thief.jar.value(auth, sessionCookie), null)
  const older = await enterCode(thief, replayed, known, { now: now - 30_000 })
  t.equal(older.status, 401, 'nor the one before it')
  later()
})

t.test('a password alone opens nothing', async (t) => {
  const person = someone()
  const page = await enterPassword(person, gateway.known('half'))
  t.equal(page.status, 403)
  t.match(page.words, /second factor/i)
  t.equal(person.jar.value(auth, sessionCookie), null)
})

t.test('somebody who is switched off is told so only when he has shown all of it', async (t) => {
  const person = someone()
  const known = gateway.known('off')
  const half = await enterPassword(person, known)
  const page = await enterCode(person, half, known, { now })
  t.equal(page.status, 403)
  t.equal(person.jar.value(auth, sessionCookie), null)
  later()
})

t.test('a recovery code, once, however it is typed', async (t) => {
  const known = gateway.known('diego')
  const [code = '', other = ''] = known.recoveryCodes
  const use = async (person: Person, text: string): Promise<Page> => {
    const page = await person.visit(`${loginOrigin}/recovery`)
    const form = formTo(page, '/recovery')
    const field = form.fields.find(
      ({ type, name }) => type === 'text' && name !== fieldFor(form, 'username'),
    )
    return person.submit(page, form, {
      [fieldFor(form, 'username')]: known.id,
      [field?.name ?? '']: text,
    })
  }
  const person = someone()
  const page = await use(person, ` ${code.toLowerCase().replaceAll('-', ' ')} `)
  t.equal(page.status, 200)
  t.equal((await person.request(`${app}/`)).status, 200)
  const thief = someone()
  t.equal((await use(thief, code)).status, 401, 'used')
  t.equal((await use(thief, 'AAAAA-BBBBB-CCCCC-DDDDD')).status, 401)
  t.equal(thief.jar.value(auth, sessionCookie), null)
  const elsewhere = someone()
  const notHis = await elsewhere.visit(`${loginOrigin}/recovery`)
  const refused = await elsewhere.submit(notHis, formTo(notHis, '/recovery'), {
    name: 'erin',
    code: other,
  })
  t.equal(refused.status, 401, 'a code is one person’s')
})

t.test('two tabs at once both get in', async (t) => {
  // A browser that starts with two tabs: neither has a cookie when both ask for the page.
  const known = gateway.known('ada')
  const person = someone()
  const [one, two] = await Promise.all([person.visit(`${app}/one`), person.visit(`${app}/two`)])
  const halfOne = await submitPassword(person, one, known)
  const halfTwo = await submitPassword(person, two, known)
  const done = await enterCode(person, halfOne, known, { now })
  t.equal(done.url, `${app}/one`)
  const also = await enterCode(person, halfTwo, known, { now })
  t.equal(also.url, `${app}/two`, 'the second tab need not wait for the next code')
  t.equal((await person.request(`${app}/`)).status, 200)
  later()
})

t.test('a password hashed elsewhere is good, and hashed anew', async (t) => {
  for (const id of ['from-htpasswd', 'from-authelia']) {
    const known = gateway.known(id)
    const wrong = await enterPassword(someone(), known, { password: 'old passworD' })
    t.equal(wrong.status, 401, id)
    const person = someone()
    t.equal((await signInWithPassword(person, known, { now })).status, 200, id)
    const { password } = await gateway.change(({ users }) => users.credentials(known.id))
    t.match(password?.hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/, id)
    later()
    const again = someone()
    t.equal((await signInWithPassword(again, known, { now })).status, 200, `${id}, the new hash`)
    later()
  }
})

t.test('no password and no code is in any log', async (t) => {
  await gateway.accessLines()
  const access = await readFile(join(gateway.directory, 'access.log'), 'utf8')
  const all = access + JSON.stringify(gateway.events())
  for (const secret of [
    'correct horse',
    'another one',
    'old password',
    'switched off',
    ...gateway.known('diego').recoveryCodes,
  ]) {
    t.notMatch(all, secret)
  }
  t.notMatch(all, gateway.known('diego').totpSecret)
  t.notMatch(access, /[?&](rd|flow|name)=/, 'the query of the login page is not written down')
})
