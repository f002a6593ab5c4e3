// Flags, environment and environment file → one frozen Config; every problem at once. Touches nothing but `files`.

import { dirname, join, resolve } from 'node:path'
import { parseEnvironmentFile } from './env-file.ts'
import type { LogLevel } from './errors.ts'
import { isLoopback, type ListenAddress, overlaps, readListenAddress } from './listen-address.ts'
import { nearest } from './nearest.ts'
import { readSecrets, secretPrefix, type VariableSource } from './secrets.ts'

/** All settings of a run. Deeply frozen; holds no secret that printing it would show. */
export interface Config {
  /** The table; absolute, as are all paths here. */
  readonly routesFile: string
  /** Directory of PEM pairs. */
  readonly certsDir: string
  /** State that survives a restart. Only ours: 0700. */
  readonly dataDir: string
  /** The last table that was good, in the data directory. */
  readonly snapshotFile: string
  /** `null`: off. */
  readonly https: ListenAddress | null
  /** Redirects to HTTPS. `null`: off. */
  readonly http: ListenAddress | null
  /** The port visitors see in addresses; `null`: the one HTTPS is bound to. */
  readonly publicPort: number | null
  /** `/health` and `/metrics`, loopback alone. `null`: off. */
  readonly ops: ListenAddress | null
  /** Access log. */
  readonly log: LogDestination
  /** Quietest event that is logged. */
  readonly logLevel: LogLevel
  /** How long requests in flight may go on after SIGTERM, milliseconds. */
  readonly drainMs: number
  /** `null`: there is no such secret. */
  readonly secret: (name: string) => string | null
  /** Names of all secrets, upper case, sorted. */
  readonly secretNames: readonly string[]
  /** What was chosen for every setting, and where from, in the order of `options`. */
  readonly chosen: readonly Choice[]
}

export type LogDestination =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'off' }

export interface Choice {
  readonly option: OptionName
  readonly value: string
  /** `--https`, `GATEHOUSE_HTTPS`, `/etc/gatehouse/gatehouse.env:3` or `default`. */
  readonly from: string
}

export interface ConfigProblem {
  readonly severity: 'error' | 'warning'
  readonly where: string
  readonly what: string
  readonly remedy: string
}

/** The little of a file system that configuration needs. */
export interface ConfigFiles {
  /** UTF-8; throws what `fs` throws. */
  readonly read: (path: string) => string
  /** `null`: there is nothing, or it cannot be looked at. */
  readonly kind: (path: string) => 'file' | 'directory' | 'other' | null
  /** Permission bits; `null`: unknown. */
  readonly mode: (path: string) => number | null
  /** Names of the plain files in a directory, sorted; empty when there is none. */
  readonly list: (path: string) => readonly string[]
}

/** Where this program was started, and what kind of installation it is. */
export interface Place {
  readonly cwd: string
  /** Top of the source tree when it runs from one; `null`: installed. */
  readonly checkout: string | null
}

/** Settings, their flag (`--name`) and variable (`GATEHOUSE_NAME`). A test compares docs/commands.md with it. */
export const options = [
  { name: 'config', value: '<path>', summary: 'routes.yaml, or the directory it is in' },
  { name: 'data', value: '<dir>', summary: 'state that survives a restart' },
  { name: 'certs', value: '<dir>', summary: 'certificates and keys (PEM)' },
  { name: 'https', value: '<listen>', summary: 'port, address:port, [v6]:port or off (443)' },
  { name: 'http', value: '<listen>', summary: 'the same for the redirect to HTTPS (80)' },
  { name: 'public-port', value: '<port>', summary: 'the HTTPS port visitors see, if another' },
  {
    name: 'ops',
    value: '<listen>',
    summary: '/health and /metrics, loopback only (127.0.0.1:9180)',
  },
  { name: 'log', value: '<path>', summary: 'access log: a file, stdout or off' },
  { name: 'log-level', value: '<level>', summary: 'debug, info, warn or error (info)' },
  { name: 'drain', value: '<seconds>', summary: 'time for requests in flight at SIGTERM (25)' },
  { name: 'env-file', value: '<path>', summary: 'file of NAME=value lines, for secrets too' },
] as const

export type OptionName = (typeof options)[number]['name']

/** `public-port` → `GATEHOUSE_PUBLIC_PORT`. */
export function variableOf(option: OptionName): string {
  return `GATEHOUSE_${option.toUpperCase().replaceAll('-', '_')}`
}

export interface ConfigSources {
  /** Values of the flags that were given. */
  readonly flags: Readonly<Partial<Record<OptionName, string>>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly files: ConfigFiles
  readonly place: Place
}

const systemConfigDir = '/etc/gatehouse'
const systemDataDir = '/var/lib/gatehouse'
const tableName = 'routes.yaml'
const environmentFileName = 'gatehouse.env'
const variablePrefix = 'GATEHOUSE_'
const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
/** systemd gives a service 90 s to stop and Docker 10 s; browsers give up on an answer long before. */
const defaultDrainSeconds = 25
const maxDrainSeconds = 3600

interface Chosen {
  readonly text: string
  readonly from: string
}

/**
 * A flag beats the environment, the environment beats the environment file, that beats the default.
 *
 * @returns `config: null` iff a problem is an error.
 */
export function readConfig(sources: ConfigSources): {
  readonly config: Config | null
  readonly problems: readonly ConfigProblem[]
} {
  const { flags, env, files, place } = sources
  const problems: ConfigProblem[] = []
  const fail = (where: string, what: string, remedy: string) => {
    problems.push({ severity: 'error', where, what, remedy })
  }
  const warn = (where: string, what: string, remedy: string) => {
    problems.push({ severity: 'warning', where, what, remedy })
  }

  const variables: VariableSource[] = []
  for (const [name, value] of Object.entries(env)) {
    // Compose files write `NAME=` for "not set".
    if (!name.startsWith(variablePrefix) || value === undefined || value === '') continue
    variables.push({ name, value, where: name, rank: 0 })
  }
  const before = (option: OptionName) => given(flags, variables, option)
  const named = before('env-file')
  const configBeforeEnvFile = before('config')
  const envFile = named === null ? defaultEnvFile(configBeforeEnvFile) : abs(named.text)
  if (envFile !== null) readEnvFile(envFile, named?.from ?? 'default')
  for (const variable of variables) checkVariable(variable)

  const chosen = new Map<OptionName, Chosen>()
  function choose(option: OptionName, fallback: string): Chosen {
    const choice = given(flags, variables, option) ?? { text: fallback, from: 'default' }
    chosen.set(option, choice)
    return choice
  }

  const tableAt = choose('config', place.checkout === null ? systemConfigDir : ownTable())
  const routesFile = tablePath(tableAt.text)
  const isOwnTable = place.checkout !== null && routesFile === ownTable()
  const dataDir = abs(choose('data', defaultDataDir()).text)
  const snapshotFile = join(dataDir, 'routes.snapshot.json')
  const besideTable = isOwnTable ? (place.checkout ?? '') : dirname(routesFile)
  const certsAt = choose('certs', join(besideTable, 'certs'))
  const certsDir = abs(certsAt.text)
  const https = listen('https', '443')
  const http = listen('http', '80')
  const publicPort = readPublicPort(given(flags, variables, 'public-port'))
  const ops = listen('ops', '127.0.0.1:9180')
  const log = readLog(choose('log', join(dataDir, 'log', 'access.log')).text)
  const logLevel = readLevel(choose('log-level', 'info'))
  const drainMs = readDrain(choose('drain', String(defaultDrainSeconds)))
  chosen.set('env-file', { text: envFile ?? 'none', from: named?.from ?? 'default' })

  checkPlaces()
  checkListeners()
  const credentialsDir = env.CREDENTIALS_DIRECTORY ?? null
  const { secrets, problems: secretProblems } = readSecrets(variables, { files, credentialsDir })
  problems.push(...secretProblems)

  if (problems.some((each) => each.severity === 'error')) return { config: null, problems }
  const config: Config = {
    routesFile,
    certsDir,
    dataDir,
    snapshotFile,
    https,
    http,
    publicPort,
    ops,
    log: Object.freeze(log),
    logLevel,
    drainMs,
    secret: secrets.secret,
    secretNames: secrets.names,
    chosen: Object.freeze(choices()),
  }
  return { config: Object.freeze(config), problems }

  function abs(path: string): string {
    return resolve(place.cwd, path)
  }

  function ownTable(): string {
    return join(place.checkout ?? '', 'src', tableName)
  }

  function tablePath(text: string): string {
    const path = abs(text)
    // A path that does not exist yet is taken for what its name says.
    const kind = files.kind(path)
    const isDirectory = kind === 'directory' || (kind === null && !/\.ya?ml$/i.test(path))
    return isDirectory ? join(path, tableName) : path
  }

  function defaultEnvFile(config: Chosen | null): string | null {
    if (config === null && place.checkout !== null) return null
    const path = join(dirname(tablePath(config?.text ?? systemConfigDir)), environmentFileName)
    return files.kind(path) === 'file' ? path : null
  }

  function defaultDataDir(): string {
    if (place.checkout !== null) return join(place.checkout, 'data')
    // systemd.exec(5): StateDirectory= gives the service a directory it may write, and its path in here.
    return env.STATE_DIRECTORY?.split(':')[0] || systemDataDir
  }

  function readEnvFile(path: string, from: string): void {
    let text: string
    try {
      text = files.read(path)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
      fail(from, `cannot read the environment file ${path} (${code})`, 'check path and permissions')
      return
    }
    const { lines, malformed } = parseEnvironmentFile(text)
    for (const { line, what } of malformed) fail(`${path}:${line}`, what, 'write NAME=value')
    for (const { name, value, line } of lines) {
      const where = `${path}:${line}`
      if (name === 'GATEHOUSE_ENV_FILE') {
        fail(where, `${name} cannot stand in an environment file`, 'name the file by --env-file')
      } else if (name === 'GATEHOUSE_CONFIG' && from === 'default') {
        fail(
          where,
          `${name} here comes too late: this file was found beside the table`,
          'remove it',
        )
      } else if (name.startsWith(variablePrefix)) {
        if (value !== '') variables.push({ name, value, where, rank: 1 })
      } else {
        fail(where, `${name} is not a variable of Gatehouse`, didYouMean(name))
      }
    }
    const mode = files.mode(path)
    const hasSecret = lines.some(
      ({ name }) => name.startsWith(secretPrefix) && !name.endsWith('_FILE'),
    )
    if (hasSecret && mode !== null && (mode & 0o044) !== 0) {
      warn(path, 'holds secrets and can be read by others', `chmod 600 ${path}`)
    }
  }

  function checkVariable({ name, where, rank }: VariableSource): void {
    if (name.startsWith(secretPrefix) || knownVariables.includes(name)) return
    // In the environment other programs may put such names (Kubernetes writes GATEHOUSE_PORT for a service
    // called gatehouse), so there a warning must do. Nobody else writes our file.
    const report = rank === 0 ? warn : fail
    report(where, `${name} is not a variable of Gatehouse`, didYouMean(name))
  }

  function listen(option: 'https' | 'http' | 'ops', fallback: string): ListenAddress | null {
    const { text, from } = choose(option, fallback)
    const reading = readListenAddress(text)
    if (typeof reading !== 'string') return reading.address
    fail(from, `${quote(text)} ${reading}`, `write for example ${fallback}, 127.0.0.1:8443 or off`)
    return null
  }

  function readPublicPort(choice: Chosen | null): number | null {
    chosen.set('public-port', choice ?? { text: 'as https', from: 'default' })
    if (choice === null) return null
    const port = Number(choice.text)
    if (/^\d{1,5}$/.test(choice.text) && port >= 1 && port <= 65535) return port
    fail(choice.from, `${quote(choice.text)} is not a port`, 'write a number from 1 to 65535')
    return null
  }

  function readLog(text: string): LogDestination {
    if (text === 'off') return { kind: 'off' }
    return text === 'stdout' || text === '-'
      ? { kind: 'stdout' }
      : { kind: 'file', path: abs(text) }
  }

  function readLevel({ text, from }: Chosen): LogLevel {
    const level = logLevels.find((each) => each === text)
    if (level !== undefined) return level
    fail(from, `${quote(text)} is not a log level`, `write one of ${logLevels.join(', ')}`)
    return 'info'
  }

  function readDrain({ text, from }: Chosen): number {
    const seconds = Number(text)
    if (/^\d{1,4}$/.test(text) && seconds <= maxDrainSeconds) return seconds * 1000
    fail(from, `${quote(text)} is not a number of seconds`, `write 0 to ${maxDrainSeconds}`)
    return 0
  }

  function checkPlaces(): void {
    if (files.kind(routesFile) !== 'file') {
      const remedy =
        tableAt.from === 'default'
          ? `run "gatehouse init ${systemConfigDir}", or name the table by --config`
          : 'name routes.yaml or the directory it is in; "gatehouse init <dir>" makes one'
      const what = `there is no table at ${routesFile}`
      // The last good table is kept so that a lost file does not keep the gate shut.
      if (files.kind(snapshotFile) === 'file') warn(tableAt.from, what, remedy)
      else fail(tableAt.from, what, remedy)
    }
    const dataKind = files.kind(dataDir)
    if (dataKind !== null && dataKind !== 'directory') {
      fail(chosen.get('data')?.from ?? 'data', `${dataDir} is not a directory`, 'name a directory')
    }
    if (certsAt.from !== 'default' && files.kind(certsDir) !== 'directory') {
      fail(certsAt.from, `${certsDir} is not a directory`, 'name the directory of the PEM files')
    }
  }

  function checkListeners(): void {
    if (ops !== null && !isLoopback(ops)) {
      const from = chosen.get('ops')?.from ?? 'ops'
      fail(from, 'ops must be a loopback address: it needs no login', 'write 127.0.0.1:9180 or off')
    }
    const all = [
      { name: 'https', address: https },
      { name: 'http', address: http },
      { name: 'ops', address: ops },
    ]
    for (const [index, a] of all.entries()) {
      for (const b of all.slice(index + 1)) {
        if (a.address === null || b.address === null || !overlaps(a.address, b.address)) continue
        fail(
          `--${b.name}`,
          `the same port as --${a.name} (${b.address.port})`,
          'choose another port',
        )
      }
    }
  }

  function choices(): Choice[] {
    return options.map(({ name }) => {
      const { text, from } = chosen.get(name) ?? { text: '', from: 'default' }
      return Object.freeze({ option: name, value: text, from })
    })
  }
}

const knownVariables = options.map(({ name }) => variableOf(name))

function given(
  flags: ConfigSources['flags'],
  variables: readonly VariableSource[],
  option: OptionName,
): Chosen | null {
  const flag = flags[option]
  if (flag !== undefined) return { text: flag, from: `--${option}` }
  const name = variableOf(option)
  let best: VariableSource | null = null
  for (const each of variables) {
    if (each.name === name && (best === null || each.rank < best.rank)) best = each
  }
  return best === null ? null : { text: best.value, from: best.where }
}

function didYouMean(name: string): string {
  const near = nearest(name, knownVariables)
  return near === null
    ? `known are ${knownVariables.join(', ')} and ${secretPrefix}<NAME>`
    : `did you mean ${near}?`
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
