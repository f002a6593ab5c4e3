// The attack: a sibling host sets a cookie of our name for the parent domain (a page's script can, whatever our answers
// say), or for one path of it, so that the browser sends two. A server that takes the first, or the last, then works for the
// attacker's account or not at all. RFC 6265 §5.4 says which comes first, and says that no server may rely on it.

import { randomBytes } from 'node:crypto'
import t from 'tap'
import {
  appHost,
  privateRow,
  recordingBackend,
  request,
  startEdge,
  statuses,
} from '../fixtures/edge.ts'
import { loginOrigin } from '../fixtures/gateway.ts'
import { accountCookie, browserCookie, cookieOf, sessionCookie } from '../fixtures/people.ts'
import { createPerson } from '../fixtures/person.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const edge = await startEdge(t, [privateRow('app', backend.port)], {
  people: [{ id: 'diego' }, { id: 'mallory' }],
})
const diego = edge.gateway.known('diego')
const mallory = edge.gateway.known('mallory')
const junk = () => `${sessionCookie}=${randomBytes(32).toString('base64url')}`

async function asked(
  cookie: string,
): Promise<{ status: number | undefined; user: string | undefined }> {
  const before = backend.requests.length
  const [status] = statuses(
    await edge.exchange(request('GET /', `Cookie: ${cookie}`, 'Connection: close')),
  )
  const arrived = backend.requests[before]
  return { status, user: arrived?.field('remote-user')[0] }
}

t.test('a tossed cookie that is nobody’s changes nothing, wherever it stands', async (t) => {
  const mine = cookieOf(diego)
  for (const cookie of [
    `${junk()}; ${mine}`,
    `${mine}; ${junk()}`,
    `${junk()}; ${junk()}; ${mine}; ${junk()}`,
    `${sessionCookie}=; ${mine}`,
    `${sessionCookie}=short; ${mine}; ${sessionCookie}="${'A'.repeat(43)}"`,
    `${sessionCookie}=${'A'.repeat(44)}; ${mine}`,
    `${mine}; ${mine}`,
  ]) {
    t.same(await asked(cookie), { status: 200, user: 'diego' }, cookie)
  }
})

t.test(
  'two sessions that are both good are nobody’s: it cannot be known whose the browser is',
  async (t) => {
    for (const pair of [
      [diego, mallory],
      [mallory, diego],
    ]) {
      const cookie = pair.map((person) => cookieOf(person)).join('; ')
      t.same(await asked(cookie), { status: 401, user: undefined })
      t.same(await asked(`${junk()}; ${cookie}; a=1`), { status: 401, user: undefined })
    }
  },
)

t.test('hundreds of them are an answer like any other', async (t) => {
  const many = Array.from({ length: 300 }, junk)
  t.same(await asked(many.join('; ')), { status: 401, user: undefined })
  const { status } = await asked([...many, cookieOf(diego)].join('; '))
  t.ok(status === 200 || status === 401, `either all are tried or none is believed: ${status}`)
})

t.test('with the attacker’s session tossed in, the account page is still nobody’s', async (t) => {
  const person = createPerson(edge.gateway)
  const auth = new URL(loginOrigin).hostname
  person.jar.put({ name: accountCookie, value: diego.session.accountToken, domain: auth })
  const domain = 'gate.test'
  person.jar.put({ name: sessionCookie, value: mallory.session.token, domain, hostOnly: false })
  const page = await person.visit(`${loginOrigin}/account`)
  t.notMatch(page.words, /mallory/i, 'not the attacker’s account')
  t.notMatch(page.words, /diego/i, 'nor the victim’s, which was not shown to be his')
  t.equal(new URL(page.url).pathname, '/', 'he is asked to sign in')

  // His own cookies, and the attacker’s beside them for a longer path.
  person.jar.put({ name: sessionCookie, value: diego.session.token, domain, hostOnly: false })
  person.jar.put({
    name: sessionCookie,
    value: mallory.session.token,
    domain,
    hostOnly: false,
    path: '/account',
  })
  const again = await person.visit(`${loginOrigin}/account`)
  t.notMatch(again.words, /mallory/i)
})

t.test('of two browser cookies none is believed', async (t) => {
  // A browser keeps one `__Host-` cookie; two are another program's, or an old browser's that does not know the prefix.
  const cookie = `${browserCookie}=${'A'.repeat(43)}; ${browserCookie}=${'B'.repeat(43)}`
  const bytes = request('GET /', `Cookie: ${cookie}`, 'Connection: close').replace(
    appHost,
    new URL(loginOrigin).hostname,
  )
  const answer = await edge.exchange(bytes, new URL(loginOrigin).hostname)
  t.match(answer, /^HTTP\/1\.1 200/)
  const [, value = ''] = /^set-cookie: __Host-gatehouse-browser=([\w-]{43});/im.exec(answer) ?? []
  t.ok(value !== '' && !/^(A+|B+)$/.test(value), 'the browser gets one of its own')
})
