// Backends, names and clocks that misbehave while the gateway runs, and what a visitor sees of it.

import type https from 'node:https'
import t from 'tap'
import { downloadBackend, httpBackend, rawBackend, slowBackend } from '../fixtures/backends.ts'
import { h2, http1 } from '../fixtures/clients.ts'
import { appHost, publicRow, startEdge } from '../fixtures/edge.ts'
import type { TestGateway } from '../fixtures/gateway.ts'

const get = (gateway: TestGateway, agent?: https.Agent) =>
  http1(gateway.https, {
    host: appHost,
    tls: { ca: gateway.ca.certPem },
    ...(agent === undefined ? {} : { agent }),
  })

/** Asks until the answer is another than `status`. */
async function after(status: number, gateway: TestGateway): Promise<number> {
  for (let i = 0; i < 200; i++) {
    const answer = await get(gateway)
    if (answer.status !== status) return answer.status
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return status
}

const activeConnections = async (gateway: TestGateway) => {
  const { text } = await http1(gateway.ops ?? 0, { path: '/metrics' })
  const found = /gatehouse_upstream_connections\{[^}]*state="active"\} (\d+)/.exec(text)
  return found === null ? null : Number(found[1])
}

t.test(
  'a client that leaves in the middle of an answer frees its backend connection',
  async (t) => {
    const backend = await downloadBackend()
    t.teardown(() => backend.close())
    const { gateway } = await startEdge(t, [publicRow('app', backend.port)])
    const client = await h2(gateway.https, { ca: gateway.ca.certPem, servername: appHost })
    for (let i = 0; i < 20; i++) {
      const stream = client.open({ ':path': '/10000000', ':authority': appHost })
      stream.on('error', () => {})
      await new Promise((resolve) => stream.once('readable', resolve))
      // Nothing is read, so the answer comes to a halt; then RST_STREAM(NO_ERROR), which looks like a good end to Node.
      if (i % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      stream.close(0)
    }
    let active: number | null = null
    for (let i = 0; i < 100 && active !== 0; i++) active = await activeConnections(gateway)
    t.equal(active, 0)
    const lines = await gateway.accessLines()
    t.strictSame([...new Set(lines.map(({ outcome }) => outcome))], ['client-left'])
    client.session.destroy()
  },
)

t.test('a backend that was restarted meanwhile: GET is asked again, unseen', async (t) => {
  let handled = 0
  const backend = await httpBackend((req, res) => {
    handled += 1
    // Every second request finds the connection that the first one left dead.
    if (handled % 2 === 0) req.socket.resetAndDestroy()
    else res.end('ok')
  })
  t.teardown(() => backend.close())
  const { gateway } = await startEdge(t, [publicRow('app', backend.port)])
  for (let i = 0; i < 4; i++) t.match(await get(gateway), { status: 200, text: 'ok' })
  const lines = await gateway.accessLines()
  t.strictSame(
    lines.map(({ retried }) => retried),
    [false, true, true, true],
  )
})

t.test(
  'a backend that is down rests for a while and is back within about two seconds',
  async (t) => {
    let serving = false
    const backend = await rawBackend(async (connection) => {
      if (!serving) return connection.destroy()
      for (;;) {
        await connection.readUntil('\r\n\r\n')
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      }
    })
    t.teardown(() => backend.close())
    let address = '127.0.0.1'
    let lookups = 0
    const { gateway } = await startEdge(
      t,
      [
        `  - { host: app, to: 'http://backend.test:${backend.port}', access: public, prefix: true }`,
      ],
      {
        lookup: (name, _options, callback) => {
          lookups += 1
          if (address === '') {
            callback(Object.assign(new Error(`no ${name}`), { code: 'ENOTFOUND' }), [])
          } else callback(null, [{ address, family: 4 }])
        },
      },
    )
    address = ''
    for (let i = 0; i < 3; i++) t.equal((await get(gateway)).status, 502, 'the name fails')
    const asked = lookups
    t.equal((await get(gateway)).status, 503)
    t.equal(lookups, asked, 'nobody is asked while it rests')
    address = '169.254.169.254'
    serving = true
    const since = performance.now()
    const last = await after(503, gateway)
    t.equal(last, 502, 'a name that now leads to the metadata service is not dialled')
    t.equal(backend.accepted(), 0)
    address = '127.0.0.1'
    t.equal(await after(503, gateway), 200)
    t.ok(performance.now() - since < 6_000, 'two rests of two seconds, and a little')
    t.equal((await get(gateway)).status, 200)
  },
)

t.test('a wall clock that is set cuts nothing off', async (t) => {
  let offset = 0
  const backend = await slowBackend()
  t.teardown(() => backend.close())
  const { gateway } = await startEdge(
    t,
    [publicRow('app', backend.port, 'timeouts: { headers: 5s }')],
    { now: () => Date.now() + offset },
  )
  for (const jump of [3_600_000, -7_200_000]) {
    const answer = get(gateway)
    await backend.arrived(1)
    offset += jump
    // Longer than the clock takes to notice, and two looks at the deadlines.
    await new Promise((resolve) => setTimeout(resolve, 2_200))
    backend.release()
    t.equal((await answer).status, 200, `after ${jump} ms`)
  }
  t.equal((await gateway.accessLines()).length, 2)
})

t.test('when the process stood still, what arrived meanwhile counts as in time', async (t) => {
  const backend = await slowBackend()
  t.teardown(() => backend.close())
  const { gateway } = await startEdge(t, [
    publicRow('app', backend.port, 'timeouts: { headers: 1s }'),
  ])
  const answer = get(gateway)
  await backend.arrived(1)
  backend.release()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500)
  t.equal((await answer).status, 200)
})

t.test('a backend that accepts and never answers is 504 by the route’s own time', async (t) => {
  const backend = await rawBackend(() => {})
  t.teardown(() => backend.close())
  const { gateway } = await startEdge(t, [
    publicRow('app', backend.port, 'timeouts: { headers: 1s }'),
  ])
  const since = performance.now()
  t.equal((await get(gateway)).status, 504)
  t.ok(performance.now() - since < 4_000)
  t.equal(await activeConnections(gateway), 0)
})
