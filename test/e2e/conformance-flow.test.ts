// Points 25 to 29 of docs/conformance.md, and backends that fail: back-pressure, clients that leave, retries, deadlines.

import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import {
  closedPort,
  crashBackend,
  downloadBackend,
  httpBackend,
  rawBackend,
  slowBackend,
  uploadBackend,
} from '../fixtures/backends.ts'
import { appHost, okAnswer, publicRow, request, startEdge, until } from '../fixtures/edge.ts'

const unlimited = 'maxBody: unlimited'

/** Memory outside V8's heap and in it, megabytes: what buffered bytes would show up in. */
function heldMegabytes(): number {
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1e6
}

t.test(
  'point 25: a slow reader stops the backend, over HTTP/1.1 and HTTP/2 (RFC 9113 §5.2)',
  async (t) => {
    let sent = 0
    const chunk = Buffer.alloc(65_536, 1)
    const backend = await httpBackend((_req, res) => {
      const fill = () => {
        let more = true
        while (more) {
          more = res.write(chunk)
          sent += chunk.length
        }
      }
      res.writeHead(200, { 'content-length': String(2 ** 30) })
      res.on('drain', fill)
      res.on('error', () => {})
      fill()
    })
    t.teardown(() => backend.close())
    const edge = await startEdge(t, [publicRow('app', backend.port)])
    const before = heldMegabytes()

    const client = await edge.connect()
    client.socket.pause()
    await client.send(request('GET /'))
    await settled(() => sent)
    t.ok(sent < 32e6, `the backend stopped after ${sent} of a billion bytes`)
    t.ok(heldMegabytes() - before < 40, 'memory is flat')
    const stopped = sent
    // The reader keeps all it reads: this much is not for keeping.
    client.socket.removeAllListeners('data').on('data', () => {})
    client.socket.resume()
    await until(() => sent > stopped + 32e6, 'it goes on when the client reads')
    client.destroy()
    await until(() => backend.connections() === 0, 'and ends when the client leaves (point 26)')

    sent = 0
    const h2 = await edge.h2()
    const stream = h2.open({ ':path': '/', ':authority': appHost })
    stream.on('error', () => {})
    await once(stream, 'response')
    await settled(() => sent)
    t.ok(sent < 32e6, `over HTTP/2 after ${sent}`)
    stream.close(8)
    await until(() => backend.connections() === 0)
  },
)

t.test('point 25: a backend that stalls stops the uploading client (RFC 9113 §5.2)', async (t) => {
  const backend = await rawBackend(async (connection) => {
    await connection.readUntil('\r\n\r\n')
    connection.socket.pause()
  })
  t.teardown(() => backend.close())
  const edge = await startEdge(t, [publicRow('app', backend.port, unlimited)])
  const client = await edge.connect()
  await client.send(request('POST /', `Content-Length: ${2 ** 30}`))
  let taken = 0
  const chunk = Buffer.alloc(65_536)
  const push = () => {
    client.socket.write(chunk, () => {
      taken += chunk.length
      if (!client.socket.destroyed) push()
    })
  }
  push()
  await settled(() => taken)
  t.ok(taken < 32e6, `stopped after ${taken} of a billion bytes`)
  client.destroy()
  await until(() => backend.connections() <= 1)
})

t.test('large bodies arrive whole, both ways', async (t) => {
  const down = await downloadBackend()
  const up = await uploadBackend()
  t.teardown(() => Promise.all([down.close(), up.close()]))
  const edge = await startEdge(t, [
    publicRow('app', down.port),
    publicRow('up', up.port, unlimited),
  ])
  const bytes = 20_000_000
  const h2 = await edge.h2()
  t.equal((await h2.request({ path: `/${bytes}` })).body.length, bytes)
  const uploader = await edge.h2('up.gate.test')
  await uploader.request({ host: 'up.gate.test', body: Buffer.alloc(bytes) })
  t.match(up.uploads[0], { bytes, complete: true })
})

t.test(
  'point 26: when the client leaves, the backend’s connection ends at once, logged as 499',
  async (t) => {
    const slow = await slowBackend()
    t.teardown(() => slow.close())
    const edge = await startEdge(t, [publicRow('app', slow.port)])
    const client = await edge.connect()
    await client.send(request('GET /left'))
    await slow.arrived(1)
    client.destroy()
    await until(() => slow.connections() === 0)
    const h2 = await edge.h2()
    const stream = h2.open({ ':path': '/left2', ':authority': appHost })
    stream.on('error', () => {})
    await slow.arrived(1)
    stream.close(8)
    await until(() => slow.connections() === 0)
    const lines = await edge.gateway.accessLines()
    const outcomes = lines.map(({ path, status, outcome }) => [path, status, outcome])
    t.same(outcomes, [
      ['/left', 499, 'client-left'],
      ['/left2', 499, 'client-left'],
    ])
  },
)

t.test(
  'point 26: an upload that is broken off over HTTP/2 is broken off at the backend',
  async (t) => {
    const backend = await rawBackend(async (connection) => {
      await connection.readToEnd().catch(() => {})
      connection.destroy()
    })
    t.teardown(() => backend.close())
    const edge = await startEdge(t, [publicRow('app', backend.port)])
    const h2 = await edge.h2()
    const stream = h2.open(
      { ':method': 'POST', ':path': '/', ':authority': appHost },
      { endStream: false },
    )
    stream.on('error', () => {})
    stream.write('hello')
    await until(() => backend.recorded(0).includes('hello'))
    h2.session.destroy()
    await until(() => backend.connections() === 0)
    t.notMatch(backend.recorded(0).toString(), /\r\n0\r\n/, 'no last chunk')
  },
)

/** Closes a kept connection in the moment in which the next request is on its way. */
async function deadKeptConnection() {
  const seen: string[] = []
  const backend = await rawBackend(async (connection) => {
    for (let i = 0; ; i++) {
      const head = (await connection.readUntil('\r\n\r\n')).toString()
      seen.push(`${connection.index} ${head.slice(0, head.indexOf(' HTTP'))}`)
      if (i === 1 && connection.index === 0) {
        connection.reset()
        return
      }
      await connection.send(okAnswer)
    }
  })
  return { backend, seen }
}

t.test(
  'point 28: a dead kept connection costs an idempotent request nothing (RFC 9110 §9.2.2)',
  async (t) => {
    for (const [method, field, status, tries] of [
      ['GET', 'X: y', 200, 2],
      ['HEAD', 'X: y', 200, 2],
      ['PUT', 'X: y', 200, 2],
      ['DELETE', 'X: y', 200, 2],
      ['POST', 'X: y', 502, 1],
      ['POST', 'Idempotency-Key: 1', 502, 1],
      ['PATCH', 'X: y', 502, 1],
      ['PUT', 'Content-Length: 2', 502, 1],
      ['LOCK', 'X: y', 502, 1],
    ] as const) {
      const { backend, seen } = await deadKeptConnection()
      const edge = await startEdge(t, [publicRow('app', backend.port)])
      const client = await edge.connect()
      await client.send(request('GET /first'))
      await client.response()
      await client.send(request(`${method} /x`, field) + (field.startsWith('Content') ? 'hi' : ''))
      t.equal((await client.response(method)).status, status, `${method} ${field}`)
      t.equal(seen.filter((line) => line.includes('/x')).length, tries)
      await edge.gateway.close()
      await backend.close()
    }
  },
)

t.test(
  'point 28: a fresh connection that dies is not tried again, and nothing is after a byte of answer',
  async (t) => {
    for (const at of ['accepted', 'head-received'] as const) {
      const backend = await crashBackend(at)
      t.teardown(() => backend.close())
      const edge = await startEdge(t, [publicRow('app', backend.port)])
      const client = await edge.connect()
      await client.send(request('GET /'))
      t.equal((await client.response()).status, 502, at)
      t.equal(backend.accepted(), 1)
    }
    const half = await crashBackend('body-half-sent')
    t.teardown(() => half.close())
    const edge = await startEdge(t, [publicRow('app', half.port)])
    const client = await edge.connect()
    await client.send(request('GET /'))
    await t.rejects(client.response())
    t.equal(half.accepted(), 1)
  },
)

t.test('point 29: early data is for what can be replayed (RFC 8470 §5.1, §5.2)', async (t) => {
  const backend = await httpBackend((_req, res) => void res.end('ok'))
  t.teardown(() => backend.close())
  const edge = await startEdge(t, [publicRow('app', backend.port)])
  const client = await edge.connect()
  await client.send(request('GET /', 'Early-Data: 1'))
  t.equal((await client.response()).status, 200)
  await client.send(request('POST /', 'Early-Data: 1'))
  t.equal((await client.response()).status, 425)
})

t.test(
  'a backend that refuses is 502, and after some failures 503 at once, until it is back',
  async (t) => {
    const port = await closedPort()
    const edge = await startEdge(t, [publicRow('app', port)])
    const client = await edge.connect()
    const statuses: number[] = []
    for (let i = 0; i < 5; i++) {
      await client.send(request('GET /'))
      statuses.push((await client.response()).status)
    }
    t.same(statuses, [502, 502, 502, 503, 503])
  },
)

t.test('a backend that keeps its header back is 504; one that falls silent is cut', async (t) => {
  const backend = await rawBackend(async (connection) => {
    const head = (await connection.readUntil('\r\n\r\n')).toString()
    if (head.startsWith('GET /silent')) {
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello')
    }
  })
  t.teardown(() => backend.close())
  const row = publicRow('app', backend.port, 'timeouts: { headers: 1s, idle: 1s }')
  const edge = await startEdge(t, [row])
  const [late, silent, unfinished] = await Promise.all([
    edge.connect(),
    edge.connect(),
    edge.connect(),
  ])
  await late.send(request('GET /late'))
  await silent.send(request('GET /silent'))
  await unfinished.send(`${request('POST /', 'Content-Length: 10')}hello`)
  const [first, second, third] = await Promise.all([
    late.response(),
    silent.response().then(
      () => 'whole',
      () => 'cut',
    ),
    unfinished.response(),
  ])
  t.equal(first.status, 504)
  t.equal(second, 'cut')
  t.equal(third.status, 408, 'a client that stops in its upload')
})

/** Waits until a number has stopped growing for a third of a second. */
async function settled(value: () => number): Promise<void> {
  let last = -1
  while (last !== value()) {
    last = value()
    await pause(350)
  }
}
