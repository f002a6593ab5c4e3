// docs/commands.md lists exactly the commands, flags, settings and defaults that exist.

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { type Command, commandNamed, commands } from '../../src/cli/commands.ts'
import { options, readConfig, variableOf } from '../../src/config.ts'

const text = readFileSync(join(dirname(import.meta.dirname), '../docs/commands.md'), 'utf8')

/** Text of a section up to the next heading. */
function section(title: string): string {
  const pattern = new RegExp(`^##+ ${title}\\n([\\s\\S]*?)(?=^##+ )`, 'm')
  return pattern.exec(`${text}\n## `)?.[1] ?? ''
}

/** Rows of all tables, as cells without the back quotes. */
function rows(markdown: string): string[][] {
  return [...markdown.matchAll(/^\| `.*\|$/gm)].map(([line]) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  )
}

const spelled = (name: string, value: string | null) =>
  `--${name}${value === null ? '' : ` ${value}`}`

t.test('every command is in the table, with its operands', async (t) => {
  const listed = rows(text.slice(0, text.indexOf('## '))).map(([name, operands]) => [
    name,
    operands,
  ])
  t.strictSame(
    listed,
    commands.map(({ name, operands }) => [name, operands]),
  )
})

t.test('every setting is in the table, with flag and variable', async (t) => {
  t.strictSame(
    rows(section('Settings')).map(([flag, variable]) => [flag, variable]),
    options.map(({ name, value }) => [spelled(name, value), variableOf(name)]),
  )
})

t.test('the defaults are those of the program', async (t) => {
  const { config } = readConfig({
    flags: {},
    env: {},
    files: {
      read: () => '',
      kind: (path) => (path.endsWith('.yaml') ? 'file' : null),
      mode: () => null,
      list: () => [],
    },
    place: { cwd: '/', checkout: null },
  })
  const chosen = new Map(config?.chosen.map(({ option, value }) => [`--${option}`, value]))
  for (const [flag = '', , stated = ''] of rows(section('Settings'))) {
    const name = flag.split(' ')[0] ?? ''
    if (/^[\w/.:-]+$/.test(stated)) t.equal(chosen.get(name), stated, name)
  }
})

t.test('every command with flags has a section that lists exactly these', async (t) => {
  const all: readonly Command[] = commands
  for (const { name, flags } of all) {
    t.strictSame(
      rows(section(name)).flatMap(([flag]) => (flag?.startsWith('--') ? [flag] : [])),
      flags.map((flag) => spelled(flag.name, flag.value)),
      name,
    )
  }
})

t.test('every example is a command line that is understood', async (t) => {
  const { parseArguments } = await import('../../src/cli/arguments.ts')
  const examples = [...text.matchAll(/^(?:sudo (?:-u \w+ )?)?gatehouse ((?!<).+)$/gm)].map(
    ([, line]) => line ?? '',
  )
  t.ok(examples.length >= 6)
  for (const line of examples) {
    const quoted = line.replace(/\s+#.*$/, '').matchAll(/'([^']*)'|\S+/g)
    const words = [...quoted].map(([word, inside]) => inside ?? word)
    const { command, problems } = parseArguments(words)
    t.strictSame(problems, [], line)
    t.ok(commandNamed(command ?? ''), line)
  }
})
