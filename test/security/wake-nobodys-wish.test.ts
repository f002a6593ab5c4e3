// Browsers ask for much that nobody wished for: prefetches, icons, service workers, preflights, and whatever the scripts of a tab
// ask that was left open last week. With the owner's own cookie none of it may start a machine: or every machine that was put to
// sleep is awake again a minute later, for ever.

import t from 'tap'
import { h2, http1 } from '../fixtures/clients.ts'
import { testDomain } from '../fixtures/gateway.ts'
import { cookieOf } from '../fixtures/people.ts'
import { eventually, heldFor, startWakeHouse, statesIn, visitor } from '../fixtures/wake-house.ts'
import { openWebSocket } from '../fixtures/web-socket-client.ts'

interface Attempt {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

const page = {
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
}
const script = {
  accept: '*/*',
  'sec-fetch-mode': 'cors',
  'sec-fetch-dest': 'empty',
  'sec-fetch-site': 'same-origin',
}

/** Nobody's wish under any rule. */
const incidental: Readonly<Record<string, Attempt>> = {
  'a prefetched page': { headers: { ...page, 'sec-purpose': 'prefetch' } },
  'a prerendered page': { headers: { ...page, 'sec-purpose': 'prefetch;prerender' } },
  'a prefetch of an older browser': { headers: { ...page, purpose: 'prefetch' } },
  'a prefetch in other letters': { headers: { ...page, 'Sec-Purpose': 'Prefetch' } },
  'a prefetch of an older Firefox': { headers: { ...page, 'x-moz': 'prefetch' } },
  'a preview of an older Safari': { headers: { ...page, 'x-purpose': 'preview' } },
  'an icon': { path: '/favicon.ico', headers: { ...script, 'sec-fetch-dest': 'image' } },
  'an icon, asked for by a program': { path: '/favicon.ico?v=2' },
  'the icon of a phone': { path: '/apple-touch-icon.png' },
  'a manifest': {
    path: '/app.json',
    headers: { ...script, 'sec-fetch-dest': 'manifest' },
  },
  'a service worker': {
    path: '/worker.js',
    headers: {
      ...script,
      'sec-fetch-mode': 'same-origin',
      'sec-fetch-dest': 'serviceworker',
      'service-worker': 'script',
    },
  },
  robots: { path: '/robots.txt' },
  'a health check': { path: '/healthz' },
  'a link preview': { method: 'HEAD', headers: { accept: '*/*' } },
  'a preflight': {
    method: 'OPTIONS',
    headers: { ...script, 'access-control-request-method': 'PUT' },
  },
}

/** Asked by a page that is open, and not by its reader. */
const tab: Readonly<Record<string, Attempt>> = {
  'a poll': { path: '/api/poll', headers: script },
  'a poll of an older browser': {
    path: '/api/poll',
    headers: { 'x-requested-with': 'XMLHttpRequest', 'sec-fetch-site': 'same-origin' },
  },
  'a picture': { path: '/a.png', headers: { ...script, 'sec-fetch-dest': 'image' } },
  'a stream': { path: '/events', headers: { ...script, accept: 'text/event-stream' } },
  'a program': { path: '/api/poll', headers: { 'user-agent': 'curl/8' } },
}

t.test('what nobody wished for starts nothing', async (t) => {
  const rules = ['navigation', 'any', 'known-client'] as const
  const { gateway, oci, instance, service } = await startWakeHouse(t, {
    rows: rules
      .map(
        (rule, i) =>
          `- { host: ${rule}, service: ${rule}, to: 'http://flex:${9 + i}', webSocket: true, access: login, wake: ${rule} }`,
      )
      .join('\n      '),
  })
  await eventually(() => statesIn(gateway).at(-1) === 'asleep')
  const calls = oci.calls.length
  const cookie = cookieOf(gateway.known('diego'))
  for (const rule of rules) {
    const host = `${rule}.${testDomain}`
    const tls = { ca: gateway.ca.certPem, servername: host }
    const client = await h2(gateway.https, tls)
    const asked = rule === 'navigation' ? { ...incidental, ...tab } : incidental
    for (const [what, attempt] of Object.entries(asked)) {
      const request = { ...attempt, host, headers: { cookie, ...attempt.headers } }
      for (const answer of [
        await http1(gateway.https, { ...request, tls }),
        await client.request(request),
      ]) {
        t.ok(answer.status === 503 || answer.status === 204, `${what} (${rule}): ${answer.status}`)
        t.equal(statesIn(gateway).at(-1), 'asleep', `${what} (${rule})`)
      }
    }
    await client.close()
  }
  const host = `navigation.${testDomain}`
  const tls = { ca: gateway.ca.certPem, servername: host }
  const headers = { cookie, origin: `https://${host}` }
  const socket = await openWebSocket(gateway.https, { host, tls, headers }).catch((error) => error)
  t.equal(socket.status, 503, 'a page that connects its WebSocket again and again')
  t.equal(oci.calls.length, calls, 'the cloud was not even asked')
  t.equal(instance.starts, 0)
  t.strictSame(service.asked, [])
})

t.test('what an open tab asks may wait while its person has the machine started', async (t) => {
  const { gateway, oci } = await startWakeHouse(t)
  await eventually(() => statesIn(gateway).at(-1) === 'asleep')
  const diego = visitor(gateway, 'diego')
  const app = `https://app.${testDomain}`
  t.equal((await diego.request(`${app}/poll`, { headers: script })).status, 503)
  t.equal((await diego.visit(app)).status, 503)
  const poll = diego.request(`${app}/poll`, { headers: script })
  await eventually(async () => (await heldFor(gateway)) === 1)
  for (const attempt of Object.values(incidental)) {
    const { status } = await diego.request(app + (attempt.path ?? '/'), attempt)
    t.ok(status === 503 || status === 204, `${status}`)
  }
  t.match(await poll, { status: 200, text: 'served GET /poll ' })
  t.equal(oci.count('START'), 1)
})
