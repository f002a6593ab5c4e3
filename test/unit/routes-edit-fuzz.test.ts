// Edits of tables that are written in every way YAML allows: what was not asked about keeps every byte.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { applyChange, type Change } from '../../src/routes-file/edit/change.ts'
import { sameData } from '../../src/routes-file/edit/plain-data.ts'
import { rowNames } from '../../src/routes-file/edit/row-names.ts'
import { rowLines } from '../../src/routes-file/edit/rows.ts'
import { openTree } from '../../src/routes-file/edit/tree.ts'
import { valueAt } from '../../src/routes-file/schema-lookup.ts'
import { readYamlText } from '../../src/routes-file/yaml-text.ts'
import { choices, oddRow, oddTable } from '../fixtures/odd-yaml.ts'
import { random } from '../fixtures/random.ts'

const tables = 120
const editsEach = 12

function rowsOf(text: string): readonly Readonly<Record<string, unknown>>[] {
  return valueAt(readYamlText(text).data, ['routes']) as Readonly<Record<string, unknown>>[]
}

/** What stands before and behind a row. */
function around(text: string, position: number): readonly [before: string, behind: string] {
  const opened = openTree(text)
  if (opened.kind === 'refused') throw new Error(opened.problem.what)
  const { from, to } = rowLines(opened.tree, position)
  const lines = text.split('\n')
  return [lines.slice(0, from - 1).join('\n'), lines.slice(to).join('\n')]
}

/** All remarks, in order. */
function remarks(text: string): readonly string[] {
  return [...text.matchAll(/# (?!really)[^\n\r]* \d+(?=\r?$)/gm)].map(([remark]) => remark)
}

t.test('every option of odd rows is set, changed and taken away, and no other byte', async (t) => {
  let refused = 0
  let all = 0
  for (let seed = 1; seed <= tables; seed++) {
    const chance = random(seed)
    const rows = Array.from({ length: 1 + chance(5) }, (_, i) => oddRow(chance, `h${i}`))
    const text = oddTable(chance, rows)
    const { problems } = readYamlText(text)
    if (problems.length > 0 || !sameData(rowsOf(text), rows)) {
      t.fail(`the test writes YAML that says something else (seed ${seed})`)
      continue
    }
    for (let edit = 0; edit < editsEach; edit++) {
      const position = chance(rows.length)
      const row = rows[position] ?? {}
      const keys = Object.keys(choices)
      const key = keys[chance(keys.length)] ?? ''
      const values = choices[key] ?? []
      const value = values[chance(values.length)]
      const name = `h${position}${typeof row['path'] === 'string' && row['path'] !== '/' ? row['path'] : '/'}`
      const change: Change =
        key in row && chance(2) === 0
          ? { kind: 'edit', route: name, unset: [[key]] }
          : { kind: 'edit', route: name, set: [{ path: [key], value }] }
      const wanted: Record<string, unknown> = { ...row }
      if (change.unset === undefined) wanted[key] = value
      else delete wanted[key]
      const done = applyChange(text, change)
      all += 1
      const about = `seed ${seed}: ${JSON.stringify(change)}`
      if (done.kind === 'refused') {
        refused += 1
        continue
      }
      const now = rowsOf(done.text)
      if (!sameData(now, rows.with(position, wanted))) t.fail(`says something else, ${about}`)
      const [before, behind] = around(text, position)
      if (!done.text.startsWith(before) || !done.text.endsWith(behind)) {
        t.fail(`touched other lines, ${about}\n${text}\n------\n${done.text}`)
      }
      // Set what was not there, and take it away again.
      if (!(key in row) && change.unset === undefined) {
        const path = valueAt(now, [position, 'path']) ?? '/'
        const again = applyChange(done.text, {
          kind: 'edit',
          route: `h${position}${String(path)}`,
          unset: [[key]],
        })
        if (again.kind !== 'changed' || again.text !== text) {
          t.fail(
            `there and back differs, ${about}\n${text}\n------\n${done.text}\n-----\n${again.kind === 'changed' ? again.text : again.problem.what}`,
          )
        }
        const left = remarks(done.text)
        const lost = remarks(text).filter((remark) => !left.includes(remark))
        if (lost.length > 0) t.fail(`lost ${lost.join()}, ${about}`)
      }
    }
  }
  t.ok(refused * 100 <= all, `${refused} of ${all} were refused`)
})

t.test(
  'rows are added, copied, moved and taken away among odd ones, and no other byte',
  async (t) => {
    let refused = 0
    let all = 0
    for (let seed = 1; seed <= tables; seed++) {
      const chance = random(seed * 7)
      const rows = Array.from({ length: 2 + chance(5) }, (_, i) => oddRow(chance, `h${i}`))
      const text = oddTable(chance, rows)
      const names = rowNames(readYamlText(text).data)
      for (let edit = 0; edit < editsEach; edit++) {
        const position = chance(rows.length)
        const other = chance(rows.length + 1) - 1
        const route = names[position] ?? ''
        const behind = names[other] ?? null
        const fresh = oddRow(chance, 'fresh')
        const rest = rows.toSpliced(position, 1)
        const [change, wanted]: readonly [Change, readonly unknown[]] = (
          [
            [
              { kind: 'add', route: fresh, behind },
              rows.toSpliced((behind === null ? rows.length - 1 : other) + 1, 0, fresh),
            ],
            [{ kind: 'copy', route, row: fresh }, rows.toSpliced(position + 1, 0, fresh)],
            [{ kind: 'remove', route, comments: chance(2) === 0 }, rest],
            [
              { kind: 'move', route, behind, comments: chance(2) === 0 },
              rest.toSpliced(other > position ? other : other + 1, 0, rows[position] ?? {}),
            ],
          ] as const
        )[chance(4)] ?? [{ kind: 'disable', route }, rows]
        const done = applyChange(text, change)
        all += 1
        if (done.kind === 'refused') {
          refused += 1
          continue
        }
        const about = `seed ${seed}: ${JSON.stringify(change)}`
        const same = change.kind === 'move' && other === position
        if (!sameData(rowsOf(done.text), same ? rows : wanted))
          t.fail(`says something else, ${about}`)
        const ends = text.endsWith('\n') === done.text.endsWith('\n')
        if (change.kind === 'add' && !ends) t.fail(`the end of the file is another, ${about}`)
        if (change.kind === 'remove') continue
        const left = remarks(done.text)
        const lost = remarks(text).filter((remark) => !left.includes(remark))
        if (lost.length > 0) t.fail(`lost ${lost.join()}, ${about}\n${text}\n-----\n${done.text}`)
      }
    }
    t.ok(refused * 100 <= all, `${refused} of ${all} were refused`)
  },
)

t.test(
  'whatever somebody types is edited rightly, or refused: never damaged, never a fault of ours',
  async (t) => {
    const chance = random(99)
    const own = readFileSync(new URL('../../src/routes.yaml', import.meta.url), 'utf8')
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ':',
      ' ',
      '\n',
      '\t',
      '#',
      '-',
      ',',
      "'",
      '"',
      '&a',
      '*a',
      '!t',
      '|',
      '>',
      '?',
      '\r',
      '---\n',
      '<<: ',
      '\u2028',
      '\ufeff',
      '  ',
    ]
    let edited = 0
    for (let round = 0; round < 400; round++) {
      let text = own.slice(0, 4000 + chance(2000))
      text = text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1)
      for (let n = chance(4); n >= 0; n--) {
        const at = chance(text.length)
        text =
          text.slice(0, at) + (pieces[chance(pieces.length)] ?? '') + text.slice(at + chance(3))
      }
      const data = readYamlText(text)
      const names = rowNames(data.data)
      const route = names[chance(Math.max(1, names.length))] ?? 'none'
      const changes: readonly Change[] = [
        { kind: 'disable', route },
        { kind: 'edit', route, set: [{ path: ['timeouts', 'idle'], value: 'never' }] },
        { kind: 'edit', route, unset: [['access']], set: [{ path: ['service'], value: 'x: y' }] },
        { kind: 'remove', route, comments: true },
        { kind: 'copy', route, set: [{ path: ['host'], value: 'copied' }] },
        { kind: 'move', route, behind: null, comments: false },
        { kind: 'file', set: [{ path: ['vms', 'new'], value: { address: '10.0.0.9' } }] },
      ]
      for (const change of changes) {
        const done = applyChange(text, change)
        if (done.kind === 'refused') continue
        edited += 1
        if (data.problems.length > 0) t.fail(`edited a file with faults: ${data.problems[0]?.what}`)
        if (readYamlText(done.text).problems.length > 0)
          t.fail(`left a fault: ${JSON.stringify(change)}\n${done.text}`)
      }
    }
    t.ok(edited > 300, `${edited} edits went through`)
  },
)
