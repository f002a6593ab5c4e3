// Points 39 and 40 of docs/conformance.md: WebSockets over HTTP/1.1 and HTTP/2, and no byte before the 101.

import t from 'tap'
import { cannedBackend, rawBackend, webSocketBackend } from '../fixtures/backends.ts'
import { appHost, fieldsOf, publicRow, request, startEdge, until } from '../fixtures/edge.ts'
import { handshake, held, key, valid, webSocket } from '../fixtures/held-websocket.ts'
import {
  openWebSocket,
  openWebSocketOverH2,
  UpgradeRefused,
} from '../fixtures/web-socket-client.ts'

t.test(
  'point 39: messages pass both ways, over HTTP/1.1 and HTTP/2 (RFC 6455 §4.2, RFC 8441 §5)',
  async (t) => {
    const backend = await webSocketBackend()
    t.teardown(() => backend.close())
    const edge = await startEdge(t, [publicRow('app', backend.port, webSocket)])
    const tls = { ca: edge.gateway.ca.certPem }
    const first = await openWebSocket(edge.gateway.https, { host: appHost, tls })
    const second = await openWebSocketOverH2(await edge.h2(), { host: appHost })
    for (const socket of [first, second]) {
      for (const message of ['hello', 'x'.repeat(300_000)]) {
        socket.send(message)
        t.equal((await socket.next()).toString(), message)
      }
    }
    t.same(
      second.headers['sec-websocket-accept'],
      undefined,
      'HTTP/2 names no accept (RFC 8441 §5)',
    )
    t.same(second.headers.connection, undefined)
    first.destroy()
    second.destroy()
    await until(() => backend.connections() === 0)
  },
)

t.test(
  'point 39: the backend gets a handshake rebuilt by us (RFC 6455 §4.2.1, RFC 8441 §5)',
  async (t) => {
    const all = await held(t)
    const client = await all.edge.connect()
    await client.send(
      handshake(
        ...valid,
        'Sec-WebSocket-Protocol: chat',
        'Sec-WebSocket-Extensions: permessage-deflate',
        'Remote-User: admin',
        'Connection: x-a',
        'X-A: 1',
        'Origin: https://x.example',
      ),
    )
    const h2 = await all.edge.h2()
    const stream = h2.open(
      {
        ':method': 'CONNECT',
        ':protocol': 'websocket',
        ':scheme': 'https',
        ':authority': appHost,
        ':path': '/chat',
        'sec-websocket-version': '13',
        'sec-websocket-protocol': 'chat',
        'sec-websocket-key': key,
      },
      { endStream: false },
    )
    stream.on('error', () => {})
    await until(() => all.heads.length === 2)
    for (const head of all.heads) {
      t.match(head, /^GET \/chat HTTP\/1\.1\r\n/)
      t.same(fieldsOf(head, 'upgrade'), ['websocket'])
      t.same(fieldsOf(head, 'connection'), ['upgrade'])
      t.same(fieldsOf(head, 'sec-websocket-version'), ['13'])
      t.same(fieldsOf(head, 'sec-websocket-protocol'), ['chat'])
      t.equal(fieldsOf(head, 'sec-websocket-key').length, 1)
      for (const name of ['remote-user', 'x-a', 'content-length', 'transfer-encoding']) {
        t.same(fieldsOf(head, name), [], name)
      }
    }
    const viaH2 = all.heads.find((head) => !head.includes('Origin')) ?? ''
    t.not(fieldsOf(viaH2, 'sec-websocket-key')[0], key, 'HTTP/2: a key of our own')
    await all.switch(0)
    const answer = (await client.readUntil('\r\n\r\n')).toString()
    t.match(answer, /^HTTP\/1\.1 101 /)
    t.same(fieldsOf(answer, 'upgrade'), ['websocket'])
    t.same(fieldsOf(answer, 'content-length'), [])
    t.same(fieldsOf(answer, 'sec-websocket-protocol'), ['chat'])
    stream.close(8)
  },
)

t.test(
  'point 40: nothing is tunnelled on a handshake that is not exactly right (RFC 6455 §4.2.1, websocket-smuggle)',
  async (t) => {
    const all = await held(t)
    const hidden = request('GET /admin')
    for (const [name, bytes, code] of [
      ['version 12', handshake('Sec-WebSocket-Version: 12', `Sec-WebSocket-Key: ${key}`), 426],
      ['version 1337', handshake('Sec-WebSocket-Version: 1337', `Sec-WebSocket-Key: ${key}`), 426],
      ['no version', handshake(`Sec-WebSocket-Key: ${key}`), 426],
      ['no key', handshake('Sec-WebSocket-Version: 13'), 400],
      ['short key', handshake('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: eA=='), 400],
      ['two keys', handshake(...valid, `Sec-WebSocket-Key: ${key}`), 400],
      ['POST', handshake(...valid).replace('GET', 'POST'), 400],
      ['HTTP/1.0', handshake(...valid).replace('HTTP/1.1', 'HTTP/1.0'), 400],
    ] as const) {
      const answer = await all.edge.exchange(bytes + hidden)
      t.match(answer, new RegExp(`^HTTP/1.1 ${code} `), name)
      t.match(answer, /\r\nconnection: close\r\n/i, name)
      t.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, `${name}: what follows is not a request`)
    }
    t.same(all.heads, [], 'the backend hears of none')
  },
)

t.test(
  'point 39: an upgrade to anything else is ignored; with a body it is refused (RFC 9110 §7.8; h2c smuggling, CVE-2026-2833)',
  async (t) => {
    const backend = await rawBackend(async (connection) => {
      for (;;) {
        const head = (await connection.readUntil('\r\n\r\n')).toString()
        await connection.readBytes(Number(fieldsOf(head, 'content-length')[0] ?? 0))
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      }
    })
    t.teardown(() => backend.close())
    const edge = await startEdge(t, [publicRow('app', backend.port, webSocket)])
    for (const token of [
      'h2c',
      'TLS/1.0',
      'foo',
      'websocket, h2c',
      'h2c, websocket',
      'websocket/13',
    ]) {
      const client = await edge.connect()
      const upgrade = `Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\nUpgrade: ${token}`
      await client.send(request('GET /a', upgrade, ...valid) + request('GET /b'))
      t.equal((await client.response()).status, 200, token)
      await client.readToEnd()
      t.equal(
        client
          .received()
          .toString()
          .match(/HTTP\/1\.1 /g)?.length,
        1,
        'and the connection ends',
      )
    }
    // Node loses what came in the same packet; a request that was cut so must not become another one.
    const cut = await edge.connect()
    await cut.send(
      `${request('GET /a', 'Connection: Upgrade', 'Upgrade: foo')}GET /x HTTP/1.1\r\nX: `,
    )
    await cut.send(request('GET /cut'))
    await cut.readToEnd()
    const body = request('GET /smuggled')
    const posted = await edge.connect()
    const fields = ['Connection: Upgrade', 'Upgrade: foo', `Content-Length: ${body.length}`]
    await posted.send(request('POST /a', ...fields))
    await posted.send(body)
    t.equal((await posted.response()).status, 200)
    const received = Array.from({ length: backend.accepted() }, (_, i) => backend.recorded(i))
    const text = Buffer.concat(received).toString()
    t.ok(text.includes(`\r\n\r\n${body}`), 'a body stays a body')
    t.notMatch(text, '/cut')
    t.notMatch(text, /upgrade|h2c|http2-settings|sec-websocket-key/i)
    const withBody = await edge.exchange(`${handshake(...valid, 'Content-Length: 5')}hello`)
    t.notMatch(withBody, / 101 /)
  },
)

t.test(
  'point 40: no byte of the client passes before the backend’s 101 (CVE-2026-2833)',
  async (t) => {
    const all = await held(t)
    const client = await all.edge.connect()
    await client.send(`${handshake(...valid)}EARLY`)
    await until(() => all.heads.length === 1)
    await client.send('BYTES')
    await new Promise((resolve) => setTimeout(resolve, 100))
    const [server] = all.connections
    t.notMatch(server?.received().toString(), /EARLY|BYTES/)
    await all.switch()
    t.equal((await server?.readBytes(10))?.toString(), 'EARLYBYTES', 'they come after it, in order')

    const h2 = await all.edge.h2()
    const stream = h2.open(
      {
        ':method': 'CONNECT',
        ':protocol': 'websocket',
        ':scheme': 'https',
        ':authority': appHost,
        ':path': '/',
        'sec-websocket-version': '13',
      },
      { endStream: false },
    )
    stream.write('EARLY')
    await until(() => all.heads.length === 2)
    await new Promise((resolve) => setTimeout(resolve, 100))
    t.notMatch(all.connections[1]?.received().toString(), /EARLY/)
    await all.switch(1)
    t.equal((await all.connections[1]?.readBytes(5))?.toString(), 'EARLY')
    stream.destroy()
  },
)

t.test(
  'point 39: a backend that does not switch is answered as it answered, at any size (RFC 6455 §4.1)',
  async (t) => {
    const big = 'x'.repeat(2_000_000)
    const backend = await cannedBackend(
      `HTTP/1.1 403 Forbidden\r\nContent-Length: ${big.length}\r\n\r\n${big}`,
      'keep',
    )
    t.teardown(() => backend.close())
    const edge = await startEdge(t, [publicRow('app', backend.port, webSocket)])
    const client = await edge.connect()
    client.socket.pause()
    await client.send(handshake(...valid) + request('GET /hidden'))
    await until(() => backend.accepted() === 1)
    client.socket.resume()
    const answer = await client.response()
    t.equal(answer.status, 403)
    t.equal(answer.body.length, big.length)
    t.match(answer.header('connection')[0], /close/i)
    client.end()
    await client.readToEnd()
    t.equal(backend.accepted(), 1, 'what follows is no request')
    const refusal = openWebSocketOverH2(await edge.h2(), { host: appHost })
    await t.rejects(refusal, UpgradeRefused)
  },
)

t.test('point 39: a 101 that does not answer our key is 502 (RFC 6455 §4.1)', async (t) => {
  for (const fields of [
    'Upgrade: websocket\r\nConnection: Upgrade',
    'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    'Upgrade: h2c\r\nConnection: Upgrade',
    'X: y',
  ]) {
    const backend = await cannedBackend(
      `HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n\r\n`,
      'keep',
    )
    const edge = await startEdge(t, [publicRow('app', backend.port, webSocket)])
    const answer = await edge.exchange(handshake(...valid))
    t.match(answer, /^HTTP\/1\.1 502 /, fields)
    await backend.close()
    await edge.gateway.close()
  }
})

t.test(
  'point 39: sign-in comes before the backend, for WebSockets as for requests (CSWSH; CVE-2026-15631)',
  async (t) => {
    const backend = await webSocketBackend()
    t.teardown(() => backend.close())
    const open = await webSocketBackend()
    t.teardown(() => open.close())
    const edge = await startEdge(t, [
      publicRow('app, path: /ws', open.port, webSocket),
      `  - { host: app, path: /private, to: 'http://127.0.0.1:${backend.port}', webSocket: true }`,
      publicRow('plain', open.port),
    ])
    for (const [path, code] of [
      ['/private', 401],
      ['/ws/../private', 400],
      ['/ws/%2e%2e/private', 400],
      ['/ws%2f..%2fprivate', 400],
    ] as const) {
      const answer = await edge.exchange(handshake(...valid).replace('/chat', path))
      t.match(answer, new RegExp(`^HTTP/1.1 ${code} `), path)
      const overH2 = openWebSocketOverH2(await edge.h2(), { host: appHost, path })
      const refusal = await overH2.catch((error: unknown) => error)
      t.equal(refusal instanceof UpgradeRefused && refusal.status, code, `${path} over HTTP/2`)
    }
    const client = await edge.connect('plain.gate.test')
    await client.send(handshake(...valid).replace(appHost, 'plain.gate.test'))
    t.equal((await client.response()).status, 403, 'a route without webSocket opens none')
    t.equal(backend.upgrades.length + open.upgrades.length, 0)
  },
)

t.test(
  'point 40: a handshake behind an unanswered request is no handshake (RFC 9112 §9.3.2)',
  async (t) => {
    const all = await held(t)
    const client = await all.edge.connect()
    await client.send(request('GET /slow') + handshake(...valid))
    await client.readToEnd()
    t.equal(client.received().length, 0)
    t.notOk(all.heads.some((head) => head.includes('/chat')))
  },
)
