// Five hundred clients during one start: one START, nobody lost, nothing twice, bodies as they were sent, and little memory.

import { createHash, randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import t from 'tap'
import { acceptValue, webSocketOver } from '../../demo/web-socket.ts'
import { h2, type RawClient, rawClient } from '../fixtures/clients.ts'
import { appHost, eventually, heldFor, startWakeChild } from '../fixtures/wake-house.ts'

/** Each of five kinds. */
const each = 100
const kinds = ['get', 'post', 'h2', 'ws', 'sse'] as const
/** Two requests on each connection of `get`. */
const requests = each * (kinds.length + 1)
const events = 3

/** Notes everything that reaches it by name, and answers with what it got. */
function createApp() {
  const seen = new Map<string, number>()
  const note = (name: string) => void seen.set(name, (seen.get(name) ?? 0) + 1)
  const serve = (server: Server) => {
    server.keepAliveTimeout = 0
    server.on('request', (request, response) => {
      const path = request.url ?? ''
      note(path)
      if (path.startsWith('/sse')) {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        const say = (i: number) => {
          response.write(`data: ${path} ${i}\n\n`)
          if (i === events - 1) response.end()
          else setTimeout(() => say(i + 1), 20)
        }
        say(0)
        return
      }
      const hash = createHash('sha256')
      request.on('data', (chunk: Buffer) => hash.update(chunk))
      request.on('end', () => response.end(`${path} ${hash.digest('hex')}`))
    })
    server.on('upgrade', (request, socket, head) => {
      note(request.url ?? '')
      const accept = acceptValue(request.headers['sec-websocket-key'] ?? '')
      socket.on('error', () => {})
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      )
      const peer = webSocketOver(
        socket,
        { role: 'server', head },
        { message: (data) => peer.send(`${request.url} ${data}`), closed() {} },
      )
    })
  }
  return { seen, serve }
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

t.test('five hundred clients during one start', { timeout: 90_000 }, async (t) => {
  const app = createApp()
  const { gateway, oci, instance, service } = await startWakeChild(t, {
    route: 'access: login, wake: any, webSocket: true',
    behindProxy: true,
    // Until everybody is there.
    startMs: 3_600_000,
    serviceMs: 0,
    serve: app.serve,
    // A body over HTTP/2 that does not say how long it is counts as 256 KiB.
    holdLimits: { total: 1_000, perVm: 1_000, perSession: 1_000, totalBytes: 100_000_000 },
  })
  const { diego: cookie = '' } = gateway.cookies
  const tls = { ca: gateway.ca.certPem, servername: appHost }
  const from = (i: number) => `198.51.${100 + Math.floor(i / 200)}.${1 + (i % 200)}`
  const head = (line: string, i: number, ...fields: string[]) =>
    [
      `${line} HTTP/1.1`,
      `Host: ${appHost}`,
      `Cookie: ${cookie}`,
      `Origin: https://${appHost}`,
      `X-Forwarded-For: ${from(i)}`,
      ...fields,
      '',
      '',
    ].join('\r\n')

  // Everybody connects, and asks for something that nobody waits for.
  const connect = async (): Promise<RawClient> => {
    const client = await rawClient(gateway.https, tls)
    t.teardown(() => client.destroy())
    await client.send(`GET /.gatehouse/none HTTP/1.1\r\nHost: ${appHost}\r\n\r\n`)
    await client.response()
    return client
  }
  const raw: RawClient[] = []
  while (raw.length < 4 * each) {
    raw.push(...(await Promise.all(Array.from({ length: 20 }, connect))))
  }
  const sessions = await Promise.all([h2(gateway.https, tls), h2(gateway.https, tls)])
  for (const { session } of sessions) t.teardown(() => session.destroy())
  const before = await gateway.memory()

  // Everybody asks.
  const bodies = Array.from({ length: each }, (_, i) => randomBytes(1 + i * 40))
  const arrived: (() => Promise<string[]>)[] = []
  const streams: Promise<string>[] = []
  for (let i = 0; i < each; i++) {
    const [get, post, ws, sse] = [0, 1, 2, 3].map((kind) => raw[4 * i + kind])
    const body = bodies[i]
    if (!get || !post || !ws || !sse || !body) throw new Error('nobody there')
    await get.send(head(`GET /get/${i}/a`, i) + head(`GET /get/${i}/b`, i))
    await post.send(
      Buffer.concat([
        Buffer.from(head(`POST /post/${i}`, i, `Content-Length: ${body.length}`)),
        body,
      ]),
    )
    await ws.send(
      head(
        `GET /ws/${i}`,
        i,
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ),
    )
    await sse.send(head(`GET /sse/${i}`, i, 'Accept: text/event-stream'))
    const session = sessions[i % 2]
    if (session === undefined) throw new Error('no session')
    const asked = session.request({
      method: 'POST',
      path: `/h2/${i}`,
      headers: { cookie, origin: `https://${appHost}`, 'x-forwarded-for': from(i) },
      body,
    })
    streams.push(asked.then(({ status, text }) => `${status} ${text}`))
    arrived.push(async () => {
      const answers = []
      for (const client of [get, get, post]) {
        const answer = await client.response()
        answers.push(`${answer.status} ${answer.body}`)
      }
      const stream = await sse.response()
      answers.push(`${stream.status} ${stream.body}`)
      const upgraded = await ws.readUntil('\r\n\r\n')
      // A frame that says `hi`, masked with zeros (RFC 6455 §5.2).
      await ws.send(Buffer.from([0x81, 0x82, 0, 0, 0, 0, ...Buffer.from('hi')]))
      const echo = await ws.readUntil('hi')
      answers.push(`${/ (\d+)/.exec(String(upgraded))?.[1]} ${String(echo.subarray(2))}`)
      return answers
    })
  }
  await eventually(async () => (await heldFor(gateway)) === requests, 'everybody waits')
  const held = await gateway.memory()
  t.equal(app.seen.size, 0)
  t.equal(oci.count('START'), 1)

  // It runs.
  const began = performance.now()
  instance.become('RUNNING')
  const answers = await Promise.all([...arrived.map((read) => read()), Promise.all(streams)])
  const took = performance.now() - began
  const h2Answers = answers.pop() ?? []
  const lines = await gateway.events()
  const ready = lines.find(({ event, state }) => event === 'vm-state' && state === 'awake')
  const tookSinceReady = Date.now() - Date.parse(String(ready?.time))

  const none = sha256(Buffer.alloc(0))
  for (let i = 0; i < each; i++) {
    const digest = sha256(bodies[i] ?? Buffer.alloc(0))
    t.strictSame(answers[i], [
      `200 /get/${i}/a ${none}`,
      `200 /get/${i}/b ${none}`,
      `200 /post/${i} ${digest}`,
      `200 ${[0, 1, 2].map((n) => `data: /sse/${i} ${n}\n\n`).join('')}`,
      `101 /ws/${i} hi`,
    ])
    t.equal(h2Answers[i], `200 /h2/${i} ${digest}`)
  }
  t.equal(app.seen.size, requests)
  t.ok(
    [...app.seen.values()].every((times) => times === 1),
    'each once',
  )
  t.equal(oci.count('START'), 1)
  t.ok(service.up)
  t.equal(await heldFor(gateway), 0)
  t.ok(tookSinceReady <= 3_000, `all served ${tookSinceReady} ms after it was ready`)

  const perRequest = (kind: 'rss' | 'live') =>
    Math.round((held[kind] - before[kind]) / requests / 100) / 10
  const figures = `${perRequest('live')} kB alive and ${perRequest('rss')} kB of RSS per held request; ${Math.round(took)} ms from running to the last answer, ${tookSinceReady} ms from ready`
  t.comment(figures)
  t.ok(perRequest('live') <= 25, figures)
  t.ok(perRequest('rss') <= 25, figures)
})
