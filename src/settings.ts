// What was written for each setting, and where: flags, environment, environment file. Not what it means.

import type { ConfigFiles, ConfigProblem, OptionName } from './config.ts'
import { parseEnvironmentFile } from './env-file.ts'
import { nearest } from './nearest.ts'
import { secretPrefix, type VariableSource } from './secrets.ts'

/** The text of a setting and where it stands, for messages. */
export interface Written {
  readonly text: string
  /** `--https`, `GATEHOUSE_HTTPS`, `/etc/gatehouse/gatehouse.env:3` or `default`. */
  readonly from: string
}

export interface Settings {
  /** The one that counts: flag, then environment, then environment file. `null`: written nowhere. */
  readonly written: (option: OptionName) => Written | null
  /** All variables that begin with `GATEHOUSE_`, for secrets. */
  readonly variables: readonly VariableSource[]
  /** The environment file that was read; `null`: none. */
  readonly file: Written | null
  readonly problems: readonly ConfigProblem[]
}

export interface SettingsDeps {
  readonly files: ConfigFiles
  readonly variableOf: (option: OptionName) => string
  /** Names of all variables that are settings. */
  readonly known: readonly string[]
  /** Absolute. */
  readonly resolve: (path: string) => string
  /** Where the environment file is when nobody names it; `null`: nowhere. */
  readonly usualFile: (config: Written | null) => string | null
}

type Flags = Readonly<Partial<Record<OptionName, string>>>

const prefix = 'GATEHOUSE_'

/** Reads everything at once. Never throws; values of secrets never appear in a problem. */
export function readSettings(
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
  deps: SettingsDeps,
): Settings {
  const variables = variablesOf(env)
  const written = (option: OptionName) => {
    const flag = flags[option]
    if (flag !== undefined) return { text: flag, from: `--${option}` }
    return strongest(variables, deps.variableOf(option))
  }
  const problems: ConfigProblem[] = []
  const file = environmentFile(written, deps)
  if (file !== null) {
    const read = readFile(file, deps)
    variables.push(...read.variables)
    problems.push(...read.problems)
  }
  for (const variable of variables) problems.push(...strangers(variable, deps.known))
  return { written, variables, file, problems }
}

function variablesOf(env: Readonly<Record<string, string | undefined>>): VariableSource[] {
  const variables: VariableSource[] = []
  for (const [name, value] of Object.entries(env)) {
    // Compose files write `NAME=` for "not set".
    if (!name.startsWith(prefix) || value === undefined || value === '') continue
    variables.push({ name, value, where: name, rank: 0 })
  }
  return variables
}

function strongest(variables: readonly VariableSource[], name: string): Written | null {
  let best: VariableSource | null = null
  for (const each of variables) {
    if (each.name === name && (best === null || each.rank < best.rank)) best = each
  }
  return best === null ? null : { text: best.value, from: best.where }
}

function environmentFile(written: Settings['written'], deps: SettingsDeps): Written | null {
  const named = written('env-file')
  if (named !== null) return { text: deps.resolve(named.text), from: named.from }
  const usual = deps.usualFile(written('config'))
  return usual === null ? null : { text: usual, from: 'default' }
}

function readFile(
  { text: path, from }: Written,
  { files }: SettingsDeps,
): { variables: VariableSource[]; problems: ConfigProblem[] } {
  const variables: VariableSource[] = []
  const problems: ConfigProblem[] = []
  const fail = (where: string, what: string, remedy: string) => {
    problems.push({ severity: 'error', where, what, remedy })
  }
  let text: string
  try {
    text = files.read(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    const what = `cannot read the environment file ${path} (${code})`
    fail(from === 'default' ? '--env-file' : from, what, 'check path and permissions')
    return { variables, problems }
  }
  const { lines, malformed } = parseEnvironmentFile(text)
  for (const { line, what } of malformed) fail(`${path}:${line}`, what, 'write NAME=value')
  for (const { name, value, line } of lines) {
    const where = `${path}:${line}`
    if (name === 'GATEHOUSE_ENV_FILE') {
      fail(where, `${name} cannot stand in an environment file`, 'name the file by --env-file')
    } else if (name === 'GATEHOUSE_CONFIG' && from === 'default') {
      const what = `${name} here comes too late: this file was found beside the table`
      fail(where, what, 'remove it')
    } else if (value !== '') variables.push({ name, value, where, rank: 1 })
  }
  const mode = files.mode(path)
  const secret = lines.some(({ name }) => name.startsWith(secretPrefix) && !name.endsWith('_FILE'))
  if (secret && mode !== null && (mode & 0o044) !== 0) {
    const what = 'holds secrets and can be read by others'
    problems.push({ severity: 'warning', where: path, what, remedy: `chmod 600 ${path}` })
  }
  return { variables, problems }
}

/**
 * In the environment other programs may put such names (Kubernetes writes GATEHOUSE_PORT for a service called
 * gatehouse), so there a warning must do. Nobody else writes our file.
 */
function strangers(
  { name, where, rank }: VariableSource,
  known: readonly string[],
): readonly ConfigProblem[] {
  if (name.startsWith(secretPrefix) || known.includes(name)) return []
  const near = nearest(name, known)
  const remedy =
    near === null
      ? `known are ${known.join(', ')} and ${secretPrefix}<NAME>`
      : `did you mean ${near}?`
  const what = `${where === name ? '' : `${name} `}is not a variable of Gatehouse`
  return [{ severity: rank === 0 ? 'warning' : 'error', where, what, remedy }]
}
