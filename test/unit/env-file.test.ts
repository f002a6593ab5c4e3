// NAME=value lines.

import t from 'tap'
import { parseEnvironmentFile } from '../../src/env-file.ts'

t.test('comments, blanks, quotes, export and a byte order mark are understood', async (t) => {
  const text =
    '\uFEFF# comment\n; comment\n\n A = b c \r\nexport B="x # \\"y\\"\\n"\nC=\'a\\nb\'\nD=\nE=a#b=c'
  const { lines, malformed } = parseEnvironmentFile(text)
  t.strictSame(malformed, [])
  t.strictSame(lines, [
    { name: 'A', value: 'b c', line: 4 },
    { name: 'B', value: 'x # "y"\n', line: 5 },
    { name: 'C', value: 'a\\nb', line: 6 },
    { name: 'D', value: '', line: 7 },
    { name: 'E', value: 'a#b=c', line: 8 },
  ])
})

t.test('nothing is expanded', async (t) => {
  const { lines } = parseEnvironmentFile('A=$HOME `id` $(id)')
  t.equal(lines[0]?.value, '$HOME `id` $(id)')
})

t.test('each bad line is named by its number', async (t) => {
  const { malformed } = parseEnvironmentFile('word\nA-B=1\n=x\nC="open\nD=1\nD=2\n"')
  t.strictSame(
    malformed.map(({ line }) => line),
    [1, 2, 3, 4, 6, 7],
  )
})
