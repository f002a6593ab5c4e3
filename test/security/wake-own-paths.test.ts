// `/.gatehouse/wake/…` in front of a path makes it a question about the machine behind that path. Attack: spell it so that one part
// of the gateway sees our path and another the service's; name a private path behind a public route; put one of our paths into
// another. None of it starts a machine, opens a stream that its asker may not see, or reaches the service with another meaning.

import t from 'tap'
import { h2, rawClient } from '../fixtures/clients.ts'
import { openEvents } from '../fixtures/event-stream.ts'
import { testDomain } from '../fixtures/gateway.ts'
import { cookieOf } from '../fixtures/people.ts'
import { appHost, eventually, startWakeHouse, statesIn } from '../fixtures/wake-house.ts'

const house = await startWakeHouse(t, {
  // Public but for one part, and a part that only the family may see.
  route:
    'access: [{ paths: [/private/**], access: login }, { paths: [/family/**], access: { groups: [family] } }, { access: public }]',
  people: [
    { id: 'diego', groups: ['family'] },
    {
      id: 'guest',
      tokens: [{ label: 'reads' }, { label: 'wakes', wake: { hours: null, perDay: 9 } }],
    },
  ],
})
const { gateway, oci, instance, service } = house
await eventually(() => statesIn(gateway).at(-1) === 'asleep')
const tls = { ca: gateway.ca.certPem, servername: appHost }
const diego = cookieOf(gateway.known('diego'))
const guest = cookieOf(gateway.known('guest'))
const { reads = '', wakes = '' } = gateway.known('guest').tokens

/** One request line as it is written, and what came back: status and what kind of answer. */
async function ask(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const client = await rawClient(gateway.https, tls)
  const fields = { Host: appHost, Connection: 'close', 'Content-Length': '0', ...headers }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  await client.send([`${method} ${target} HTTP/1.1`, ...lines, '', ''].join('\r\n'))
  const head = String(await client.readUntil('\r\n\r\n'))
  client.destroy()
  const kind = /event-stream/.test(head) ? ' stream' : ''
  return `${/ (\d{3}) /.exec(head)?.[1]}${kind}`
}

const own = { Origin: `https://${appHost}`, 'Sec-Fetch-Site': 'same-origin' }
const start = (target: string, headers: Readonly<Record<string, string>>) =>
  ask('POST', target, { ...own, ...headers })

t.test('no other spelling of our paths is one', async (t) => {
  const spellings = [
    '/.gatehouse/wake/Events/',
    '/.gatehouse/WAKE/events/',
    '/.gatehouse/wake/%65vents/',
    '/.gatehouse/%77ake/events/',
    '/%2egatehouse/wake/events/',
    '/.gatehouse%2fwake%2fevents/',
    '/.gatehouse/wake%2fevents/',
    '/.gatehouse//wake/events/',
    '/.gatehouse/wake//events/',
    '//.gatehouse/wake/events/',
    '/./.gatehouse/wake/events/',
    '/x/../.gatehouse/wake/events/',
    '/x/%2e%2e/.gatehouse/wake/events/',
    '/.gatehouse/wake/events;x/',
    '/.gatehouse/wake/events%00/',
    '/.gatehouse\\wake\\events/',
    '/.gatehouse/wake/events%20/',
    '/.gatehouse/wake/',
    '/.gatehouse/wake',
    '/.gatehouse/wake/waiting.js',
    '/.gatehouse/wake/waiting.AAAAAAAAAAAAAAAA.js',
    '/.gatehouse/wake/waiting..%2f..%2f.js',
    '/.gatehouse/wake/waiting.x.js/',
    '/.gatehouse/wake/busy/',
    '/.gatehouse/wake/busy/events/',
    '/.gatehouse/wake/script/',
    '/.gatehouse/wake/__proto__/',
    '/.gatehouse/wake/constructor/',
  ]
  for (const spelling of spellings) {
    for (const [method, target] of [
      ['GET', spelling],
      [
        'POST',
        spelling
          .replace('events', 'start')
          .replace('Events', 'Start')
          .replace('%65vents', '%73tart'),
      ],
    ] as const) {
      const status = await ask(method, target, { ...own, Cookie: diego })
      t.match(status, /^(400|401|404|405)$/, `${method} ${target}: ${status}`)
    }
  }
})

t.test(
  'in capitals it is a path of the service, and wakes it no more than any other',
  async (t) => {
    t.equal(await ask('GET', '/.GATEHOUSE/wake/events/', own), '503')
    t.equal(await start('/.GATEHOUSE/wake/start/', {}), '503')
    t.equal(await start('/.GATEHOUSE/wake/start/private/x', {}), '503')
    t.equal(instance.starts, 0)
  },
)

t.test('about a page asks who may open that page, however it is spelled', async (t) => {
  const paths = [
    '/private/x',
    '/private/',
    '/private/x?y=/public',
    '//private/x',
    '/./private/x',
    '/public/../private/x',
    '/%70rivate/x',
    '/private%2fx',
    '/public/%2e%2e/private/x',
    '/public;/../private/x',
    '/PRIVATE/x',
    '/private\\x',
    '/family/x',
    '/public/..%2ffamily/x',
  ]
  for (const path of paths) {
    const stream = await ask('GET', `/.gatehouse/wake/events${path}`)
    t.match(stream, /^(303|400|401|404)$/, `a stranger follows ${path}: ${stream}`)
    const pressed = await start(`/.gatehouse/wake/start${path}`, {})
    t.match(pressed, /^(303|400|401|403|404)$/, `a stranger starts ${path}: ${pressed}`)
  }
  for (const path of ['/family/x', '/public/../family/x', '/%66amily/x', '//family/x']) {
    const stream = await ask('GET', `/.gatehouse/wake/events${path}`, { Cookie: guest })
    t.match(stream, /^(400|403|404)$/, `a guest follows ${path}: ${stream}`)
    const pressed = await start(`/.gatehouse/wake/start${path}`, { Cookie: guest })
    t.match(pressed, /^(400|403|404)$/, `a guest starts ${path}: ${pressed}`)
  }
  t.equal(await ask('GET', '/.gatehouse/wake/events/family/x', { Cookie: diego }), '200 stream')
  t.equal(await ask('GET', '/.gatehouse/wake/events/private/x', { Cookie: guest }), '200 stream')
  t.equal(await ask('GET', '/.gatehouse/wake/events/public'), '404', 'nothing for strangers')
})

t.test('one of our paths in another is none', async (t) => {
  for (const target of [
    '/.gatehouse/wake/events/.gatehouse/wake/events/',
    '/.gatehouse/wake/events/.gatehouse/wake/start/',
    '/.gatehouse/wake/events/.gatehouse/wake/busy',
    '/.gatehouse/wake/events/.gatehouse/sign-out',
    `/.gatehouse/wake/events/.gatehouse/t/${wakes}/private/x`,
    `/.gatehouse/t/${wakes}/.gatehouse/t/${wakes}/private/x`,
    `/.gatehouse/t/${wakes}/.gatehouse/wake/events/.gatehouse/wake/events/`,
    `/.gatehouse/t/${wakes}/.gatehouse/wake/events/.gatehouse/t/${reads}/`,
    '/.gatehouse/wake/events//.gatehouse/wake/events/',
  ]) {
    for (const headers of [{}, { Cookie: guest }]) {
      const seen = await ask('GET', target, headers)
      t.match(seen, /^(400|401|404)$/, `${target}: ${seen}`)
      const pressed = await start(target.replace('events', 'start'), headers)
      t.match(pressed, /^(400|401|403|404|405)$/, `${target}: ${pressed}`)
    }
  }
})

t.test('a token in the path is good for what it is good for', async (t) => {
  const about = (token: string, what: string) =>
    `/.gatehouse/t/${token}/.gatehouse/wake/${what}/private/x`
  t.equal(await ask('GET', about(reads, 'events')), '200 stream')
  t.equal(await start(about(reads, 'start'), {}), '403', 'it may not start machines')
  t.equal(await ask('GET', about('gth_x', 'events')), '401')
  t.equal(await start(about('gth_x', 'start'), {}), '401')
  t.equal(instance.starts, 0)
})

t.test('the button is pressed on our own pages alone', async (t) => {
  const target = '/.gatehouse/wake/start/private/x'
  const Cookie = diego
  const foreign: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'a form elsewhere': { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' },
    'a form of a sibling': { Origin: `https://two.${testDomain}`, 'Sec-Fetch-Site': 'same-site' },
    'a form of the login': { Origin: `https://auth.${testDomain}`, 'Sec-Fetch-Site': 'same-site' },
    'an opaque origin': { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' },
    'an older browser, elsewhere': { Origin: 'https://evil.example' },
    'another port': { Origin: `https://${appHost}:8443` },
    'no TLS': { Origin: `http://${appHost}` },
    'a name that begins the same': { Origin: `https://${appHost}.evil.example` },
    'a name that ends the same': { Origin: `https://evil${appHost}` },
    'nothing said': {},
    'a link': { 'Sec-Fetch-Site': 'none' },
    'a referer alone': { Referer: `https://${appHost}/` },
  }
  for (const [what, headers] of Object.entries(foreign)) {
    t.equal(await ask('POST', target, { Cookie, ...headers }), '403', what)
  }
  for (const method of ['GET', 'HEAD', 'PUT', 'OPTIONS', 'DELETE', 'PROPFIND']) {
    const seen = await ask(method, target, { ...own, Cookie })
    t.match(seen, /^(204|404|405)$/, `${method}: ${seen}`)
  }
  t.equal(instance.starts, 0)
})

t.test('where the button leads is on this host', async (t) => {
  const client = await h2(gateway.https, tls)
  t.teardown(() => client.close())
  for (const path of [
    '//evil.example/',
    '/\\evil.example',
    '/%5cevil.example',
    '/%2fevil.example',
    '///evil.example',
    '/%09/evil.example',
    '/%0d%0alocation: https://evil.example',
    '/x?y=%0d%0a',
  ]) {
    const asked = client.request({
      method: 'POST',
      path: `/.gatehouse/wake/start${path}`,
      headers: { cookie: diego, origin: `https://${appHost}` },
    })
    // Refused with its stream, or as a request.
    const { status, headers } = await asked.catch(() => ({ status: 400, headers: {} as never }))
    if (status !== 303) continue
    const there = new URL(headers.location ?? '', `https://${appHost}/`)
    t.match(there.host, new RegExp(`^(${appHost}|auth\\.${testDomain})$`), `${path}: ${there}`)
  }
})

t.test('the stream has no sender that another site could read', async (t) => {
  const stream = await openEvents(gateway.https, {
    host: appHost,
    path: '/.gatehouse/wake/events/private/x',
    tls,
    headers: { cookie: guest, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  })
  stream.close()
  t.equal(stream.headers['access-control-allow-origin'], undefined)
  t.equal(stream.headers['access-control-allow-credentials'], undefined)
})

t.test('and after all of it', async (t) => {
  t.ok(oci.count('START') <= 1, 'the last of them were pressed by the owner')
  t.strictSame(service.asked, [], 'nothing has reached the service')
})

t.test('no WebSocket is opened to our own paths', async (t) => {
  const upgrade = {
    Cookie: diego,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'),
    Origin: `https://${appHost}`,
  }
  const fields = Object.entries({ Host: appHost, ...upgrade })
  const client = await rawClient(gateway.https, tls)
  const lines = fields.map(([name, value]) => `${name}: ${value}`)
  await client.send(['GET /.gatehouse/wake/events/ HTTP/1.1', ...lines, '', ''].join('\r\n'))
  t.match(String(await client.readUntil('\r\n\r\n')), /^HTTP\/1.1 404 /)
  client.destroy()
})
