// The reference in docs/routes.md says what the code does, and the hot process stays free of what only reading needs.

import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { readTable } from '../../src/routes-file/read.ts'
import { fileSchema } from '../../src/routes-file/schema.ts'
import { keysAt } from '../../src/routes-file/schema-lookup.ts'

const root = new URL('../../', import.meta.url)
const folder = new URL('src/routes-file/', root)
const docs = readFileSync(new URL('docs/routes.md', root), 'utf8')

/** First cells of the table under a heading. */
function firstCells(heading: string): readonly string[] {
  const part = docs.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  return [...part.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1] ?? '')
}

t.test('every key of the format is in the reference, and no other', (t) => {
  t.strictSame(firstCells('At the top').toSorted(), [...keysAt(fileSchema, [], {})].toSorted())
  const data = { routes: [{}] }
  const keys = keysAt(fileSchema, ['routes', 0], data)
  t.strictSame(firstCells('A route').toSorted(), [...keys].toSorted())
  const starred = [...docs.matchAll(/^\| `([^`]+)` \* \|/gm)].map((match) => match[1] ?? '')
  const common = keysAt(fileSchema, ['defaults'], { defaults: {} })
  t.strictSame(starred.toSorted(), [...common].toSorted())
  t.end()
})

t.test(
  'every key of a machine that sleeps, and of alerts, is in the reference, and no other',
  (t) => {
    const power = ['vms', 'box', 'power']
    const data = { vms: { box: { power: { oci: {}, command: {}, cost: {}, awake: [{}] } } } }
    const below = (key: string, path: readonly (string | number)[]) => [
      key,
      ...keysAt(fileSchema, [...power, ...path], data).map((name) => `${key}.${name}`),
    ]
    const keys = keysAt(fileSchema, power, data).flatMap((key) => {
      if (key === 'awake') return below(key, [key, 0])
      return ['oci', 'command', 'cost'].includes(key) ? below(key, [key]) : [key]
    })
    const listed = firstCells('Machines that sleep')
    t.strictSame(listed.toSorted(), [...keys, 'ntfy', 'webhook'].toSorted())
    t.end()
  },
)

t.test('every code of a problem is in the reference, and no other', (t) => {
  const codes = new Set(['unreadable', 'internal-error'])
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  for (const name of files.filter((file) => file.endsWith('.ts'))) {
    const source = readFileSync(new URL(name, folder), 'utf8')
    for (const [, code] of source.matchAll(/code: '([a-z0-9-]+)'/g)) codes.add(code ?? '')
  }
  t.strictSame(firstCells('Problems').toSorted(), [...codes].toSorted())
  t.end()
})

t.test('the example of the reference is a table without a problem', (t) => {
  const example = /```yaml\n([\s\S]*?)```/.exec(docs)?.[1] ?? ''
  t.strictSame(readTable(example).problems, [])
  t.end()
})

t.test('the other examples are without a problem in a table', (t) => {
  const examples = [...docs.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
  const [whole = '', access = '', login = '', machines = ''] = examples
  t.equal(examples.length, 4)
  const indented = access.trim().replaceAll('\n', '\n    ')
  const photos = `  - host: pictures\n    to: box:2343\n    ${indented}\n`
  const rest = whole.trim().replace(/^vms:.*\n/m, '')
  t.strictSame(readTable(`${login}${machines}${rest}\n${photos}`).problems, [])
  t.end()
})

t.test('a running gateway never loads the YAML and schema libraries', (t) => {
  const seen = new Set<string>()
  const follow = (url: URL): void => {
    if (seen.has(url.href)) return
    seen.add(url.href)
    const source = readFileSync(url, 'utf8')
    for (const [, clause, from = ''] of source.matchAll(/^import ([^;]*?)from '([^']+)'/gm)) {
      const bindings = (clause ?? '').replace(/^\{|\}\s*$/g, '').split(',')
      const typeOnly =
        clause?.startsWith('type ') === true ||
        bindings.every((b) => b.trim() === '' || b.trim().startsWith('type '))
      if (typeOnly) continue
      if (from.startsWith('.')) follow(new URL(from, url))
      else t.ok(from.startsWith('node:'), `${url.pathname} imports ${from}`)
    }
  }
  follow(new URL('reload.ts', folder))
  t.ok(seen.size > 5)
  t.notOk([...seen].some((href) => href.endsWith('/read.ts') || href.endsWith('/read-worker.ts')))
  t.end()
})
