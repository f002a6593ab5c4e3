// Floods of HTTP/2 frames that cost the sender nothing: Rapid Reset (CVE-2023-44487), MadeYouReset (CVE-2025-8671),
// CONTINUATION (CVE-2024-27316, 2024-27983), ping, settings and empty DATA (CVE-2019-9512, -9515, -9518). RFC 9113 §10.5.

import { constants } from 'node:http2'
import t from 'tap'
import { h2, http1, type RawClient } from '../fixtures/clients.ts'
import {
  endHeaders,
  endStream,
  frame,
  frameType,
  goawayCode,
  headerBlock,
  openHttp2,
  readFrame,
  requestBlock,
  u32,
} from '../fixtures/http2-frames.ts'
import { startListener, type TestListener, until } from '../fixtures/listener.ts'

const host = 'a.gate.test'
const calm = constants.NGHTTP2_ENHANCE_YOUR_CALM

async function open(listener: TestListener): Promise<RawClient> {
  return openHttp2(listener.https, listener.ca.certPem, host)
}

/** The listener lives on after what was done to it. */
async function stillAnswers(
  t: { equal(found: unknown, wanted: unknown): unknown },
  listener: TestListener,
): Promise<void> {
  const { text } = await http1(listener.https, { host, tls: { ca: listener.ca.certPem } })
  t.equal(text, 'ok')
}

t.test('rapid reset ends with ENHANCE_YOUR_CALM', async (t) => {
  const listener = await startListener(t)
  const raw = await open(listener)
  const cancel = u32(constants.NGHTTP2_CANCEL)
  const block = requestBlock(host)
  for (let batch = 0; batch < 20; batch++) {
    const frames: Buffer[] = []
    for (let i = 0; i < 50; i++) {
      const stream = (batch * 50 + i) * 2 + 1
      frames.push(frame(frameType.headers, endHeaders | endStream, stream, block))
      frames.push(frame(frameType.reset, 0, stream, cancel))
    }
    await raw.send(Buffer.concat(frames))
  }
  t.equal(await goawayCode(raw), calm)
  t.match(await listener.failure('flood'), { kind: 'http2', address: '127.0.0.1' })
  t.ok(listener.peers.length < 600, `${listener.peers.length} of 1000 reached the gateway`)
  await stillAnswers(t, listener)
})

t.test('so does making us reset, with window updates of nothing', async (t) => {
  const listener = await startListener(t, {
    handlers: { stream: (stream) => stream.on('error', () => {}) },
  })
  const raw = await open(listener)
  const block = requestBlock(host)
  for (let batch = 0; batch < 20; batch++) {
    const frames: Buffer[] = []
    for (let i = 0; i < 50; i++) {
      const stream = (batch * 50 + i) * 2 + 1
      frames.push(frame(frameType.headers, endHeaders, stream, block))
      frames.push(frame(frameType.windowUpdate, 0, stream, u32(0)))
    }
    await raw.send(Buffer.concat(frames))
  }
  const code = await goawayCode(raw)
  t.not(code, constants.NGHTTP2_NO_ERROR, `ended with ${code}`)
  await stillAnswers(t, { ...listener })
})

t.test('a page that cancels a hundred requests at once is no flood', async (t) => {
  const listener = await startListener(t, {
    handlers: {
      stream(stream, headers) {
        stream.on('error', () => {})
        if (headers[':path'] !== '/hold') stream.respond({ ':status': 204 }, { endStream: true })
      },
    },
  })
  const client = await h2(listener.https, { ca: listener.ca.certPem, servername: host })
  for (let round = 0; round < 3; round++) {
    const streams = Array.from({ length: 100 }, () =>
      client.open({ ':path': '/hold', ':authority': host }),
    )
    for (const stream of streams) stream.on('error', () => {})
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL)
    await Promise.all(
      streams.map((stream) => new Promise((resolve) => stream.once('close', resolve))),
    )
  }
  t.equal((await client.request({ host })).status, 204)
  t.same(listener.failures, [])
  await until(() => listener.listener.stats().idle === 1, 'every stream was counted out again')
  await client.close()
})

t.test('with time the bucket empties again', async (t) => {
  let time = Date.now()
  const listener = await startListener(t, {
    now: () => time,
    listen: { floodCeiling: { burst: 10, perSecond: 10 } },
  })
  const raw = await open(listener)
  const ping = frame(frameType.ping, 0, 0, Buffer.alloc(8))
  const pongs = async (count: number) => {
    for (let i = 0; i < count; i++) await raw.send(ping)
    for (let i = 0; i < count; i++)
      await readFrame(raw, ({ type, flags }) => type === frameType.ping && flags === 1)
  }
  await pongs(8)
  time += 1000
  await pongs(8)
  t.same(listener.failures, [])
  for (let i = 0; i < 20; i++) await raw.send(ping)
  t.equal(await goawayCode(raw), calm)
})

for (const [name, one] of [
  ['ping', frame(frameType.ping, 0, 0, Buffer.alloc(8))],
  ['settings', frame(frameType.settings, 0, 0, Buffer.alloc(0))],
] as const)
  t.test(`a flood of ${name} frames ends with ENHANCE_YOUR_CALM`, async (t) => {
    const listener = await startListener(t)
    const raw = await open(listener)
    for (let i = 0; i < 10; i++)
      await raw.send(Buffer.concat(Array.from({ length: 100 }, () => one)))
    t.equal(await goawayCode(raw), calm)
    t.match(await listener.failure('flood'), { kind: 'http2' })
    await stillAnswers(t, listener)
  })

t.test('an endless header block is cut off, and no request comes of it', async (t) => {
  const listener = await startListener(t)
  const raw = await open(listener)
  await raw.send(frame(frameType.headers, endStream, 1, requestBlock(host)))
  const more = headerBlock(
    Array.from({ length: 50 }, (_, i) => [`x-${i}`, 'a'.repeat(100)] as const),
  )
  for (let i = 0; i < 100; i++) await raw.send(frame(frameType.continuation, 0, 1, more))
  const code = await goawayCode(raw)
  t.ok(code === null || code !== constants.NGHTTP2_NO_ERROR, `ended with ${code}`)
  t.equal(listener.peers.length, 0)
  await stillAnswers(t, listener)
})

t.test(
  'more header fields, or larger ones, than advertised end the stream, not the connection',
  async (t) => {
    const listener = await startListener(t)
    const many = headerBlock(Array.from({ length: 250 }, (_, i) => [`x-${i}`, 'a'] as const))
    const large = headerBlock(
      Array.from({ length: 150 }, (_, i) => [`x-${i}`, 'a'.repeat(120)] as const),
    )
    const larger = Buffer.concat([large, large])
    for (const [name, block] of [
      ['many', many],
      ['large', larger],
    ] as const) {
      const raw = await open(listener)
      const whole = Buffer.concat([requestBlock(host), block])
      const first = whole.subarray(0, 16_000)
      const rest: Buffer[] = []
      for (let i = 16_000; i < whole.length; i += 16_000) rest.push(whole.subarray(i, i + 16_000))
      await raw.send(
        frame(frameType.headers, rest.length === 0 ? endHeaders | endStream : endStream, 1, first),
      )
      for (const [i, part] of rest.entries())
        await raw.send(
          frame(frameType.continuation, i === rest.length - 1 ? endHeaders : 0, 1, part),
        )
      const reset = await readFrame(
        raw,
        ({ type }) => type === frameType.reset || type === frameType.goaway,
      )
      t.equal(reset?.type, frameType.reset, name)
      await raw.send(frame(frameType.headers, endHeaders | endStream, 3, requestBlock(host)))
      const answer = await readFrame(
        raw,
        ({ type, stream }) => type === frameType.headers && stream === 3,
      )
      t.ok(answer, 'the connection goes on')
      raw.destroy()
    }
    t.equal(listener.peers.length, 2)
  },
)

t.test('more streams than allowed are refused, and insisting ends the connection', async (t) => {
  const listener = await startListener(t, {
    handlers: { stream: (stream) => stream.on('error', () => {}) },
  })
  const raw = await open(listener)
  const settings = await readFrame(
    raw,
    ({ type, flags }) => type === frameType.settings && flags === 0,
  )
  t.ok(settings?.payload.includes(Buffer.from([0, 3, 0, 0, 0, 100])), 'MAX_CONCURRENT_STREAMS 100')
  t.ok(
    settings?.payload.includes(Buffer.from([0, 8, 0, 0, 0, 1])),
    'ENABLE_CONNECT_PROTOCOL 1 (RFC 8441 §3)',
  )
  await raw.send(frame(frameType.settings, 1, 0, Buffer.alloc(0)))
  const block = requestBlock(host)
  for (let i = 0; i < 1500; i++)
    await raw.send(frame(frameType.headers, endHeaders, i * 2 + 1, block))
  const code = await goawayCode(raw)
  t.not(code, constants.NGHTTP2_NO_ERROR, `ended with ${code}`)
  t.ok(listener.peers.length <= 100, `${listener.peers.length} reached the gateway`)
  await stillAnswers(t, listener)
})

t.test('empty DATA frames without end are cut off', async (t) => {
  const listener = await startListener(t, {
    handlers: { stream: (stream) => stream.on('error', () => {}).resume() },
  })
  const raw = await open(listener)
  await raw.send(frame(frameType.headers, endHeaders, 1, requestBlock(host)))
  const empty = frame(frameType.data, 0, 1, Buffer.alloc(0))
  for (let i = 0; i < 20; i++)
    await raw.send(Buffer.concat(Array.from({ length: 100 }, () => empty)))
  const code = await goawayCode(raw)
  t.ok(code === null || code !== constants.NGHTTP2_NO_ERROR, `ended with ${code}`)
  await stillAnswers(t, listener)
})

t.test(
  'a client that sends DATA nobody reads may send as much as its window, no more',
  async (t) => {
    const listener = await startListener(t, {
      handlers: { stream: (stream) => stream.on('error', () => {}) },
    })
    const raw = await open(listener)
    await raw.send(frame(frameType.headers, endHeaders, 1, requestBlock(host)))
    const chunk = frame(frameType.data, 0, 1, Buffer.alloc(16_384))
    for (let i = 0; i < 17; i++) await raw.send(chunk)
    const answer = await readFrame(
      raw,
      ({ type }) => type === frameType.reset || type === frameType.goaway,
    )
    t.equal(
      answer?.payload.readUInt32BE(answer.type === frameType.goaway ? 4 : 0),
      constants.NGHTTP2_FLOW_CONTROL_ERROR,
    )
  },
)

t.test('a stalled upload does not stop its neighbour on the same connection', async (t) => {
  const listener = await startListener(t, {
    handlers: {
      stream(stream, headers) {
        stream.on('error', () => {})
        if (headers[':path'] === '/stall') return
        let bytes = 0
        stream.on('data', (chunk) => {
          bytes += chunk.length
        })
        stream.on('end', () => {
          stream.respond({ ':status': 200 })
          stream.end(String(bytes))
        })
      },
    },
  })
  const client = await h2(listener.https, { ca: listener.ca.certPem, servername: host })
  for (let i = 0; i < 2; i++) {
    const stalled = client.open({ ':path': '/stall', ':method': 'POST', ':authority': host })
    stalled.on('error', () => {})
    stalled.write(Buffer.alloc(1_000_000))
  }
  const { text } = await client.request({ host, method: 'POST', body: Buffer.alloc(2_000_000) })
  t.equal(text, '2000000')
  client.session.destroy()
})

t.test('a TCP connection that is half closed does not keep its session', async (t) => {
  const listener = await startListener(t)
  const raw = await open(listener)
  await readFrame(raw, ({ type }) => type === frameType.settings)
  raw.end()
  await raw.readToEnd()
  t.equal(raw.ended(), 'end')
})

t.test('a hundred slow downloads fit into the memory one session may take', async (t) => {
  const size = 200_000
  const listener = await startListener(t, {
    handlers: {
      stream(stream) {
        stream.on('error', () => {})
        stream.respond({ ':status': 200 })
        let sent = 0
        const more = () => {
          while (sent < size) {
            sent += 20_000
            if (!stream.write(Buffer.alloc(20_000))) return
          }
          stream.end()
        }
        stream.on('drain', more)
        more()
      },
    },
  })
  const client = await h2(listener.https, { ca: listener.ca.certPem, servername: host })
  const streams = Array.from({ length: 100 }, () =>
    client.open({ ':path': '/', ':authority': host }),
  )
  await Promise.all(
    streams.map((stream) => new Promise((resolve) => stream.once('response', resolve))),
  )
  const sizes = await Promise.all(
    streams.map(async (stream) => {
      let bytes = 0
      for await (const chunk of stream) bytes += chunk.length
      return bytes
    }),
  )
  t.ok(sizes.every((bytes) => bytes === size))
  t.same(listener.failures, [])
  await client.close()
})
