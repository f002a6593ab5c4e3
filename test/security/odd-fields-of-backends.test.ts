// The attack: a backend, or whoever can make it say things, answers with fields that Node's writer throws at: the same
// single-valued field twice, or names that every JavaScript object has. Thrown in a callback of Node's own, where
// nobody catches, two ETags in a trailer section ended the whole gateway.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import t from 'tap'
import { appHost, publicRow, recordingBackend, startEdge, until } from '../fixtures/edge.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const answers: Readonly<Record<string, string>> = {
  '/twice-in-trailers':
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nETag: "a"\r\nETag: "b"\r\n\r\n',
  '/twice-in-hints': `HTTP/1.1 103 Early Hints\r\nETag: "a"\r\nETag: "b"\r\n\r\n${ok}`,
  '/twice': 'HTTP/1.1 200 OK\r\nETag: "a"\r\nETag: "b"\r\nContent-Length: 2\r\n\r\nok',
  '/names-in-trailers':
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nconstructor: c\r\n__proto__: p\r\n\r\n',
  '/names-in-hints': `HTTP/1.1 103 Early Hints\r\nconstructor: c\r\nvalueOf: v\r\n\r\n${ok}`,
  '/reset-content': 'HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nok',
}

t.test('what a backend says does not end the gateway', async (t) => {
  const backend = await recordingBackend(({ head }) => answers[head.split(' ')[1] ?? ''] ?? ok)
  t.teardown(() => backend.close())
  const edge = await startEdge(t, [publicRow(appHost, backend.port)])
  const client = await edge.h2()
  const ask = (path: string) => client.request({ path, host: appHost, headers: { te: 'trailers' } })

  await t.rejects(ask('/twice-in-trailers'), 'an answer that cannot be finished is cut')
  t.equal((await ask('/twice-in-hints')).status, 200, 'a hint is no loss')
  t.equal((await ask('/twice')).status, 502, 'before the answer began there is one of ours')
  const named = await ask('/names-in-trailers')
  t.match(named.trailers, { constructor: 'c' })
  const hinted = await ask('/names-in-hints')
  t.equal(hinted.interim[0]?.headers.constructor, 'c', 'not the text of a function before it')
  t.equal((await ask('/')).status, 200, 'the connection and the gateway live')
})

t.test('205 has no content that a reader could take for the next answer', async (t) => {
  const backend = await recordingBackend(({ head }) => answers[head.split(' ')[1] ?? ''] ?? ok)
  t.teardown(() => backend.close())
  const edge = await startEdge(t, [publicRow(appHost, backend.port)])
  const client = await edge.h2()
  t.equal((await client.request({ path: '/reset-content', host: appHost })).status, 502)
  t.equal((await client.request({ path: '/', host: appHost })).status, 200)
})

t.test(
  'a WebSocket whose answer cannot be said is refused, and nobody waits for ever',
  async (t) => {
    const backend = await recordingBackend(({ field }) => {
      const key = `${field('sec-websocket-key')[0]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
      const accept = createHash('sha1').update(key).digest('base64')
      return `HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nETag: "a"\r\nETag: "b"\r\n\r\n`
    })
    t.teardown(() => backend.close())
    const edge = await startEdge(t, [publicRow(appHost, backend.port, 'webSocket: true')])
    const client = await edge.h2()
    const stream = client.open({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'https',
      ':authority': appHost,
      ':path': '/',
      'sec-websocket-version': '13',
    })
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }]
    t.equal(headers[':status'], 502)
    await until(() => backend.connections() === 0, 'the backend is let go')
    t.pass('the backend was let go')
  },
)
