// A machine that sleeps costs money by the hour, and strangers are most of the traffic. Attack: start somebody's machine, or
// keep it awake, without being anybody: by visits, crawlers, previews, forged browser headers, a pressed button. On every kind
// of route, with every kind of request, over both versions of HTTP: none starts it, none opens a stream, none reaches its cloud.

import t from 'tap'
import { h2, http1 } from '../fixtures/clients.ts'
import { testDomain } from '../fixtures/gateway.ts'
import { textOf } from '../fixtures/html-forms.ts'
import { eventually, heldFor, startWakeHouse, statesIn, visitor } from '../fixtures/wake-house.ts'
import { openWebSocket, UpgradeRefused } from '../fixtures/web-socket-client.ts'

const secret = 'gth_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
const row = (host: string, more: string, port = 9) =>
  `- { host: ${host}, service: ${host}, to: 'http://flex:${port}', webSocket: true, ${more} }`
const hosts = {
  private: 'access: login',
  any: 'access: login, wake: any',
  manual: 'access: login, wake: manual',
  open: 'access: public, prefix: true',
  openAny: 'access: public, prefix: true, wake: any',
  openPages: 'access: public, prefix: true, wake: navigation',
  openKnown: 'access: public, prefix: true, wake: known-client',
  used: 'access: public, prefix: true, wake: any, countsAsUse: always',
}
const navigation = {
  accept: 'text/html,application/xhtml+xml',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
  'sec-fetch-user': '?1',
  'upgrade-insecure-requests': '1',
}
const own = (host: string) => ({
  origin: `https://${host}.${testDomain}`,
  'sec-fetch-site': 'same-origin',
})

interface Attempt {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

const attempts: Readonly<Record<string, (host: string) => Attempt>> = {
  'a visit': () => ({ headers: navigation }),
  'a visit by somebody who says he is somebody': () => ({
    headers: {
      ...navigation,
      'remote-user': 'diego',
      'x-forwarded-user': 'diego',
      'remote-groups': 'admin',
      'x-forwarded-for': '127.0.0.1',
      'cf-connecting-ip': '127.0.0.1',
      'x-real-ip': '127.0.0.1',
    },
  }),
  'a made-up session': () => ({
    headers: { ...navigation, cookie: `__Secure-gatehouse=${'A'.repeat(43)}` },
  }),
  'a made-up token': () => ({ headers: { authorization: `Bearer ${secret}` } }),
  'a made-up token in the path': () => ({ path: `/.gatehouse/t/${secret}/` }),
  'a crawler': () => ({ headers: { 'user-agent': 'Googlebot/2.1', accept: '*/*' } }),
  'a link preview': () => ({ method: 'HEAD', headers: { 'user-agent': 'Slackbot 1.0' } }),
  'a health check': () => ({ path: '/health' }),
  'a prefetch': () => ({ headers: { ...navigation, 'sec-purpose': 'prefetch;prerender' } }),
  'an icon': () => ({ path: '/favicon.ico', headers: { 'sec-fetch-dest': 'image' } }),
  'a preflight': (host) => ({
    method: 'OPTIONS',
    headers: { ...own(host), 'access-control-request-method': 'POST' },
  }),
  'an upload': (host) => ({ method: 'POST', headers: own(host), body: 'x'.repeat(1_000) }),
  'an upload from elsewhere': () => ({
    method: 'POST',
    headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    body: 'x',
  }),
  'a WebDAV mount': () => ({ method: 'PROPFIND' }),
  'the button': (host) => ({
    method: 'POST',
    path: '/.gatehouse/wake/start/',
    headers: { ...navigation, ...own(host) },
  }),
  'the button, from elsewhere': () => ({
    method: 'POST',
    path: '/.gatehouse/wake/start/',
    headers: { origin: 'https://evil.example' },
  }),
  'the stream of events': () => ({
    path: '/.gatehouse/wake/events/',
    headers: { accept: 'text/event-stream', 'sec-fetch-site': 'same-origin' },
  }),
  'a busy signal': () => ({
    method: 'POST',
    path: '/.gatehouse/wake/busy',
    headers: { authorization: 'Bearer busy' },
    body: '{"for":3600}',
  }),
}

t.test('strangers start nothing, keep nothing awake, and hear nothing', async (t) => {
  const { gateway, oci, instance } = await startWakeHouse(t, {
    rows: Object.entries(hosts)
      .map(([host, more], i) => row(host.toLowerCase(), more, 9 + i))
      .join('\n      '),
    power: 'sleepAfter: 1h, busy: { secret: BUSY }',
  })
  await eventually(() => statesIn(gateway).at(-1) === 'asleep')
  const calls = oci.calls.length
  for (const name of Object.keys(hosts)) {
    const host = name.toLowerCase()
    const secure = { ca: gateway.ca.certPem, servername: `${host}.${testDomain}` }
    const client = await h2(gateway.https, secure)
    for (const [what, made] of Object.entries(attempts)) {
      const attempt = { ...made(host), host: `${host}.${testDomain}` }
      for (const answer of [
        await http1(gateway.https, { ...attempt, tls: secure }),
        await client.request(attempt),
      ]) {
        const { status, headers, text } = answer
        t.ok(status === 303 || (status >= 400 && status < 504), `${what} at ${name}: ${status}`)
        t.not(headers['content-type'], 'text/event-stream; charset=utf-8', what)
        t.notMatch(textOf(text), /flex|Oracle|minute|ready|waking/, `${what} at ${name}`)
      }
    }
    await client.close()
    const refused = await openWebSocket(gateway.https, {
      host: `${host}.${testDomain}`,
      tls: secure,
      headers: own(host),
    }).catch((error) => error)
    t.ok(refused instanceof UpgradeRefused && [401, 503].includes(refused.status), `${refused}`)
  }
  t.equal(await heldFor(gateway), 0, 'nobody waits')
  t.equal(oci.calls.length, calls, 'its cloud heard nothing of it')
  t.equal(instance.starts, 0)
})

t.test('while it starts for somebody else, they wait for nothing and learn nothing', async (t) => {
  const { gateway, instance, oci } = await startWakeHouse(t, {
    rows: row('open', hosts.openAny),
    startMs: 600_000,
  })
  t.equal((await visitor(gateway, 'diego').visit(`https://app.${testDomain}`)).status, 503)
  await eventually(() => instance.state === 'STARTING')
  const host = `open.${testDomain}`
  const tls = { ca: gateway.ca.certPem, servername: host }
  const ask = (attempt: Attempt) => http1(gateway.https, { host, tls, ...attempt })
  const program = await ask({})
  t.match(JSON.parse(program.text), { status: 503, code: 'asleep' })
  t.match(JSON.parse((await ask({ headers: own('open'), body: 'x' })).text), { code: 'asleep' })
  const page = await ask({ headers: navigation })
  t.equal(page.status, 503)
  t.notMatch(page.text, /<script|data-events|diego/)
  t.equal((await ask({ path: '/.gatehouse/wake/events/' })).status, 404)
  t.equal(await heldFor(gateway), 0)
  t.equal(oci.count('START'), 1)
})
