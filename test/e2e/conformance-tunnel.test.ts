// Point 27 of docs/conformance.md: a tunnel ends as its two ends say, and leaves no socket behind.

import { once } from 'node:events'
import t from 'tap'
import { webSocketBackend } from '../fixtures/backends.ts'
import { appHost, publicRow, startEdge, until } from '../fixtures/edge.ts'
import { handshake, held, tunnel, valid, webSocket } from '../fixtures/held-websocket.ts'
import { openWebSocketOverH2 } from '../fixtures/web-socket-client.ts'

t.test(
  'point 27: half-close passes on, and the other direction stays open (RFC 9293 §3.6)',
  async (t) => {
    const first = await tunnel(t)
    first.server.end()
    await first.client.readToEnd()
    await first.client.send('late')
    t.equal(
      (await first.server.readBytes(4)).toString(),
      'late',
      'the backend has ended, the client goes on',
    )
    first.client.end()
    await until(() => first.count() === 0, 'both ended: no socket is left')

    const second = await tunnel(t)
    second.client.end()
    await second.server.readToEnd()
    await second.server.send('late')
    second.server.end()
    t.equal((await second.client.readToEnd()).toString(), 'late')
    await until(() => second.count() === 0)
  },
)

t.test('point 27: an abort on either side leaves no socket on the other', async (t) => {
  for (const how of ['client destroys', 'backend resets', 'backend destroys'] as const) {
    const { client, server, count } = await tunnel(t)
    await client.send('x')
    await server.readBytes(1)
    if (how === 'client destroys') {
      client.destroy()
      await until(() => server.ended() !== null, how)
      server.destroy()
    } else if (how === 'backend resets') server.reset()
    else server.destroy()
    await until(() => count() === 0 && client.ended() !== null, how)
    t.pass(how)
  }
})

t.test('point 27: so over HTTP/2, and the session lives on', async (t) => {
  const backend = await webSocketBackend()
  t.teardown(() => backend.close())
  const edge = await startEdge(t, [publicRow('app', backend.port, webSocket)])
  const h2 = await edge.h2()
  const sockets = await Promise.all(
    Array.from({ length: 20 }, () => openWebSocketOverH2(h2, { host: appHost })),
  )
  t.equal(backend.connections(), 20)
  for (const socket of sockets.slice(0, 10)) socket.destroy()
  await until(() => backend.connections() === 10, 'clients that reset')
  const rest = sockets.slice(10).map(({ stream }) => once(stream, 'close'))
  await backend.close()
  await Promise.all(rest)
  t.equal(h2.session.destroyed, false)
  const lines = await edge.gateway.accessLines()
  t.equal(lines.length, 20, 'each has its line')
})

t.test('a client that leaves before the 101 leaves nothing behind', async (t) => {
  const all = await held(t)
  const client = await all.edge.connect()
  await client.send(handshake(...valid))
  await until(() => all.heads.length === 1)
  client.destroy()
  await until(() => all.connections[0]?.ended() !== null, 'the backend hears of it')
  t.pass()
})

t.test('back-pressure holds in a tunnel too', async (t) => {
  const { client, server } = await tunnel(t)
  client.socket.pause()
  const chunk = Buffer.alloc(65_536)
  let taken = 0
  const push = () => {
    server.socket.write(chunk, () => {
      taken += chunk.length
      if (!server.socket.destroyed) push()
    })
  }
  push()
  let last = -1
  while (last !== taken) {
    last = taken
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  t.ok(taken < 32e6, `stopped after ${taken}`)
  server.destroy()
})
