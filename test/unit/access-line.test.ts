// What stands in a line of the access log, whatever a stranger sends.

import t from 'tap'
import {
  type AccessEntry,
  accessLine,
  isoTime,
  jsonString,
  maskPath,
  maxPathLength,
  maxTextLength,
} from '../../src/access-line.ts'
import type { RequestId } from '../../src/model.ts'

const entry: AccessEntry = {
  time: Date.UTC(2026, 10, 21, 2, 5, 53, 42) + 0.7,
  id: '9f86d081884c1' as RequestId,
  client: '203.0.113.7',
  user: 'diego',
  session: null,
  host: 'photos.example.com',
  method: 'GET',
  path: '/photoprism/x',
  protocol: 'HTTP/2',
  status: 200,
  requestBytes: 0,
  responseBytes: 97,
  totalMs: 3.2149,
  admitMs: 0.021,
  upstreamMs: 2.5,
  route: 'photos.example.com/photoprism',
  upstream: '192.0.2.1:2342',
  outcome: 'ok',
  droppedHeaders: null,
  retried: false,
}

t.test('a line is one JSON object with every field, in a fixed order', async (t) => {
  t.equal(
    accessLine(entry),
    '{"time":"2026-11-21T02:05:53.042Z","id":"9f86d081884c1","client":"203.0.113.7","user":"diego","session":null,' +
      '"host":"photos.example.com","method":"GET","path":"/photoprism/x","protocol":"HTTP/2","status":200,' +
      '"requestBytes":0,"responseBytes":97,"totalMs":3.21,"admitMs":0.02,"upstreamMs":2.50,' +
      '"route":"photos.example.com/photoprism","upstream":"192.0.2.1:2342","outcome":"ok","droppedHeaders":null,' +
      '"retried":false}\n',
  )
})

t.test('nulls and their opposites are told apart', async (t) => {
  const line = { ...entry, user: null, route: null, upstream: null, upstreamMs: 0, status: 404 }
  const read = JSON.parse(
    accessLine({ ...line, session: 's1', droppedHeaders: 'x_a', retried: true }),
  )
  t.match(read, { user: null, route: null, upstream: null, upstreamMs: null, status: 404 })
  t.match(read, { session: 's1', droppedHeaders: 'x_a', retried: true })
})

/** A generator with a fixed seed: a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state % below
  }
}

const nasty = [
  ...[
    '"',
    '\\',
    '\n',
    '\r',
    '\t',
    '\0',
    '\x1b[2J',
    '\x7f',
    '\x80',
    '\xff',
    'ü',
    '\u2028',
    '\u2029',
  ],
  ...['\ud800', '\udc00', '\u{1f600}', '\u202e', '</script>', '%22', "'", '{', '}', ',', '?', '#'],
  ...['/.gatehouse/t/', 'a', '/', ' '],
]

t.test('any text gives valid JSON in one line of ASCII, and comes back as it was', async (t) => {
  const next = random(20261121)
  const text = () => {
    let out = ''
    for (let i = next(24); i > 0; i--) {
      out += next(3) === 0 ? String.fromCharCode(next(65536)) : nasty[next(nasty.length)]
    }
    return out
  }
  const numbers = [0, 1.5, -1, 1e21, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -0, 1e-9]
  const number = () => numbers[next(numbers.length)] ?? 0
  let bad = 0
  for (let round = 0; round < 20_000; round++) {
    const fuzzed: AccessEntry = {
      time: number(),
      id: text() as RequestId,
      client: text(),
      user: text(),
      session: text(),
      host: text(),
      method: text(),
      path: text(),
      protocol: text(),
      status: number(),
      requestBytes: number(),
      responseBytes: number(),
      totalMs: number(),
      admitMs: number(),
      upstreamMs: number(),
      route: text(),
      upstream: text(),
      outcome: text(),
      droppedHeaders: text(),
      retried: next(2) === 0,
    }
    const line = accessLine(fuzzed)
    const read = JSON.parse(line)
    const same = read.host === fuzzed.host && read.user === fuzzed.user && read.id === fuzzed.id
    const oneLine = line.indexOf('\n') === line.length - 1
    if (!same || !oneLine || !/^[ -~]*\n$/.test(line) || /[?#]/.test(read.path)) bad += 1
  }
  t.equal(bad, 0)
})

t.test('what is no number is null, never NaN or Infinity', async (t) => {
  const odd = { ...entry, status: Number.NaN, totalMs: Number.POSITIVE_INFINITY, requestBytes: -5 }
  t.match(JSON.parse(accessLine(odd)), { status: null, totalMs: null, requestBytes: null })
})

t.test('durations are rounded to hundredths, without a double in print', async (t) => {
  for (const [ms, text] of [
    [0.004, '0.00'],
    [0.005, '0.01'],
    [0.996, '1.00'],
    [59_999.999, '60000.00'],
    [86_400_000.5, '86400000.50'],
  ] as const) {
    t.match(accessLine({ ...entry, totalMs: ms }), `"totalMs":${text},`)
  }
})

t.test('long text is cut, with an ellipsis that says so', async (t) => {
  const read = JSON.parse(
    accessLine({ ...entry, path: `/${'a'.repeat(50_000)}`, host: 'h'.repeat(5000) }),
  )
  t.equal(read.path, `/${'a'.repeat(maxPathLength - 1)}…`)
  t.equal(read.host, `${'h'.repeat(maxTextLength)}…`)
})

t.test('a line of nothing but escapes and far too long fits a block of the log', async (t) => {
  const long = '\u2028'.repeat(60_000)
  const worst = accessLine({
    ...entry,
    ...{ client: long, user: long, session: long, host: long, method: long, path: long },
    ...{ protocol: long, route: long, upstream: long, outcome: long, droppedHeaders: long },
  })
  t.ok(worst.length < 64 * 1024, `${worst.length} bytes`)
})

t.test('a query or fragment never reaches the log', async (t) => {
  for (const path of ['/a?token=1', '/a#token', '/a?x#y', '/a#x?y']) {
    t.match(accessLine({ ...entry, path }), '"path":"/a",')
    t.equal(maskPath(path), '/a')
  }
})

t.test(
  'a token in the path is masked in every spelling a server would read the same',
  async (t) => {
    for (const [path, masked] of [
      ['/.gatehouse/t/SECRET/cal/x.ics', '/.gatehouse/t/***/cal/x.ics'],
      ['/.gatehouse/t/SECRET', '/.gatehouse/t/***'],
      ['/.gatehouse/t/SECRET?x=1', '/.gatehouse/t/***'],
      ['//.gatehouse///t//SECRET/x', '//.gatehouse///t//***/x'],
      ['/%2egatehouse/t/SECRET/x', '/%2egatehouse/t/***/x'],
      ['/.%67atehouse/%74/SECRET%2Fx', '/.%67atehouse/%74/***%2Fx'],
      ['/.GateHouse/T/SECRET', '/.GateHouse/T/***'],
      ['/.gatehouse%2ft%2fSECRET/x', '/.gatehouse%2ft%2f***/x'],
      ['/.gatehouse/t/SEC%52ET\u00fc/x', '/.gatehouse/t/***/x'],
    ] as const) {
      t.equal(maskPath(path), masked, path)
      const read = JSON.parse(accessLine({ ...entry, path }))
      t.equal(read.path, masked)
    }
  },
)

t.test('other paths stay as they are', async (t) => {
  const paths = [
    '/',
    '',
    '/t/x',
    '/.gatehouse',
    '/.gatehouse/t',
    '/.gatehouse/t/',
    '/.gatehouse/login',
  ]
  for (const path of [
    ...paths,
    '/a/.gatehouse/t/x',
    '/.gatehouse/tt/x',
    '/%',
    '/%2',
    '%2f%2',
    '/.gatehousé/t/x',
  ]) {
    t.equal(maskPath(path), path)
  }
})

t.test('times are ISO 8601 in UTC, over the border of a second and out of range', async (t) => {
  const at = Date.UTC(1999, 11, 31, 23, 59, 59, 999)
  for (const ms of [at, at + 1, at, 0, 951_782_400_000, 253_402_300_799_999]) {
    t.equal(isoTime(ms), new Date(ms).toISOString())
  }
  for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.equal(isoTime(ms), '1970-01-01T00:00:00.000Z')
  }
})

t.test('jsonString escapes what JSON asks for and what a terminal would obey', async (t) => {
  t.equal(jsonString('a"b\\c\u001b\u009b'), '"a\\"b\\\\c\\u001b\\u009b"')
  t.equal(jsonString('abcdef', 3), '"abc\\u2026"')
})
