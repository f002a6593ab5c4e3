import type { ServerResponse } from 'node:http'
import t from 'tap'
import { h2, http1, type RawClient, rawClient } from '../fixtures/clients.ts'
import { startListener, type TestListener, until } from '../fixtures/listener.ts'

const host = 'a.gate.test'
const request = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`

function connect({ https, ca }: TestListener): Promise<RawClient> {
  return rawClient(https, { ca: ca.certPem, servername: host })
}

t.test('when all slots are taken the oldest idle connection goes, not a busy one', async (t) => {
  const held: ServerResponse[] = []
  const listener = await startListener(t, {
    listen: { limits: { total: 3, reservedForCloudflare: 0 } },
    handlers: {
      request(req, res) {
        if (req.url === '/hold') held.push(res)
        else res.end('ok')
      },
    },
  })
  const busy = await connect(listener)
  await busy.send(`GET /hold HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await until(() => held.length === 1, 'busy')
  const first = await connect(listener)
  await first.send(request)
  await first.response()
  const second = await connect(listener)
  await second.send(request)
  await second.response()
  // Used again, so the second is now the oldest.
  await first.send(request)
  await first.response()
  const third = await connect(listener)
  await second.readToEnd()
  t.equal(second.ended(), 'end', 'a TLS goodbye and FIN, no reset')
  t.equal(first.ended(), null)
  await third.send(request)
  t.equal((await third.response()).status, 200)
  held[0]?.end('kept')
  t.equal((await busy.response()).body.toString(), 'kept')
  t.match(listener.listener.stats(), { evicted: 1, refused: { total: 0 } })
  for (const raw of [busy, first, third]) raw.destroy()
})

t.test('when all slots are busy a new connection is refused before its handshake', async (t) => {
  const held: ServerResponse[] = []
  const listener = await startListener(t, {
    listen: { limits: { total: 1, reservedForCloudflare: 0 } },
    handlers: { request: (_req, res) => void held.push(res) },
  })
  const busy = await connect(listener)
  await busy.send(request)
  await until(() => held.length === 1, 'busy')
  await t.rejects(connect(listener))
  t.match(await listener.failure('total'), { kind: 'refused', address: '127.0.0.1' })
  t.equal(listener.listener.stats().handshakes, 1)
  busy.destroy()
  await until(() => listener.listener.stats().open.http1 === 0, 'the slot is free')
  const next = await connect(listener)
  next.destroy()
})

t.test('an idle HTTP/2 connection that has to go is told with GOAWAY', async (t) => {
  const listener = await startListener(t, {
    listen: { limits: { total: 1, reservedForCloudflare: 0 } },
  })
  const client = await h2(listener.https, { ca: listener.ca.certPem, servername: host })
  await client.request({ host })
  await until(() => listener.listener.stats().idle === 1, 'idle')
  const goaway = new Promise((resolve) => client.session.once('goaway', resolve))
  const next = await connect(listener)
  t.equal(await goaway, 0, 'NO_ERROR')
  await next.send(request)
  t.equal((await next.response()).status, 200)
  next.destroy()
})

t.test('slots kept for Cloudflare are not for others, and not counted per address', async (t) => {
  let cloudflare = false
  const held: ServerResponse[] = []
  const listener = await startListener(t, {
    listen: { limits: { total: 3, reservedForCloudflare: 2 } },
    isCloudflare: () => cloudflare,
    handlers: { request: (_req, res) => void held.push(res) },
  })
  const stranger = await connect(listener)
  await stranger.send(request)
  await until(() => held.length === 1, 'busy')
  await t.rejects(connect(listener))
  cloudflare = true
  const trusted = [await connect(listener), await connect(listener)]
  t.match(listener.listener.stats(), { cloudflare: 2 })
  for (const raw of [stranger, ...trusted]) raw.destroy()
})

t.test('idle HTTP/2 sessions end after their time, busy ones do not', async (t) => {
  let time = Date.now()
  const listener = await startListener(t, {
    now: () => time,
    listen: { timeouts: { checkMs: 10, otherIdleMs: 30_000 } },
    handlers: {
      stream(stream, headers) {
        stream.respond({ ':status': 200 })
        if (headers[':path'] === '/hold') stream.write('x')
        else stream.end('ok')
      },
    },
  })
  const secure = { ca: listener.ca.certPem, servername: host }
  const idle = await h2(listener.https, secure)
  const busy = await h2(listener.https, secure)
  const stream = busy.open({ ':path': '/hold', ':authority': host })
  await new Promise((resolve) => stream.once('response', resolve))
  await idle.request({ host })
  await until(() => listener.listener.stats().idle === 1, 'one idle')
  time += 29_000
  t.notOk(idle.session.closed)
  time += 1_000
  await new Promise((resolve) => idle.session.once('close', resolve))
  t.notOk(busy.session.closed)
  t.notOk(stream.closed)
  busy.session.destroy()
})

t.test('the plain port takes from the same slots', async (t) => {
  const listener = await startListener(t, {
    listen: { limits: { total: 1, reservedForCloudflare: 0 } },
    handlers: { plain: () => true },
  })
  const raw = await rawClient(listener.http)
  await raw.send('GET / HTTP/1.1\r\nHost: a.gate.test\r\n\r\n')
  await until(() => listener.listener.stats().open.plain === 1, 'counted')
  await until(() => listener.listener.stats().idle === 0, 'busy')
  await t.rejects(http1(listener.https, { host, tls: { ca: listener.ca.certPem } }))
  raw.destroy()
})

t.test('when all slots are taken by handshakes that stall, the oldest of them goes', async (t) => {
  let time = Date.now()
  const listener = await startListener(t, {
    now: () => time,
    listen: { limits: { total: 2, reservedForCloudflare: 0 } },
  })
  const silent = [await rawClient(listener.https), await rawClient(listener.https)]
  await until(() => listener.listener.stats().open.handshake === 2, 'both are counted')
  await t.rejects(connect(listener))
  time += 2000
  const raw = await connect(listener)
  await raw.send(request)
  t.equal((await raw.response()).status, 200)
  await silent[0]?.readToEnd()
  t.equal(silent[1]?.ended(), null)
  for (const one of [raw, ...silent]) one.destroy()
})
