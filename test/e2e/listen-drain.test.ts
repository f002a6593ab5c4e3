import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import tls from 'node:tls'
import t from 'tap'
import { h2, type RawClient, rawClient } from '../fixtures/clients.ts'
import { startListener, type TestListener, until } from '../fixtures/listener.ts'

const host = 'a.gate.test'
const request = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`

function connect({ https, ca }: TestListener): Promise<RawClient> {
  return rawClient(https, { ca: ca.certPem, servername: host })
}

t.test('requests in flight finish, and their connections close after them', async (t) => {
  const held: ServerResponse[] = []
  const listener = await startListener(t, {
    handlers: { request: (_req, res) => void held.push(res) },
  })
  const raw = await connect(listener)
  await raw.send(request)
  const begun = await connect(listener)
  await begun.send(request)
  await until(() => held.length === 2, 'both are in flight')
  held[1]?.writeHead(200, ['content-length', '5'])
  held[1]?.write('ab')
  await begun.readUntil('ab')
  const drained = listener.listener.drain(5000)
  await t.rejects(rawClient(listener.https), 'nobody new')
  held[0]?.end('done')
  t.match((await raw.readToEnd()).toString(), /\r\nConnection: close\r\n[\s\S]*done$/)
  held[1]?.end('cde')
  t.equal((await begun.readToEnd()).toString(), 'cde', 'whole, though its header promised more')
  await drained
})

t.test(
  'a kept connection may bring one more request and is told that it was the last',
  async (t) => {
    const listener = await startListener(t)
    const raw = await connect(listener)
    await raw.send(request)
    t.equal((await raw.response()).status, 200)
    const drained = listener.listener.drain(5000)
    await raw.send(request)
    t.match(
      (await raw.readToEnd()).toString(),
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\nConnection: close\r\n/,
    )
    await drained
  },
)

t.test('a silent kept connection is closed after a short grace', async (t) => {
  const listener = await startListener(t)
  const raw = await connect(listener)
  await raw.send(request)
  await raw.response()
  const never = await connect(listener)
  const plain = await rawClient(listener.http)
  await until(() => listener.listener.stats().open.plain === 1, 'three open')
  await listener.listener.drain(400)
  for (const one of [raw, never, plain]) {
    await one.readToEnd()
    t.equal(one.ended(), 'end')
  }
})

t.test('HTTP/2 hears GOAWAY at once, and its streams finish', async (t) => {
  const held: ServerHttp2Stream[] = []
  const listener = await startListener(t, {
    handlers: {
      stream(stream) {
        stream.respond({ ':status': 200 })
        held.push(stream)
      },
    },
  })
  const client = await h2(listener.https, { ca: listener.ca.certPem, servername: host })
  const answer = client.request({ host })
  await until(() => held.length === 1, 'in flight')
  const goaway = new Promise((resolve) => client.session.once('goaway', resolve))
  const drained = listener.listener.drain(5000)
  t.equal(await goaway, 0)
  held[0]?.end('finished')
  t.equal((await answer).text, 'finished')
  await drained
  t.equal(listener.listener.stats().open.http2, 0)
})

t.test('at the deadline whatever is left ends', async (t) => {
  const listener = await startListener(t, {
    handlers: {
      request: (_req, res) => void res.write('begun'),
      upgrade: (_req, socket) => void socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
      stream: (stream) => void stream.respond({ ':status': 200 }),
    },
  })
  const raw = await connect(listener)
  await raw.send(request)
  await raw.readUntil('begun')
  const tunnel = await connect(listener)
  await tunnel.send(
    `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
  )
  await tunnel.readUntil('101')
  const client = await h2(listener.https, { ca: listener.ca.certPem, servername: host })
  const stream = client.open({ ':path': '/', ':authority': host })
  stream.on('error', () => {})
  await new Promise((resolve) => stream.once('response', resolve))
  const begun = Date.now()
  await listener.listener.drain(200)
  t.ok(Date.now() - begun >= 195)
  t.match(listener.listener.stats().open, { handshake: 0, http1: 0, http2: 0, plain: 0 })
  const rest = (await raw.readToEnd()).toString('latin1')
  t.notMatch(rest, /0\r\n\r\n/, 'a cut answer does not look complete')
})

t.test('draining an idle listener takes no time, and twice is no harm', async (t) => {
  const listener = await startListener(t)
  await listener.listener.drain(5000)
  await listener.listener.drain(5000)
})

t.test('closing now ends everything, also what had not finished its handshake', async (t) => {
  const listener = await startListener(t, {
    handlers: { request: (_req, res) => void res.write('begun') },
  })
  const raw = await connect(listener)
  await raw.send(request)
  await raw.readUntil('begun')
  const silent = await rawClient(listener.https)
  const client = await h2(listener.https, { ca: listener.ca.certPem, servername: host })
  await until(() => listener.listener.stats().open.handshake === 1, 'all are open')
  listener.listener.closeNow()
  await Promise.all([raw.readToEnd(), silent.readToEnd()])
  await until(() => client.session.destroyed, 'the session is gone')
  await until(() => listener.listener.stats().open.http2 === 0, 'and forgotten')
  await t.rejects(rawClient(listener.https))
})

t.test(
  'a handshake that was on its way when the drain began may still bring its request',
  async (t) => {
    const listener = await startListener(t)
    const raw = await rawClient(listener.https)
    await until(() => listener.listener.stats().open.handshake === 1, 'TCP is there')
    const drained = listener.listener.drain(5000)
    const secure = tls.connect({ socket: raw.socket, ca: listener.ca.certPem, servername: host })
    await once(secure, 'secureConnect')
    secure.write(request)
    const [answer] = await once(secure, 'data')
    t.match(String(answer), /^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close/)
    secure.destroy()
    await drained
  },
)
