// Help texts, made from the lists of commands and settings.

import { options, variableOf } from '../config.ts'
import { type Command, commandNamed, commands, commandsOf, groups } from './commands.ts'

/** @param topic name of a command or of a group; `null`, or any other word: the overview. */
export function renderHelp(topic: string | null): string {
  if (topic === null) return overview()
  const command = commandNamed(topic)
  if (command !== null) return about(command)
  // `user adn` is nearest to what can be said about `user`.
  const group = topic.split(' ')[0] ?? topic
  return commandsOf(group).length > 0 ? aboutGroup(group) : overview()
}

function overview(): string {
  return [
    'Gatehouse: one process at the edge of a personal cloud.',
    '',
    'Usage: gatehouse <command> [flags]',
    '',
    ...columns(overviewRows()),
    '',
    'More about one: gatehouse help <command>, such as "gatehouse help user add".',
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

/** A line for each command of one word and for each group, in the order of the list. */
function overviewRows(): [string, string][] {
  const rows = new Map<string, [string, string]>()
  for (const { name, operands, summary } of commands) {
    const group = groups.find((each) => name.startsWith(`${each.name} `))
    if (group === undefined) rows.set(name, [`${name} ${operands}`.trimEnd(), summary])
    else rows.set(group.name, [`${group.name} …`, `${group.summary}: ${actionsOf(group.name)}`])
  }
  return [...rows.values()]
}

function actionsOf(group: string): string {
  return commandsOf(group)
    .map(({ name }) => name.slice(group.length + 1))
    .join(', ')
}

function aboutGroup(group: string): string {
  const all = commandsOf(group)
  return [
    `Usage: gatehouse ${group} <action> [flags]`,
    '',
    ...columns(all.map((c) => [`${c.name} ${c.operands}`.trimEnd(), c.summary])),
    '',
    `More about one: gatehouse help ${all[0]?.name ?? group}`,
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
