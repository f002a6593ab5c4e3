// Requests that cannot wait for a page are held while their machine wakes: whole, in order, unseen by anybody before.

import { createHash } from 'node:crypto'
import type { Server } from 'node:http'
import { Readable } from 'node:stream'
import t from 'tap'
import { http1 } from '../fixtures/clients.ts'
import { deterministicBytes, deterministicSha256 } from '../fixtures/deterministic-bytes.ts'
import { origin, script, startHoldHouse } from '../fixtures/hold-house.ts'
import { appHost, eventually, statesIn } from '../fixtures/wake-house.ts'

t.setTimeout(90_000)

/** Answers with the hash of what it got. */
function hashing(server: Server): void {
  server.on('request', (request, response) => {
    const hash = createHash('sha256')
    let length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      hash.update(chunk)
    })
    request.on('end', () => {
      const { method, url } = request
      const coding = request.headers['transfer-encoding'] ?? request.headers['content-length']
      response.end(`${method} ${url} ${coding} ${length} ${hash.digest('hex')}`)
    })
  })
}

t.test('bodies of every size and framing arrive as they were sent', async (t) => {
  const { ask, h2, oci, held, cookie } = await startHoldHouse(t, { serve: hashing })
  const sizes = [1, 70_000, 3_000_000]
  const client = await h2()
  const answers = Promise.all([
    ...sizes.map((size) =>
      ask({
        path: `/whole/${size}`,
        headers: { 'content-length': String(size) },
        method: 'PUT',
        body: deterministicBytes(size),
      }),
    ),
    ...sizes.map((size) => ask({ path: `/chunked/${size}`, body: deterministicBytes(size) })),
    ...sizes.map((size) =>
      client.request({
        method: 'POST',
        path: `/h2/${size}`,
        headers: { cookie, ...script },
        body: deterministicBytes(size),
      }),
    ),
    ask({ method: 'DELETE', path: '/none' }),
  ])
  await held(10)
  // What the gateway has not read stays with the sender.
  t.ok((client.session.socket?.bytesWritten ?? 0) < 1_000_000)
  const seen = (await answers).map(({ status, text }) => `${status} ${text}`)
  const of = (what: string, coding: (size: number) => string | number) =>
    sizes.map((size) => `200 ${what}/${size} ${coding(size)} ${size} ${deterministicSha256(size)}`)
  t.strictSame(seen, [
    ...of('PUT /whole', (size) => size),
    ...of('POST /chunked', () => 'chunked'),
    ...of('POST /h2', () => 'chunked'),
    `200 DELETE /none undefined 0 ${createHash('sha256').digest('hex')}`,
  ])
  t.equal(oci.count('START'), 1)
})

t.test('whoever asks whether to continue is not told before somebody wants the body', async (t) => {
  const { raw, held, head, service } = await startHoldHouse(t)
  const client = await raw()
  await client.send(
    head('POST /upload', `Origin: ${origin}`, 'Expect: 100-continue', 'Content-Length: 5'),
  )
  await held(1)
  t.equal(client.received().length, 0)
  t.equal(service.up, false)
  t.equal(await client.readUntil('\r\n\r\n').then(String), 'HTTP/1.1 100 Continue\r\n\r\n')
  t.ok(service.up)
  await client.send('hello')
  const answer = await client.response()
  t.match(answer, { status: 200, interim: [] })
  t.equal(answer.body.toString(), 'served POST /upload hello')
})

t.test('a 100-continue that is refused costs the client no body', async (t) => {
  const { raw, head, oci } = await startHoldHouse(t, { power: 'hold: 1s', startMs: 30_000 })
  const client = await raw()
  await client.send(
    head('POST /upload', `Origin: ${origin}`, 'Expect: 100-continue', 'Content-Length: 500000'),
  )
  const answer = await client.response()
  t.match(answer, { status: 503, interim: [] })
  t.ok(Number(answer.header('retry-after')[0]) >= 5)
  t.match(JSON.parse(answer.body.toString()), { status: 503 })
  t.equal(oci.count('START'), 1, 'and the start goes on')
})

t.test('requests of one connection are answered in their order', async (t) => {
  const { raw, head, held } = await startHoldHouse(t)
  const client = await raw()
  const post = (name: string) =>
    `${head(`POST /${name}`, `Origin: ${origin}`, `Content-Length: ${name.length}`)}${name}`
  await client.send([post('one'), post('two'), head('GET /three')].join(''))
  await held(3)
  for (const expected of ['POST /one one', 'POST /two two', 'GET /three ']) {
    const { status, body } = await client.response()
    t.equal(`${status} ${body}`, `200 served ${expected}`)
  }
})

t.test('a client that leaves frees its place; the start goes on', async (t) => {
  const { raw, h2, cookie, gateway, tls, head, held, service, oci } = await startHoldHouse(t)
  const client = await raw()
  const session = await h2()
  await client.send(
    head('POST /gone', `Origin: ${origin}`, 'Content-Length: 1000000') + 'x'.repeat(9_000),
  )
  const stream = session.open(
    { ':path': '/gone', ':method': 'GET', ':scheme': 'https', ':authority': appHost, cookie },
    { endStream: true },
  )
  const webSocket = await raw()
  await webSocket.send(
    head(
      'GET /gone',
      `Origin: ${origin}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ),
  )
  const stays = http1(gateway.https, { host: appHost, tls, path: '/stays', headers: { cookie } })
  await held(3)
  client.destroy()
  stream.close()
  await held(1)
  const { text } = await stays
  t.equal(text, 'served GET /stays ')
  t.strictSame(service.asked, ['GET /stays '])
  t.equal(oci.count('START'), 1)
  const lines = (await gateway.accessLines()).filter(({ path }) => path === '/gone')
  t.strictSame(lines.map(({ outcome }) => outcome).sort(), [
    'client-left',
    'client-left',
    'forbidden',
  ])
})

t.test('a client that leaves alone does not stop a start', async (t) => {
  const { raw, head, held, oci, gateway } = await startHoldHouse(t)
  const client = await raw()
  await client.send(head('GET /gone'))
  await held(1)
  client.destroy()
  await held(0)
  await eventually(() => statesIn(gateway).includes('awake'))
  t.equal(oci.instance(oci.calls[0]?.instance ?? '').state, 'RUNNING')
})

t.test('a start that takes longer than anybody waits: 503 for programs, pages go on', async (t) => {
  const { ask, h2, cookie, gateway, tls, oci } = await startHoldHouse(t, {
    power: 'hold: 1s',
    startMs: 1_500,
  })
  const navigation = {
    cookie,
    accept: 'text/html',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    'sec-fetch-site': 'none',
  }
  const visit = () => http1(gateway.https, { host: appHost, tls, headers: navigation })
  const page = await visit()
  t.match(page, { status: 503, headers: { 'content-type': 'text/html; charset=utf-8' } })
  const client = await h2()
  const began = Date.now()
  const [post, grpc] = await Promise.all([
    ask({ body: 'once', headers: { accept: 'application/json' } }),
    client.request({
      body: 'x',
      headers: { cookie, ...script, 'content-type': 'application/grpc', te: 'trailers' },
    }),
  ])
  const took = Date.now() - began
  t.ok(took >= 950 && took < 1_400, `after a second: ${took}`)
  t.match(post, { status: 503, headers: { 'content-type': 'application/problem+json' } })
  t.match(JSON.parse(post.text), { status: 503, code: 'waking' })
  t.ok(Number(post.headers['retry-after']) >= 5)
  t.equal(grpc.status, 200)
  t.equal(grpc.headers['grpc-status'] ?? grpc.trailers['grpc-status'], '14')
  let last = await visit()
  await eventually(async () => {
    last = await visit()
    return last.status === 200
  })
  t.equal(last.text, 'served GET / ')
  t.equal(oci.count('START'), 1)
})

t.test('a machine that runs is not enough: its service has to answer', async (t) => {
  const { ask, instance, service } = await startHoldHouse(t, { startMs: 50, serviceMs: 700 })
  const answer = ask({ path: '/patient' })
  await eventually(() => instance.state === 'RUNNING')
  t.equal(service.up, false)
  t.equal((await answer).text, 'served GET /patient ')
})

t.test('a service that vanishes is waited for anew, where nothing was sent to it', async (t) => {
  const { ask, service, held, oci } = await startHoldHouse(t)
  t.equal((await ask({ path: '/before' })).status, 200)
  service.stop()
  const answers = Promise.all([ask({ path: '/a', body: 'a' }), ask({ path: '/b' })])
  await held(2)
  await service.start()
  t.strictSame(
    (await answers).map(({ text }) => text),
    ['served POST /a a', 'served GET /b '],
  )
  t.strictSame([...service.asked].sort(), ['GET /b ', 'GET /before ', 'POST /a a'])
  t.equal(oci.count('START'), 1)
})

t.test('a body whose sender dawdles ends as it would without a machine', async (t) => {
  const { gateway, tls, cookie, held } = await startHoldHouse(t, { serve: hashing })
  const body = new Readable({ read() {} })
  const asked = http1(gateway.https, {
    host: appHost,
    tls,
    headers: { cookie, ...script },
    path: '/slow',
    body,
  })
  body.push('first ')
  await held(1)
  body.push('second')
  await held(0)
  body.push(null)
  const sha256 = createHash('sha256').update('first second').digest('hex')
  t.equal((await asked).text, `POST /slow chunked 12 ${sha256}`)
})
