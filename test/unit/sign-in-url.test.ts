// Who is sent to the login page, where to, and with which way back.

import t from 'tap'
import { parseHost } from '../../src/host.ts'
import { isNavigation, originOf, signInUrl } from '../../src/sign-in-url.ts'

const loginHost = parseHost('auth.gate.test')
if (loginHost === null) throw new Error('no host')
const facts = {
  loginHost,
  publicPort: 443,
  reason: 'no-session',
  origin: 'https://photos.gate.test',
  method: 'GET',
  target: '/photoprism/library?q=a&b=c%20d',
  routePath: '/photoprism',
} as const

t.test('the way back is the whole address, as one parameter', async (t) => {
  const url = new URL(signInUrl(facts))
  t.equal(url.origin, 'https://auth.gate.test')
  t.equal(url.pathname, '/')
  t.equal(url.searchParams.get('rd'), 'https://photos.gate.test/photoprism/library?q=a&b=c%20d')
  t.same([...url.searchParams.keys()], ['rd'], 'nothing of the request becomes a parameter of ours')
})

t.test('what cannot be repeated leads back to the route', async (t) => {
  const back = (change: object) =>
    new URL(signInUrl({ ...facts, ...change })).searchParams.get('rd')
  t.equal(back({ method: 'POST' }), 'https://photos.gate.test/photoprism')
  t.equal(
    back({ target: `/photoprism/${'x'.repeat(5000)}` }),
    'https://photos.gate.test/photoprism',
  )
  t.equal(back({ method: 'HEAD' }), facts.origin + facts.target)
})

t.test('what is asked for beyond being known is said', async (t) => {
  const url = new URL(signInUrl({ ...facts, reason: 'passkey', publicPort: 8443 }))
  t.equal(url.searchParams.get('reason'), 'passkey')
  t.equal(url.host, 'auth.gate.test:8443')
  t.equal(originOf(loginHost, 443), 'https://auth.gate.test')
})

const page = {
  method: 'GET',
  fetchMode: 'navigate',
  fetchDest: 'document',
  prefersHtml: true,
  requestedWith: null,
}

t.test('a browser that opens a page is redirected', async (t) => {
  t.ok(isNavigation(page))
  t.ok(isNavigation({ ...page, method: 'HEAD' }))
  t.ok(isNavigation({ ...page, fetchMode: null, fetchDest: null }), 'an old browser')
})

t.test('a script, a picture, a frame, a form and a program are not', async (t) => {
  t.notOk(isNavigation({ ...page, fetchMode: 'cors' }))
  t.notOk(isNavigation({ ...page, fetchMode: 'no-cors', fetchDest: 'image' }))
  t.notOk(isNavigation({ ...page, fetchDest: 'iframe' }), 'the login page cannot be framed')
  t.notOk(isNavigation({ ...page, method: 'POST' }), 'its body would be lost')
  t.notOk(isNavigation({ ...page, fetchMode: null, prefersHtml: false }), 'curl')
  t.notOk(isNavigation({ ...page, fetchMode: null, requestedWith: 'XMLHttpRequest' }))
  t.notOk(isNavigation({ ...page, fetchMode: 'websocket', fetchDest: 'websocket' }))
})
