// Points 1 to 9 of docs/conformance.md: requests of HTTP/1 that two programs could read differently end here, with 400 and close.

import t from 'tap'
import {
  appHost,
  publicRow,
  recordingBackend,
  request,
  startEdge,
  statuses,
} from '../fixtures/edge.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const edge = await startEdge(t, [publicRow('app', backend.port), publicRow('other', backend.port)])

/** A request that the victim of a smuggling attack would be made to send. */
const smuggled = request('GET /smuggled')

/** What must hold of every refused request: one answer, the end of the connection, nothing at the backend. */
async function refused(
  t: Tap,
  bytes: string,
  { code = [400], name = JSON.stringify(bytes.slice(0, 120)) } = {},
): Promise<void> {
  const before = backend.requests.length
  const answer = await edge.exchange(bytes)
  const [status, ...more] = statuses(answer)
  t.ok(status !== undefined && code.includes(status), `${name}: ${status}`)
  t.same(more, [], `${name}: nothing after it`)
  t.match(answer, /\r\nconnection: close\r\n/i, `${name}: the connection ends`)
  t.equal(backend.requests.length, before, `${name}: the backend hears nothing`)
}

type Tap = { ok: typeof t.ok; same: typeof t.same; match: typeof t.match; equal: typeof t.equal }

t.test(
  'point 1: Transfer-Encoding with Content-Length is refused (RFC 9112 §6.1, §6.3)',
  async (t) => {
    const chunks = `0\r\n\r\n${smuggled}`
    for (const fields of [
      ['Content-Length: 6', 'Transfer-Encoding: chunked'],
      ['Transfer-Encoding: chunked', 'Content-Length: 6'],
      ['Content-Length: 0', 'transfer-encoding: chunked'],
      ['Content-Length: 6', 'Transfer-Encoding: identity'],
    ]) {
      await refused(t, request('POST /', ...fields) + chunks)
    }
  },
)

t.test(
  'point 2: no Transfer-Encoding but chunked, once (RFC 9112 §6.1, CVE-2026-54387)',
  async (t) => {
    for (const coding of [
      'chunked,',
      ',chunked',
      'chunked, chunked',
      'chunked, identity',
      'gzip, chunked',
      'gzip',
      'identity',
      'xchunked',
      'chunkedx',
      'chunked;x=1',
      '"chunked"',
      '\x0bchunked',
      '',
    ]) {
      await refused(t, `${request('POST /', `Transfer-Encoding: ${coding}`)}0\r\n\r\n${smuggled}`)
    }
    const twice = ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']
    await refused(t, `${request('POST /', ...twice)}0\r\n\r\n${smuggled}`)
    const mixed = ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity']
    await refused(t, `${request('POST /', ...mixed)}0\r\n\r\n${smuggled}`)
  },
)

t.test(
  'point 3: HTTP/1.0 has no Transfer-Encoding; a length is digits, once (RFC 9112 §6.1, §6.3; CVE-2026-2835)',
  async (t) => {
    const old = `POST / HTTP/1.0\r\nHost: ${appHost}\r\nTransfer-Encoding: chunked\r\n\r\n`
    await refused(t, `${old}0\r\n\r\n${smuggled}`)
    for (const length of [
      '+5',
      '-1',
      '0x5',
      '5,6',
      '5 5',
      '5;',
      '',
      ' ',
      '5.0',
      '1e1',
      'five',
      '9007199254740993',
      '99999999999999999999',
    ]) {
      await refused(t, `${request('POST /', `Content-Length: ${length}`)}hello${smuggled}`)
    }
    for (const pair of [
      ['Content-Length: 5', 'Content-Length: 6'],
      ['Content-Length: 5', 'content-length: 5'],
      ['Content-Length: 5, 5'],
    ]) {
      await refused(t, `${request('POST /', ...pair)}hello${smuggled}`)
    }
  },
)

t.test('point 4: chunks are read strictly (RFC 9112 §7.1, §7.1.1; CVE-2025-55315)', async (t) => {
  const chunked = request('POST /', 'Transfer-Encoding: chunked')
  for (const body of [
    `2;\nxx\r\n0\r\n\r\n${smuggled}`,
    `2;a\nxx\r\n0\r\n\r\n`,
    '2\nxx\r\n0\r\n\r\n',
    '2\r\nxx\n0\r\n\r\n',
    '2\r\nxxx\r\n0\r\n\r\n',
    '2\r\nx\r\n0\r\n\r\n',
    '0x2\r\nxx\r\n0\r\n\r\n',
    '+2\r\nxx\r\n0\r\n\r\n',
    '-2\r\nxx\r\n0\r\n\r\n',
    ' 2\r\nxx\r\n0\r\n\r\n',
    '2 \r\nxx\r\n0\r\n\r\n',
    '2\r\rxx\r\n0\r\n\r\n',
    'g\r\nxx\r\n0\r\n\r\n',
    ';x\r\nxx\r\n0\r\n\r\n',
    '\r\nxx\r\n0\r\n\r\n',
    '10000000000000000\r\nxx\r\n0\r\n\r\n',
    '0\n\r\n',
    '0\r\n\nX: y\r\n\r\n',
    '0\r\nX : y\r\n\r\n',
    '0\r\nX: y\0\r\n\r\n',
    '2;\0\r\nxx\r\n0\r\n\r\n',
    '2;a="\n"\r\nxx\r\n0\r\n\r\n',
  ]) {
    // The head is in order, so the backend hears of the request; of a whole request it must not.
    const answer = await edge.exchange(chunked + body)
    t.same(statuses(answer), [400], `${JSON.stringify(body)}: ${answer.slice(0, 40)}`)
  }
  t.notOk(backend.requests.some(({ head }) => /^(POST|GET \/smuggled)/.test(head)))
  const long = await edge.exchange(`${chunked}2;${'a'.repeat(20_000)}\r\nxx\r\n0\r\n\r\n`)
  t.same(statuses(long), [413], 'a chunk extension has an end')
})

t.test(
  'point 4: a body that breaks off is never forwarded as complete (RFC 9112 §8)',
  async (t) => {
    for (const [fields, body] of [
      ['Transfer-Encoding: chunked', '5\r\nhello\r\n'],
      ['Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n'],
      ['Transfer-Encoding: chunked', '5\r\nhel'],
      ['Content-Length: 10', 'hello'],
    ] as const) {
      const accepted = backend.accepted()
      const client = await edge.connect()
      await client.send(request('POST /cut', fields) + body)
      while (backend.accepted() === accepted) await new Promise((resolve) => setTimeout(resolve, 5))
      client.destroy()
      while (backend.connections() > 0) await new Promise((resolve) => setTimeout(resolve, 5))
      const received = backend.recorded(accepted).toString('latin1')
      t.match(received, /^POST \/cut /)
      t.notMatch(received, /\r\n0\r\n/)
      t.notOk(backend.requests.some(({ head }) => head.startsWith('POST /cut')))
    }
  },
)

t.test(
  'point 5: field lines are read strictly (RFC 9112 §5.1, §5.2; RFC 9110 §5.1, §5.5)',
  async (t) => {
    for (const line of [
      'X-A : b',
      'Transfer-Encoding : chunked',
      'Content-Length : 5',
      ' X-A: b',
      '\tX-A: b',
      'X-A: b\r\n folded',
      'X-A: b\r\n\tfolded',
      'X-A: b\rc',
      'X-A: b\nX-B: c',
      'X-A: b\0c',
      'X-A: \x01',
      'X-A: \x7f',
      'X\0A: b',
      'X(A): b',
      'X A: b',
      'X-\xe9: b',
      ': b',
      'no colon',
    ]) {
      await refused(t, request('GET /', line))
    }
  },
)

t.test(
  'point 6: Host comes once and names a host (RFC 9112 §3.2, RFC 9110 §7.2; CVE-2026-48794)',
  async (t) => {
    const with_ = (...hosts: string[]) =>
      `GET / HTTP/1.1\r\n${hosts.map((h) => `Host: ${h}\r\n`).join('')}\r\n`
    await refused(t, with_())
    await refused(t, with_(appHost, appHost))
    await refused(t, with_(appHost, 'evil.example'))
    for (const host of [
      '',
      `${appHost}@evil`,
      `user@${appHost}`,
      `${appHost} evil`,
      `${appHost}, evil`,
      `${appHost}/x`,
      `${appHost}:44a`,
      `${appHost}:443:1`,
      'b\xfccher.gate.test',
      '[::1]',
      '.',
    ]) {
      await refused(t, with_(host))
    }
    for (const host of [
      appHost.toUpperCase(),
      `${appHost}.`,
      `${appHost}:443`,
      `App.Gate.Test.:8443`,
    ]) {
      const answer = await edge.exchange(
        with_(host).replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
      )
      t.same(statuses(answer), [200], host)
      t.same(backend.requests.at(-1)?.field('host'), [appHost], 'the backend gets the one spelling')
    }
  },
)

t.test('point 7: the forms of a request target (RFC 9112 §3.2.1 to §3.2.4)', async (t) => {
  const close = 'Connection: close'
  const absolute = `GET http://${appHost}/x?y=1 HTTP/1.1\r\nHost: other.gate.test\r\n${close}\r\n\r\n`
  t.same(statuses(await edge.exchange(absolute)), [200])
  const arrived = backend.requests.at(-1)
  t.match(arrived?.head, /^GET \/x\?y=1 HTTP\/1\.1\r\n/, 'origin-form for the backend')
  t.same(arrived?.field('host'), [appHost], 'its authority replaces Host')
  for (const target of [
    '*',
    appHost,
    `${appHost}:443`,
    `ftp://${appHost}/`,
    `//${appHost}@/../x`,
  ]) {
    await refused(t, request(`GET ${target}`))
  }
  const options = await edge.exchange(request('OPTIONS *', close))
  t.match(options, /^HTTP\/1\.1 204 .*\r\nallow: GET, HEAD/is, 'OPTIONS * is answered by us')
  await refused(t, request('POST *'))
})

t.test('point 8: CONNECT and TRACE are not for strangers (RFC 9110 §9.3.6, §9.3.8)', async (t) => {
  const before = backend.requests.length
  const connect = `CONNECT ${appHost}:443 HTTP/1.1\r\nHost: ${appHost}\r\n\r\n`
  t.same(statuses(await edge.exchange(connect + smuggled)), [405])
  const trace = await edge.exchange(request('TRACE /', 'Cookie: secret=1', 'Connection: close'))
  t.same(statuses(trace), [405])
  t.notMatch(trace, 'secret')
  t.equal(backend.requests.length, before)
  // Node's parser knows a closed list of methods; what is not in it is refused, never taken for GET.
  await refused(t, request('BREW /'))
  await refused(t, request('get /'))
  for (const method of ['PROPFIND', 'MKCOL', 'QUERY', 'PURGE', 'M-SEARCH']) {
    t.same(
      statuses(await edge.exchange(request(`${method} /`, 'Connection: close'))),
      [200],
      method,
    )
    t.match(backend.requests.at(-1)?.head, new RegExp(`^${method} / `))
  }
})

t.test(
  'point 9: limits have statuses of their own (RFC 9112 §2.2, §3; RFC 6585 §5; CVE-2026-58044)',
  async (t) => {
    const close = 'Connection: close'
    t.same(
      statuses(await edge.exchange(`\r\n${request('GET /', close)}`)),
      [200],
      'one empty line before',
    )
    t.same(statuses(await edge.exchange(request(`GET /${'a'.repeat(16_384)}`, close))), [414])
    await refused(t, request('GET /', `X-Long: ${'a'.repeat(40_000)}`), {
      code: [431],
      name: 'long field',
    })
    const many = Array.from({ length: 201 }, (_, i) => `X-${i}: 1`)
    t.same(
      statuses(await edge.exchange(request('GET /', ...many, close))),
      [431],
      'never dropped in silence',
    )
    const fits = Array.from({ length: 190 }, (_, i) => `X-${i}: 1`)
    t.same(statuses(await edge.exchange(request('GET /', ...fits, close))), [200])
    t.equal(backend.requests.at(-1)?.field('x-189').length, 1)
  },
)
