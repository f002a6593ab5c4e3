// What changes while the gateway runs: the table under load, a bad table, draining under load. And what stands beside it
// during a move: the old proxy that gets everything unknown.

import https from 'node:https'
import t from 'tap'
import { echoBackend, httpBackend, webSocketBackend } from '../fixtures/backends.ts'
import { http1 } from '../fixtures/clients.ts'
import { startGateway, testDomain } from '../fixtures/gateway.ts'
import { openWebSocket } from '../fixtures/web-socket-client.ts'

t.test('a reload under load fails no request', async (t) => {
  const [one, two] = await Promise.all([named('one'), named('two')])
  const row = (origin: string) => `- { host: app, to: '${origin}', access: public, prefix: true }`
  const gateway = await startGateway({ routes: row(one.origin) })
  t.teardown(() => Promise.all([gateway.close(), one.close(), two.close()]))
  const agent = new https.Agent({ keepAlive: true, maxSockets: 8 })
  t.teardown(() => agent.destroy())
  const request = () =>
    http1(gateway.https, {
      host: `app.${testDomain}`,
      tls: { ca: gateway.ca.certPem },
      agent,
    })
  const statuses = new Map<number, number>()
  const bodies = new Set<string>()
  let stop = false
  const load = Array.from({ length: 8 }, async () => {
    while (!stop) {
      const { status, text } = await request()
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      bodies.add(text)
    }
  })
  for (let i = 0; i < 6; i++) {
    await gateway.writeRoutes(row(i % 2 === 0 ? two.origin : one.origin))
    await gateway.running.reload('signal')
  }
  await gateway.writeRoutes(row(two.origin))
  await gateway.running.reload('signal')
  stop = true
  await Promise.all(load)
  t.strictSame([...statuses.keys()], [200], 'every single answer is 200')
  t.strictSame([...bodies].sort(), ['one', 'two'], 'and both tables were in force')
  t.equal((await request()).text, 'two')
})

t.test('a bad table keeps the one that runs, and says what is wrong where', async (t) => {
  const backend = await named('app')
  const row = `- { host: app, to: '${backend.origin}', access: public }`
  const gateway = await startGateway({ routes: row })
  t.teardown(() => Promise.all([gateway.close(), backend.close()]))
  await gateway.writeRoutes(`${row}\n- { host: other, too: nowhere }`)
  await gateway.running.reload('signal')
  const answer = await http1(gateway.https, {
    host: `app.${testDomain}`,
    tls: { ca: gateway.ca.certPem },
  })
  t.equal(answer.status, 200)
  const said = JSON.stringify(gateway.events())
  t.match(said, 'too')
  t.match(said, /routes.yaml:\d+:\d+|"line":\d+/)
  const metrics = await http1(gateway.ops ?? 0, { path: '/metrics' })
  t.match(metrics.text, 'gatehouse_config_reloads_total{result="failed"} 1')
  const health = await http1(gateway.ops ?? 0, { path: '/health' })
  t.match(health.text, '"degraded"')
})

t.test(
  'draining under load finishes what is in flight and tells WebSockets to go away',
  async (t) => {
    const held: (() => void)[] = []
    const backend = await httpBackend((_req, res) => {
      res.writeHead(200, { 'content-length': '8' })
      res.write('half')
      held.push(() => res.end('full'))
    })
    const sockets = await webSocketBackend()
    const gateway = await startGateway({
      routes: `
  - { host: app, to: '${backend.origin}', access: public }
  - { host: ws, to: '${sockets.origin}', access: public, webSocket: true }`,
    })
    t.teardown(() => Promise.all([gateway.close(), backend.close(), sockets.close()]))
    const tls = { ca: gateway.ca.certPem }
    const socket = await openWebSocket(gateway.https, { host: `ws.${testDomain}`, tls })
    const answers = Array.from({ length: 5 }, () =>
      http1(gateway.https, { host: `app.${testDomain}`, tls }),
    )
    while (held.length < 5) await new Promise((resolve) => setTimeout(resolve, 5))
    const drained = gateway.running.drain()
    t.equal((await socket.closed).code, 1001, 'RFC 6455 §7.4.1')
    for (const finish of held) finish()
    for (const { status, text } of await Promise.all(answers)) {
      t.equal(status, 200)
      t.equal(text, 'halffull')
    }
    await drained
    await t.rejects(http1(gateway.https, { host: `app.${testDomain}`, tls }), {
      code: 'ECONNREFUSED',
    })
  },
)

t.test('during a move unknown hosts go to the old proxy as they came', async (t) => {
  const ours = await named('ours')
  const old = await echoBackend()
  const acme = await named('challenge')
  const gateway = await startGateway({
    names: ['*.old.example'],
    settings: `fallback: '${old.origin}'\nacmeFallback: '${acme.origin}'`,
    routes: `- { host: app, to: '${ours.origin}', access: public }`,
  })
  t.teardown(() => Promise.all([gateway.close(), ours.close(), old.close(), acme.close()]))
  const tls = { ca: gateway.ca.certPem }
  const ask = (host: string, path = '/') => http1(gateway.https, { host, path, tls })
  t.equal((await ask(`app.${testDomain}`)).text, 'ours')
  t.equal((await ask(`app.${testDomain}`, '/other')).status, 404, 'a known host never falls back')
  const passed = await ask('wiki.old.example', '/a%2Fb?c')
  t.equal(passed.status, 200)
  t.match(passed.text, '"url":"/a%2Fb?c"')
  t.match(passed.text, 'wiki.old.example')

  const plain = (path: string) => http1(gateway.http, { host: 'wiki.old.example', path })
  t.equal((await plain('/.well-known/acme-challenge/token')).text, 'challenge')
  t.equal((await plain('/.well-known/acme-challenge/../x')).status, 400)
  t.equal((await plain('/other')).status, 301, 'everything else on the plain port is redirected')
})

/** A backend that answers with its name. */
function named(name: string) {
  return httpBackend((_req, res) => {
    res.end(name)
  })
}
