// Help texts, made from the lists of commands and settings.

import { options, variableOf } from '../config.ts'
import { type Command, commandNamed, commands } from './commands.ts'

/** @param topic a command's name; `null`, or a name that is no command: the overview. */
export function renderHelp(topic: string | null): string {
  const command = topic === null ? null : commandNamed(topic)
  return command === null ? overview() : about(command)
}

function overview(): string {
  return [
    'Gatehouse: one process at the edge of a personal cloud.',
    '',
    'Usage: gatehouse <command> [flags]',
    '',
    ...columns(commands.map((c) => [`${c.name} ${c.operands}`.trimEnd(), c.summary])),
    '',
    'Settings (a flag beats the variable in brackets, that beats the environment file):',
    '',
    ...settings(),
    '',
    'Secrets come from GATEHOUSE_SECRET_<NAME>, from GATEHOUSE_SECRET_<NAME>_FILE,',
    "or from systemd's credentials; never from the command line.",
    'Exit codes: 0 well, 1 something was found or failed, 2 a mistake in command line or settings.',
    '',
  ].join('\n')
}

function about(command: Command): string {
  const usage = ['gatehouse', command.name, command.operands]
  if (command.flags.length > 0 || command.takesSettings) usage.push('[flags]')
  const lines = [
    `Usage: ${usage.filter((word) => word !== '').join(' ')}`,
    '',
    `${command.summary}.`,
  ]
  if (command.details.length > 0) lines.push('', ...command.details)
  if (command.flags.length > 0) {
    lines.push('', 'Flags:', '')
    lines.push(...columns(command.flags.map((f) => [spelled(f.name, f.value), f.summary])))
  }
  if (command.takesSettings) lines.push('', 'Settings:', '', ...settings())
  lines.push('')
  return lines.join('\n')
}

function settings(): string[] {
  return columns(
    options.map((o) => [spelled(o.name, o.value), `${o.summary} [${variableOf(o.name)}]`]),
  )
}

function spelled(name: string, value: string | null): string {
  return value === null ? `--${name}` : `--${name} ${value}`
}

function columns(rows: readonly (readonly [left: string, right: string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`)
}
