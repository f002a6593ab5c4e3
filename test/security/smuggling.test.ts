// The attack: one connection, two readings of where a request ends; what one reader takes for a body, the next takes for a
// request of somebody else. CL.TE, TE.CL, TE.TE, CL.0; tinyproxy CVE-2026-54387; http-proxy CVE-2026-29057; Pingora CVE-2026-2835;
// .NET CVE-2025-55315; BusyBox CVE-2026-88829; Node CVE-2024-27982, CVE-2023-30589, CVE-2022-32213, -32214, CVE-2020-8287;
// undici CVE-2026-1525, GHSA-8xcm. RFC 9112 §11.2.

import t from 'tap'
import { appHost, publicRow, recordingBackend, request, startEdge } from '../fixtures/edge.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const edge = await startEdge(t, [publicRow('app', backend.port)])
const prey = request('GET /smuggled')

/** Everything that ever reached a backend as the beginning of a request. */
const lines = () => backend.requests.map(({ head }) => head.slice(0, head.indexOf('\r\n')))

const attacks: Readonly<Record<string, string>> = {
  'CL.TE': `${request('POST /', 'Content-Length: 6', 'Transfer-Encoding: chunked')}0\r\n\r\nG`,
  'CL.TE with prey':
    request('POST /', `Content-Length: ${prey.length + 5}`, 'Transfer-Encoding: chunked') +
    `0\r\n\r\n${prey}`,
  'TE.CL': `${request('POST /', 'Transfer-Encoding: chunked', 'Content-Length: 4')}5c\r\n${prey}\r\n0\r\n\r\n`,
  'TE.TE comma': `${request('POST /', 'Transfer-Encoding: chunked,')}0\r\n\r\n${prey}`,
  'TE.TE space': `${request('POST /', 'Transfer-Encoding : chunked', 'Content-Length: 5')}0\r\n\r\n${prey}`,
  'TE.TE vertical tab': `${request('POST /', 'Transfer-Encoding: \x0bchunked', 'Content-Length: 5')}0\r\n\r\n${prey}`,
  'TE.TE two': `${request('POST /', 'Transfer-Encoding: chunked', 'Transfer-encoding: x')}0\r\n\r\n${prey}`,
  'TE.TE folded': `${request('POST /', 'Transfer-Encoding:\r\n chunked')}0\r\n\r\n${prey}`,
  'TE after LF': `${request('POST /', 'X: y\nTransfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n${prey}`,
  'TE after CR': `${request('POST /', 'X: y\rTransfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n${prey}`,
  'CL twice': `${request('POST /', 'Content-Length: 0', `Content-Length: ${prey.length}`)}${prey}`,
  'CL list': `${request('POST /', `Content-Length: 0, ${prey.length}`)}${prey}`,
  'CL plus': `${request('POST /', 'Content-Length: +0')}${prey}`,
  'CL with underscore': `${request('POST /', 'Content_Length: 500', 'Content-Length: 0', 'Connection: close')}`,
  'HTTP/1.0 with TE': `POST / HTTP/1.0\r\nHost: ${appHost}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${prey}`,
  'chunk extension with LF': `${request('POST /', 'Transfer-Encoding: chunked')}2;\nxx\r\n31\r\n0\r\n\r\n${prey}\r\n0\r\n\r\n`,
  'chunk size overflow': `${request('POST /', 'Transfer-Encoding: chunked')}100000000000000000\r\n${prey}`,
  'chunk without CRLF': `${request('POST /', 'Transfer-Encoding: chunked')}1\r\nX0\r\n\r\n${prey}`,
  'line ends with LF': `GET / HTTP/1.1\nHost: ${appHost}\n\n${prey}`,
  'version twice': `GET / HTTP/1.1 HTTP/1.1\r\nHost: ${appHost}\r\n\r\n${prey}`,
  'version unknown': `GET / HTTP/1.2\r\nHost: ${appHost}\r\n\r\n${prey}`,
}

t.test('no attack makes a second request, here or at the backend', async (t) => {
  for (const [name, bytes] of Object.entries(attacks)) {
    const answer = await edge.exchange(bytes)
    t.ok((answer.match(/^HTTP\/1\.1 /gm) ?? []).length <= 1, `${name}: at most one answer`)
    t.notOk(
      lines().some((line) => line.includes('/smuggled')),
      `${name}: ${lines().at(-1)}`,
    )
  }
})

t.test('a body without need of one stays a body (CL.0)', async (t) => {
  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PROPFIND', 'REPORT']) {
    const client = await edge.connect()
    await client.send(request(`${method} /`, `Content-Length: ${prey.length}`) + prey)
    t.equal((await client.response(method)).status, 200)
    t.equal(backend.requests.at(-1)?.body, prey, method)
    client.destroy()
  }
  t.notOk(lines().some((line) => line.includes('/smuggled')))
})

t.test('a refused request with a body does not turn its body into a request', async (t) => {
  for (const field of [`Content-Length: ${prey.length}`, 'Transfer-Encoding: chunked']) {
    const body = field.startsWith('C')
      ? prey
      : `${prey.length.toString(16)}\r\n${prey}\r\n0\r\n\r\n`
    const client = await edge.connect()
    await client.send(request('POST /.gatehouse/x', field) + body)
    t.equal((await client.response()).status, 404)
    await client.send(request('GET /next'))
    await client.response().catch(() => null)
    t.notOk(
      lines().some((line) => line.includes('/smuggled')),
      field,
    )
    client.destroy()
  }
})

t.test('nothing in a query becomes a header (response splitting, RFC 9112 §11.1)', async (t) => {
  const answer = await edge.exchange(
    request('GET /?rd=%0d%0aSet-Cookie:%20a=b', 'Connection: close'),
  )
  t.notMatch(answer, /set-cookie/i)
  const redirected = await startEdge(t, [
    "  - { host: app, access: public, prefix: true, to: { redirect: 'https://new.example', keepPath: true } }",
  ])
  for (const target of [
    '/%0d%0aSet-Cookie:%20a=b',
    '/?%0d%0aSet-Cookie:%20a=b',
    '//evil.example/%2e',
  ]) {
    const location = await redirected.exchange(request(`GET ${target}`, 'Connection: close'))
    t.notMatch(location, /^set-cookie/im)
    t.notMatch(location, /^location: (?!https:\/\/new\.example[/?])/im, target)
  }
})
