// The attack: an application answers with a Set-Cookie of the gateway's own name, or with one for the parent domain, and so
// signs its visitors in as somebody else, signs them out, or plants cookies in its neighbours (cookie tossing, session
// fixation; reference RFC 6265 §8.5, §8.6). Every way an answer can carry a cookie counts: the header section over both
// versions of HTTP, interim answers, trailers, the 101 of a WebSocket; and Clear-Site-Data, which takes cookies of the
// whole registrable domain away.

import t from 'tap'
import { rawBackend } from '../fixtures/backends.ts'
import { appHost, privateRow, publicRow, request, startEdge } from '../fixtures/edge.ts'
import { loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { key, valid } from '../fixtures/held-websocket.ts'
import { cookieOf, sessionCookie } from '../fixtures/people.ts'
import { createPerson } from '../fixtures/person.ts'

const evil = 'E'.repeat(43)
/** What the backend says next, whoever asks: interim answers and all. */
let answer = ''
const backend = await rawBackend(async (connection) => {
  for (;;) {
    await connection.readUntil('\r\n\r\n')
    await connection.send(answer)
  }
})
t.teardown(() => backend.close())
const edge = await startEdge(
  t,
  [
    publicRow('app', backend.port, 'webSocket: true, sharesUpstreamWith: [private/]'),
    publicRow('trusted', backend.port, 'parentCookies: true, sharesUpstreamWith: [private/]'),
    privateRow('private', backend.port),
  ],
  { people: [{ id: 'diego' }] },
)

const ok = (...fields: string[]) =>
  `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join('')}Content-Length: 2\r\n\r\nok`

/** Lines of ours, in spellings a browser takes for ours or another reader might. */
const reserved = [
  `${sessionCookie}=${evil}; Domain=${testDomain}; Path=/; Secure`,
  `${sessionCookie}=${evil}; Path=/; Secure; HttpOnly`,
  `${sessionCookie}=; Domain=${testDomain}; Path=/; Secure; Max-Age=0`,
  `${sessionCookie.toLowerCase()}=${evil}; Path=/; Secure`,
  `${sessionCookie.toUpperCase()}=${evil}; Path=/; Secure`,
  `  ${sessionCookie}  =${evil}; Secure`,
  `\t${sessionCookie}=${evil}; Secure`,
  `=${sessionCookie}=${evil}; Secure`,
  `"${sessionCookie}"=${evil}; Secure`,
  `${sessionCookie}; Secure`,
  `${sessionCookie}-old=${evil}; Secure`,
  `__Host-gatehouse-account=${evil}; Path=/; Secure`,
  `__host-GATEHOUSE-browser=${evil}; Path=/; Secure`,
  `__Host-gatehouse-device=${evil}; Path=/; Secure`,
]

/** For the parent domain, as browsers read the attribute. */
const parental = [
  `a=1; Domain=${testDomain}`,
  `a=1; Domain=.${testDomain}`,
  `a=1; domain=${testDomain.toUpperCase()}; Secure`,
  `a=1; DOMAIN = ${testDomain}`,
  `a=1;Domain=${testDomain};Path=/`,
  `a=1; Domain=app.${testDomain}; Domain=${testDomain}`,
  `a=1; Path=/; Domain=${testDomain} `,
  `a=1; Domain="${testDomain}"`,
  `a=1; Domain=${testDomain}.`,
]

const passing = [
  'a=1',
  'theme=dark; Path=/; Max-Age=60; SameSite=None; Secure',
  `own=1; Domain=${appHost}; Path=/x`,
  '__Host-app=1; Path=/; Secure',
  'gatehouse=1',
  'x="a, b"; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
]

/** Set-Cookie lines that come out of the gateway. */
async function over1(path = '/', host = appHost): Promise<string[]> {
  const bytes = request(`GET ${path}`, 'Connection: close').replace(appHost, host)
  const text = await edge.exchange(bytes, host)
  return [...text.matchAll(/^set-cookie: (.*)\r$/gim)].map(([, line = '']) => line)
}

t.test('a cookie of ours does not pass, over HTTP/1.1 and HTTP/2', async (t) => {
  const client = await edge.h2()
  for (const line of reserved) {
    answer = ok('Set-Cookie: before=1', `Set-Cookie: ${line}`, 'Set-Cookie: after=1')
    t.same(await over1(), ['before=1', 'after=1'], line)
    const { headers } = await client.request()
    t.same(headers['set-cookie'], ['before=1', 'after=1'], `HTTP/2: ${line}`)
    answer = ok(`Set-Cookie: ${line}`)
    t.same(await over1('/', `trusted.${testDomain}`), [], `a trusted backend: ${line}`)
  }
})

t.test('a cookie for the parent domain becomes one of the host’s own, or goes', async (t) => {
  for (const line of parental) {
    answer = ok(`Set-Cookie: ${line}`)
    const jar = createPerson({ https: 0, ca: edge.gateway.ca }).jar
    jar.take(appHost, '/', await over1())
    const leaked = jar.all().filter((cookie) => !cookie.hostOnly && cookie.domain !== appHost)
    t.same(leaked, [], line)
  }
})

t.test('a backend that may do so sets cookies for the parent domain', async (t) => {
  answer = ok(`Set-Cookie: ${parental[0]}`, 'Clear-Site-Data: "cookies"')
  t.same(await over1('/', `trusted.${testDomain}`), [parental[0]])
})

t.test('every other cookie passes, byte for byte and line for line', async (t) => {
  answer = ok(...passing.map((line) => `Set-Cookie: ${line}`))
  t.same(await over1(), passing)
  const client = await edge.h2()
  t.same((await client.request()).headers['set-cookie'], passing)
})

t.test('nothing in a 103, in trailers, or in the 101 of a WebSocket', async (t) => {
  const line = `${sessionCookie}=${evil}; Domain=${testDomain}; Path=/; Secure`
  answer = `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nSet-Cookie: ${line}\r\n\r\n${ok()}`
  t.notMatch(await edge.exchange(request('GET /', 'Connection: close')), /set-cookie/i)
  const client = await edge.h2()
  const { interim } = await client.request()
  t.notMatch(JSON.stringify(interim), /set-cookie/i)

  answer = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Set-Cookie\r\n\r\n2\r\nok\r\n0\r\nSet-Cookie: ${line}\r\n\r\n`
  const te = request('GET /', 'TE: trailers', 'Connection: close, TE')
  t.notMatch(await edge.exchange(te), new RegExp(evil))
  const { trailers } = await client.request({ headers: { te: 'trailers' } })
  t.notMatch(JSON.stringify(trailers), /set-cookie/i)

  // The key differs at the backend, so this handshake fails; what counts is that nothing of the 101 comes through.
  answer = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\nSet-Cookie: ${line}\r\n\r\n`
  const upgrade = request('GET /', 'Connection: Upgrade', 'Upgrade: websocket', ...valid)
  const raw = await edge.connect()
  await raw.send(upgrade)
  t.notMatch((await raw.readUntil('\r\n\r\n')).toString('latin1'), /set-cookie/i)
})

t.test('Clear-Site-Data does not sign anybody out', async (t) => {
  for (const value of ['"cookies"', '"*"', '"cache", "cookies"', '"COOKIES"', '*', 'cookies']) {
    answer = ok(`Clear-Site-Data: ${value}`)
    t.notMatch(
      await edge.exchange(request('GET /', 'Connection: close')),
      /clear-site-data/i,
      value,
    )
  }
  answer = ok('Clear-Site-Data: "cache", "storage"')
  t.match(await edge.exchange(request('GET /', 'Connection: close')), /clear-site-data: "cache"/i)
})

t.test('a person who visits all of it is still who he was', async (t) => {
  const me = edge.gateway.known('diego')
  const person = createPerson(edge.gateway)
  const put = (name: string, value: string, domain: string, hostOnly: boolean) =>
    person.jar.put({ name, value, domain, hostOnly })
  put(sessionCookie, me.session.token, testDomain, false)
  put('__Host-gatehouse-account', me.session.accountToken, new URL(loginOrigin).hostname, true)
  const before = person.jar.header(`private.${testDomain}`, '/')
  t.equal(before, cookieOf(me))
  for (const line of [...reserved, ...parental]) {
    answer = ok(`Set-Cookie: ${line}`, 'Clear-Site-Data: "*"')
    await person.visit(`https://${appHost}/`)
  }
  answer = ok()
  t.equal(person.jar.header(`private.${testDomain}`, '/'), before)
  t.equal((await person.visit(`https://private.${testDomain}/`)).words, 'ok')
})
