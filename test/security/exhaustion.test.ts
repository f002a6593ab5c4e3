// The attack: make one request expensive: a hundred thousand cookies, a path that a regular expression chokes on, a body or a
// header that never ends, a reader that never reads. Everybody shares the one process. Traefik CVE-2026-25949;
// Node CVE-2026-58044; ReDoS in general. Floods of frames are in listen-http2-floods, slow headers in e2e/listen-http1.

import t from 'tap'
import { createLimiter } from '../../src/limits.ts'
import { readHead } from '../../src/proxy/request-head.ts'
import { readTarget } from '../../src/proxy/target.ts'
import {
  publicRow,
  recordingBackend,
  request,
  startEdge,
  statuses,
  until,
} from '../fixtures/edge.ts'

const context = { http2: false, http10: false, method: 'GET', cloudflare: false }

/** Milliseconds of the fastest of five. */
function fastest(what: () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 5; i++) {
    const started = performance.now()
    what()
    best = Math.min(best, performance.now() - started)
  }
  return best
}

t.test('no text of the largest size that is let in takes more than a moment to read', async (t) => {
  const size = 16_000
  for (const unit of ['/', '/.', '%2e', '%2f', ';', '/;', '/%2f;', '%25', '//', 'a', '/..a', '%']) {
    const path = `/${unit.repeat(Math.floor(size / unit.length))}`
    t.ok(fastest(() => readTarget(path)) < 20, `target ${unit}`)
  }
  const cookies = 'a=b; '.repeat(100_000)
  t.ok(fastest(() => readHead(['Cookie', cookies], context)) < 20, 'a hundred thousand cookies')
  const connection = 'x-a,'.repeat(8_000)
  t.ok(fastest(() => readHead(['Connection', connection, 'X-A', 'b'], context)) < 20, 'nominations')
  const lines = Array.from({ length: 200 }, (_, i) => [`X_${i}`, '_'.repeat(100)]).flat()
  t.ok(fastest(() => readHead(lines, context)) < 20, 'odd names')
  const limiter = createLimiter()
  const many = () => {
    for (let i = 0; i < 30_000; i++) limiter.take(`${i}`, { perSecond: 1, burst: 1 }, 0)
  }
  t.ok(fastest(many) < 1000, 'and thirty thousand strangers are counted')
})

t.test('a hundred thousand cookies are refused at the door', async (t) => {
  const backend = await recordingBackend()
  t.teardown(() => backend.close())
  const edge = await startEdge(t, [publicRow('app', backend.port)])
  const cookies = `Cookie: ${'a=b; '.repeat(100_000)}`
  t.same(statuses(await edge.exchange(request('GET /', cookies))), [431])
  const client = await edge.h2()
  const over = client.request({ headers: { cookie: 'a=b; '.repeat(20_000) } })
  t.not(
    await over.then(
      ({ status }) => status,
      () => 'reset',
    ),
    200,
  )
  t.equal((await (await edge.h2()).request()).status, 200)
})

t.test('a body beyond the limit is cut off at the limit, announced or not', async (t) => {
  const backend = await recordingBackend()
  t.teardown(() => backend.close())
  const edge = await startEdge(t, [publicRow('app', backend.port, 'maxBody: 100kB')])
  const announced = await edge.exchange(request('POST /', 'Content-Length: 1000000'))
  t.same(statuses(announced), [413])
  const client = await edge.connect()
  await client.send(request('POST /', 'Transfer-Encoding: chunked'))
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
  for (let i = 0; i < 20; i++) await client.send(chunk)
  t.equal((await client.response()).status, 413)
  t.equal(backend.requests.length, 0, 'nothing whole arrives')
})

t.test(
  'clients that fall silent in a body, and clients that do not read, are let go',
  async (t) => {
    const backend = await recordingBackend(
      () => `HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n${'x'.repeat(8_000_000)}`,
    )
    t.teardown(() => backend.close())
    const edge = await startEdge(t, [publicRow('app', backend.port, 'timeouts: { idle: 1s }')])
    const silent = await edge.connect()
    await silent.send(`${request('POST /', 'Content-Length: 9')}x`)
    const reader = await edge.connect()
    reader.socket.pause()
    await reader.send(request('GET /'))
    t.equal((await silent.response()).status, 408)
    await until(
      () => backend.connections() === 0,
      'the backend is free of the one that does not read',
    )
  },
)
