// The fixtures are what other tests believe; here they are tested against each other and against Node's own.

import { X509Certificate } from 'node:crypto'
import http2 from 'node:http2'
import https from 'node:https'
import t from 'tap'
import { createLocalCa, fingerprint, openLocalCa } from '../../demo/local-ca.ts'
import { acceptValue } from '../../demo/web-socket.ts'
import {
  cannedBackend,
  closedPort,
  crashBackend,
  downloadBackend,
  echoBackend,
  httpBackend,
  rawBackend,
  slowBackend,
  sseBackend,
  uploadBackend,
  webSocketBackend,
} from '../fixtures/backends.ts'
import { makeCa } from '../fixtures/certificates.ts'
import { h2, http1, http1Stream, rawClient } from '../fixtures/clients.ts'
import { deterministicBytes, deterministicSha256 } from '../fixtures/deterministic-bytes.ts'
import {
  openWebSocket,
  openWebSocketOverH2,
  UpgradeRefused,
} from '../fixtures/web-socket-client.ts'

t.test('a leaf is trusted under its root for its names only', async (t) => {
  const ca = await makeCa()
  const leaf = await ca.issue({ names: ['*.app.test', '127.0.0.1'] })
  const backend = await echoBackend({ tls: leaf })
  t.teardown(backend.close)
  const get = (host: string, root: string) => http1(backend.port, { host, tls: { ca: root } })
  t.equal((await get('a.app.test', ca.certPem)).status, 200)
  t.equal((await get('127.0.0.1', ca.certPem)).status, 200)
  await t.rejects(get('app.test', ca.certPem), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  const other = await makeCa()
  await t.rejects(get('a.app.test', other.certPem), { code: /SIGNATURE|UNABLE/ })
})

t.test('an RSA leaf, an expired one and a client certificate are what they say', async (t) => {
  const ca = await makeCa()
  const rsa = new X509Certificate((await ca.issue({ names: ['r.test'], keyType: 'rsa' })).certPem)
  t.equal(rsa.publicKey.asymmetricKeyType, 'rsa')
  const old = await ca.issue({
    names: ['o.test'],
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('2020-02-01'),
  })
  t.equal(new X509Certificate(old.certPem).validTo, 'Feb  1 00:00:00 2020 GMT')
  const backend = await echoBackend({
    tls: { ...(await ca.issue({ names: ['s.test'] })), clientCaPem: ca.certPem },
  })
  t.teardown(backend.close)
  const client = await ca.issue({ names: ['me'], client: true })
  const tls = { ca: ca.certPem }
  await t.rejects(http1(backend.port, { host: 's.test', tls }), 'no certificate, no answer')
  const mine = { ...tls, cert: client.certPem, key: client.keyPem }
  t.equal((await http1(backend.port, { host: 's.test', tls: mine })).status, 200)
  await t.rejects(ca.issue({ names: [] }), TypeError)
})

t.test('a constrained root is no good for other names, and survives being saved', async (t) => {
  const made = await createLocalCa({ name: 'constrained', permittedNames: ['in.test'] })
  const ca = await openLocalCa(made)
  t.equal(ca.certPem, made.certPem)
  t.match(fingerprint(ca.certPem), /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
  for (const [name, accepted] of [
    ['a.in.test', true],
    ['in.test', true],
    ['bank.test', false],
  ] as const) {
    const backend = await echoBackend({ tls: await ca.issue({ names: [name] }) })
    t.teardown(backend.close)
    const answer = http1(backend.port, { host: name, tls: { ca: ca.certPem } })
    if (accepted) t.equal((await answer).status, 200, name)
    else await t.rejects(answer, { message: 'permitted subtree violation' }, name)
  }
  const other = await createLocalCa({ name: 'other' })
  await t.rejects(openLocalCa({ certPem: made.certPem, keyPem: other.keyPem }))
})

t.test('the echo tells a request exactly as it came', async (t) => {
  const backend = await echoBackend()
  t.teardown(backend.close)
  const client = await rawClient(backend.port)
  await client.send(
    'POST /a%2Fb?c HTTP/1.1\r\nHost: x\r\nX-a: 1\r\nx-A: 2\r\nTransfer-Encoding: chunked\r\n\r\n' +
      '3\r\nabc\r\n0\r\nT: v\r\n\r\n',
  )
  const { body, framing } = await client.response()
  t.equal(framing, 'length')
  t.match(JSON.parse(body.toString()), {
    method: 'POST',
    url: '/a%2Fb?c',
    rawHeaders: ['Host', 'x', 'X-a', '1', 'x-A', '2', 'Transfer-Encoding', 'chunked'],
    rawTrailers: ['T', 'v'],
    bodySha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    bodyLength: 3,
  })
  t.equal(backend.seen.length, 1)
  client.destroy()
})

t.test('the raw client reads chunks, trailers and interim answers strictly', async (t) => {
  const backend = await cannedBackend(
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' +
      'HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0\r\nEtag: "z"\r\n\r\n',
  )
  t.teardown(backend.close)
  const client = await rawClient(backend.port)
  await client.send('GET / HTTP/1.1\r\n\r\n')
  const answer = await client.response()
  t.match(answer, { status: 200, reason: '', framing: 'chunked', trailers: [['Etag', '"z"']] })
  t.equal(answer.body.toString(), 'hi')
  t.match(answer.interim, [{ status: 103, rawHeaders: [['Link', '</a>']] }])
  t.equal((await client.readToEnd()).length, 0)
  t.equal(client.ended(), 'end')
  t.equal(backend.recorded(0).toString(), 'GET / HTTP/1.1\r\n\r\n')
  client.destroy()

  for (const bad of [
    'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc',
    'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhix\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nA : b\r\n\r\n',
  ]) {
    const wrong = await cannedBackend(bad)
    t.teardown(wrong.close)
    const reader = await rawClient(wrong.port)
    await reader.send('GET / HTTP/1.1\r\n\r\n')
    await t.rejects(reader.response(), JSON.stringify(bad))
    reader.destroy()
  }
})

t.test('crashes are resets, at every point', async (t) => {
  for (const [at, bytes] of [
    ['head-received', 0],
    ['head-sent', 41],
    ['body-half-sent', 541],
  ] as const) {
    const backend = await crashBackend(at)
    t.teardown(backend.close)
    for (let round = 0; round < 20; round++) {
      const client = await rawClient(backend.port)
      await client.send('GET / HTTP/1.1\r\n\r\n')
      const got = await client.readToEnd()
      if (got.length !== bytes || client.ended() !== 'reset') {
        t.fail(`${at}: ${got.length} bytes, ${client.ended()}`)
      }
    }
  }
  // Here the reset may come before the client knows that it is connected.
  const atOnce = await crashBackend('accepted')
  t.teardown(atOnce.close)
  await t.rejects(http1(atOnce.port), { code: 'ECONNRESET' })
  const port = await closedPort()
  await t.rejects(rawClient(port), { code: 'ECONNREFUSED' })
})

t.test('a raw backend hangs, and its recorder and close work all the same', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const backend = await rawBackend(async (connection) => {
    await connection.readUntil('half')
    arrived.resolve()
  })
  const client = await rawClient(backend.port)
  await client.send('half a request')
  await arrived.promise
  t.equal(backend.connections(), 1)
  await backend.close()
  await client.readToEnd()
  t.equal(backend.recorded(0).toString(), 'half a request')
  t.equal(backend.connections(), 0)
  await backend.close()
})

t.test('up and down are counted and hashed', async (t) => {
  const bytes = 3_000_001
  const up = await uploadBackend()
  const down = await downloadBackend()
  t.teardown(up.close)
  t.teardown(down.close)
  const sha256 = deterministicSha256(bytes)
  t.not(sha256, deterministicSha256(bytes - 1))
  const sent = await http1(up.port, { body: deterministicBytes(bytes) })
  t.same(JSON.parse(sent.text), { bytes, sha256 })
  const received = await http1(down.port, { path: `/${bytes}` })
  t.equal(received.headers['content-length'], String(bytes))
  t.equal((await http1(up.port, { body: received.body })).text, sent.text)
  const chunked = await http1(down.port, { path: `/${bytes}?chunked` })
  t.equal(chunked.headers['transfer-encoding'], 'chunked')
  t.ok(chunked.body.equals(received.body))
  const cut = await rawClient(up.port)
  await cut.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')
  cut.end()
  await cut.readToEnd()
  t.match(up.uploads.at(-1), { bytes: 3, complete: false })
})

t.test('WebSocket messages of every size come back, and both ends close', async (t) => {
  const backend = await webSocketBackend()
  t.teardown(backend.close)
  t.equal(acceptValue('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=', 'RFC 6455 §1.3')
  const client = await openWebSocket(backend.port, { path: '/ws' })
  for (const size of [0, 125, 126, 65_535, 65_536, 1_000_000]) {
    const data = Buffer.alloc(size, 'x')
    client.send(data)
    t.ok(data.equals(Buffer.from(await client.next())), `${size} bytes`)
  }
  client.send('grüß')
  t.equal(await client.next(), 'grüß')
  client.close(4001, 'bye')
  t.match(await client.closed, { code: 4001 })
  t.same(backend.closes, [4001])
  const cut = await openWebSocket(backend.port)
  backend.peers[0]?.ping()
  cut.destroy()
  t.match(await cut.closed, { code: 1006 })
})

t.test('the WebSocket server ends a connection that breaks RFC 6455', async (t) => {
  const backend = await webSocketBackend()
  t.teardown(backend.close)
  const hello =
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
  for (const [what, frame, code] of [
    ['an unmasked frame (§5.1)', [0x81, 0x00], 1002],
    ['a reserved bit (§5.2)', [0xc1, 0x80, 0, 0, 0, 0], 1002],
    ['a continuation of nothing (§5.4)', [0x80, 0x80, 0, 0, 0, 0], 1002],
    ['a fragmented ping (§5.5)', [0x09, 0x80, 0, 0, 0, 0], 1002],
    ['text that is not UTF-8 (§8.1)', [0x81, 0x81, 0, 0, 0, 0, 0xff], 1007],
    ['4 GB (too big)', [0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 1009],
  ] as const) {
    const client = await rawClient(backend.port)
    // In one packet with the handshake: bytes of the head must not be lost.
    await client.send(Buffer.concat([Buffer.from(hello), Buffer.from(frame)]))
    t.equal((await client.response()).status, 101)
    t.same([...(await client.readToEnd())], [0x88, 2, code >> 8, code & 0xff], what)
    client.destroy()
  }
  await t.rejects(
    openWebSocket(backend.port, { headers: { 'sec-websocket-version': '8' } }),
    UpgradeRefused,
  )
})

t.test('events come when the test says, slow answers too', async (t) => {
  const sse = await sseBackend()
  const slow = await slowBackend()
  t.teardown(sse.close)
  t.teardown(slow.close)
  const client = await rawClient(sse.port)
  await client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await client.readUntil('data: hello\n\n')
  t.equal(sse.streams(), 1)
  sse.tick('two')
  await client.readUntil('data: two\n\n')
  sse.finish()
  await client.readUntil('0\r\n\r\n')
  client.destroy()

  const answers = [http1(slow.port), http1(slow.port)]
  await slow.arrived(2)
  t.equal(slow.waiting(), 2)
  slow.release()
  t.same(
    (await Promise.all(answers)).map(({ text }) => text),
    ['slow', 'slow'],
  )
})

t.test(
  'the HTTP/1.1 client reports interim answers and trailers, and a cut body fails',
  async (t) => {
    const backend = await httpBackend((req, res) => {
      if (req.url === '/throws') throw new Error('a bug in the handler')
      res.writeEarlyHints({ link: '</a>; rel=preload' })
      res.writeHead(200, { trailer: 'x-end' })
      res.write('a')
      res.addTrailers({ 'x-end': '1' })
      res.end()
    })
    t.teardown(backend.close)
    const answer = await http1(backend.port)
    t.match(answer.interim, [{ status: 103 }])
    t.equal(answer.trailers['x-end'], '1')
    t.equal(answer.headers.date, undefined)
    await t.rejects(http1(backend.port, { path: '/throws' }), { code: 'ECONNRESET' })
    const crash = await crashBackend('body-half-sent')
    t.teardown(crash.close)
    await t.rejects(http1(crash.port))
    const stream = await http1Stream(backend.port)
    t.equal(stream.statusCode, 200)
    stream.destroy()
  },
)

t.test('the HTTP/2 clients speak to Node’s server, WebSocket included', async (t) => {
  const ca = await makeCa()
  const leaf = await ca.issue({ names: ['a.test'] })
  const server = http2.createSecureServer({
    cert: leaf.certPem,
    key: leaf.keyPem,
    settings: { enableConnectProtocol: true },
  })
  server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
    if (headers[':protocol'] === 'websocket') {
      stream.respond({ ':status': headers[':path'] === '/no' ? 403 : 200 })
      if (headers[':path'] === '/no') stream.end('no')
      else stream.once('data', () => stream.write(Buffer.from([0x81, 2, 0x6f, 0x6b])))
      return
    }
    stream.additionalHeaders({ ':status': 103, link: '</a>' })
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': '1' }))
    stream.pipe(stream)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const client = await h2(address.port, { ca: ca.certPem, servername: 'a.test' })
  const answer = await client.request({ body: 'echo me' })
  t.match(answer, { status: 200, text: 'echo me', trailers: { 'x-end': '1' } })
  t.match(answer.interim, [{ status: 103 }])
  t.equal((await client.request()).text, '')
  const socket = await openWebSocketOverH2(client, { host: 'a.test' })
  socket.send('x')
  t.equal(await socket.next(), 'ok')
  socket.destroy()
  const refusal = await openWebSocketOverH2(client, { path: '/no' }).catch((error) => error)
  t.match(refusal, { name: 'UpgradeRefused', status: 403, body: 'no' })
  await client.close()
  await new Promise((resolve) => server.close(resolve))

  const plain = https.createServer({ cert: leaf.certPem, key: leaf.keyPem })
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
  const other = plain.address()
  if (other === null || typeof other === 'string') throw new Error('no port')
  await t.rejects(h2(other.port, { ca: ca.certPem, servername: 'a.test' }))
  plain.close()
})
