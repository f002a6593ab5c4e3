// A client opens a request with a body, says GOAWAY, then breaks the protocol and leaves. Node's session is closing
// since the GOAWAY: the error does not end it, and the end of the TCP connection is read no more. Connection, stream and
// whatever the stream holds stay for ever, count as busy, and cannot be evicted: a few thousand of them and nobody gets
// in. (CWE-772; found by fuzzing frames, the same class as CVE-2026-21714 and CVE-2026-56846.)

import type { ServerHttp2Stream } from 'node:http2'
import t from 'tap'
import {
  endHeaders,
  frame,
  frameType,
  headerBlock,
  openHttp2,
  readFrame,
} from '../fixtures/http2-frames.ts'
import { startListener } from '../fixtures/listener.ts'

const host = 'app.gate.test'
const priority = 0x20

const openPost = headerBlock([
  [':method', 'POST'],
  [':scheme', 'https'],
  [':authority', host],
  [':path', '/'],
])

t.test('a session that said goodbye and broke off leaves nothing behind', async (t) => {
  let open = 0
  const { https, ca, listener } = await startListener(t, {
    listen: { timeouts: { checkMs: 50, stalledMs: 300 } },
    handlers: {
      stream(stream: ServerHttp2Stream) {
        open += 1
        stream.on('error', () => {})
        stream.on('close', () => {
          open -= 1
        })
      },
    },
  })
  for (const ending of ['destroy', 'end'] as const) {
    for (let i = 0; i < 5; i++) {
      const raw = await openHttp2(https, ca.certPem, host)
      await raw.send(frame(frameType.headers, endHeaders, 1, openPost))
      await raw.send(frame(frameType.goaway, 0, 0, Buffer.alloc(8)))
      await raw.send(frame(frameType.headers, endHeaders | priority | 1, 3, openPost))
      raw[ending]()
    }
  }
  for (let left = 100; left > 0 && (open > 0 || listener.stats().open.http2 > 0); left--) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.equal(open, 0, 'no stream is left')
  t.equal(listener.stats().open.http2, 0, 'no connection is left')
})

t.test('a session that said goodbye may finish what moves', async (t) => {
  const { https, ca } = await startListener(t, {
    listen: { timeouts: { checkMs: 50, stalledMs: 300 } },
    handlers: {
      stream(stream: ServerHttp2Stream) {
        stream.respond({ ':status': 200 })
        let sent = 0
        const tick = setInterval(() => {
          sent += 1
          if (sent < 10) stream.write('x')
          else {
            clearInterval(tick)
            stream.end('done')
          }
        }, 100)
      },
    },
  })
  const raw = await openHttp2(https, ca.certPem, host)
  await raw.send(frame(frameType.headers, endHeaders | 1, 1, openPost))
  await raw.send(frame(frameType.goaway, 0, 0, Buffer.alloc(8)))
  const last = await readFrame(raw, ({ type, payload }) => type === 0 && payload.includes('done'))
  t.ok(last, 'the whole answer came, though it took three times as long as a stall may')
  raw.destroy()
})
