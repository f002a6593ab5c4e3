// docs/conformance.md has all forty points, each with tests that exist and that name a section of an RFC.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '../..')
const rows = readFileSync(join(root, 'docs/conformance.md'), 'utf8')
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter((cells) => /^\d+$/.test(cells[1] ?? ''))

t.test('the forty points are there, in order', async (t) => {
  t.same(
    rows.map((cells) => Number(cells[1])),
    Array.from({ length: 40 }, (_, i) => i + 1),
  )
})

t.test('each names a section and tests that exist', async (t) => {
  for (const [, point = '', rfc = '', , tests = ''] of rows) {
    t.match(rfc, /RFC \d{4} §\d/, `point ${point}`)
    const files = [...tests.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
    t.ok(files.length > 0, `point ${point} has a test`)
    for (const file of files) t.ok(existsSync(join(root, 'test', file)), `${point}: ${file}`)
  }
})

t.test('each point over sockets is named in the title of a test there', async (t) => {
  for (const [, point = '', , , tests = ''] of rows) {
    const files = [...tests.matchAll(/`(e2e\/[^`]+)`/g)].map((match) => match[1] ?? '')
    if (files.length === 0) continue
    const texts = files.map((file) => readFileSync(join(root, 'test', file), 'utf8'))
    const named = new RegExp(`'point ${point}: `)
    t.ok(
      texts.some((text) => named.test(text)),
      `point ${point} is a title in ${files.join(', ')}`,
    )
  }
})
