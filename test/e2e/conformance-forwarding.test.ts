// Points 13 to 17, 22, 23, 30 and 31 of docs/conformance.md: what exactly the backend receives, and what exactly the visitor.

import t from 'tap'
import {
  appHost,
  fieldsOf,
  okAnswer,
  publicRow,
  recordingBackend,
  request,
  startEdge,
  statuses,
} from '../fixtures/edge.ts'

let answer = okAnswer
const backend = await recordingBackend(() => answer)
t.teardown(() => backend.close())
t.beforeEach(() => {
  answer = okAnswer
})
const edge = await startEdge(t, [publicRow('app', backend.port)])
const last = () => {
  const arrived = backend.requests.at(-1)
  if (arrived === undefined) throw new Error('nothing arrived')
  return arrived
}

/** One request over HTTP/1.1; its answer as text. */
async function ask(line: string, ...fields: string[]): Promise<string> {
  const client = await edge.connect()
  await client.send(request(line, ...fields))
  const { rawHeaders, status } = await client.response(line.split(' ')[0])
  client.destroy()
  return [`HTTP/1.1 ${status}`, ...rawHeaders.map(([n, v]) => `${n}: ${v}`)].join('\r\n')
}

t.test(
  'the whole request, byte for byte, as a backend receives it (RFC 9112 §3.2, RFC 9110 §7.6.3)',
  async (t) => {
    await ask('GET /a%20b?c=%2F', 'User-Agent: x', 'Accept: */*', 'X-Odd: \xe9\xff')
    const id = last().field('x-request-id')[0]
    t.match(id, /^[0-9a-z]+$/)
    const via = last().field('via')[0] ?? ''
    t.match(via, /^1\.1 gatehouse/)
    t.equal(
      last().head,
      [
        'GET /a%20b?c=%2F HTTP/1.1',
        `host: ${appHost}`,
        'connection: keep-alive',
        'User-Agent: x',
        'Accept: */*',
        'X-Odd: \xe9\xff',
        'X-Forwarded-For: 127.0.0.1',
        'X-Forwarded-Proto: https',
        `X-Forwarded-Host: ${appHost}`,
        'X-Forwarded-Port: 443',
        'X-Real-IP: 127.0.0.1',
        `X-Request-ID: ${id}`,
        `Via: ${via}`,
        '\r\n',
      ].join('\r\n'),
    )
  },
)

t.test(
  'point 13: hop-by-hop fields end here on the way in (RFC 9110 §7.6.1, §11.7; CVE-2024-45410, CVE-2026-29054)',
  async (t) => {
    await ask(
      'GET /',
      'Connection: close, X-One,X-TWO',
      'connection: x-three, x-forwarded-for, X-Real-IP, host, via, x-request-id',
      'X-One: 1',
      'x-two: 2',
      'X-Three: 3',
      'X-Four: 4',
      'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: Basic eA==',
      'Proxy-Authenticate: Basic',
      'Trailer: X-Five',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
      'TE: gzip',
    )
    const { head } = last()
    for (const name of [
      'x-one',
      'x-two',
      'x-three',
      'keep-alive',
      'proxy-connection',
      'proxy-authorization',
      'proxy-authenticate',
      'trailer',
      'upgrade',
      'http2-settings',
      'te',
      'transfer-encoding',
      'content-length',
    ]) {
      t.same(fieldsOf(head, name), [], name)
    }
    t.same(fieldsOf(head, 'connection'), ['keep-alive'], 'our own hop')
    t.same(fieldsOf(head, 'x-four'), ['4'])
    for (const name of ['x-forwarded-for', 'x-real-ip', 'host', 'via', 'x-request-id']) {
      t.equal(fieldsOf(head, name).length, 1, `${name} cannot be named away`)
    }
  },
)

t.test('point 13: and on the way out (RFC 9110 §7.6.1, GHSA-79qm-7rj5-m7r9)', async (t) => {
  answer = [
    'HTTP/1.1 200 OK',
    'Content-Length: 2',
    'Connection: keep-alive, X-Internal',
    'connection: x-also, strict-transport-security',
    'X-Internal: 1',
    'X-Also: 1',
    'X-Kept: 1',
    'Keep-Alive: timeout=5',
    'Proxy-Authenticate: Basic',
    'Proxy-Connection: keep-alive',
    'Trailer: X-T',
    'Upgrade: h2c',
    'Set-Cookie: a=1',
    'Set-Cookie: b=2',
    '\r\nok',
  ].join('\r\n')
  const head = await ask('GET /')
  for (const name of [
    'x-internal',
    'x-also',
    'proxy-authenticate',
    'proxy-connection',
    'trailer',
    'upgrade',
    'transfer-encoding',
  ]) {
    t.same(fieldsOf(head, name), [], name)
  }
  t.same(fieldsOf(head, 'x-kept'), ['1'])
  t.same(fieldsOf(head, 'set-cookie'), ['a=1', 'b=2'], 'lines stay lines (RFC 9110 §5.3)')
  t.equal(fieldsOf(head, 'strict-transport-security').length, 1, 'ours cannot be named away')
  t.equal(fieldsOf(head, 'x-request-id').length, 1)
  const client = await edge.h2()
  const { headers } = await client.request()
  t.notOk(
    Object.keys(headers).some((n) => /^(connection|keep-alive|upgrade|proxy-|x-internal)/.test(n)),
  )
})

const trailers =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\nSet-Cookie: a=1\r\nHost: evil\r\n\r\n'

t.test('point 14: TE: trailers is passed on in our own words (RFC 9110 §10.1.4)', async (t) => {
  await ask('GET /', 'TE: trailers, gzip;q=0.5', 'Connection: TE')
  t.same(last().field('te'), ['trailers'])
  const client = await edge.h2()
  await client.request({ headers: { te: 'trailers' } })
  t.same(last().field('te'), ['trailers'])
})

t.test(
  'point 15: answers’ trailers reach who asked for them, never as headers (RFC 9110 §6.5.1, RFC 9112 §7.1.2)',
  async (t) => {
    answer = trailers
    const client = await edge.connect()
    await client.send(request('GET /', 'TE: trailers', 'Connection: TE'))
    const first = await client.response()
    t.same(
      first.trailers.map(([n, v]) => `${n.toLowerCase()}: ${v}`),
      ['x-sum: 7'],
    )
    t.same([...first.header('x-sum'), ...first.header('host')], [])
    await client.send(request('GET /'))
    t.same((await client.response()).trailers, [], 'not asked for')
    const h2 = await edge.h2()
    t.match((await h2.request({ headers: { te: 'trailers' } })).trailers, { 'x-sum': '7' })
    const without = await h2.request()
    t.same([without.text, Object.keys(without.trailers)], ['ok', []])
  },
)

t.test('point 15: a request’s trailers are dropped (RFC 9110 §6.5.1)', async (t) => {
  const client = await edge.connect()
  const body = '2\r\nhi\r\n0\r\nX-Forwarded-For: 6.6.6.6\r\nRemote-User: admin\r\nX-T: 1\r\n\r\n'
  await client.send(request('POST /', 'Transfer-Encoding: chunked', 'Trailer: X-T') + body)
  t.equal((await client.response()).status, 200)
  t.equal(last().body, '2\r\nhi\r\n0\r\n\r\n')
  t.same(last().field('remote-user'), [])
  const h2 = await edge.h2()
  await h2.request({ method: 'POST', trailers: { 'remote-user': 'admin' } })
  t.notMatch(last().head + last().body, /admin/)
})

t.test('point 16: Via is appended to, and shows a circle (RFC 9110 §7.6.3)', async (t) => {
  await ask('GET /', 'Via: 1.0 fred', 'via: 1.1 p.example (x)')
  const [via = ''] = last().field('via')
  t.match(via, /^1\.0 fred, 1\.1 p\.example \(x\), 1\.1 gatehouse/)
  const own = via.split(', ').at(-1) ?? ''
  const count = backend.requests.length
  t.match(await ask('GET /', `Via: ${own}, ${own}`), /^HTTP\/1\.1 200/)
  t.match(await ask('GET /', `Via: ${own}, ${own}, ${own}`), /^HTTP\/1\.1 508/)
  t.equal(backend.requests.length, count + 1)
  const old = `GET / HTTP/1.0\r\nHost: ${appHost}\r\n\r\n`
  t.same(statuses(await edge.exchange(old)), [200])
  t.match(last().field('via')[0], /^1\.0 gatehouse/, 'the version is the one received')
  t.match((await (await edge.h2()).request()).status, 200)
  t.match(last().field('via')[0], /^2 gatehouse/)
})

t.test(
  'point 17: Max-Forwards counts down, and 0 is answered here (RFC 9110 §7.6.2)',
  async (t) => {
    await ask('OPTIONS /', 'Max-Forwards: 5')
    t.same(last().field('max-forwards'), ['4'])
    const count = backend.requests.length
    t.match(await ask('OPTIONS /', 'Max-Forwards: 0'), /^HTTP\/1\.1 204/)
    t.equal(backend.requests.length, count)
  },
)

t.test(
  'point 22: HTTP/1.0 gets no chunks, and a kept connection only when it asks (RFC 9112 §6.1, §9.3)',
  async (t) => {
    answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'
    const old = (more = '') => `GET / HTTP/1.0\r\nHost: ${appHost}\r\n${more}\r\n`
    const plain = await edge.exchange(old())
    t.match(plain, /\r\nconnection: close\r\n/i)
    t.notMatch(plain, /transfer-encoding/i)
    t.match(plain, /\r\n\r\nok$/)
    const asking = await edge.exchange(old('Connection: keep-alive\r\n'))
    t.match(asking, /\r\n\r\nok$/, 'an unknown length ends with the connection all the same')
    answer = okAnswer
    const client = await edge.connect()
    await client.send(old('Connection: keep-alive\r\n'))
    t.match((await client.response()).header('connection')[0], /keep-alive/i)
    await client.send(old())
    t.equal((await client.response()).body.toString(), 'ok')
  },
)

t.test(
  'point 23: a body keeps its framing whatever the method, and one framing (RFC 9112 §6, CVE-2026-29057; CL.0)',
  async (t) => {
    for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PROPFIND']) {
      for (const [field, body] of [
        ['Content-Length: 5', 'hello'],
        ['Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
      ] as const) {
        const client = await edge.connect()
        await client.send(request(`${method} /`, field) + body)
        t.equal((await client.response(method)).status, 200)
        const [name = ''] = field.split(':')
        t.equal(last().field(name).length, 1, `${method} ${field}`)
        const lengths =
          last().field('content-length').length + last().field('transfer-encoding').length
        t.equal(lengths, 1, 'one of the two')
        t.equal(last().body, body)
        client.destroy()
      }
    }
    const h2 = await edge.h2()
    await h2.request({ method: 'DELETE', body: 'hello' })
    t.equal(last().body, '5\r\nhello\r\n0\r\n\r\n')
    await h2.request({ method: 'GET', headers: { 'content-length': '5' }, body: 'hello' })
    t.same([last().field('content-length'), last().body], [['5'], 'hello'])
  },
)

t.test(
  'point 23: each request of a connection is admitted by itself (CVE-2026-88829)',
  async (t) => {
    const client = await edge.connect()
    const all = [
      request('GET /1'),
      `${request('POST /2', 'Content-Length: 3')}abc`,
      'GET /3 HTTP/1.1\r\nHost: other.gate.test\r\n\r\n',
      request('GET /4', 'X_Forwarded_User: admin', 'Remote-User: admin'),
    ]
    await client.send(all.join(''))
    const found: number[] = []
    for (let i = 0; i < 4; i++) found.push((await client.response()).status)
    t.same(found, [200, 200, 421, 200])
    t.notMatch(last().head, /admin/)
  },
)

t.test('point 30: our own answers are not stored (RFC 9111 §3, §5.2.2.5)', async (t) => {
  for (const [line, field] of [
    ['GET /.gatehouse/x', 'X: y'],
    ['TRACE /', 'X: y'],
    ['GET /', 'Origin: a\r\nOrigin: b'],
  ] as const) {
    t.same(fieldsOf(await ask(line, field), 'cache-control'), ['no-store'], line)
  }
})

t.test('point 31: ranges and validators pass untouched (RFC 9110 §13, §14)', async (t) => {
  answer =
    'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nETag: W/"x"\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nok'
  const fields = [
    'Range: bytes=0-1, 4-',
    'If-Range: "x"',
    'If-None-Match: *',
    'Accept-Encoding: br, gzip',
  ]
  const head = await ask('GET /', ...fields)
  for (const field of fields) t.match(last().head, `${field}\r\n`)
  t.match(head, /^HTTP\/1\.1 206/)
  t.same(fieldsOf(head, 'content-range'), ['bytes 0-1/9'])
  t.same(fieldsOf(head, 'etag'), ['W/"x"'])
  t.same(fieldsOf(head, 'content-encoding'), ['br'])
})
