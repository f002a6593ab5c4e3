// The attack: HTTP/2 says where a request ends in its frames; written down as HTTP/1.1 for the backend, a length, a coding
// or a line break in a value says something else. H2.CL, H2.TE, CRLF in names, values, method and path; request tunnelling.
// RFC 9113 §8.1.1, §8.2.1, §8.2.2, §10.3.

import t from 'tap'
import { appHost, publicRow, recordingBackend, startEdge, until } from '../fixtures/edge.ts'
import {
  endHeaders,
  endStream,
  frame,
  frameType,
  headerBlock,
  openHttp2,
  readFrame,
} from '../fixtures/http2-frames.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const edge = await startEdge(t, [publicRow('app', backend.port)])
const prey = `GET /smuggled HTTP/1.1\r\nHost: ${appHost}\r\n\r\n`

type Field = readonly [string, string]
const pseudo = (method = 'POST', path = '/'): Field[] => [
  [':method', method],
  [':scheme', 'https'],
  [':authority', appHost],
  [':path', path],
]

async function send(fields: readonly Field[], data: string): Promise<void> {
  const raw = await openHttp2(edge.gateway.https, edge.gateway.ca.certPem, appHost)
  await raw.send(frame(frameType.headers, endHeaders, 1, headerBlock(fields)))
  await raw.send(frame(frameType.data, endStream, 1, Buffer.from(data)))
  await readFrame(
    raw,
    ({ type, stream }) =>
      type === frameType.goaway || (stream === 1 && type !== frameType.windowUpdate),
  )
  raw.destroy()
}

t.test(
  'no length, coding or line break of HTTP/2 makes a second request of HTTP/1.1',
  async (t) => {
    for (const [fields, data] of [
      [[...pseudo(), ['content-length', '0']], prey],
      [[...pseudo(), ['content-length', '1']], prey],
      [[...pseudo(), ['content-length', String(prey.length + 5)]], prey],
      [[...pseudo(), ['transfer-encoding', 'chunked']], `0\r\n\r\n${prey}`],
      [[...pseudo(), ['transfer-encoding', 'identity']], prey],
      [[...pseudo(), ['te', 'chunked']], prey],
      [[...pseudo(), ['x', `a\r\n\r\n${prey}`]], ''],
      [[...pseudo(), [`x: a\r\n\r\n${prey}`, 'b']], ''],
      [[...pseudo(), ['x', 'a\r\ntransfer-encoding: chunked']], `0\r\n\r\n${prey}`],
      [[...pseudo(), ['x\r\ncontent-length', '0']], prey],
      [[...pseudo(), ['cookie', `a\r\n\r\n${prey}`]], ''],
      [[...pseudo(), ['content-type', `a\r\n\r\n${prey}`]], ''],
      [pseudo('POST', `/ HTTP/1.1\r\nHost: x\r\n\r\n${prey}`), ''],
      [pseudo(`GET / HTTP/1.1\r\nHost: x\r\n\r\n${prey}`), ''],
      [pseudo(`GET /smuggled HTTP/1.1`), ''],
    ] as [Field[], string][]) {
      await send(fields, data)
      const name = JSON.stringify([fields.slice(4), data.slice(0, 20)])
      const lines = backend.requests.map(({ head }) => head.slice(0, head.indexOf('\r\n')))
      t.notOk(
        lines.some((line) => /smuggled/.test(line)),
        name,
      )
      t.notOk(
        backend.requests.some(({ head }) => /smuggled/.test(head)),
        name,
      )
    }
  },
)

t.test('a body that is reset never reaches the backend as a whole one', async (t) => {
  const before = backend.requests.length
  const client = await edge.h2()
  const heard = () =>
    Array.from({ length: backend.accepted() }, (_, i) => backend.recorded(i)).some((bytes) =>
      bytes.includes('POST /half'),
    )
  const raw = await openHttp2(edge.gateway.https, edge.gateway.ca.certPem, appHost)
  await raw.send(frame(frameType.headers, endHeaders, 1, headerBlock(pseudo('POST', '/half'))))
  await raw.send(frame(frameType.data, 0, 1, Buffer.from('half')))
  await until(heard, 'the head is there')
  await raw.send(frame(frameType.reset, 0, 1, Buffer.from([0, 0, 0, 0])))
  await client.request({ path: '/after' })
  const arrived = backend.requests.slice(before).map(({ head }) => head.split(' ')[1])
  t.same(arrived, ['/after'], 'even when it was reset with NO_ERROR')
  raw.destroy()
})

t.test('each stream of a connection is admitted by itself', async (t) => {
  const client = await edge.h2()
  const answers = await Promise.all([
    client.request({ path: '/1' }),
    client.request({ path: '/2', host: 'other.gate.test' }),
    client.request({ path: '/.gatehouse/3' }),
    client.request({ path: '/4', headers: { 'remote-user': 'admin' } }),
  ])
  t.same(
    answers.map(({ status }) => status),
    [200, 421, 404, 200],
  )
  t.notOk(backend.requests.some(({ head }) => /remote-user/i.test(head)))
})
