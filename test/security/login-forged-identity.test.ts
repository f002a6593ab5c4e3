// The attack: somebody who may enter as little as possible also says who he is himself. Headers a backend believes
// (`Remote-User`, `X-Forwarded-Groups`, our own assertion) survive in another spelling, or because the gateway has nothing to
// say for them: a person without an e-mail address sends one of his own. Caddy CVE-2026-30851 (kept when the auth answer
// omitted it), CVE-2026-52845; oauth2-proxy CVE-2025-64484; Traefik CVE-2026-54763.

import t from 'tap'
import { webSocketBackend } from '../fixtures/backends.ts'
import {
  type Arrived,
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
const own =
  'access: login, identityHeaders: { user: X-Remote-User, groups: X-App-Groups, email: false, name: false, assertion: false }'
const edge = await startEdge(
  t,
  [
    privateRow('app', backend.port),
    privateRow('radicale', backend.port, own),
    privateRow('chat', sockets.port, 'access: login, webSocket: true'),
    publicRow('open', backend.port, 'sharesUpstreamWith: [app/, radicale/]'),
  ],
  {
    people: [
      // No e-mail, no group: there is nothing for the gateway to say.
      { id: 'low' },
      {
        id: 'zoe',
        displayName: 'Zoë "Ω" <b>',
        email: 'z@example.org',
        groups: ['readers', 'a'],
      },
    ],
  },
)
const low = edge.gateway.known('low')

const names = [
  'remote-user',
  'remote-name',
  'remote-email',
  'remote-groups',
  'x-gatehouse-assertion',
  'x-gatehouse-token',
  'x-remote-user',
  'x-forwarded-user',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-preferred-username',
  'x-auth-request-user',
  'x-auth-request-groups',
  'x-webauth-user',
  'x-authentik-username',
  'x-pomerium-jwt-assertion',
  'x-user',
]
/** `x-app-groups` is for one route alone; elsewhere it is a header like any other. */
const forged = 'admin'

/** As CGI, WSGI and PHP fold names. */
function folded(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '_')
}

/** What of a request still says what the client said. */
function forgedLeft({ head }: Pick<Arrived, 'head'>): string[] {
  return head.split('\r\n').filter((line) => line.includes(forged))
}

t.test('in no spelling does a word of the client’s own arrive', async (t) => {
  for (const host of [appHost, `radicale.${testDomain}`]) {
    const asked = host === appHost ? names : [...names, 'x-app-groups']
    for (const separator of ['-', '_', '.', '!', '*', '+', '^', '`', '|', '~', "'", '&', '%']) {
      const fields = asked.flatMap((name) => {
        const spelled = name.replaceAll('-', separator)
        const token = folded(name) === 'X_GATEHOUSE_TOKEN'
        // A token that is not one is refused; here it is about the words beside it.
        return token ? [] : [`${spelled}: ${forged}`, `${spelled.toUpperCase()}: ${forged}`]
      })
      const bytes = request('GET /', `Cookie: ${cookieOf(low)}`, 'Connection: close', ...fields)
      t.same(statuses(await edge.exchange(bytes.replace(appHost, host), host)), [200])
      const arrived = backend.requests.at(-1)
      t.same(forgedLeft(arrived ?? { head: forged }), [], `${host} ${separator}`)
      const user = host === appHost ? 'remote-user' : 'x-remote-user'
      t.same(arrived?.field(user), ['low'])
      for (const absent of ['remote-email', 'remote-groups']) {
        t.same(
          (arrived?.field(absent) ?? []).filter((value) => value !== ''),
          [],
          absent,
        )
      }
    }
  }
})

t.test('nor over HTTP/2, nor named in Connection, nor in a WebSocket’s handshake', async (t) => {
  const headers = Object.fromEntries(
    names.filter((name) => name !== 'x-gatehouse-token').map((name) => [name, forged]),
  )
  const client = await edge.h2()
  const underscored = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.replaceAll('-', '_'), value]),
  )
  for (const each of [headers, underscored]) {
    const { status } = await client.request({ headers: { ...each, cookie: cookieOf(low) } })
    t.equal(status, 200)
    t.same(forgedLeft(backend.requests.at(-1) ?? { head: forged }), [])
    t.same(backend.requests.at(-1)?.field('remote-user'), ['low'])
  }

  const nominate = `Connection: close, ${names.join(', ')}`
  await edge.exchange(request('GET /', `Cookie: ${cookieOf(low)}`, nominate, 'Remote-User: admin'))
  t.same(backend.requests.at(-1)?.field('remote-user'), ['low'], 'nobody names ours away')
  t.equal(backend.requests.at(-1)?.field('x-gatehouse-assertion').length, 1)

  const host = `chat.${testDomain}`
  const asked = { ...headers, cookie: cookieOf(low), origin: `https://${host}` }
  const secure = { ca: edge.gateway.ca.certPem }
  const over1 = await openWebSocket(edge.gateway.https, { host, tls: secure, headers: asked })
  const over2 = await openWebSocketOverH2(await edge.h2(host), { host, headers: asked })
  for (const { headers: seen } of sockets.upgrades) {
    t.notMatch(JSON.stringify(seen), forged)
    t.equal(seen['remote-user'], 'low')
  }
  t.equal(sockets.upgrades.length, 2)
  over1.destroy()
  over2.destroy()
})

t.test('where everyone may enter, nobody is named: neither by the client nor by us', async (t) => {
  const host = `open.${testDomain}`
  for (const cookie of [cookieOf(low), 'a=1']) {
    const fields = names
      .filter((name) => name !== 'x-gatehouse-token')
      .map((name) => `${name}: ${forged}`)
    const bytes = request('GET /', `Cookie: ${cookie}`, ...fields, 'Connection: close')
    t.same(statuses(await edge.exchange(bytes.replace(appHost, host), host)), [200])
    const arrived = backend.requests.at(-1)
    t.same(forgedLeft(arrived ?? { head: forged }), [])
    t.same(arrived?.field('remote-user'), [])
  }
})

t.test('what we say of somebody cannot break out of its line', async (t) => {
  const zoe = edge.gateway.known('zoe')
  await edge.exchange(request('GET /', `Cookie: ${cookieOf(zoe)}`, 'Connection: close'))
  const arrived = backend.requests.at(-1)
  t.same(arrived?.field('remote-user'), ['zoe'])
  t.same(arrived?.field('remote-groups'), ['readers,a'])
  t.same(arrived?.field('remote-email'), ['z@example.org'])
  const [name = ''] = arrived?.field('remote-name') ?? []
  t.match(Buffer.from(name, 'latin1').toString(), 'Zoë', 'UTF-8 on the wire')
})
