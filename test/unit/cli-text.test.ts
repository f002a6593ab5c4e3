// What commands print and read: terminal text, spans of time, the advice of a first start.

import t from 'tap'
import { isLabel } from '../../src/auth/person-changes.ts'
import { firstStartAdvice } from '../../src/cli/first-start.ts'
import { badGroup, createFlagReader, listOf } from '../../src/cli/people-flags.ts'
import { agoText, counted, dateText, harmless, table } from '../../src/cli/terminal-text.ts'
import { parseSpan, spanText } from '../../src/cli/time-span.ts'

t.test('text of strangers cannot move the cursor, hide, or read backwards', async (t) => {
  t.equal(harmless('Ana Lima 🌻 ñ'), 'Ana Lima 🌻 ñ')
  t.equal(harmless('a\u001b[2Jb\r\nc'), 'a\\u{1b}[2Jb\\u{d}\\u{a}c')
  t.equal(harmless('\u202egpj.exe\u200b'), '\\u{202e}gpj.exe\\u{200b}')
  t.equal(harmless('\u2028\ud800\u009b'), '\\u{2028}\\u{d800}\\u{9b}')
  t.equal(harmless('x'.repeat(300)).length, 200)
})

t.test('columns are as wide as they must be, and lines end with text', async (t) => {
  t.equal(
    table(
      ['A', 'BB'],
      [
        ['xxx', ''],
        ['y', 'z'],
      ],
    ),
    'A    BB\nxxx\ny    z\n',
  )
  t.equal(table(['A'], []), 'A\n')
})

t.test('times are short', async (t) => {
  const now = Date.UTC(2026, 10, 21, 6, 31, 59)
  t.equal(dateText(now), '2026-11-21 06:31 UTC')
  t.equal(agoText(null, now), 'never')
  t.equal(agoText(now + 5000, now), 'just now', 'clocks differ')
  t.equal(agoText(now - 119 * 60_000, now), '119 min ago')
  t.equal(agoText(now - 47 * 3_600_000, now), '47 h ago')
  t.equal(agoText(now - 72 * 3_600_000, now), '3 d ago')
  t.same([counted(0, 'x'), counted(1, 'x'), counted(2, 'x')], ['0 xs', '1 x', '2 xs'])
})

t.test('spans of time are a number and a letter', async (t) => {
  t.same(['90s', '30m', '24h', '7d'].map(parseSpan), [90_000, 1_800_000, 86_400_000, 604_800_000])
  for (const text of ['', '0h', '1', 'h', '1.5h', '-1h', '1w', '1h ', '1234567s', '1hh']) {
    t.equal(parseSpan(text), null, text)
  }
  for (const text of ['90s', '30m', '24h', '7d', '365d', '90m']) {
    t.equal(spanText(parseSpan(text) ?? 0), text)
  }
})

t.test('lists, labels and groups are what they may be', async (t) => {
  t.same(listOf(' a, b,,a ,'), ['a', 'b'])
  t.same(['', 'x', 'x'.repeat(80), 'x'.repeat(81), 'a\nb'].map(isLabel), [
    false,
    true,
    true,
    false,
    false,
  ])
  t.equal(badGroup(['admin', 'équipe', 'a/b']), null)
  for (const group of ['', 'a b', 'a;b', '"a"', 'a\\b', '\u00a0', 'x'.repeat(65)]) {
    t.equal(badGroup(['admin', group]), group)
  }
})

t.test('numbers are counted within their limits', async (t) => {
  const read = (text: string) => {
    const flags = createFlagReader(new Map([['n', text]]))
    return [flags.count('n', { min: 1, max: 9 }), flags.problems.length]
  }
  t.same(read('9'), [9, 0])
  for (const text of ['0', '10', '1e1', ' 1', '-1', '99999999999'])
    t.same(read(text), [null, 1], text)
})

t.test('who starts the first time is told the very command', async (t) => {
  const chosen = [
    { option: 'config', value: '/my etc/routes.yaml', from: '--config' },
    { option: 'data', value: '/var/lib/gatehouse', from: 'default' },
    { option: 'https', value: '8443', from: '--https' },
  ] as const
  t.match(
    firstStartAdvice([], { chosen }),
    `"gatehouse user add <your-name> --admin --config '/my etc/routes.yaml'"`,
  )
  t.match(firstStartAdvice([{ disabled: true }], { chosen: [] }), /user add <your-name> --admin"/)
  t.equal(firstStartAdvice([{ disabled: true }, { disabled: false }], { chosen }), null)
})
