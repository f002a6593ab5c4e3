// The attack: a service behind the gateway reads the visitor's session out of the Cookie header it is sent, and is that
// person everywhere. A cookie of the parent domain is sent to every host below it, so OAuth2-Proxy and Authelia hand theirs
// to each application (oauth2-proxy #388, #644, #1388); one ttyd, one notebook or one hacked blog is then the whole house.

import t from 'tap'
import { webSocketBackend } from '../fixtures/backends.ts'
import {
  appHost,
  privateRow,
  publicRow,
  recordingBackend,
  request,
  startEdge,
  statuses,
} from '../fixtures/edge.ts'
import { testDomain } from '../fixtures/gateway.ts'
import { cookieOf } from '../fixtures/people.ts'
import { openWebSocket, openWebSocketOverH2 } from '../fixtures/web-socket-client.ts'

const backend = await recordingBackend()
const sockets = await webSocketBackend()
t.teardown(() => Promise.all([backend.close(), sockets.close()]))
const edge = await startEdge(
  t,
  [
    privateRow('app', backend.port),
    publicRow('open', backend.port, 'sharesUpstreamWith: [app/]'),
    privateRow('chat', sockets.port, 'access: login, webSocket: true'),
  ],
  { people: [{ id: 'diego' }] },
)
const me = edge.gateway.known('diego')
const ours = cookieOf(me)
const { token, accountToken } = me.session

/** Cookie lines as sent, and what of them the backend may see. */
const plain: readonly (readonly [lines: readonly string[], left: string | null])[] = [
  [[ours], null],
  [[`${ours}; a=1`], 'a=1'],
  [[`a=1; ${ours}`], 'a=1'],
  [[`a=1; ${ours}; b=2`], 'a=1; b=2'],
  [[`a=1;${ours};b=2`], 'a=1;b=2'],
  [[`a=1; ${ours}; ${ours}; b="x y"; c`], 'a=1; b="x y"; c'],
  [['a=1', ours, 'b=2'], 'a=1; b=2'],
  [[`${ours}; __Host-gatehouse-account=${accountToken}; a=1`], 'a=1'],
  [[`__Host-gatehouse-browser=${token}; ${ours}; __Host-gatehouse-device=${token}`], null],
]

/** What no browser sends for a cookie of ours, and some readers take for one all the same. */
const odd: readonly string[] = [
  `__SECURE-GATEHOUSE=${token}`,
  `__secure-gatehouse=${token}`,
  `__sEcUrE-gAtEhOuSe=${token}`,
  `__Secure-gatehouse="${token}"`,
  `"__Secure-gatehouse"=${token}`,
  `__Secure-gatehouse = ${token}`,
  `\t__Secure-gatehouse\t=\t${token}`,
  `=__Secure-gatehouse=${token}`,
  `==__Secure-gatehouse=${token}`,
  `__Secure-gatehouse`,
  `__Secure-gatehouse-old=${token}`,
  `__Secure-gatehouse2=${token}`,
  `__HOST-GATEHOUSE-ACCOUNT=${accountToken}`,
  `__Host-gatehouse=${token}`,
  `a=1 __Secure-gatehouse=${token}`,
  `a=1,__Secure-gatehouse=${token}`,
  `a=1, __Secure-gatehouse=${token}`,
  `__Secure%2Dgatehouse=${token}`,
  `%5F%5FSecure-gatehouse=${token}`,
]

function isClean(seen: string): boolean {
  return (
    !/gatehouse(?!-assertion)/i.test(seen) && !seen.includes(token) && !seen.includes(accountToken)
  )
}

/** Of a request's head: every line but those that are ours to write. */
function cookiesOf(head: string): string {
  return head
    .split('\r\n')
    .filter((line) => !/^(via|x-gatehouse-assertion):/i.test(line))
    .join('\n')
}

t.test(
  'over HTTP/1.1 the backend sees the other cookies as they were, and nothing of ours',
  async (t) => {
    for (const [lines, left] of plain) {
      const fields = lines.map((line) => `Cookie: ${line}`)
      const answer = await edge.exchange(request('GET /', ...fields, 'Connection: close'))
      t.same(statuses(answer), [200], lines.join(' | '))
      const arrived = backend.requests.at(-1)
      t.same(arrived?.field('cookie'), left === null ? [] : [left], lines.join(' | '))
      t.same(arrived?.field('remote-user'), ['diego'], 'the session was understood')
    }
  },
)

t.test('nor in an odd spelling', async (t) => {
  for (const text of odd) {
    for (const line of [`${ours}; ${text}`, `${text}; ${ours}`, `z=9; ${text}; ${ours}`]) {
      const answer = await edge.exchange(request('GET /', `Cookie: ${line}`, 'Connection: close'))
      t.same(statuses(answer), [200], line)
      const seen = cookiesOf(backend.requests.at(-1)?.head ?? '')
      t.ok(isClean(seen), `${line}\n${seen}`)
    }
  }
})

t.test('nor in a field of long ago', async (t) => {
  const fields = [`Cookie: ${ours}`, `Cookie2: ${ours}`, 'Connection: close']
  t.same(statuses(await edge.exchange(request('GET /', ...fields))), [200])
  const { head = '' } = backend.requests.at(-1) ?? {}
  t.notMatch(head, /cookie2/i)
  t.notMatch(head, token)
})

t.test('nor where everyone may enter', async (t) => {
  for (const [lines] of plain) {
    const fields = lines.map((line) => `Cookie: ${line}`)
    const bytes = request('GET /', ...fields, 'Connection: close').replace(
      appHost,
      `open.${testDomain}`,
    )
    t.same(statuses(await edge.exchange(bytes, `open.${testDomain}`)), [200])
    t.ok(isClean(cookiesOf(backend.requests.at(-1)?.head ?? '')), lines.join(' | '))
  }
})

t.test('over HTTP/2, in one field or in crumbs (RFC 9113 §8.2.3)', async (t) => {
  const client = await edge.h2()
  for (const [lines, left] of plain) {
    for (const cookie of [lines.join('; '), lines.flatMap((line) => line.split(/; ?/))]) {
      const { status } = await client.request({ headers: { cookie } })
      t.equal(status, 200)
      const arrived = backend.requests.at(-1)
      const expected = left === null ? '' : left.replace(/; ?/g, '; ')
      t.equal((arrived?.field('cookie')[0] ?? '').replace(/; ?/g, '; '), expected, String(cookie))
      t.same(arrived?.field('remote-user'), ['diego'])
    }
  }
  for (const text of odd.filter((each) => !/[\t]/.test(each))) {
    const { status } = await client.request({ headers: { cookie: [text, ours] } })
    t.equal(status, 200, text)
    t.ok(isClean(cookiesOf(backend.requests.at(-1)?.head ?? '')), text)
  }
})

t.test('in the handshake of a WebSocket, over HTTP/1.1 and HTTP/2', async (t) => {
  const host = `chat.${testDomain}`
  const client = await edge.h2(host)
  for (const text of ['a=1', ...odd.filter((each) => !/[\t]/.test(each))]) {
    const headers = { cookie: `b=2; ${text}; ${ours}`, origin: `https://${host}` }
    const secure = { ca: edge.gateway.ca.certPem }
    const over1 = await openWebSocket(edge.gateway.https, { host, tls: secure, headers })
    const over2 = await openWebSocketOverH2(client, { host, headers })
    for (const upgrade of sockets.upgrades.slice(-2)) {
      const { cookie = '', ...rest } = upgrade.headers
      t.match(cookie, /b=2/)
      t.ok(isClean(cookie), `${text}: ${cookie}`)
      t.equal(rest['remote-user'], 'diego')
      t.notOk(JSON.stringify(rest).includes(token))
    }
    over1.destroy()
    over2.destroy()
  }
})
