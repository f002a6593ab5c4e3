// What a request is to a machine that sleeps: somebody's wish, or what a browser and a program do on their own.

import t from 'tap'
import type { UseKind } from '../../src/gate.ts'
import type { Identity, SessionRef } from '../../src/model.ts'
import { readHead } from '../../src/proxy/request-head.ts'
import { isOngoing, useKindOf, userOfMachine } from '../../src/use-kind.ts'
import { fakeExchange } from '../fixtures/exchange.ts'

interface Asked {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly token?: boolean
  readonly webSocket?: boolean
}

function request({ method = 'GET', path = '/', headers = {}, webSocket = false }: Asked) {
  const rawHeaders = Object.entries({ Host: 'app.example.com', ...headers }).flat()
  const exchange = fakeExchange({ method, rawTarget: path, rawHeaders, webSocket })
  const head = readHead(rawHeaders, { http2: false, http10: false, method, cloudflare: false })
  if (typeof head === 'string') throw new Error(head)
  return { exchange, head }
}

function kindOf(asked: Asked): UseKind {
  const { exchange, head } = request(asked)
  const token = { via: 'token', session: 'token:x' as SessionRef } as Identity
  return useKindOf(exchange, head, asked.token === true ? token : null)
}

const navigate = { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }
const fetched = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }
const html = { Accept: 'text/html,*/*;q=0.8' }

const cases: readonly [what: string, asked: Asked, kind: UseKind][] = [
  ['a page', { headers: navigate }, 'navigation'],
  ['a page in an old browser', { headers: html }, 'navigation'],
  ['a form', { method: 'POST', headers: navigate }, 'change'],
  ['a form of an old browser', { method: 'POST', headers: { Origin: 'https://a' } }, 'change'],
  ['a picture', { headers: { ...fetched, 'Sec-Fetch-Mode': 'no-cors' } }, 'script'],
  ['a poll', { headers: fetched }, 'script'],
  ['what a script writes', { method: 'PUT', headers: fetched }, 'change'],
  ['what a script looks up', { method: 'REPORT', headers: fetched }, 'script'],
  ['a WebSocket', { headers: { 'Sec-Fetch-Mode': 'websocket' }, webSocket: true }, 'script'],
  ['curl', {}, 'program'],
  ['a calendar that looks', { method: 'PROPFIND' }, 'program'],
  ['a calendar that writes', { method: 'PUT' }, 'change'],
  ['a program with a token', { token: true, headers: html }, 'program'],
  ['its push', { token: true, method: 'POST' }, 'change'],
  ['a preflight', { method: 'OPTIONS', headers: fetched }, 'incidental'],
  ['a prefetch', { headers: { ...navigate, 'Sec-Purpose': 'prefetch' } }, 'incidental'],
  ['a prerender', { headers: { ...navigate, 'Sec-Purpose': 'prefetch;prerender' } }, 'incidental'],
  ['an old prefetch', { headers: { ...html, Purpose: 'prefetch' } }, 'incidental'],
  ['a prefetch of an older Firefox', { headers: { ...html, 'X-moz': 'prefetch' } }, 'incidental'],
  ['a preview of Safari', { headers: { ...html, 'X-Purpose': 'preview' } }, 'incidental'],
  ['a prefetch in capitals', { headers: { ...html, 'SEC-PURPOSE': 'PREFETCH' } }, 'incidental'],
  ['a page with a purpose of its own', { headers: { ...html, Purpose: 'reading' } }, 'navigation'],
  ['an icon', { path: '/favicon.ico', headers: html }, 'incidental'],
  ['an icon with a query', { path: '/favicon.ico?v=2', headers: html }, 'incidental'],
  ['a crawler’s rules', { path: '/robots.txt', headers: html }, 'incidental'],
]

for (const [what, asked, kind] of cases) {
  t.test(`${what}: ${kind}`, async (t) => {
    t.equal(kindOf(asked), kind)
  })
}

t.test('a network that is known stands for its person, where the route says so', async (t) => {
  const session = 'session' as SessionRef
  const network = '203.0.113.7'
  const yes = () => true
  const no = () => false
  t.equal(userOfMachine({ session, network }, 'known-client', yes), session)
  t.equal(userOfMachine({ session: null, network }, 'known-client', yes), 'network:203.0.113.7')
  t.equal(userOfMachine({ session: null, network }, 'known-client', no), null)
  t.equal(userOfMachine({ session: null, network }, 'any', yes), null)
})

t.test('what has no end of its own', async (t) => {
  t.equal(isOngoing(request({ headers: { Accept: 'text/event-stream' } })), true)
  t.equal(isOngoing(request({ webSocket: true })), true)
  t.equal(isOngoing(request({})), false)
})
