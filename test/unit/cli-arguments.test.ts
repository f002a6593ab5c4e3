// The command line: what is understood, and what is said of what is not.

import t from 'tap'
import { parseArguments } from '../../src/cli/arguments.ts'
import { type Command, commands, commandsOf, groups } from '../../src/cli/commands.ts'
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

t.test('a command of two words takes operands and flags like any other', async (t) => {
  for (const line of ['user groups ana a,b --data /x', '--data /x user groups ana a,b']) {
    const { command, operands, settings, problems } = parse(line)
    t.strictSame(problems, [], line)
    t.equal(command, 'user groups')
    t.strictSame(operands, ['ana', 'a,b'])
    t.strictSame(settings, { data: '/x' })
  }
  t.match(parse('user --data /x list --json'), { command: 'user list', problems: [] })
  t.match(parse('user link').problems, [{ where: 'user link', what: 'needs <name>' }])
  t.match(parse('user list ana').problems, [{ what: /one word too many for user list/ }])
  t.match(parse('user disable ana --yes').problems, [{ what: 'is not a flag of user disable' }])
})

t.test('half of such a command says what the other half may be', async (t) => {
  t.match(parse('user'), { command: null, problems: [{ what: /^needs one of add, list,/ }] })
  t.match(parse('user ad ana').problems, [{ where: 'user ad', remedy: 'did you mean user add?' }])
  t.match(parse('user banana').problems, [{ remedy: /^write one of add, list,/ }])
  t.match(parse('usr').problems, [{ remedy: 'did you mean user?' }])
  t.match(parse('add').problems, [{ what: 'is not a command' }])
})

t.test('help for one of them is asked for in all the usual ways', async (t) => {
  for (const line of ['help user add', 'user add --help', 'user add ana -h', '-h user add ana']) {
    t.match(parse(line), { command: 'help', operands: ['user', 'add'] }, line)
  }
  t.match(parse('user --help'), { command: 'help', operands: ['user'] })
  for (const { name } of groups) {
    const text = renderHelp(name)
    for (const command of commandsOf(name)) t.match(text, `  ${command.name}`)
    t.equal(renderHelp(`${name} banana`), text)
  }
})

t.test('a reference that begins with a hyphen is no flag', async (t) => {
  t.match(parse('session revoke -Bc_efghijkl'), { operands: ['-Bc_efghijkl'], problems: [] })
  t.match(parse('token revoke --cdefgh'), { operands: ['--cdefgh'], problems: [] })
  t.match(parse('session revoke --config'), { problems: [{ what: 'needs a value' }] })
  t.match(parse('session revoke --usr ana').problems, [{ remedy: 'did you mean --user?' }])
  t.match(parse('user link -Bc_efghijkl').problems, [{ what: 'is not a flag of user link' }])
})

t.test(
  'a flag takes a value in all commands or in none: where words begin depends on it',
  async (t) => {
    const takes = new Map<string, boolean>()
    const all: readonly Command[] = commands
    for (const { name, flags } of all) {
      for (const flag of flags) {
        const value = flag.value !== null
        t.equal(takes.get(flag.name) ?? value, value, `${name} --${flag.name}`)
        takes.set(flag.name, value)
        t.notOk(
          options.some((option) => option.name === flag.name),
          `--${flag.name} is a setting`,
        )
      }
    }
  },
)

t.test('help names every command, flag and setting', async (t) => {
  const overview = renderHelp(null)
  const byGroup = new Set(groups.map(({ name }) => name))
  for (const { name, flags, takesSettings } of commands) {
    const [first = '', second] = name.split(' ')
    if (second === undefined) t.match(overview, `  ${name}`)
    else {
      t.ok(byGroup.has(first), name)
      t.match(overview, new RegExp(`^  ${first} … .*\\b${second}\\b`, 'm'))
    }
    const text = renderHelp(name)
    for (const flag of flags) t.match(text, `--${flag.name}`, `${name} --${flag.name}`)
    t.equal(text.includes('--public-port'), takesSettings, name)
  }
  for (const { name } of options) t.match(overview, `--${name}`)
  t.equal(renderHelp('banana'), overview)
})

t.test('help fits a terminal of 100 columns', async (t) => {
  const topics = [...commands, ...groups].map(({ name }) => name)
  for (const topic of [null, ...topics]) {
    const longest = Math.max(
      ...renderHelp(topic)
        .split('\n')
        .map((line) => line.length),
    )
    t.ok(longest <= 100, `${topic}: ${longest}`)
  }
})
