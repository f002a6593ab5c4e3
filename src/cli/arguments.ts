// Command line → command, operands, flags; every mistake at once, each with a remedy.

import { type ConfigProblem, type OptionName, options } from '../config.ts'
import { nearest } from '../nearest.ts'
import {
  type Command,
  type CommandName,
  commandNamed,
  commands,
  commandsOf,
  groups,
} from './commands.ts'

export interface Arguments {
  /** `help` when none was written; `null` for a word that is no command. */
  readonly command: CommandName | null
  readonly operands: readonly string[]
  /** Flags of the command; `''` for those that take no value. */
  readonly flags: ReadonlyMap<string, string>
  /** Flags that are settings, for `readConfig`. */
  readonly settings: Readonly<Partial<Record<OptionName, string>>>
  /** Nothing was asked for: help is printed, and it counts as a mistake. */
  readonly empty: boolean
  readonly problems: readonly ConfigProblem[]
}

interface Token {
  readonly name: string
  /** After `=`; `null`: not in the same word. */
  readonly value: string | null
}

/** Reads `argv` without the program's own name. Flags may stand before or after the command. */
export function parseArguments(argv: readonly string[]): Arguments {
  const problems: ConfigProblem[] = []
  const fail = (where: string, what: string, remedy: string) => {
    problems.push({ severity: 'error', where, what, remedy })
  }
  const words: string[] = []
  const flags = new Map<string, string>()
  const settings: Partial<Record<OptionName, string>> = {}
  const given = new Set<string>()
  const command = findCommand(argv)
  let wantsHelp = false
  let wantsVersion = false

  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? ''
    if (word === '--') {
      words.push(...argv.slice(i + 1))
      break
    }
    if (word === '-h' || word === '--help') wantsHelp = true
    else if (word === '-v' || word === '--version') wantsVersion = true
    else if (!word.startsWith('-') || word === '-' || isReference(word)) words.push(word)
    else if (readFlag(word, argv[i + 1])) i += 1
  }

  const [first, ...others] = words
  const isOfGroup = first !== undefined && commandsOf(first).length > 0
  const rest = isOfGroup ? others.slice(1) : others
  if (wantsVersion && first === undefined) return done('version', [])
  if (wantsHelp) {
    if (first === undefined || first === 'help') return done('help', others)
    return done('help', isOfGroup ? words.slice(0, 2) : [first])
  }
  if (first === undefined) {
    const isEmpty = argv.length === 0
    if (!isEmpty) fail('command', 'is missing', 'write for example "gatehouse serve"')
    return { ...done('help', []), empty: isEmpty }
  }
  if (command === null) {
    notACommand(first, others[0])
    return done(null, rest)
  }
  if (rest.length < command.minOperands) {
    fail(command.name, `needs ${command.operands}`, `gatehouse ${command.name} ${command.operands}`)
  } else if (rest.length > command.maxOperands) {
    const extra = rest[command.maxOperands] ?? ''
    fail(
      JSON.stringify(extra),
      `is one word too many for ${command.name}`,
      'quote values with blanks',
    )
  }
  return done(command.name, rest)

  function done(name: CommandName | null, operands: readonly string[]): Arguments {
    return { command: name, operands, flags, settings, empty: false, problems }
  }

  /** References of sessions and tokens are base64url: a flag that does not exist may be one. */
  function isReference(word: string): boolean {
    if (command?.takesReference !== true || !/^-([\w-]{7}|[\w-]{11})$/.test(word)) return false
    const name = word.slice(2)
    return !knownNames(command).includes(name)
  }

  function notACommand(word: string, action: string | undefined): void {
    const actions = commandsOf(word).map(({ name }) => name.slice(word.length + 1))
    if (actions.length === 0) {
      const near = nearest(word, firstWords)
      const remedy =
        near === null ? `commands are ${firstWords.join(', ')}` : `did you mean ${near}?`
      fail(word, 'is not a command', remedy)
    } else if (action === undefined) {
      fail(word, `needs one of ${actions.join(', ')}`, `see "gatehouse help ${word}"`)
    } else {
      const near = nearest(action, actions)
      const remedy =
        near === null ? `write one of ${actions.join(', ')}` : `did you mean ${word} ${near}?`
      fail(`${word} ${action}`, 'is not a command', remedy)
    }
  }

  /** @returns whether the next word was the flag's value. */
  function readFlag(word: string, next: string | undefined): boolean {
    const { name, value } = tokenOf(word)
    const where = `--${name}`
    const setting = options.find((option) => option.name === name)
    const flag = command?.flags.find((each) => each.name === name)
    const isSetting = setting !== undefined && (command === null || command.takesSettings)
    if (!word.startsWith('--') || (!isSetting && flag === undefined)) {
      fail(word.split('=')[0] ?? word, unknownFlag(command), remedyFor(name, command))
      return false
    }
    if (given.has(name)) fail(where, 'is given twice', 'keep one')
    given.add(name)
    if (flag !== undefined && flag.value === null) {
      if (value !== null) fail(where, 'takes no value', `write ${where}`)
      flags.set(name, '')
      return false
    }
    const text = value ?? (next === undefined || next.startsWith('--') ? null : next)
    if (text === null || text === '') {
      fail(where, 'needs a value', `write ${where} ${flag?.value ?? setting?.value ?? ''}`)
      return false
    }
    if (setting !== undefined) settings[setting.name] = text
    else flags.set(name, text)
    return value === null
  }
}

/** What a command line may begin with. */
const firstWords: readonly string[] = [
  ...new Set(commands.map(({ name }) => name.split(' ')[0] ?? name)),
]

/** Made of the first words that are no flag and no flag's value: which flags are known depends on it. */
function findCommand(argv: readonly string[]): (Command & { name: CommandName }) | null {
  let group: string | null = null
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? ''
    if (word === '--') return null
    if (!word.startsWith('-')) {
      if (group !== null) return commandNamed(`${group} ${word}`)
      if (!groups.some(({ name }) => name === word)) return commandNamed(word)
      group = word
      continue
    }
    const { name, value } = tokenOf(word)
    const takesValue = options.some((option) => option.name === name) || flagTakesValue(name)
    if (takesValue && value === null) i += 1
  }
  return null
}

function flagTakesValue(name: string): boolean {
  const all: readonly Command[] = commands
  return all.some(({ flags }) => flags.some((flag) => flag.name === name && flag.value !== null))
}

function tokenOf(word: string): Token {
  const name = word.replace(/^--?/, '')
  const equals = name.indexOf('=')
  if (equals === -1) return { name, value: null }
  return { name: name.slice(0, equals), value: name.slice(equals + 1) }
}

function unknownFlag(command: Command | null): string {
  return command === null ? 'is not a known flag' : `is not a flag of ${command.name}`
}

function knownNames(command: Command | null): readonly string[] {
  return [
    ...(command?.flags ?? []).map((flag) => flag.name),
    ...(command === null || command.takesSettings ? options.map((option) => option.name) : []),
  ]
}

function remedyFor(name: string, command: Command | null): string {
  const near = nearest(name, knownNames(command))
  if (near !== null) return `did you mean --${near}?`
  return command === null ? 'see "gatehouse help"' : `see "gatehouse help ${command.name}"`
}
