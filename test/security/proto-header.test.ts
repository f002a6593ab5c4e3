// The attack: a field named like a property that every JavaScript object has. Node CVE-2026-21710: `__proto__:` in a request
// threw inside the server's own code and ended the process. Twice in one request, in answers, trailers and cookies too.

import t from 'tap'
import { okAnswer, publicRow, recordingBackend, request, startEdge } from '../fixtures/edge.ts'

const names = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
]
const lines = names.flatMap((name) => [`${name}: a`, `${name}: b`])

let answer = okAnswer
const backend = await recordingBackend(() => answer)
t.teardown(() => backend.close())
const edge = await startEdge(t, [publicRow('app', backend.port)])

t.test('requests with such fields are served, over both versions', async (t) => {
  const client = await edge.connect()
  await client.send(
    request('GET /', ...lines, 'Connection: __proto__, constructor', 'Cookie: __proto__=1'),
  )
  t.equal((await client.response()).status, 200)
  const h2 = await edge.h2()
  for (const name of names) {
    t.equal((await h2.request({ headers: { [name.toLowerCase()]: 'a' } })).status, 200, name)
  }
})

t.test('answers with such fields are passed on or refused, and the gateway lives', async (t) => {
  for (const [what, bytes] of [
    ['head', okAnswer.replace('\r\n\r\n', `\r\n${lines.join('\r\n')}\r\n\r\n`)],
    ['connection', okAnswer.replace('\r\n\r\n', '\r\nConnection: __proto__, constructor\r\n\r\n')],
    [
      'trailers',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${lines.join('\r\n')}\r\n\r\n`,
    ],
    ['interim', `HTTP/1.1 103 Early Hints\r\n${lines.join('\r\n')}\r\n\r\n${okAnswer}`],
  ] as const) {
    answer = bytes
    const h2 = await edge.h2()
    const found = await h2.request({ headers: { te: 'trailers' } }).then(
      ({ status }) => status,
      () => 'reset',
    )
    t.ok(found === 200 || found === 502 || found === 'reset', `${what} over HTTP/2: ${found}`)
    const client = await edge.connect()
    await client.send(request('GET /', 'TE: trailers', 'Connection: TE, close'))
    t.match(await client.readToEnd().then(String), /^HTTP\/1\.1 (200|502|103)/, what)
    answer = okAnswer
    t.equal((await (await edge.h2()).request()).status, 200, `alive after ${what}`)
  }
})
