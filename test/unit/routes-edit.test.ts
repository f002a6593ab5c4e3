// routes.yaml edited by splicing: what is asked for changes, and nothing else does.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { applyChange, type Change } from '../../src/routes-file/edit/change.ts'
import { readField, writeField } from '../../src/routes-file/edit/field.ts'
import { type Option, routeOptions } from '../../src/routes-file/edit/options.ts'
import { rowNames } from '../../src/routes-file/edit/row-names.ts'
import { valueAt } from '../../src/routes-file/schema-lookup.ts'
import { readYamlText } from '../../src/routes-file/yaml-text.ts'

const own = readFileSync(new URL('../../src/routes.yaml', import.meta.url), 'utf8')

function edit(text: string, change: Change): string {
  const done = applyChange(text, change)
  if (done.kind === 'refused') throw new Error(`${done.problem.where}: ${done.problem.what}`)
  return done.text
}

function refusal(text: string, change: Change): { readonly code: string; readonly line: number } {
  const done = applyChange(text, change)
  if (done.kind === 'changed') throw new Error(`was not refused:\n${done.text}`)
  return { code: done.problem.code, line: done.problem.line }
}

/** Two values for an option of any kind. */
function samples(option: Option): readonly unknown[] {
  const values: Readonly<Record<string, readonly unknown[]>> = {
    host: ['elsewhere', "'quoted'"],
    path: ['/other', '/größe # 2'],
    to: ['box:1', { url: 'https://box:443', serverName: 'a.example.org', ca: '/etc/ca.pem' }],
    access: [{ groups: ['family'], with: 'passkey' }, [{ paths: ['/x'], access: 'nobody' }]],
    service: ['Something: else', '- x'],
  }
  const [first, second] = values[option.key] ?? []
  return first === undefined
    ? [sampleOf(option.kind, 0), sampleOf(option.kind, 1)]
    : [first, second]
}

function sampleOf(kind: Option['kind'], which: number): unknown {
  switch (kind.kind) {
    case 'text':
      return which === 0 ? 'word' : 'two: words'
    case 'duration':
      return which === 0 ? '7s' : '3m'
    case 'size':
      return which === 0 ? '7MB' : '3GB'
    case 'number':
      return which + 1
    case 'flag':
      return which === 0
    case 'choice':
      return kind.values[which] ?? kind.values[0]
    case 'list':
      return [sampleOf(kind.of, 0), sampleOf(kind.of, 1)].slice(which)
    case 'map':
      return { 'X-One': sampleOf(kind.of, which), two: 'x' }
    case 'group':
      return Object.fromEntries(
        kind.options
          .slice(which === 0 ? 0 : -1)
          .map(({ key, kind: inner }) => [key, sampleOf(inner, which)]),
      )
    case 'either': {
      const form = kind.forms[which] ?? kind.forms[0]
      return form === undefined ? null : sampleOf(form, which)
    }
    default:
      return kind satisfies never
  }
}

t.test(
  'every option of every route of our own table is set and taken away, and the file is as it was',
  async (t) => {
    const { data } = readYamlText(own)
    const names = rowNames(data)
    t.equal(names.length, 42)
    const options = routeOptions()
    let edits = 0
    for (const [position, route] of names.entries()) {
      const row = valueAt(data, ['routes', position])
      for (const [at, option] of options.entries()) {
        const path = [option.key]
        const had = valueAt(row, path)
        for (const value of samples(option).slice((at + position) % 2, ((at + position) % 2) + 1)) {
          // The name of a row is its host and path: it is found again by what it is called now.
          const changed = edit(own, { kind: 'edit', route, set: [{ path, value }] })
          const now = rowNames(readYamlText(changed).data)[position] ?? ''
          const back: Change =
            had === undefined
              ? { kind: 'edit', route: now, unset: [path] }
              : { kind: 'edit', route: now, set: [{ path, value: had }] }
          const restored = edit(changed, back)
          edits += 1
          if (restored === own) continue
          // A list of rules has another form than a word on one line: only the words count then.
          t.fail(`${route} ${option.key}: ${JSON.stringify(value)}`, {
            restored: difference(own, restored),
          })
        }
      }
    }
    t.equal(edits, names.length * options.length)
  },
)

function difference(a: string, b: string): readonly string[] {
  const lines = a.split('\n')
  return b.split('\n').filter((line) => !lines.includes(line))
}

t.test('what is taken away and put back stands where the table has its like', async (t) => {
  const { data } = readYamlText(own)
  const names = rowNames(data)
  const moved: string[] = []
  for (const [position, route] of names.entries()) {
    const row = valueAt(data, ['routes', position])
    if (typeof row !== 'object' || row === null) continue
    for (const key of Object.keys(row)) {
      if (key === 'host' || key === 'path') continue
      const without = edit(own, { kind: 'edit', route, unset: [[key]] })
      const again = edit(without, {
        kind: 'edit',
        route,
        set: [{ path: [key], value: valueAt(row, [key]) }],
      })
      if (again !== own) moved.push(`${route} ${key}`)
    }
  }
  // Its remark goes with the line.
  t.strictSame(moved, ['cal/radicale identityHeaders'])
})

t.test('what a field shows of each value in our own table reads back as that value', async (t) => {
  const { data } = readYamlText(own)
  for (const position of rowNames(data).keys()) {
    for (const option of routeOptions()) {
      const value = valueAt(data, ['routes', position, option.key])
      const read = readField(option.kind, writeField(option.kind, value))
      t.strictSame(
        JSON.parse(JSON.stringify(read)),
        JSON.parse(
          JSON.stringify(value === undefined ? { kind: 'nothing' } : { kind: 'value', value }),
        ),
      )
    }
  }
})

const small = `version: 1 # one
domain: example.com
vms: { box: { address: 10.0.0.7 } }

routes: # in order
  # ── first ──
  - { host: a, to: box:1 } # the first
  # about the second
  # and more
  - host: b   # b it is
    # inside
    to: box:2
    access:
      - { paths: [/x], access: public } # open
      # the rest
      - { access: login }

  - { host: c, to: box:3,
      webSocket: true, # sockets
      access: login }
# the end`

t.test('an option goes behind the one it follows elsewhere, in the style of its row', async (t) => {
  t.equal(
    edit(small, { kind: 'edit', route: 'a/', set: [{ path: ['path'], value: '/p' }] }),
    small.replace('{ host: a, to', '{ host: a, path: /p, to'),
  )
  t.equal(
    edit(small, { kind: 'edit', route: 'b/', set: [{ path: ['path'], value: '/p' }] }),
    small.replace('# b it is\n', '# b it is\n    path: /p\n'),
  )
  t.equal(
    edit(small, { kind: 'edit', route: 'b/', set: [{ path: ['service'], value: 'B' }] }),
    small.replace('- host: b ', '- service: B\n    host: b '),
  )
  t.equal(
    edit(small, { kind: 'edit', route: 'c/', set: [{ path: ['maxBody'], value: '1GB' }] }),
    small.replace('access: login }\n#', 'access: login, maxBody: 1GB }\n#'),
  )
})

t.test('a rule is changed, added and taken away inside its list', async (t) => {
  const set = (path: readonly (string | number)[], value: unknown): string =>
    edit(small, { kind: 'edit', route: 'b/', set: [{ path, value }] })
  t.equal(set(['access', 0, 'paths'], ['/x', '/y']), small.replace('[/x]', '[/x, /y]'))
  t.equal(
    set(['access', 1, 'access'], 'nobody'),
    small.replace('{ access: login }', '{ access: nobody }'),
  )
  const rules = [
    { paths: ['/x'], access: 'public' },
    { paths: ['/z'], access: 'nobody' },
    { access: 'login' },
  ]
  t.equal(
    set(['access'], rules),
    small.replace('# open\n', '# open\n      - { paths: [/z], access: nobody }\n'),
  )
  t.equal(
    set(['access'], rules.slice(2)),
    small.replace('      - { paths: [/x], access: public } # open\n', ''),
  )
  t.equal(
    set(['access'], 'login'),
    small.replace(/access:\n {6}- .*\n {6}#.*\n {6}- .*\n/, 'access: login\n'),
  )
})

t.test('rows come and go as the lines they are', async (t) => {
  const second = small.slice(small.indexOf('  - host: b'), small.indexOf('\n  - { host: c'))
  t.equal(edit(small, { kind: 'remove', route: 'b/', comments: false }), small.replace(second, ''))
  t.equal(
    edit(small, { kind: 'remove', route: 'b/', comments: true }),
    small.replace(`  # about the second\n  # and more\n${second}`, ''),
  )
  t.equal(
    edit(small, { kind: 'move', route: 'a/', behind: 'b/', comments: false }),
    small
      .replace('  - { host: a, to: box:1 } # the first\n', '')
      .replace(second, `${second}  - { host: a, to: box:1 } # the first\n`),
  )
  t.equal(
    edit(small, { kind: 'move', route: 'b/', behind: null, comments: true }).indexOf(
      '# about the second',
    ),
    small.indexOf('# ── first') + '# ── first ──\n  '.length,
  )
  t.equal(
    edit(small, { kind: 'copy', route: 'b/', set: [{ path: ['host'], value: 'd' }] }),
    small.replace(second, second + second.replace('host: b', 'host: d')),
  )
  t.equal(
    edit(small, { kind: 'add', route: { host: 'a', path: '/n', to: 'box:9' }, behind: null }),
    small.replace('# the first\n', '# the first\n  - { host: a, path: /n, to: box:9 }\n'),
  )
  t.equal(
    edit(small, { kind: 'add', route: { host: 'z', to: 'box:9' }, behind: null }),
    small.replace('access: login }\n#', 'access: login }\n  - { host: z, to: box:9 }\n#'),
  )
})

t.test('switching off and on again leaves no trace', async (t) => {
  for (const route of ['a/', 'b/', 'c/']) {
    const off = edit(small, { kind: 'disable', route })
    t.not(off, small)
    t.equal(edit(off, { kind: 'enable', route }), small)
    t.equal(edit(off, { kind: 'disable', route }), off)
  }
})

t.test('the last row leaves an empty list, and the first one comes into it', async (t) => {
  const one = 'version: 1\ndomain: example.com\nroutes:\n  # none yet\n  - { host: a, to: box:1 }\n'
  const none = edit(one, { kind: 'remove', route: 'a/', comments: false })
  t.equal(none, 'version: 1\ndomain: example.com\nroutes: []\n  # none yet\n')
  const again = edit(none, { kind: 'add', route: { host: 'b', to: 'box:2' }, behind: null })
  t.strictSame(rowNames(readYamlText(again).data), ['b/'])
})

t.test(
  'other parts of the file: defaults, machines, limits, a host of several routes',
  async (t) => {
    const set = (path: readonly string[], value: unknown): string =>
      edit(small, { kind: 'file', set: [{ path, value }] })
    t.equal(
      set(['vms', 'far'], { address: '10.0.0.8' }),
      small.replace('10.0.0.7 } }', '10.0.0.7 }, far: { address: 10.0.0.8 } }'),
    )
    const withDefaults = set(['defaults', 'webSocket'], true)
    t.match(withDefaults, /\ndefaults: \{ webSocket: true \}\n/)
    t.equal(edit(withDefaults, { kind: 'file', unset: [['defaults', 'webSocket']] }), small)
    t.equal(
      edit(small, { kind: 'rename-host', from: 'b', to: '*.b' }),
      small.replace('host: b ', "host: '*.b' "),
    )
  },
)

t.test(
  'line breaks, a missing last one, a byte order mark and JSON stay as they are',
  async (t) => {
    for (const text of [small.replaceAll('\n', '\r\n'), `\ufeff${small}\n`, `---\n${small}`]) {
      for (const change of [
        { kind: 'disable', route: 'b/' },
        { kind: 'add', route: { host: 'n', to: 'box:4' }, behind: 'b/' },
      ] as const) {
        const plain = edit(small, change)
        const done = edit(text, change)
        t.equal(
          done
            .replaceAll('\r\n', '\n')
            .replace(/^(\ufeff|---\n)/, '')
            .trimEnd(),
          plain,
        )
        t.equal(done.includes('\r\n'), text.includes('\r\n'))
        t.notMatch(done, /[^\r]\n[\s\S]*\r\n|\r\n[\s\S]*[^\r]\n/, 'one kind of line break')
        t.equal(done.endsWith('\n'), text.endsWith('\n'))
      }
    }
    const json = '{"version":1,"domain":"example.com","routes":[{"host":"a","to":"box:1"}]}'
    const off = edit(json, { kind: 'disable', route: 'a/' })
    t.equal(off, json.replace('"box:1"', '"box:1", "disabled": true'))
    const more = edit(json, { kind: 'add', route: { host: 'b', to: 'box:2' }, behind: null })
    t.strictSame(
      valueAt(JSON.parse(more), ['routes', 1]),
      { host: 'b', to: 'box:2' },
      'is still JSON',
    )
  },
)

t.test('a file that says more than it shows is refused with its place, not edited', async (t) => {
  const disable: Change = { kind: 'disable', route: 'a/' }
  for (const [from, to, code, line] of [
    ['to: box:1', 'to: &t box:1', 'yaml-shared', 7],
    ['to: box:2', 'to: *t', 'yaml-shared', 12],
    ['host: a', 'host: !!str a', 'yaml-tag', 7],
    ['host: b  ', 'host: b\n    host: b', 'duplicate-key', 11],
    ['- host: b', '- <<: { host: b }', 'yaml-shared', 10],
    ['to: box:2', '\tto: box:2', 'yaml-syntax', 12],
    ['# the end', '---\nversion: 1', 'yaml-syntax', 21],
  ] as const) {
    t.strictSame(refusal(small.replace(from, to), disable), { code, line }, to)
  }
  t.strictSame(refusal('', disable).code, 'empty')
  t.strictSame(refusal('just text', disable).code, 'no-such-route')
  t.strictSame(refusal(small, { kind: 'disable', route: 'nowhere/' }).code, 'no-such-route')
  t.strictSame(
    refusal(small, { kind: 'add', route: { host: 'x' }, behind: 'nowhere/' }).code,
    'no-such-route',
  )
})

t.test('mistakes elsewhere in the file are no hindrance', async (t) => {
  const wrong = small.replace('host: c', 'hots: c').replace('box:2', 'nowhere:2')
  t.strictSame(rowNames(readYamlText(wrong).data), ['a/', 'b/', '#2'])
  t.equal(
    edit(wrong, {
      kind: 'edit',
      route: '#2',
      unset: [['hots']],
      set: [{ path: ['host'], value: 'c' }],
    }),
    wrong.replace('hots: c, ', 'host: c, '),
  )
})

t.test('texts get quotes where YAML would read something else', async (t) => {
  for (const [value, written] of [
    ['word', 'word'],
    ['two words', 'two words'],
    ['Bücher & Töne', 'Bücher & Töne'],
    ['https://a.example.org/x?y=1', 'https://a.example.org/x?y=1'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['true', "'true'"],
    ['no', "'no'"],
    ['012', '"012"'],
    ['1e3', "'1e3'"],
    ['08:00', '"08:00"'],
    ['a: b', "'a: b'"],
    ['a #b', "'a #b'"],
    ['a, b', "'a, b'"],
    ["it's", "it's"],
    ["'s", "'''s'"],
    ['*.x', "'*.x'"],
    ['@', "'@'"],
    ['- x', "'- x'"],
    ['', "''"],
    [' x', "' x'"],
    ['two\nlines', '"two\\nlines"'],
    ['tab\there', '"tab\\there"'],
    ['\u202egnp', '"\\u202egnp"'],
    ['🌲', "'🌲'"],
  ] as const) {
    const done = edit(small, { kind: 'edit', route: 'a/', set: [{ path: ['service'], value }] })
    t.equal(done, small.replace('{ host: a', `{ service: ${written}, host: a`))
  }
})
