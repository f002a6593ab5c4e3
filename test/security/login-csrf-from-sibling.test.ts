// The attack: a page on a sibling host makes the victim's browser post to the login host. The browser counts siblings as the same
// site, so SameSite=Lax cookies go along and CORS asks nobody for a form. Signing the victim in as the attacker, out, or changing
// his account would follow. And the same against services: a private route takes nothing unsafe, and no WebSocket, from a sibling.

import t from 'tap'
import { webSocketBackend } from '../fixtures/backends.ts'
import { privateRow, recordingBackend, startEdge } from '../fixtures/edge.ts'
import { loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { accountCookie, browserCookie, sessionCookie } from '../fixtures/people.ts'
import { createPerson, formTo, type Person } from '../fixtures/person.ts'
import { csrfOf } from '../fixtures/sign-in.ts'
import { UpgradeRefused } from '../fixtures/web-socket-client.ts'

const backend = await recordingBackend()
const sockets = await webSocketBackend()
t.teardown(() => Promise.all([backend.close(), sockets.close()]))
const edge = await startEdge(
  t,
  [
    privateRow('app', backend.port),
    privateRow('evil', backend.port),
    privateRow('chat', sockets.port, 'access: login, webSocket: true'),
    privateRow(
      'friendly',
      backend.port,
      `access: login, allowedOrigins: ['https://app.${testDomain}']`,
    ),
  ],
  { people: [{ id: 'diego', password: 'correct horse', totp: true }] },
)
const { gateway } = edge
const diego = gateway.known('diego')
const auth = new URL(loginOrigin).hostname
const evil = `https://evil.${testDomain}`

function victim(): Person {
  const person = createPerson(gateway)
  const { token, accountToken } = diego.session
  person.jar.put({ name: sessionCookie, value: token, domain: testDomain, hostOnly: false })
  person.jar.put({ name: accountCookie, value: accountToken, domain: auth })
  return person
}

/** What a browser says of a request that a page of the sibling caused. */
const fromSibling = { origin: evil, 'sec-fetch-site': 'same-site' }
const form = 'application/x-www-form-urlencoded'

t.test('a form of a sibling host does nothing at the login host', async (t) => {
  const person = victim()
  const page = await person.visit(`${loginOrigin}/?reason=not-recent`)
  const csrf = csrfOf(page)['x-csrf-token'] ?? ''
  t.not(csrf, '')
  const fields = new URLSearchParams({ name: 'diego', password: 'correct horse', _csrf: csrf })
  const body = fields.toString()
  const url = `${loginOrigin}/password`
  for (const [what, headers] of Object.entries({
    'with everything right but the origin': { ...fromSibling, 'content-type': form },
    'from an opaque origin': { origin: 'null', 'content-type': form },
    'from another site': {
      origin: 'https://evil.example',
      'sec-fetch-site': 'cross-site',
      'content-type': form,
    },
    'said by Sec-Fetch-Site alone': { 'sec-fetch-site': 'same-site', 'content-type': form },
    'of the login host on another port': { origin: `${loginOrigin}:8443`, 'content-type': form },
    'over plain HTTP': { origin: loginOrigin.replace('https', 'http'), 'content-type': form },
    'as if a prefix were enough': { origin: `${loginOrigin}.evil.example`, 'content-type': form },
    'as text, which no preflight asks about': { ...fromSibling, 'content-type': 'text/plain' },
  })) {
    const { status, headers: answered } = await person.request(url, {
      method: 'POST',
      headers,
      body,
    })
    t.ok(status === 403 || status === 415, `${what}: ${status}`)
    t.notMatch(answered['set-cookie']?.join() ?? '', sessionCookie, what)
  }
})

t.test('nor without our token, or with another browser’s', async (t) => {
  const person = victim()
  const page = await person.visit(`${loginOrigin}/?reason=not-recent`)
  const other = createPerson(gateway)
  const theirs = csrfOf(await other.visit(`${loginOrigin}/`))['x-csrf-token'] ?? ''
  for (const token of ['', 'x', theirs, csrfOf(page)['x-csrf-token']?.slice(0, -1) ?? '']) {
    const body = new URLSearchParams({ name: 'diego', password: 'correct horse', _csrf: token })
    const headers = { 'content-type': form, origin: loginOrigin, 'sec-fetch-site': 'same-origin' }
    const asked = { method: 'POST', headers, body: body.toString() }
    t.equal((await person.request(`${loginOrigin}/password`, asked)).status, 403, token)
    const json = await person.postJson(
      `${loginOrigin}/passkey/options`,
      {},
      { 'x-csrf-token': token },
    )
    t.equal(json.status, 403, `JSON: ${token}`)
  }
  const { headers } = await person.request(`${loginOrigin}/sign-out`, {
    method: 'POST',
    headers: { ...fromSibling, 'content-type': form },
    body: '',
  })
  t.notMatch(headers['set-cookie']?.join() ?? '', sessionCookie, 'nobody is signed out')
  t.equal((await person.request(`https://app.${testDomain}/`)).status, 200)
})

t.test('a planted browser cookie is no token', async (t) => {
  // A sibling cannot set a `__Host-` cookie; a browser that does not know the prefix would let it.
  const person = createPerson(gateway)
  person.jar.put({ name: browserCookie, value: 'E'.repeat(43), domain: auth })
  const page = await person.visit(`${loginOrigin}/`)
  t.not(csrfOf(page)['x-csrf-token'], '', 'there is a token for it')
  const guess = Buffer.from('E'.repeat(43)).toString('base64url')
  const answer = await person.request(`${loginOrigin}/password`, {
    method: 'POST',
    headers: { 'content-type': form, origin: loginOrigin },
    body: `name=diego&password=x&_csrf=${guess}`,
  })
  t.equal(answer.status, 403)
})

t.test('a page that is refused says what to do, and the real one works', async (t) => {
  const person = createPerson(gateway)
  const page = await person.visit(`${loginOrigin}/`)
  const stale = { ...page, forms: page.forms }
  person.jar.remove(browserCookie)
  const refused = await person.submit(stale, formTo(stale, '/password'), {
    name: 'diego',
    password: 'x',
  })
  t.equal(refused.status, 403)
  t.match(refused.words, /cookie|again|date/i)
})

t.test('a private service takes nothing unsafe from a sibling', async (t) => {
  const person = victim()
  const before = backend.requests.length
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'MKCOL']) {
    for (const headers of [
      fromSibling,
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'null' },
      { origin: `https://app.${testDomain}:8443` },
      { origin: `https://app.${testDomain}.evil.example` },
      { origin: `http://app.${testDomain}` },
    ]) {
      const { status } = await person.request(`https://app.${testDomain}/`, { method, headers })
      t.equal(status, 403, `${method} ${JSON.stringify(headers)}`)
    }
  }
  t.equal(backend.requests.length, before)
  const own = { origin: `https://app.${testDomain}`, 'sec-fetch-site': 'same-origin' }
  const ok = await person.request(`https://app.${testDomain}/`, { method: 'POST', headers: own })
  t.equal(ok.status, 200)
  const friend = await person.request(`https://friendly.${testDomain}/`, {
    method: 'POST',
    headers: own,
  })
  t.equal(friend.status, 200, 'a listed origin may')
})

t.test('nor a WebSocket', async (t) => {
  const person = victim()
  const url = `https://chat.${testDomain}/`
  for (const origin of [evil, 'null', 'https://evil.example', `https://chat.${testDomain}:8443`]) {
    const error = await person.webSocket(url, { origin }).then(
      () => null,
      (refused: unknown) => refused,
    )
    t.ok(error instanceof UpgradeRefused && error.status === 403, origin)
  }
  t.equal(sockets.upgrades.length, 0)
  const socket = await person.webSocket(url)
  socket.destroy()
})
