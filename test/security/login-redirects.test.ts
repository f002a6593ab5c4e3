// Two attacks and a nuisance. A script, a picture or a program that gets a redirect instead of 401 follows it: Radicale's clients
// and Gitea's break, a service worker stores the login page, an upload is lost. A login page that leads wherever `rd` says sends
// the password's owner to a copy of it: oauth2-proxy CVE-2020-5233, -4037, -11053, CVE-2021-21291; Authelia CVE-2021-29456;
// Pocket ID CVE-2026-28512. And what cannot be a header must not become one: `rd=%0d%0aSet-Cookie:…`.

import t from 'tap'
import { webSocketBackend } from '../fixtures/backends.ts'
import { privateRow, publicRow, recordingBackend, startEdge } from '../fixtures/edge.ts'
import { loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { createPerson, formTo, type Person } from '../fixtures/person.ts'
import { signInWithPassword } from '../fixtures/sign-in.ts'
import { UpgradeRefused } from '../fixtures/web-socket-client.ts'

const backend = await recordingBackend()
const sockets = await webSocketBackend()
t.teardown(() => Promise.all([backend.close(), sockets.close()]))
let now = Date.now()
const edge = await startEdge(
  t,
  [
    privateRow('app', backend.port),
    publicRow('open', backend.port, 'sharesUpstreamWith: [app/, photos/photoprism]'),
    privateRow('chat', sockets.port, 'access: login, webSocket: true'),
    `  - { host: photos, to: { landing: /photoprism }, access: public }`,
    privateRow('photos', backend.port, 'path: /photoprism, access: login'),
  ],
  {
    people: [{ id: 'diego', password: 'correct horse', totp: true, session: false }],
    now: () => now,
  },
)
const { gateway } = edge
const app = `https://app.${testDomain}`

const document = {
  accept: 'text/html,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
}

t.test('a person who opens a page is sent to sign in, and nobody else', async (t) => {
  const person = createPerson(gateway)
  const url = `${app}/deep/path?x=1&y=%20z`
  const { status, headers } = await person.request(url, { headers: document })
  t.equal(status, 303)
  t.equal(headers.location, `${loginOrigin}/?rd=${encodeURIComponent(url)}`)
  t.match(headers['cache-control'], 'no-store')
  const old = await person.request(url, { headers: { accept: 'text/html' } })
  t.equal(old.status, 303, 'an old browser says no more than that')

  for (const [what, asked] of Object.entries({
    'a script’s fetch': {
      headers: { accept: '*/*', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    },
    'a script that wants HTML': {
      headers: { accept: 'text/html', 'sec-fetch-mode': 'same-origin' },
    },
    'an old library': { headers: { accept: 'text/html', 'x-requested-with': 'XMLHttpRequest' } },
    'a picture': {
      headers: { accept: 'image/*', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
    },
    'a frame': { headers: { ...document, 'sec-fetch-dest': 'iframe' } },
    curl: { headers: { accept: '*/*' } },
    'a program that says nothing': {},
    'a calendar': { method: 'PROPFIND', headers: { depth: '1' } },
    git: { headers: { 'user-agent': 'git/2.43', accept: '*/*' } },
    'a form': { method: 'POST', headers: document, body: 'x=1' },
    'an upload': { method: 'PUT', body: 'x' },
    'a preflight': {
      method: 'OPTIONS',
      headers: { origin: app, 'access-control-request-method': 'PUT' },
    },
    JSON: { headers: { ...document, accept: 'application/json', 'sec-fetch-mode': 'cors' } },
  })) {
    const answer = await person.request(url, asked)
    t.equal(answer.status, 401, what)
    t.equal(answer.headers.location, undefined, what)
    t.match(answer.headers['x-gatehouse-sign-in'], `${loginOrigin}/?rd=`, what)
    t.match(answer.headers['www-authenticate'], /./, 'RFC 9110 §15.5.2 asks for it')
  }
  t.equal(backend.requests.length, 0)
})

t.test('a form that was sent leads back to the service, not to a repetition', async (t) => {
  const person = createPerson(gateway)
  const { headers } = await person.request(`${app}/delete?id=1`, {
    method: 'POST',
    headers: document,
    body: 'x=1',
  })
  const to = new URL(String(headers['x-gatehouse-sign-in'])).searchParams.get('rd')
  t.equal(to, `${app}/`)
})

t.test('a WebSocket gets 401', async (t) => {
  const person = createPerson(gateway)
  const error = await person.webSocket(`https://chat.${testDomain}/x`).then(
    () => null,
    (refused: unknown) => refused,
  )
  t.ok(error instanceof UpgradeRefused)
  if (!(error instanceof UpgradeRefused)) return
  t.equal(error.status, 401)
  t.equal(error.headers.location, undefined)
  t.match(error.headers['x-gatehouse-sign-in'], loginOrigin)
  t.equal(sockets.accepted(), 0)
})

/** Where a sign-in that was asked for with `rd` ends. */
async function endOf(rd: string): Promise<string> {
  now += 60_000
  const person = createPerson(gateway)
  const at = `${loginOrigin}/?rd=${rd}`
  const page = await signInWithPassword(person, gateway.known('diego'), { at, now })
  for (const { location } of page.hops) {
    if (location !== null) t.notMatch(location, /evil/, rd)
  }
  return page.url
}

t.test('the way back: our hosts alone', async (t) => {
  const back = `${app}/a/b?c=d&e=%26`
  t.equal(await endOf(encodeURIComponent(back)), back)
  t.equal(
    await endOf(encodeURIComponent(`https://open.${testDomain}/x`)),
    `https://open.${testDomain}/x`,
  )
  const service = await endOf(encodeURIComponent(`https://photos.${testDomain}/`))
  t.equal(
    service,
    `https://photos.${testDomain}/photoprism`,
    'from the landing page to the service',
  )
})

const evil: readonly string[] = [
  'https://evil.example/',
  '//evil.example/',
  '/\\evil.example',
  '\\\\evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https:///evil.example',
  'javascript:alert(1)//evil',
  'data:text/html,evil',
  `https://evil${testDomain}/`,
  `https://${testDomain}.evil.example/`,
  `https://app.${testDomain}.evil.example/`,
  `https://app.${testDomain}@evil.example/`,
  `https://app.${testDomain}:x@evil.example/`,
  `https://evil.example\\@app.${testDomain}/`,
  `https://evil.example#@app.${testDomain}/`,
  `https://evil.example?app.${testDomain}/`,
  `https://app.${testDomain}:8443/evil`,
  `http://app.${testDomain}/evil`,
  `https://unrouted.${testDomain}/evil`,
  `https://proxy.${testDomain}.:443/evil`,
  `https://app.${testDomain}\t.evil.example/`,
  `https://app.${testDomain}\n.evil.example/`,
  `https://app.${testDomain}\r\nSet-Cookie: evil=1`,
  `https://app.${testDomain}/\r\nSet-Cookie: evil=1`,
  `\thttps://evil.example/`,
  `https://аpp.${testDomain}/evil`,
  `https://app.${testDomain}\u3002evil.example/`,
  `https://app%2e${testDomain}/evil`,
  `https://app.${testDomain}%2f@evil.example/`,
  `blob:https://app.${testDomain}/evil`,
  `https://[::1]/evil`,
  `https://127.0.0.1/evil`,
  `ftp://app.${testDomain}/evil`,
  `https://app.${testDomain}/${'evil'.repeat(3000)}`,
]

t.test('and nowhere else, in whatever spelling', async (t) => {
  const person = createPerson(gateway)
  for (const text of evil) {
    const page = await person.visit(`${loginOrigin}/?rd=${encodeURIComponent(text)}`)
    t.equal(page.hops.length, 1, text)
    if (page.status !== 200) {
      t.ok(page.status === 400 || page.status === 414, `${page.status} ${text.slice(0, 40)}`)
      continue
    }
    t.notMatch(JSON.stringify(page.headers), /evil/, text)
    const carried = formTo(page, '/password').fields.filter(({ value }) => value.includes('evil'))
    t.same(carried, [], text)
  }
  // With the form edited by hand, too; two of them stand for all, because each costs a password.
  for (const text of [`https://app.${testDomain}@evil.example/`, '//evil.example/']) {
    now += 60_000
    const known = gateway.known('diego')
    const one = await person.visit(`${loginOrigin}/`)
    const form = formTo(one, '/password')
    const two = await person.submit(one, form, {
      rd: text,
      name: known.id,
      password: 'correct horse',
    })
    t.notMatch(JSON.stringify(two.headers) + JSON.stringify(two.hops), /evil/, text)
    person.jar.clear()
  }
  t.equal(await endOf(encodeURIComponent('https://evil.example/')), `${loginOrigin}/`)
  t.equal(
    await endOf(`${encodeURIComponent(`${app}/`)}&rd=https://evil.example/`),
    `${loginOrigin}/`,
    'two of them are none',
  )
})

t.test('who is signed in already goes on at once, and only there', async (t) => {
  now += 60_000
  const person: Person = createPerson(gateway)
  await signInWithPassword(person, gateway.known('diego'), { now })
  const there = await person.visit(`${loginOrigin}/?rd=${encodeURIComponent(`${app}/x`)}`)
  t.equal(there.url, `${app}/x`)
  for (const text of evil) {
    const page = await person.visit(`${loginOrigin}/?rd=${encodeURIComponent(text)}`)
    t.notMatch(JSON.stringify(page.hops), /evil/, text)
  }
})

t.test('signing out leads nowhere but home', async (t) => {
  const person = createPerson(gateway)
  for (const path of ['/.gatehouse/sign-out', '/.gatehouse/sign-out?rd=https://evil.example/']) {
    const { status, headers } = await person.request(`${app}${path}`, { headers: document })
    t.equal(status, 303)
    t.equal(headers.location, `${loginOrigin}/sign-out`)
  }
})
