// WebSockets and streams of events are held while their machine wakes: nothing of them is anywhere before.

import type { Server } from 'node:http'
import t from 'tap'
import { acceptValue, webSocketOver } from '../../demo/web-socket.ts'
import { http1Stream } from '../fixtures/clients.ts'
import { origin, script, startHoldHouse } from '../fixtures/hold-house.ts'
import { appHost } from '../fixtures/wake-house.ts'
import {
  openWebSocket,
  openWebSocketOverH2,
  UpgradeRefused,
} from '../fixtures/web-socket-client.ts'

/** Switches at once, and writes down what came before and after. */
function switching(seen: string[]): (server: Server) => void {
  return (server) => {
    server.on('upgrade', (request, socket, head) => {
      seen.push(`head ${head.length}`)
      const accept = acceptValue(request.headers['sec-websocket-key'] ?? '')
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      )
      const peer = webSocketOver(
        socket,
        { role: 'server', head },
        {
          message(data) {
            seen.push(`message ${data}`)
            peer.send(`echo ${data}`)
          },
          closed() {},
        },
      )
      socket.on('error', () => {})
    })
  }
}

t.test('a WebSocket is held, over HTTP/1.1 and HTTP/2', async (t) => {
  const seen: string[] = []
  const { gateway, tls, cookie, h2, held, oci } = await startHoldHouse(t, {
    serve: switching(seen),
    route: 'access: login, wake: any, webSocket: true',
  })
  const request = { host: appHost, path: '/chat', headers: { cookie, origin } }
  const client = await h2()
  const sockets = Promise.all([
    openWebSocket(gateway.https, { ...request, tls }),
    openWebSocketOverH2(client, request),
  ])
  await held(2)
  t.strictSame(seen, [])
  for (const socket of await sockets) {
    socket.send('hello')
    t.equal(await socket.next(), 'echo hello')
    socket.destroy()
  }
  t.equal(oci.count('START'), 1)
})

t.test('what a WebSocket sends too early stays here until the backend has switched', async (t) => {
  const seen: string[] = []
  const { raw, head, held } = await startHoldHouse(t, {
    serve: switching(seen),
    route: 'access: login, wake: any, webSocket: true',
  })
  const client = await raw()
  // A frame that says `early`, masked with zeros (RFC 6455 §5.2).
  const frame = Buffer.from([0x81, 0x85, 0, 0, 0, 0, ...Buffer.from('early')])
  const handshake = head(
    'GET /chat',
    `Origin: ${origin}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  )
  await client.send(Buffer.concat([Buffer.from(handshake), frame]))
  await held(1)
  await client.send(frame)
  t.equal(client.received().length, 0)
  t.match(String(await client.readUntil('\r\n\r\n')), /^HTTP\/1\.1 101 /)
  await client.readUntil('echo early')
  await client.readUntil('echo early')
  t.strictSame(seen, ['head 0', 'message early', 'message early'], 'after the switch, each once')
})

t.test(
  'a WebSocket that has to go hears 503 on its socket, and no byte went to anybody',
  async (t) => {
    const seen: string[] = []
    const { gateway, tls, cookie } = await startHoldHouse(t, {
      serve: switching(seen),
      route: 'access: login, wake: any, webSocket: true',
      power: 'hold: 1s',
      startMs: 30_000,
    })
    const request = { host: appHost, path: '/chat', headers: { cookie, origin }, tls }
    const refused = await openWebSocket(gateway.https, request).then(
      () => null,
      (error) => error,
    )
    if (!(refused instanceof UpgradeRefused)) throw refused
    t.equal(refused.status, 503)
    t.ok(Number(refused.headers['retry-after']) >= 5)
    t.strictSame(seen, [])
  },
)

t.test('a stream of events is held and then flows', async (t) => {
  const { gateway, tls, cookie, held } = await startHoldHouse(t, {
    serve: (server) =>
      server.on('request', (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('data: first\n\n')
        setTimeout(() => response.write('data: second\n\n'), 20)
      }),
  })
  const headers = { cookie, ...script, accept: 'text/event-stream' }
  const asked = http1Stream(gateway.https, { host: appHost, path: '/events', tls, headers })
  await held(1)
  const stream = await asked
  t.equal(stream.statusCode, 200)
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) {
    text += chunk
    if (text.includes('second')) break
  }
  t.equal(text, 'data: first\n\ndata: second\n\n')
})
