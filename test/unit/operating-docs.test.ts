// docs/operating.md names every event that the source can log, with its level, and every metric; no more and no fewer.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '../..')
const document = readFileSync(join(root, 'docs/operating.md'), 'utf8')
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(root, 'src', name), 'utf8'))

/** Sections by heading, of one depth. */
function section(heading: string): string {
  const [, text = ''] = document.split(`\n## ${heading}\n`)
  return text.split(/^## /m)[0] ?? ''
}

/** Rows of the tables in a text, as their cells. */
const rowsOf = (text: string) =>
  [...text.matchAll(/^\| (`.*)\|$/gm)].map(([, row = '']) =>
    row.split('|').map((cell) => cell.trim()),
  )

const namesIn = (cell: string) => [...cell.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name)

/** Event → its levels; `null`: they are computed. */
function eventsOfSource(): Map<string, Set<string> | null> {
  const events = new Map<string, Set<string> | null>()
  for (const text of sources) {
    for (const [, level = '', name = ''] of text.matchAll(
      /\b(?:log|events)\s*\.(debug|info|warn|error)\(\s*'([a-z]+(?:-[a-z]+)*)'/g,
    )) {
      const levels = events.get(name) ?? new Set()
      events.set(name, levels.add(level))
    }
    for (const [, name = ''] of text.matchAll(/\blog\[[^\n]*\]\(\s*'([a-z-]+)'/g)) {
      events.set(name, null)
    }
    // A fault that nobody caught is named where it is caught at last.
    for (const [, name = ''] of text.matchAll(/\.bug\('([a-z-]+)'/g)) {
      events.set(name, new Set(['error']))
    }
  }
  return events
}

t.test('every event is there, with its level', async (t) => {
  const rows = rowsOf(section('Events'))
  const told = new Map(
    rows.flatMap(([names = '', levels = '']) =>
      namesIn(names).map((name) => [name, levels.split(', ')] as const),
    ),
  )
  const events = eventsOfSource()
  t.ok(events.size > 60, 'the events were found')
  t.strictSame([...told.keys()].sort(), [...events.keys()].sort())
  for (const [name, levels] of events) {
    if (levels === null) continue
    const words = told.get(name) ?? []
    t.ok(
      [...levels].every((level) => words.includes(level)),
      `${name}: ${[...levels]}`,
      { words },
    )
  }
})

t.test('every event says what it means', async (t) => {
  const poor = rowsOf(section('Events')).filter((row) => row.length !== 4 || row[2] === '')
  t.strictSame(poor, [])
})

t.test('every metric is there', async (t) => {
  const metric = /'((?:gatehouse|process|nodejs)_[a-z_]+)'/g
  const made = sources.flatMap((text) => [...text.matchAll(metric)].map(([, name = '']) => name))
  const told = rowsOf(section('Metrics')).flatMap(([names = '']) => namesIn(names))
  t.ok(made.length > 30, 'the metrics were found')
  t.strictSame(told.sort(), [...new Set(made)].sort())
})
