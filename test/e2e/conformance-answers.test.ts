// Points 18 to 21 and 24 of docs/conformance.md: 100, interim and early answers, and answers of backends that break the rules.
// What was cut must look cut: in HTTP/1.1, in HTTP/1.0, in HTTP/2.

import t, { type Test } from 'tap'
import { type Backend, rawBackend } from '../fixtures/backends.ts'
import {
  appHost,
  type Edge,
  fieldsOf,
  publicRow,
  request,
  startEdge,
  until,
} from '../fixtures/edge.ts'
import type { RawResponse } from '../fixtures/raw-response.ts'

type Then = 'keep' | 'end' | 'reset'

/** What the backend answers next, and what it does with the connection afterwards. */
let next: { bytes: string; after: Then } = { bytes: '', after: 'keep' }
const backend = await rawBackend(async (connection) => {
  for (;;) {
    await connection.readUntil('\r\n\r\n')
    await connection.send(Buffer.from(next.bytes, 'latin1'))
    if (next.after === 'end') connection.end()
    if (next.after === 'reset') connection.reset()
  }
})
t.teardown(() => backend.close())
const edge = await startEdge(t, [publicRow('app', backend.port)])

function answersWith(bytes: string, then: Then = 'keep'): void {
  next = { bytes, after: then }
}

async function ask(method = 'GET'): Promise<RawResponse> {
  const client = await edge.connect()
  await client.send(request(`${method} /`))
  const response = await client.response(method)
  client.destroy()
  return response
}

/** How each version of HTTP sees the answer: a status when it looks whole, `broken` otherwise. */
async function seen(): Promise<Record<'1.1' | '1.0' | '2', number | 'broken'>> {
  const first = await ask().then(
    ({ status }) => status,
    () => 'broken' as const,
  )
  const old = await edge.connect()
  await old.send(`GET / HTTP/1.0\r\nHost: ${appHost}\r\n\r\n`)
  const text = (await old.readToEnd()).toString('latin1')
  const [length] = fieldsOf(text, 'content-length')
  const body = text.slice(text.indexOf('\r\n\r\n') + 4)
  const short = length !== undefined && body.length < Number(length) && !/ (204|304) /.test(text)
  const whole = old.ended() === 'end' && !short
  const h2 = await edge.h2()
  const second = await h2.request().then(
    ({ status }) => status,
    () => 'broken' as const,
  )
  h2.session.destroy()
  return { '1.1': first, '1.0': whole ? Number(text.slice(9, 12)) : 'broken', '2': second }
}

const all = (what: number | 'broken') => ({ '1.1': what, '1.0': what, '2': what })

t.test(
  'point 21: an answer whose framing has two readings is 502 (RFC 9112 §6.3, §5, §4)',
  async (t) => {
    const ok = 'HTTP/1.1 200 OK\r\n'
    const chunks = '5\r\nhello\r\n0\r\n\r\n'
    for (const bytes of [
      `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
      `${ok}Transfer-Encoding: chunked\r\nContent-Length: ${chunks.length}\r\n\r\n${chunks}`,
      `${ok}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`,
      `${ok}Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello`,
      `${ok}Content-Length: 5, 5\r\n\r\nhello`,
      `${ok}Content-Length: +5\r\n\r\nhello`,
      `${ok}Content-Length: 0x5\r\n\r\nhello`,
      `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n${chunks}`,
      `${ok}Transfer-Encoding: chunked, gzip\r\n\r\n${chunks}`,
      `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
      `${ok}X-A: a\r\n folded\r\nContent-Length: 2\r\n\r\nok`,
      `${ok}X-A : a\r\nContent-Length: 2\r\n\r\nok`,
      `${ok}X A: a\r\nContent-Length: 2\r\n\r\nok`,
      `${ok}X-A: a\0b\r\nContent-Length: 2\r\n\r\nok`,
      `${ok}X-A: a\rb\r\nContent-Length: 2\r\n\r\nok`,
      `${ok}X-A: ${'a'.repeat(40_000)}\r\nContent-Length: 2\r\n\r\nok`,
      'HTTP/1.1 200 OK\nContent-Length: 2\n\nok',
      'HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok',
      'HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok',
      'HTTP/1.1 600 OK\r\nContent-Length: 2\r\n\r\nok',
      'HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\nok',
      'hello',
      '\x16\x03\x01\x02\x00garbage',
    ]) {
      answersWith(bytes, 'end')
      t.same(await seen(), all(502), JSON.stringify(bytes.slice(0, 90)))
    }
    await until(() => backend.connections() === 0, 'no connection with an ambiguous answer is kept')
  },
)

t.test(
  'point 21: a body that is cut is never an answer that looks complete (RFC 9112 §8, RFC 9113 §8.1)',
  async (t) => {
    const ok = 'HTTP/1.1 200 OK\r\n'
    for (const then of ['end', 'reset'] as const) {
      for (const bytes of [
        `${ok}Content-Length: 10\r\n\r\nhello`,
        `${ok}Content-Length: 10\r\nConnection: close\r\n\r\nhello`,
        `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
        `${ok}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n`,
        `${ok}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n`,
        `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`,
        `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n`,
        `${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n`,
      ]) {
        answersWith(bytes, then)
        t.same(await seen(), all('broken'), `${then} ${JSON.stringify(bytes.slice(15))}`)
      }
    }
    answersWith(`${ok}\r\nhello`, 'reset')
    t.same(await seen(), all('broken'), 'a reset is not the end of a body without length')
    answersWith(`${ok}\r\nhello`, 'end')
    t.same(await seen(), all(200), 'a FIN is (RFC 9112 §6.3 item 8)')
  },
)

t.test(
  'point 20: HEAD, 204 and 304 have no body, whatever follows (RFC 9112 §6.3 item 1)',
  async (t) => {
    for (const [status, length] of [
      ['204 No Content', []],
      ['304 Not Modified', ['5']],
    ] as const) {
      answersWith(
        `HTTP/1.1 ${status}\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`,
      )
      for (let i = 0; i < 3; i++) {
        const response = await ask()
        t.match(status, String(response.status))
        t.same(
          response.header('content-length'),
          length,
          'kept on 304, gone from 204 (RFC 9110 §8.6)',
        )
        t.same(response.header('transfer-encoding'), [])
      }
      t.same(await seen(), all(Number(status.slice(0, 3))))
    }
    answersWith('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\nevil')
    for (let i = 0; i < 3; i++) {
      const head = await ask('HEAD')
      t.equal(head.status, 200)
      t.same(
        head.header('content-length'),
        ['5'],
        'of the answer that GET would get (RFC 9110 §9.3.2)',
      )
      const get = await ask()
      t.equal(get.body.toString(), 'hello', 'no byte of one answer becomes part of another')
    }
  },
)

t.test('point 19: 103 is relayed, to HTTP/1.0 never (RFC 8297, RFC 9110 §15.2)', async (t) => {
  const hint = (to: string) =>
    `HTTP/1.1 103 Early Hints\r\nLink: <${to}>\r\nConnection: x-a\r\nX-A: 1\r\n\r\n`
  answersWith(`${hint('/a')}${hint('/b')}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`)
  const { interim, body } = await ask()
  t.same(
    interim.map(({ status, rawHeaders }) => [status, rawHeaders.find(([n]) => n === 'link')?.[1]]),
    [
      [103, '</a>'],
      [103, '</b>'],
    ],
  )
  t.equal(body.toString(), 'ok')
  const h2 = await edge.h2()
  t.same(
    (await h2.request()).interim.map(({ status }) => status),
    [103, 103],
  )
  const old = await edge.exchange(`GET / HTTP/1.0\r\nHost: ${appHost}\r\n\r\n`)
  t.match(old, /^HTTP\/1\.1 200/)
  t.notMatch(old, / 103 /)
})

t.test(
  'point 19: a 101 that nobody asked for is 502, with and without Upgrade (RFC 9110 §15.2.2)',
  async (t) => {
    for (const fields of [
      '',
      'Upgrade: websocket\r\nConnection: Upgrade\r\n',
      'Upgrade: h2c\r\n',
    ]) {
      answersWith(
        `HTTP/1.1 101 Switching Protocols\r\n${fields}\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`,
      )
      t.same(await seen(), all(502), fields)
      t.same((await ask()).interim, [], 'nor relayed')
    }
  },
)

t.test(
  'point 19: exception: an unsolicited 100 is 502, because the client library ends the connection',
  async (t) => {
    answersWith('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    t.same(await seen(), all(502))
  },
)

t.test(
  'point 18: 100 comes from us, after admission and when the body is wanted (RFC 9110 §10.1.1)',
  async (t) => {
    answersWith('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    const expecting = ['Expect: 100-continue', 'Content-Length: 5']
    const allowed = await edge.connect()
    await allowed.send(request('POST /', ...expecting))
    t.match((await allowed.readUntil('\r\n\r\n')).toString(), /^HTTP\/1\.1 100 Continue\r\n/)
    await allowed.send('hello')
    t.equal((await allowed.response()).status, 200)
    t.notMatch(
      backend.recorded(backend.accepted() - 1).toString(),
      /expect/i,
      'and is not passed on',
    )

    const refused = await edge.exchange(request('POST /.gatehouse/x', ...expecting))
    t.match(refused, /^HTTP\/1\.1 404 .*\r\nconnection: close\r\n/is, 'refused without 100')
    const unknown = await edge.exchange(request('POST /', 'Expect: 200-ok', 'Content-Length: 5'))
    t.match(unknown, /^HTTP\/1\.1 417 /)
    const old = `POST / HTTP/1.0\r\nHost: ${appHost}\r\n${expecting.join('\r\n')}\r\n\r\nhello`
    t.match(await edge.exchange(old), /^HTTP\/1\.1 200 /, 'HTTP/1.0 does not know it')
    const unasked = await edge.connect()
    await unasked.send(`${request('POST /', 'Content-Length: 5')}hello`)
    t.same((await unasked.response()).interim, [], 'none for who did not ask')
  },
)

/** A backend that answers as soon as it has a head, and then reads no more. */
async function hasty(t: Test): Promise<[Backend, Edge]> {
  const early = await rawBackend(async (connection) => {
    await connection.readUntil('\r\n\r\n')
    connection.socket.pause()
    await connection.send('HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge')
  })
  t.teardown(() => early.close())
  return [early, await startEdge(t, [publicRow('app', early.port)])]
}

t.test(
  'point 24: an answer to a big upload arrives although it is still being sent (RFC 9112 §9.6, RFC 9110 §10.1.1)',
  async (t) => {
    const [, over] = await hasty(t)
    for (const [field, chunk] of [
      ['Content-Length: 90000000', 'x'.repeat(65_536)],
      ['Transfer-Encoding: chunked', `10000\r\n${'x'.repeat(65_536)}\r\n`],
    ] as const) {
      const client = await over.connect()
      await client.send(request('POST /', field))
      const upload = setInterval(() => void client.socket.write(chunk), 1)
      const answer = await client.response()
      clearInterval(upload)
      t.equal(answer.status, 413)
      t.equal(answer.body.toString(), 'large')
      t.match(answer.header('connection')[0], /close/i, field)
      client.destroy()
    }
  },
)

t.test(
  'point 24: over HTTP/2 the rest of the request is refused with NO_ERROR (RFC 9113 §8.1)',
  async (t) => {
    const [early, over] = await hasty(t)
    const h2 = await over.h2()
    const stream = h2.open(
      { ':method': 'POST', ':path': '/', ':authority': appHost },
      { endStream: false },
    )
    const upload = setInterval(() => stream.writable && void stream.write('x'.repeat(16_384)), 1)
    const status = await new Promise((resolve, reject) => {
      stream.on('response', (headers) => resolve(headers[':status']))
      stream.on('error', reject)
    })
    t.equal(status, 413)
    stream.resume()
    await new Promise((resolve) => stream.on('close', resolve))
    clearInterval(upload)
    t.equal(stream.rstCode, 0)
    t.equal((await h2.request()).status, 413, 'the connection lives on')
    t.equal(early.accepted(), 2, 'the backend’s does not: it has an unread body on it')
  },
)
