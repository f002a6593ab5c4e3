// Points 10 to 12 of docs/conformance.md: requests of HTTP/2 that are malformed, in raw frames, never reach a backend.

import { constants } from 'node:http2'
import t from 'tap'
import { appHost, publicRow, recordingBackend, startEdge } from '../fixtures/edge.ts'
import {
  endHeaders,
  endStream,
  type Frame,
  frame,
  frameType,
  headerBlock,
  openHttp2,
  readFrame,
} from '../fixtures/http2-frames.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const edge = await startEdge(t, [publicRow('app', backend.port), publicRow('other', backend.port)])

type Field = readonly [string, string]
const method: Field = [':method', 'GET']
const scheme: Field = [':scheme', 'https']
const authority: Field = [':authority', appHost]
const path: Field = [':path', '/']
const usual = [method, scheme, authority, path]

/** How a stream ended: our status, the code of a reset, or that of the GOAWAY that took the connection with it. */
type Outcome =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'reset'; readonly code: number }
  | { readonly kind: 'goaway'; readonly code: number }

async function outcomeOf(fields: readonly Field[], data: string | null = null): Promise<Outcome> {
  const raw = await openHttp2(edge.gateway.https, edge.gateway.ca.certPem, appHost)
  const flags = data === null ? endHeaders | endStream : endHeaders
  await raw.send(frame(frameType.headers, flags, 1, headerBlock(fields)))
  if (data !== null) await raw.send(frame(frameType.data, endStream, 1, Buffer.from(data)))
  const got = await readFrame(
    raw,
    ({ type, stream }: Frame) =>
      type === frameType.goaway ||
      (stream === 1 && (type === frameType.reset || type === frameType.headers)),
  )
  raw.destroy()
  if (got === null) return { kind: 'goaway', code: -1 }
  const { type, payload } = got
  if (type === frameType.goaway) return { kind: 'goaway', code: payload.readUInt32BE(4) }
  if (type === frameType.reset) return { kind: 'reset', code: payload.readUInt32BE(0) }
  return { kind: 'status', status: statusIn(payload) }
}

/** Asserts that the request was answered so by us, and that no backend heard of it. */
async function refused(
  t: Tap,
  fields: readonly Field[],
  { data = null, wanted }: { data?: string | null; wanted: Outcome },
): Promise<void> {
  const before = backend.requests.length
  const name = JSON.stringify(fields.filter((field) => !usual.includes(field)))
  t.same(await outcomeOf(fields, data), wanted, name)
  t.equal(backend.requests.length, before, `${name}: the backend hears nothing`)
}

type Tap = { same: typeof t.same; equal: typeof t.equal }

const malformed: Outcome = { kind: 'reset', code: constants.NGHTTP2_PROTOCOL_ERROR }
const answered = (status: number): Outcome => ({ kind: 'status', status })

t.test('point 10: names and connection-specific fields (RFC 9113 §8.2.1, §8.2.2)', async (t) => {
  for (const field of [
    ['X-A', 'b'],
    ['connection', 'close'],
    ['proxy-connection', 'close'],
    ['keep-alive', 'timeout=5'],
    ['upgrade', 'websocket'],
    ['te', 'gzip'],
    ['te', 'trailers, gzip'],
    ['transfer-encoding', 'chunked'],
    ['transfer-encoding', 'identity'],
  ] as const) {
    await refused(t, [...usual, field], { wanted: malformed })
  }
  await refused(t, [...usual, ['transfer-encoding', 'chunked']], {
    data: '0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n',
    wanted: malformed,
  })
  t.same(await outcomeOf([...usual, ['te', 'trailers']]), answered(200))
})

t.test(
  'point 10: a field with CR, LF, NUL or a name that is none never reaches a backend (RFC 9113 §8.2.1)',
  async (t) => {
    // Exception: nghttp2 drops such a field and not the request, and Node does not tell. What is left has one meaning.
    for (const [name, value] of [
      ['x-evil', 'a\rb'],
      ['x-evil', 'a\nb'],
      ['x-evil', 'a\r\nhost: admin\r\n\r\nGET /smuggled HTTP/1.1'],
      ['x-evil', 'a\0b'],
      ['x-evil', 'a\x01b'],
      ['x-evil', ' a'],
      ['x-evil', 'a\t'],
      ['x:evil', 'a'],
      ['x evil', 'a'],
      ['x-evil\r\nhost', 'admin'],
      ['', 'evil'],
      ['host', `${appHost}@evil`],
    ] as const) {
      const before = backend.requests.length
      await outcomeOf([...usual, [name, value]])
      const arrived = backend.requests.slice(before)
      t.ok(arrived.length <= 1, JSON.stringify([name, value]))
      for (const { head } of arrived) {
        const lines = head.split('\r\n').filter((line) => /evil|smuggled|admin/i.test(line))
        t.same(lines, [], `${JSON.stringify([name, value])} is not passed on`)
      }
    }
  },
)

t.test(
  'point 10: pseudo-headers come once, first, and all of them (RFC 9113 §8.3, §8.3.1)',
  async (t) => {
    for (const fields of [
      [...usual, [':path', '/b']],
      [...usual, [':method', 'POST']],
      [...usual, [':authority', appHost]],
      [method, scheme, ['x-a', 'b'], authority, path],
      [...usual, [':x', 'b']],
      [...usual, [':status', '200']],
      [...usual, [':protocol', 'websocket']],
      [method, scheme, authority],
      [scheme, authority, path],
      [method, authority, path],
      [method, scheme, path],
      [method, scheme, authority, [':path', '']],
      [method, scheme, authority, [':path', 'x']],
      [method, scheme, authority, [':path', 'http://other.gate.test/']],
      [method, scheme, authority, [':path', '/a b']],
      [method, scheme, authority, [':path', '/a HTTP/1.1\r\nHost: x']],
      [[':method', 'GET / HTTP/1.1\r\nHost: x'], scheme, authority, path],
      [[':method', 'G T'], scheme, authority, path],
      [method, [':scheme', 'a b'], authority, path],
      [method, scheme, [':authority', `a@${appHost}`], path],
      [method, scheme, [':authority', `${appHost}\r\nx: y`], path],
    ] as Field[][]) {
      await refused(t, fields, { wanted: malformed })
    }
  },
)

t.test('point 10: content-length is the sum of DATA (RFC 9113 §8.1.1; H2.CL)', async (t) => {
  const length = (value: string): Field => ['content-length', value]
  for (const [fields, data] of [
    [[length('5')], 'abc'],
    [[length('5')], null],
    [[length('3'), length('3')], 'abc'],
    [[length('+3')], 'abc'],
  ] as [Field[], string | null][]) {
    await refused(t, [...usual, ...fields], { data, wanted: malformed })
  }
  // More than was said: the connection ends, and the backend has at most what was said.
  for (const said of ['0', '5']) {
    const before = backend.requests.length
    const outcome = await outcomeOf([...usual, length(said)], 'abcdeGET /smuggled HTTP/1.1\r\n\r\n')
    t.not(outcome.kind, 'status')
    for (const { head, body } of backend.requests.slice(before)) {
      t.notMatch(head, 'smuggled')
      t.equal(body, 'abcde'.slice(0, Number(said)))
    }
  }
})

t.test(
  'point 11: :authority and Host do not differ, and both are hosts (RFC 9113 §8.3.1)',
  async (t) => {
    await refused(t, [...usual, ['host', 'other.gate.test']], { wanted: answered(400) })
    await refused(t, [method, scheme, path, ['host', appHost], ['host', appHost]], {
      wanted: malformed,
    })
    for (const fields of [
      [...usual, ['host', appHost.toUpperCase()]],
      [method, scheme, [':authority', 'APP.Gate.Test.:443'], path],
      [method, scheme, path, ['host', appHost]],
    ] as Field[][]) {
      t.same(await outcomeOf(fields), answered(200))
      t.same(backend.requests.at(-1)?.field('host'), [appHost], 'the backend gets one Host')
    }
  },
)

t.test(
  'point 11: the connection was opened for one name, and serves no other (RFC 9110 §7.4, §15.5.20)',
  async (t) => {
    const wanted = answered(421)
    await refused(t, [method, scheme, [':authority', 'other.gate.test'], path], { wanted })
    const before = backend.requests.length
    const text = await edge.exchange(
      'GET / HTTP/1.1\r\nHost: other.gate.test\r\nConnection: close\r\n\r\n',
    )
    t.match(text, /^HTTP\/1\.1 421 /)
    t.equal(backend.requests.length, before)
  },
)

t.test(
  'point 8: CONNECT without websocket and TRACE are refused over HTTP/2 too (RFC 9113 §8.5)',
  async (t) => {
    await refused(t, [[':method', 'CONNECT'], authority], { wanted: answered(400) })
    const other: Field[] = [[':method', 'CONNECT'], [':protocol', 'x'], scheme, authority, path]
    await refused(t, other, { wanted: answered(405) })
    await refused(t, [[':method', 'TRACE'], scheme, authority, path], { wanted: answered(405) })
  },
)

t.test(
  'point 8: an unknown method is passed on as it is, never as GET (RFC 9110 §9.1)',
  async (t) => {
    for (const name of ['BREW', 'get', 'PROPFIND']) {
      t.same(await outcomeOf([[':method', name], scheme, authority, path]), answered(200), name)
      t.match(backend.requests.at(-1)?.head, new RegExp(`^${name} / HTTP/1.1\r\n`))
    }
  },
)

t.test(
  'point 7: OPTIONS * is answered by us, # in a path by nobody (RFC 9113 §8.3.1)',
  async (t) => {
    const asterisk: Field[] = [[':method', 'OPTIONS'], scheme, authority, [':path', '*']]
    await refused(t, asterisk, { wanted: answered(204) })
    await refused(t, [method, scheme, authority, [':path', '/a#b']], { wanted: answered(400) })
  },
)

t.test(
  'point 12: cookie fields are joined before anybody reads them (RFC 9113 §8.2.3)',
  async (t) => {
    const cookies: Field[] = [
      ['cookie', 'a=1'],
      ['cookie', 'b=2; c=3'],
      ['cookie', 'd="4"'],
    ]
    t.same(await outcomeOf([...usual, ...cookies]), answered(200))
    t.same(backend.requests.at(-1)?.field('cookie'), ['a=1; b=2; c=3; d="4"'])
  },
)

t.test('point 12: single-valued fields come once (RFC 9110 §5.3)', async (t) => {
  for (const name of ['authorization', 'content-type', 'origin']) {
    await refused(t, [...usual, [name, 'a'], [name, 'b']], { wanted: answered(400) })
    const lines = `${name}: a\r\n${name.toUpperCase()}: b\r\n`
    const text = await edge.exchange(`GET / HTTP/1.1\r\nHost: ${appHost}\r\n${lines}\r\n`)
    t.match(text, /^HTTP\/1\.1 400 .*\r\nconnection: close\r\n/is, name)
  }
})

/** `:status` comes first in our answers: an indexed field, or a literal with an indexed name (RFC 7541 §6, Appendix A). */
function statusIn(block: Buffer): number {
  const [first = 0, second = 0] = block
  const known = [200, 204, 206, 304, 400, 404, 500][first - 0x88]
  if (known !== undefined) return known
  const length = second & 0x7f
  const text = block.subarray(2, 2 + length)
  return Number((second & 0x80) === 0 ? text.toString('latin1') : huffmanDigits(text))
}

/** Digits in the code of RFC 7541 Appendix B: 0 to 2 have five bits, 3 to 9 six. */
function huffmanDigits(bytes: Buffer): string {
  let bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  let digits = ''
  while (digits.length < 3) {
    const five = Number.parseInt(bits.slice(0, 5), 2)
    const wide = five > 2
    digits += wide ? Number.parseInt(bits.slice(0, 6), 2) - 0x16 : five
    bits = bits.slice(wide ? 6 : 5)
  }
  return digits
}
