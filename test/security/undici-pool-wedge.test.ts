// The attack: one request per connection with something the HTTP client library refuses to send (`Expect`, `Upgrade`, odd
// framing, an odd path or method). Its own pool then waits for ever for a connection that was never used: a few requests of
// a stranger take a backend down without the backend hearing of them.

import t from 'tap'
import { publicRow, recordingBackend, request, startEdge } from '../fixtures/edge.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const edge = await startEdge(t, [publicRow('app', backend.port, 'webSocket: true')])

const poison = [
  ['GET /', 'Expect: 100-continue'],
  ['GET /', 'Expect: 200-ok'],
  ['GET /', 'Upgrade: foo', 'Connection: Upgrade'],
  ['GET /', 'Upgrade: websocket'],
  ['GET /', 'Transfer-Encoding: identity'],
  ['GET /', 'Transfer-Encoding: gzip, chunked'],
  ['GET /', 'Keep-Alive: 5'],
  ['GET /', 'Connection: keep-alive, x, close'],
  ['GET /', 'Proxy-Connection: close'],
  ['GET /', 'TE: gzip'],
  ['GET /', 'Trailer: x'],
  ['GET /', 'HTTP2-Settings: x'],
  ['GET /', 'Content-Length: 5, 5'],
  ['GET /', 'Content-Length: 18446744073709551616'],
  ['GET /', 'X-\xff: x'],
  ['GET /', 'X: \x7f'],
  ['GET /a b'],
  ['GET /\xff'],
  ['GET /%zz'],
  ['BREW /'],
  ['PRI *'],
  ['CONNECT x:1'],
  ['POST /', 'Content-Length: 0', 'Expect: 100-continue'],
  ['POST /', 'Content-Type: a\x0bb'],
] as const

t.test('none of it, two hundred times over, takes a connection away', async (t) => {
  for (let round = 0; round < 200; round += 1) {
    const [line, ...fields] = poison[round % poison.length] ?? ['GET /']
    const client = await edge.connect()
    await client.send(request(line, ...fields))
    // Any answer will do, or none.
    await client.readUntil(/HTTP\/1\.1 \d\d\d/).catch(() => null)
    client.destroy()
  }
  const h2 = await edge.h2()
  for (const headers of [
    { expect: '100-continue' },
    { expect: 'x' },
    { 'x-a': '\x7f' },
    { 'content-length': '5' },
  ]) {
    await h2.request({ headers }).catch(() => null)
  }
  for (const method of ['BREW', 'get', 'PRI', 'A!#$%&'])
    await h2.request({ method }).catch(() => null)
  const answers = await Promise.all(
    Array.from({ length: 150 }, async () => (await edge.h2()).request()),
  )
  t.ok(
    answers.every(({ status, text }) => status === 200 && text === 'ok'),
    'the backend answers',
  )
})

t.test('and no connection to the backend is left over', async (t) => {
  t.ok(backend.connections() <= 128, `${backend.connections()} are open: the pool's own bound`)
  const client = await edge.connect()
  await client.send(request('GET /'))
  t.equal((await client.response()).status, 200)
})
