// Flags, environment and environment file → one frozen Config; every problem at once. Touches nothing but `files`.

import { dirname, join, resolve } from 'node:path'
import type { LogLevel } from './errors.ts'
import { isLoopback, type ListenAddress, overlaps, readListenAddress } from './listen-address.ts'
import { readSecrets } from './secrets.ts'
import { readSettings, type Settings, type Written } from './settings.ts'

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
  /** For `restore`, which brings the table: then its absence is no mistake. */
  readonly tableMayBeAbsent?: boolean
}

const systemConfigDir = '/etc/gatehouse'
const systemDataDir = '/var/lib/gatehouse'
const tableName = 'routes.yaml'
const environmentFileName = 'gatehouse.env'
const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
/** systemd gives a service 90 s to stop and Docker 10 s; browsers give up on an answer long before. */
const defaultDrainSeconds = 25
const maxDrainSeconds = 3600

/** What the readers of single settings share. */
interface Reading {
  readonly sources: ConfigSources
  readonly settings: Settings
  readonly problems: ConfigProblem[]
  readonly chosen: Map<OptionName, Written>
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
  const { flags, env, files } = sources
  const settings = readSettings(flags, env, {
    files,
    variableOf,
    known: options.map(({ name }) => variableOf(name)),
    resolve: (path) => absolute(path, sources),
    usualFile: (config) => usualEnvironmentFile(config, sources),
  })
  const problems = [...settings.problems]
  const reading: Reading = { sources, settings, problems, chosen: new Map() }
  const places = readPlaces(reading)
  const listeners = readListeners(reading)
  const publicPort = readPublicPort(reading)
  const log = readLog(reading, places.dataDir)
  const logLevel = readLevel(reading)
  const drainMs = readDrain(reading)
  const none: Written = { text: 'none', from: 'default' }
  reading.chosen.set('env-file', settings.file ?? none)
  const credentialsDir = env.CREDENTIALS_DIRECTORY ?? null
  const { secrets, problems: faults } = readSecrets(settings.variables, { files, credentialsDir })
  problems.push(...faults)

  if (problems.some(({ severity }) => severity === 'error')) return { config: null, problems }
  const config: Config = {
    ...places,
    ...listeners,
    publicPort,
    log: Object.freeze(log),
    logLevel,
    drainMs,
    secret: secrets.secret,
    secretNames: secrets.names,
    chosen: choices(reading),
  }
  return { config: Object.freeze(config), problems }
}

function readPlaces(
  reading: Reading,
): Pick<Config, 'routesFile' | 'certsDir' | 'dataDir' | 'snapshotFile'> {
  const { sources } = reading
  const { files } = sources
  const { checkout } = sources.place
  const ownTable = checkout === null ? null : join(checkout, 'src', tableName)
  const table = choose(reading, 'config', ownTable ?? systemConfigDir)
  const routesFile = tablePath(table.text, sources)
  const data = choose(reading, 'data', usualDataDir(sources))
  const dataDir = absolute(data.text, sources)
  const snapshotFile = join(dataDir, 'routes.snapshot.json')
  // The checkout's own table is in src/, its certificates are not.
  const beside = checkout !== null && routesFile === ownTable ? checkout : dirname(routesFile)
  const certs = choose(reading, 'certs', join(beside, 'certs'))
  const certsDir = absolute(certs.text, sources)

  if (files.kind(routesFile) !== 'file' && sources.tableMayBeAbsent !== true) {
    const remedy =
      table.from === 'default'
        ? `run "gatehouse init ${systemConfigDir}", or name the table by --config`
        : 'name routes.yaml or the directory it is in; "gatehouse init <dir>" makes one'
    // The last good table is kept so that a lost file does not keep the gate shut.
    const severity = files.kind(snapshotFile) === 'file' ? 'warning' : 'error'
    const what = `there is no table at ${routesFile}`
    reading.problems.push({ severity, where: table.from, what, remedy })
  }
  if ((files.kind(dataDir) ?? 'directory') !== 'directory') {
    fail(reading, data, { what: `${dataDir} is not a directory`, remedy: 'name a directory' })
  }
  if (certs.from !== 'default' && files.kind(certsDir) !== 'directory') {
    const remedy = 'name the directory of the PEM files'
    fail(reading, certs, { what: `${certsDir} is not a directory`, remedy })
  }
  return { routesFile, certsDir, dataDir, snapshotFile }
}

function readListeners(reading: Reading): Pick<Config, 'https' | 'http' | 'ops'> {
  const https = readListener(reading, 'https', '443')
  const http = readListener(reading, 'http', '80')
  const ops = readListener(reading, 'ops', '127.0.0.1:9180')
  if (ops !== null && (ops.host === null || !isLoopback(ops.host))) {
    fail(reading, reading.chosen.get('ops'), {
      what: 'must be a loopback address: it asks for no login',
      remedy: `write 127.0.0.1:${ops.port} or off`,
    })
  }
  const all = Object.entries({ https, http, ops })
  for (const [index, [name, address]] of all.entries()) {
    for (const [other, taken] of all.slice(0, index)) {
      if (address === null || taken === null || !overlaps(address, taken)) continue
      fail(
        reading,
        { from: `--${name}` },
        {
          what: `the same port as --${other} (${address.port})`,
          remedy: 'choose another port',
        },
      )
    }
  }
  return { https, http, ops }
}

function readListener(
  reading: Reading,
  option: 'https' | 'http' | 'ops',
  fallback: string,
): ListenAddress | null {
  const choice = choose(reading, option, fallback)
  const found = readListenAddress(choice.text)
  if (typeof found !== 'string') return found.address
  fail(reading, choice, {
    what: `${quote(choice.text)} ${found}`,
    remedy: `write for example ${fallback}, 127.0.0.1:8443 or off`,
  })
  return null
}

function readPublicPort(reading: Reading): number | null {
  const written = reading.settings.written('public-port')
  reading.chosen.set('public-port', written ?? { text: 'as https', from: 'default' })
  if (written === null) return null
  const port = Number(written.text)
  if (/^\d{1,5}$/.test(written.text) && port >= 1 && port <= 65535) return port
  fail(reading, written, {
    what: `${quote(written.text)} is not a port`,
    remedy: 'write a number from 1 to 65535',
  })
  return null
}

function readLog(reading: Reading, dataDir: string): LogDestination {
  const { text } = choose(reading, 'log', join(dataDir, 'log', 'access.log'))
  if (text === 'off') return { kind: 'off' }
  if (text === 'stdout' || text === '-') return { kind: 'stdout' }
  return { kind: 'file', path: absolute(text, reading.sources) }
}

function readLevel(reading: Reading): LogLevel {
  const choice = choose(reading, 'log-level', 'info')
  const level = logLevels.find((each) => each === choice.text)
  if (level !== undefined) return level
  fail(reading, choice, {
    what: `${quote(choice.text)} is not a log level`,
    remedy: `write one of ${logLevels.join(', ')}`,
  })
  return 'info'
}

function readDrain(reading: Reading): number {
  const choice = choose(reading, 'drain', String(defaultDrainSeconds))
  const seconds = Number(choice.text)
  if (/^\d{1,4}$/.test(choice.text) && seconds <= maxDrainSeconds) return seconds * 1000
  fail(reading, choice, {
    what: `${quote(choice.text)} is not a number of seconds`,
    remedy: `write 0 to ${maxDrainSeconds}`,
  })
  return 0
}

function choose({ settings, chosen }: Reading, option: OptionName, fallback: string): Written {
  const choice = settings.written(option) ?? { text: fallback, from: 'default' }
  chosen.set(option, choice)
  return choice
}

function choices({ chosen }: Reading): readonly Choice[] {
  const list = options.map(({ name }) => {
    const { text, from } = chosen.get(name) ?? { text: '', from: 'default' }
    return Object.freeze({ option: name, value: text, from })
  })
  return Object.freeze(list)
}

function fail(
  { problems }: Reading,
  at: { readonly from: string } | undefined,
  problem: { readonly what: string; readonly remedy: string },
): void {
  problems.push({ severity: 'error', where: at?.from ?? 'default', ...problem })
}

function absolute(path: string, { place }: ConfigSources): string {
  return resolve(place.cwd, path)
}

function tablePath(text: string, sources: ConfigSources): string {
  const path = absolute(text, sources)
  // A path that does not exist yet is taken for what its name says.
  const kind = sources.files.kind(path)
  const isDirectory = kind === 'directory' || (kind === null && !/\.ya?ml$/i.test(path))
  return isDirectory ? join(path, tableName) : path
}

function usualEnvironmentFile(config: Written | null, sources: ConfigSources): string | null {
  if (config === null && sources.place.checkout !== null) return null
  const table = tablePath(config?.text ?? systemConfigDir, sources)
  const path = join(dirname(table), environmentFileName)
  return sources.files.kind(path) === 'file' ? path : null
}

function usualDataDir({ env, place }: ConfigSources): string {
  if (place.checkout !== null) return join(place.checkout, 'data')
  // systemd.exec(5): StateDirectory= gives the service a directory it may write, and its path in here.
  return env.STATE_DIRECTORY?.split(':')[0] || systemDataDir
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
