// The command line: what is understood, and what is said of what is not.

import t from 'tap'
import { parseArguments } from '../../src/cli/arguments.ts'
import { commands } from '../../src/cli/commands.ts'
import { renderHelp } from '../../src/cli/help.ts'
import { options } from '../../src/config.ts'

const parse = (line: string) => parseArguments(line.split(' ').filter((word) => word !== ''))

t.test('command, operand, flags and settings may stand in any order', async (t) => {
  for (const line of [
    'explain https://a/ --user me --websocket --config=/x',
    '--config /x explain --user=me --websocket https://a/',
    'explain --websocket --user me https://a/ --config /x',
  ]) {
    const { command, operands, flags, settings, problems } = parse(line)
    t.strictSame(problems, [], line)
    t.equal(command, 'explain')
    t.strictSame(operands, ['https://a/'])
    t.strictSame([...flags].sort(), [
      ['user', 'me'],
      ['websocket', ''],
    ])
    t.strictSame(settings, { config: '/x' })
  }
})

t.test('nothing at all asks for help, and says so', async (t) => {
  t.match(parseArguments([]), { command: 'help', empty: true, problems: [] })
})

t.test('--help, -h and help lead to the same place', async (t) => {
  for (const line of [
    'check --help',
    'check -h',
    'help check',
    '--help check',
    'check --help --nonsense',
  ])
    t.match(parse(line), { command: 'help', operands: ['check'] }, line)
  t.match(parse('--help'), { command: 'help', operands: [] })
  t.match(parse('--version'), { command: 'version' })
  t.match(parse('-v'), { command: 'version' })
})

t.test('every mistake is named at once', async (t) => {
  const { problems } = parse(
    'check a b --strct --json=yes --against-running --against-running --data',
  )
  t.match(problems, [
    { where: '--strct', remedy: 'did you mean --strict?' },
    { where: '--json', what: 'takes no value' },
    { where: '--against-running', what: 'is given twice' },
    { where: '--data', what: 'needs a value' },
    { where: '"b"', what: /too many/ },
  ])
})

t.test('a mistyped command gets a suggestion', async (t) => {
  t.match(parse('sevre'), { command: null, problems: [{ remedy: 'did you mean serve?' }] })
  t.match(parse('banana'), { command: null, problems: [{ remedy: /commands are serve, init/ }] })
})

t.test('a flag without its value does not swallow the next flag', async (t) => {
  t.match(parse('serve --https --http 80'), {
    settings: { http: '80' },
    problems: [{ where: '--https' }],
  })
})

t.test('a flag of another command is refused', async (t) => {
  t.match(parse('serve --strict').problems, [{ where: '--strict', what: 'is not a flag of serve' }])
  t.match(parse('init /x --https 1').problems, [{ where: '--https' }])
})

t.test('flags without a command are no order to serve', async (t) => {
  t.match(parse('--https 8443'), { command: 'help', problems: [{ what: 'is missing' }] })
})

t.test('what must be there is asked for', async (t) => {
  t.match(parse('explain').problems, [{ what: 'needs <url>' }])
  t.match(parse('init').problems, [{ what: 'needs <dir>' }])
})

t.test('after -- nothing is a flag', async (t) => {
  t.strictSame(parse('explain -- --user').operands, ['--user'])
})

t.test('a value that looks like a command is a value', async (t) => {
  t.match(parse('--user serve explain https://a/'), { command: 'explain', problems: [] })
})

t.test('help names every command, flag and setting', async (t) => {
  const overview = renderHelp(null)
  for (const { name, flags, takesSettings } of commands) {
    t.match(overview, `  ${name}`)
    const text = renderHelp(name)
    for (const flag of flags) t.match(text, `--${flag.name}`, `${name} --${flag.name}`)
    t.equal(text.includes('--public-port'), takesSettings, name)
  }
  for (const { name } of options) t.match(overview, `--${name}`)
  t.equal(renderHelp('banana'), overview)
})

t.test('help fits a terminal of 100 columns', async (t) => {
  for (const topic of [null, ...commands.map(({ name }) => name)]) {
    const longest = Math.max(
      ...renderHelp(topic)
        .split('\n')
        .map((line) => line.length),
    )
    t.ok(longest <= 100, `${topic}: ${longest}`)
  }
})
