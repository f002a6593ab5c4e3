// The attack: a token that was given out for one thing is used for another. A credential is checked for being genuine, and
// not for where it is shown: Pangolin CVE-2026-72564, CVE-2025-56332, CVE-2026-3209. A personal token holds for its hosts,
// methods and paths, until it expires, for nothing of ours; and what is not good here is refused, never a stranger's request.

import t from 'tap'
import {
  appHost,
  privateRow,
  publicRow,
  recordingBackend,
  request,
  startEdge,
  statuses,
} from '../fixtures/edge.ts'
import { loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { createPerson } from '../fixtures/person.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const now = Date.now()
const edge = await startEdge(
  t,
  [
    privateRow('app', backend.port),
    privateRow('git', backend.port),
    publicRow('open', backend.port, 'sharesUpstreamWith: [app/, git/, admins/, strong/]'),
    privateRow('admins', backend.port, 'access: { groups: [admins] }'),
    privateRow('strong', backend.port, 'access: { with: second-factor }'),
  ],
  {
    people: [
      {
        id: 'diego',
        groups: ['family'],
        tokens: [
          { label: 'all' },
          { label: 'host', hosts: [appHost] },
          { label: 'read', methods: ['GET', 'HEAD'] },
          { label: 'path', paths: ['/api/**', '/exact'] },
          { label: 'narrow', hosts: [appHost], methods: ['GET'], paths: ['/api/v1/*'] },
          { label: 'expired', expiresAt: now - 1 },
          { label: 'expiring', expiresAt: now + 3_600_000 },
        ],
      },
      { id: 'gone', disabled: true, tokens: [{ label: 'all' }] },
    ],
  },
)
const { tokens } = edge.gateway.known('diego')

async function use(
  token: string | undefined,
  line: string,
  host = appHost,
): Promise<number | undefined> {
  const bytes = request(line, `Authorization: Bearer ${token}`, 'Connection: close')
  return statuses(await edge.exchange(bytes.replace(appHost, host), host))[0]
}

t.test('a token without limits is good on every private host', async (t) => {
  t.equal(await use(tokens.all, 'GET /'), 200)
  t.equal(await use(tokens.all, 'DELETE /x', `git.${testDomain}`), 200)
  t.equal(await use(tokens.expiring, 'GET /'), 200)
  t.same(backend.requests.at(-1)?.field('remote-user'), ['diego'])
})

t.test('elsewhere than it says it is refused, and the backend hears nothing', async (t) => {
  const before = backend.requests.length
  for (const [label, line, host] of [
    ['host', 'GET /', `git.${testDomain}`],
    ['host', 'GET /', `admins.${testDomain}`],
    ['read', 'POST /', appHost],
    ['read', 'OPTIONS /', appHost],
    ['path', 'GET /', appHost],
    ['path', 'GET /apiary', appHost],
    ['path', 'GET /exact/more', appHost],
    ['path', 'GET /API/x', appHost],
    ['path', 'GET /x?/api/y', appHost],
    ['path', 'GET /x;/api/', appHost],
    ['narrow', 'GET /api/v1/a/b', appHost],
    ['narrow', 'GET /api/v2/a', appHost],
    ['narrow', 'POST /api/v1/a', appHost],
    ['expired', 'GET /', appHost],
  ] as const) {
    const status = await use(tokens[label], line, host)
    t.equal(status, 401, `${label}: ${line} at ${host}`)
  }
  t.equal(backend.requests.length, before)
})

t.test('a spelling of the path that could be read in two ways is no way in', async (t) => {
  const before = backend.requests.length
  for (const path of [
    '/api/../private',
    '/api/%2e%2e/private',
    '/api/..%2fprivate',
    '/api/..;/private',
    '/private%2f..%2fapi/x',
    '/api\\..\\private',
    '/api/%00/../private',
  ]) {
    const status = await use(tokens.path, `GET ${path}`)
    t.ok(status === 400 || status === 401, `${status}: ${path}`)
  }
  t.equal(backend.requests.length, before)
})

t.test('where it says it is good', async (t) => {
  t.equal(await use(tokens.host, 'PUT /'), 200)
  t.equal(await use(tokens.read, 'GET /anything'), 200)
  t.equal(await use(tokens.path, 'POST /api/x?y=1'), 200)
  t.equal(await use(tokens.path, 'GET /api'), 200)
  t.equal(await use(tokens.path, 'GET /exact'), 200)
  t.equal(await use(tokens.narrow, 'GET /api/v1/a'), 200)
})

t.test('it gives nobody a group, a second factor or a passkey', async (t) => {
  t.equal(await use(tokens.all, 'GET /', `admins.${testDomain}`), 403)
  // Not 401: a program can do nothing about it.
  t.equal(await use(tokens.all, 'GET /', `strong.${testDomain}`), 403)
})

t.test('a token of ours that is not good is refused where everyone may enter, too', async (t) => {
  const open = `open.${testDomain}`
  t.equal(await use(tokens.all, 'GET /', open), 200)
  for (const bad of [
    tokens.expired,
    `gth_${'A'.repeat(43)}`,
    'gth_',
    `${tokens.all}x`,
    tokens.all?.slice(0, -1),
    edge.gateway.known('gone').tokens.all,
  ]) {
    t.equal(await use(bad, 'GET /', open), 401, String(bad))
    t.equal(await use(bad, 'GET /'), 401, String(bad))
  }
})

t.test('it opens neither the login host nor the admin’s', async (t) => {
  const person = createPerson(edge.gateway)
  const headers = { authorization: `Bearer ${tokens.all}` }
  const account = await person.visit(`${loginOrigin}/account`, headers)
  t.notMatch(account.words, /diego/)
  const admin = await person.request(`https://proxy.${testDomain}/`, { headers })
  t.equal(admin.status, 401)
})
