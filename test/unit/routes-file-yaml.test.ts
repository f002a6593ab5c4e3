// YAML that says something else than it shows, and texts that are no table at all.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { readTable } from '../../src/routes-file/read.ts'
import { tableText } from '../fixtures/table-text.ts'

function told(text: string): readonly string[] {
  return readTable(text).problems.map((p) => `${p.line}:${p.column} ${p.code} ${p.remedy}`)
}

t.test('a wildcard or the domain itself without quotes is explained', (t) => {
  t.strictSame(told(tableText(['{ host: @, to: box:1 }'])), [
    "7:13 yaml-syntax put it in quotes: '@'",
  ])
  t.strictSame(told(tableText(['{ host: *, to: box:1 }'])), [
    "7:13 yaml-syntax put it in quotes: '*'",
  ])
  t.strictSame(told(tableText(['{ host: *.dev, to: box:1 }'])), [
    "7:13 yaml-shared put it in quotes: '*.dev'",
  ])
  t.end()
})

t.test('anchors, aliases, merge keys and tags are refused', (t) => {
  const written = 'write the value out, or put it into defaults'
  t.strictSame(told(tableText(['&a { host: a, to: box:1 }'])), [`7:8 yaml-shared ${written}`])
  t.strictSame(told(tableText(['{ host: a, to: *b }'])), [`7:20 yaml-shared ${written}`])
  t.strictSame(told(tableText(['{ <<: { host: a }, to: box:1 }'])), [`7:7 yaml-shared ${written}`])
  t.match(told(tableText(['{ host: !x a, to: box:1 }'])), [/^7:\d+ yaml-tag /])
  t.match(told(tableText(['!x { host: a, to: box:1 }'])), [/^7:\d+ yaml-tag /])
  t.match(told(tableText(['{ host: !!binary aGk=, to: box:1 }'])), [/^7:\d+ yaml-tag /])
  t.end()
})

t.test('a bomb of aliases is refused at once', (t) => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i < 30; i++) lines.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(10)}]`)
  const begin = performance.now()
  const { definition, problems } = readTable(lines.join('\n'))
  t.equal(definition, null)
  t.ok(problems.length > 0)
  t.ok(performance.now() - begin < 1000)
  t.end()
})

t.test('a key that stands twice is an error, and does not hide the others', (t) => {
  t.strictSame(told(tableText(['{ host: a, to: box:1, host: b, acess: login }'])), [
    '7:27 duplicate-key remove one of them',
    '7:36 unknown-key did you mean access?',
  ])
  t.end()
})

t.test('a tab is named as a tab', (t) => {
  const text = `${tableText([])}  - host: a\n\t  to: box:1\n`
  t.match(told(text), [/^8:1 yaml-syntax indent with spaces$/])
  t.end()
})

t.test('a second document, a YAML 1.1 directive and a missing bracket are refused', (t) => {
  t.match(told(`${tableText([])}---\nversion: 1\n`), [/yaml-syntax remove the line with ---/])
  t.match(told(`%YAML 1.1\n---\n${tableText([])}`), [/yaml-version remove the %YAML line/])
  t.match(told(tableText(['{ host: a, to: box:1'])), [/yaml-syntax/])
  t.end()
})

t.test('words that YAML 1.1 turned into booleans and numbers stay what they look like', (t) => {
  const { definition } = readTable(
    tableText([
      '{ service: off, host: no, to: box:1 }',
      '{ service: 1:30, host: on, to: box:22:1 }'.replace('box:22:1', 'box:2'),
      '{ service: 012a, host: y, to: box:3 }',
    ]),
  )
  t.strictSame(
    definition?.routes.slice(2).map((r) => [r.service, r.id]),
    [
      ['off', 'no/'],
      ['1:30', 'on/'],
      ['012a', 'y/'],
    ],
  )
  t.match(told(tableText(['{ host: 8080, to: box:1 }'])), [/^7:13 shape /])
  t.match(told(tableText(['{ host: a, to: box:1, webSocket: on }'])), [/shape write true or false/])
  t.end()
})

t.test('names that objects have by birth are keys like others', (t) => {
  for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    t.match(told(tableText([`{ host: a, to: box:1, ${key}: { access: public } }`])), [
      /^7:27 unknown-key /,
    ])
    t.match(told(tableText([], [`${key}: 1`])), [/^4:1 unknown-key /])
  }
  const { definition } = readTable(
    tableText(['{ host: a, to: box:1, requestHeaders: { set: { constructor: x } } }']),
  )
  t.strictSame(definition?.routes[2]?.requestHeaders.set, [['constructor', 'x']])
  t.match(told(tableText(['{ host: a, to: __proto__:1 }'])), [/unknown-vm/])
  t.match(told(tableText(['{ host: a, to: box:1, rateLimit: __proto__ }'])), [/unknown-class/])
  t.end()
})

t.test('line ends of Windows and a byte order mark are no fault', (t) => {
  const text = tableText(['{ host: a, to: box:1 }'])
  t.strictSame(told(`\ufeff${text.replaceAll('\n', '\r\n')}`), [])
  t.end()
})

t.test('texts without end, depth or sense are refused in time', (t) => {
  const texts = {
    large: `# ${'x'.repeat(1024 * 1024)}`,
    brackets: '['.repeat(10_000),
    braces: '{a: '.repeat(10_000),
    dashes: `${'- '.repeat(5000)}x`,
    deep: Array.from({ length: 500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    noise: '\0\u0001\u2028}]>|%&*!?',
    scalars: 'routes: 5',
  }
  for (const [name, text] of Object.entries(texts)) {
    const begin = performance.now()
    const { definition, problems } = readTable(text)
    t.equal(definition, null, name)
    t.ok(problems.length > 0 && problems.length < 200, name)
    t.ok(performance.now() - begin < 5000, name)
  }
  t.end()
})

t.test('no mutation of the real table makes the reader throw or contradict itself', (t) => {
  const text = readFileSync(new URL('../../src/routes.yaml', import.meta.url), 'utf8')
  const random = seeded(20261121)
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '-',
    '\n',
    '  ',
    '\t',
    "'",
    '"',
    '*',
    '&a',
    '!',
    '#',
    '@',
    '|',
    '>',
    '?',
    '%',
    'null',
    '~',
    'true',
    '0',
    '-1',
    '1e999',
    '.nan',
    'public',
    'access: public',
    '\0',
    'é',
    '\ud800',
    '- ',
    ': ',
    '{}',
    '[]',
    '__proto__',
    '<<: ',
    'to: ',
    'host: ',
    '/',
    '..',
    '169.254.169.254',
    '---\n',
  ]
  const lines = text.split('\n')
  let good = 0
  for (let round = 0; round < 400; round++) {
    let mutated = text
    for (let edits = 1 + Math.floor(random() * 3); edits > 0; edits--) {
      const at = Math.floor(random() * mutated.length)
      const cut = random() < 0.5 ? Math.floor(random() * 12) : 0
      const piece =
        random() < 0.2
          ? (lines[Math.floor(random() * lines.length)] ?? '')
          : (pieces[Math.floor(random() * pieces.length)] ?? '')
      mutated = mutated.slice(0, at) + piece + mutated.slice(at + cut)
    }
    const { definition, problems } = readTable(mutated)
    const errors = problems.filter((p) => p.severity === 'error')
    if ((definition === null) !== errors.length > 0) t.fail(`round ${round}: table and errors`)
    if (definition !== null) good += 1
    const height = mutated.split('\n').length
    for (const { line, column, what, remedy } of problems) {
      const placed = line >= 1 && line <= height && column >= 1
      if (!placed || what === '' || remedy === '')
        t.fail(`round ${round}: ${line}:${column} ${what}`)
    }
  }
  t.ok(good > 20 && good < 380, `${good} of 400 were still tables`)
  t.end()
})

/** mulberry32: the same rounds every time, so that a failure can be looked at. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let n = Math.imul(state ^ (state >>> 15), 1 | state)
    n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n
    return ((n ^ (n >>> 14)) >>> 0) / 4294967296
  }
}
