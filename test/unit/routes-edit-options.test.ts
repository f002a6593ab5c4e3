// The form's knowledge of routes.yaml is the schema's, and every option is explained.

import t from 'tap'
import { readField, writeField } from '../../src/routes-file/edit/field.ts'
import { lineDiff } from '../../src/routes-file/edit/line-diff.ts'
import { partWords, routeWords } from '../../src/routes-file/edit/option-words.ts'
import {
  type Option,
  type OptionKind,
  partOptions,
  routeOptions,
} from '../../src/routes-file/edit/options.ts'
import { fileSchema } from '../../src/routes-file/schema.ts'
import { keysAt } from '../../src/routes-file/schema-lookup.ts'
import { random } from '../fixtures/random.ts'

/** Every option and every part of one. */
function all(options: readonly Option[]): readonly Option[] {
  const inside = (kind: OptionKind): readonly Option[] => {
    switch (kind.kind) {
      case 'group':
        return all(kind.options)
      case 'list':
      case 'map':
        return inside(kind.of)
      case 'either':
        return kind.forms.flatMap(inside)
      default:
        return []
    }
  }
  return options.flatMap((option) => [option, ...inside(option.kind)])
}

t.test('every key that a route may have is an option, in the order of the reference', async (t) => {
  const keys = keysAt(fileSchema, ['routes', 0], { routes: [{}] })
  t.strictSame(
    routeOptions().map(({ key }) => key),
    keys,
  )
  const shared = keysAt(fileSchema, ['defaults'], { defaults: {} })
  t.strictSame(
    routeOptions()
      .filter(({ inDefaults }) => inDefaults)
      .map(({ key }) => key),
    shared,
  )
  t.strictSame(
    routeOptions()
      .filter(({ needed }) => needed)
      .map(({ key }) => key),
    ['host', 'to'],
  )
})

t.test(
  'each option and each part of one has one sentence of its own, and no sentence is left over',
  async (t) => {
    const options = all(routeOptions())
    for (const { path, sentence, kind, otherwise, needed } of options) {
      const own = path in routeWords || path in partWords
      t.ok(own, `${path} has words`)
      t.match(sentence, /^[A-Z][^.]*(?:\.[^.\s][^.]*)*\.$/, `${path}: ${sentence}`)
      // What may be left out says what holds then; a group says it in its parts.
      const parts = kind.kind === 'group' || path.includes('.')
      if (!needed && !parts) t.ok(otherwise, `${path} says what holds without it`)
    }
    const paths = new Set(options.map(({ path }) => path))
    const known = [...Object.keys(routeWords), ...Object.keys(partWords)]
    t.strictSame(
      known.filter((path) => !paths.has(path)),
      [],
    )
  },
)

t.test('kinds are what the schema takes', async (t) => {
  const kindOf = (path: string) => all(routeOptions()).find((option) => option.path === path)?.kind
  t.strictSame(kindOf('webSocket'), { kind: 'flag' })
  t.strictSame(kindOf('timeouts.connect'), { kind: 'duration' })
  t.strictSame(kindOf('maxBody'), {
    kind: 'either',
    forms: [{ kind: 'choice', values: ['unlimited'] }, { kind: 'size' }],
  })
  t.match(kindOf('wake'), {
    kind: 'choice',
    values: ['navigation', 'any', 'known-client', 'manual', 'never'],
  })
  t.match(kindOf('rateLimit.burst'), { kind: 'number', whole: true, least: 1, most: 1_000_000 })
  t.match(kindOf('allowedOrigins'), { kind: 'list', of: { kind: 'text' } })
  t.match(kindOf('requestHeaders.set'), { kind: 'map' })
  t.match(kindOf('access'), {
    kind: 'either',
    forms: [
      { kind: 'choice', values: ['public', 'login', 'nobody'] },
      { kind: 'group' },
      { kind: 'list' },
    ],
  })
  t.strictSame(JSON.parse(JSON.stringify(routeOptions())), routeOptions(), 'plain data')
})

t.test('other parts of the file are known too', async (t) => {
  const keys = (part: string) => partOptions(part).map(({ key }) => key)
  t.ok(keys('vms.*').includes('power'))
  t.ok(keys('limits').includes('flood'))
  t.ok(keys('defaults').includes('webSocket'))
  t.strictSame(keys('nothing'), [])
})

t.test('a field shows texts as they are, and lists and maps as one line', async (t) => {
  const kindOf = (path: string): OptionKind => {
    const found = all(routeOptions()).find((option) => option.path === path)
    if (found === undefined) throw new Error(path)
    return found.kind
  }
  for (const [path, value, text] of [
    ['service', 'true', 'true'],
    ['service', "It's: mine # really", "It's: mine # really"],
    ['maintenance', true, 'true'],
    ['maintenance', 'Back: soon # ish', 'Back: soon # ish'],
    ['webSocket', false, 'false'],
    ['rateLimit', 'api', 'api'],
    ['rateLimit', { perSecond: 0.5, burst: 3 }, '{ perSecond: 0.5, burst: 3 }'],
    ['rateLimit.burst', 3, '3'],
    ['access', 'public', 'public'],
    ['access', { groups: ['family'] }, '{ groups: [family] }'],
    ['access', [{ paths: ['/a, b'], access: 'login' }], "[{ paths: ['/a, b'], access: login }]"],
    ['identityHeaders', false, 'false'],
    ['identityHeaders.user', false, 'false'],
    ['identityHeaders.user', 'X-User', 'X-User'],
    ['maxBody', 'unlimited', 'unlimited'],
    ['to', 'box:1', 'box:1'],
    ['to', { redirect: 'https://a.example.org/?x=1' }, '{ redirect: https://a.example.org/?x=1 }'],
    ['to.status', 302, '302'],
    ['upstreamHost', 'keep', 'keep'],
    ['allowedOrigins', [], '[]'],
  ] as const) {
    t.equal(writeField(kindOf(path), value), text)
    t.strictSame(JSON.parse(JSON.stringify(readField(kindOf(path), text))), {
      kind: 'value',
      value,
    })
  }
  t.strictSame(readField(kindOf('access'), '  '), { kind: 'nothing' })
  t.match(readField(kindOf('access'), '{ groups: [family }'), { kind: 'wrong' })
  t.match(readField(kindOf('allowedOrigins'), '[a]\nx: y'), { kind: 'wrong' })
  t.match(readField(kindOf('access'), '{ users: &x [a] }'), { kind: 'wrong' })
})

t.test('a difference leads from one text to the other, by whole lines', async (t) => {
  const chance = random(5)
  const some = (): string => {
    const lines = Array.from({ length: chance(40) }, () => ['a', 'b', 'c', '', 'd'][chance(5)])
    return lines.join('\n') + (chance(2) === 0 ? '\n' : '')
  }
  for (let round = 0; round < 500; round++) {
    const [before, after] = [some(), some()]
    const hunks = lineDiff(before, after)
    const lines = (text: string) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'))
    const made: string[] = []
    let old = 1
    for (const { from, to, lines: shown } of hunks) {
      made.push(...lines(before).slice(old - 1, from - 1))
      t.equal(made.length + 1, to)
      for (const { kind, text } of shown) {
        if (kind !== 'gone') made.push(text.replace(/ {2}\(no line.*$/, ''))
      }
      old = from + shown.filter(({ kind }) => kind !== 'new').length
    }
    made.push(...lines(before).slice(old - 1))
    const plain = made.join('\n')
    if (plain !== lines(after).join('\n')) t.fail(JSON.stringify({ before, after, hunks }))
  }
  t.strictSame(lineDiff('a\nb\n', 'a\nb\n'), [])
  t.strictSame(lineDiff('a\r\nb\r\n', 'a\r\nc\r\n'), [
    {
      from: 1,
      to: 1,
      lines: [
        { kind: 'same', text: 'a' },
        { kind: 'gone', text: 'b' },
        { kind: 'new', text: 'c' },
      ],
    },
  ])
  t.match(lineDiff('a\n', 'a'), [{ lines: [{ kind: 'gone', text: 'a' }, { kind: 'new' }] }])
})

t.test('texts that have nothing in common are compared in moments', async (t) => {
  const many = (word: string) => Array.from({ length: 20_000 }, (_, n) => `${word} ${n}`).join('\n')
  const started = performance.now()
  t.equal(lineDiff(many('a'), many('b')).length, 1)
  t.ok(performance.now() - started < 5000)
})
