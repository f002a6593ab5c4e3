#!/usr/bin/env node
// Composition root and command line: the only reader of process.*. Loads each command only when it is asked for.

import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs'
// As a whole: naming what an old Node does not export would end it with a syntax error, not with our message.
import * as modules from 'node:module'
import { dirname, extname, join } from 'node:path'
import { type Arguments, parseArguments } from './cli/arguments.ts'
import {
  type CommandName,
  isMachineCommand,
  isPeopleCommand,
  type MachineCommandName,
  type PeopleCommandName,
} from './cli/commands.ts'
import { failureText, problemLine, startedText } from './cli/messages.ts'
import type { Outcome } from './cli/outcome.ts'
import type { ServeDeps } from './cli/serve-types.ts'
import { type Config, type ConfigFiles, type ConfigProblem, readConfig } from './config.ts'
import { GatehouseError } from './errors.ts'
import { suits } from './node-version.ts'

/** Well, something was found or failed, a mistake in command line or settings. */
const exitCodes = { ok: 0, failed: 1, usage: 2 } as const

async function main(args: Arguments): Promise<void> {
  const { command } = args
  if (args.problems.length > 0) return usage(args.problems)
  if (command === null || command === 'help') {
    const { renderHelp } = await import('./cli/help.ts')
    const topic = args.operands.length === 0 ? null : args.operands.join(' ')
    if (args.empty) writeError(renderHelp(null))
    else writeOut(renderHelp(topic))
    return leave(args.empty ? exitCodes.usage : exitCodes.ok)
  }
  if (command === 'version') {
    writeOut(`gatehouse ${version()} (Node ${process.versions.node})\n`)
    return leave(exitCodes.ok)
  }
  try {
    if (command === 'init') return leave(await runInit(args))
    const config = configOf(args)
    if (config === null) return
    if (command === 'serve') await runServe(config)
    else if (isPeopleCommand(command)) await runForPeople(command, args, config)
    else if (isMachineCommand(command)) await runForMachines(command, args, config)
    else leave(await runCommand(command, args, config))
  } catch (error) {
    failWith(error)
  }
}

/** Settings, or `null` when they are wrong: the exit code is set then and everything has been said. */
function configOf(args: Arguments): Config | null {
  const file = args.command === 'check' ? args.operands[0] : undefined
  const settings = file === undefined ? args.settings : { ...args.settings, config: file }
  const { config, problems } = readConfig({
    flags: settings,
    env: process.env,
    files,
    place: { cwd: process.cwd(), checkout: checkout() },
    tableMayBeAbsent: args.command === 'restore',
  })
  if (config === null) {
    usage(problems)
    return null
  }
  for (const problem of problems) writeError(problemLine(problem))
  return config
}

async function runInit(args: Arguments): Promise<number> {
  const { init } = await import('./cli/init.ts')
  const here = import.meta.dirname
  return init({
    directory: args.operands[0] ?? '',
    cwd: process.cwd(),
    tableFile: join(here, 'routes.yaml'),
    schemaFile: join(here, 'routes.schema.json'),
    isRoot: process.getuid?.() === 0,
    write: writeOut,
  })
}

async function runCommand(
  command: Exclude<
    CommandName,
    PeopleCommandName | MachineCommandName | 'help' | 'version' | 'init' | 'serve'
  >,
  args: Arguments,
  config: Config,
): Promise<number> {
  const asJson = args.flags.has('json')
  const base = { config, write: writeOut, asJson }
  switch (command) {
    case 'check': {
      const { check } = await import('./cli/check.ts')
      const { lookup } = await import('node:dns')
      const { resolveWithin } = await import('./proxy/lookup.ts')
      return check({
        ...base,
        cwd: process.cwd(),
        strict: args.flags.has('strict'),
        againstRunning: args.flags.has('against-running'),
        resolve: resolveWithin(lookup, resolveMs),
      })
    }
    case 'routes': {
      const { routes } = await import('./cli/routes.ts')
      return routes(base)
    }
    case 'explain': {
      const { explain } = await import('./cli/explain.ts')
      const { readRequest } = await import('./cli/explain-request.ts')
      return explain({ ...base, request: readRequest(args.operands[0] ?? '', args.flags) })
    }
    case 'doctor': {
      const { doctor } = await import('./cli/doctor.ts')
      return doctor({
        ...base,
        offline: args.flags.has('offline'),
        timeout: args.flags.get('timeout') ?? null,
        userId: process.getuid?.() ?? null,
        memoryLimitBytes: process.constrainedMemory(),
        now: Date.now,
      })
    }
    case 'backup': {
      const { backup } = await import('./cli/backup.ts')
      return backup({
        ...base,
        ...(await fileAccess(config)),
        version: version(),
        output: args.flags.get('output') ?? null,
        encrypt: args.flags.has('encrypt'),
      })
    }
    case 'restore': {
      const { restore } = await import('./cli/restore.ts')
      return restore({
        ...base,
        ...(await fileAccess(config)),
        file: args.operands[0] ?? '',
        dryRun: args.flags.has('dry-run'),
        replace: args.flags.get('replace') ?? null,
        only: args.flags.get('only') ?? null,
        isRoot: process.getuid?.() === 0,
      })
    }
    case 'key rotate': {
      const { rotateKey } = await import('./cli/key.ts')
      await fileAccess(config)
      return rotateKey(base)
    }
    default:
      return command satisfies never
  }
}

/** Commands that work on the database, beside the gateway or without it. */
async function runForPeople(
  command: PeopleCommandName,
  args: Arguments,
  config: Config,
): Promise<void> {
  if (command === 'user add' || command === 'user import') makeDataDirectory(config.dataDir)
  const { asCaller, now } = await fileAccess(config)
  const { runPeople } = await import('./cli/people.ts')
  const outcome = await runPeople(command, {
    config,
    operands: args.operands,
    flags: args.flags,
    now,
    randomBytes,
    asCaller,
    writeError,
  })
  finish(outcome)
}

/** Commands that only ask the gateway that runs. */
async function runForMachines(
  command: MachineCommandName,
  args: Arguments,
  config: Config,
): Promise<void> {
  const { runMachines } = await import('./cli/machines.ts')
  const { operands, flags } = args
  finish(await runMachines(command, { config, operands, flags, now: Date.now }))
}

function finish(outcome: Outcome): void {
  if (outcome.kind === 'mistaken') usage(outcome.problems)
  else {
    writeError(outcome.error)
    writeOut(outcome.out)
    leave(outcome.code)
  }
}

/** What commands get that read and write the gateway's own files. From here on, what this process makes is the gateway's. */
async function fileAccess(config: Config) {
  process.umask(0o077)
  const { askPassphrase } = await import('./cli/ask-passphrase.ts')
  return {
    cwd: process.cwd(),
    now: Date.now,
    asCaller: becomeOwnerOf(config.dataDir),
    askPassphrase: (question: string) => askPassphrase(question, process.stdin, writeError),
  }
}

/**
 * Root works as the owner of the data directory: a file that root made there would lock the gateway out, and a link
 * that a gateway in bad hands had laid there would lead root anywhere.
 *
 * @returns runs something as root again, for files that root alone can read.
 * @throws GatehouseError `data-directory` where root may not become anybody, as in some containers.
 */
function becomeOwnerOf(directory: string): <T>(run: () => T) => T {
  const owner = look(directory)
  const { setegid, seteuid, setgroups } = process
  if (process.geteuid?.() !== 0 || owner === null || owner.uid === 0) return (run) => run()
  if (setegid === undefined || seteuid === undefined || setgroups === undefined)
    return (run) => run()
  const { uid, gid } = owner
  const become = () => {
    setegid(gid)
    seteuid(uid)
  }
  try {
    setgroups([gid])
    become()
  } catch (cause) {
    throw new GatehouseError(
      'data-directory',
      `${directory} belongs to the user ${uid}, and root cannot act as that user here`,
      {
        remedy: `run this as that user: sudo -u '#${uid}' gatehouse …`,
        cause,
      },
    )
  }
  return (run) => {
    seteuid(0)
    setegid(0)
    try {
      return run()
    } finally {
      become()
    }
  }
}

async function runServe(config: Config): Promise<void> {
  // Nothing this process makes is anybody else's to read: log, table, keys.
  process.umask(0o077)
  makeDataDirectory(config.dataDir)
  // Before the gateway's own files are loaded, or they are compiled anew at every start. NODE_COMPILE_CACHE wins.
  if (process.env.NODE_COMPILE_CACHE === undefined) {
    modules.enableCompileCache(join(config.dataDir, 'cache'))
  }
  const { createLifecycle } = await import('./cli/lifecycle.ts')
  const lifecycle = createLifecycle({
    drainMs: config.drainMs,
    exit: leave,
    now: () => performance.now(),
    say: (line) => writeError(`gatehouse: ${line}\n`),
    after: (ms, run) => {
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    },
  })
  process.on('SIGHUP', () => lifecycle.signal('SIGHUP'))
  process.on('SIGTERM', () => lifecycle.signal('SIGTERM'))
  process.on('SIGINT', () => lifecycle.signal('SIGINT'))
  process.on('uncaughtException', (error) => lifecycle.bug('uncaught-exception', error))
  process.on('unhandledRejection', (reason) => lifecycle.bug('unhandled-rejection', reason))

  const { serve } = await import('./cli/serve.ts')
  const running = await serve(config, serveDeps())
  writeError(startedText(config, running.addresses(), version()))
  lifecycle.attach(running)
  // Written now and not at the exit, which a killed process never reaches.
  setImmediate(modules.flushCompileCache)
}

function serveDeps(): ServeDeps {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = process.env
  // sd_listen_fds(3): or a child process would take the sockets for its own.
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete process.env[name]
  return {
    version: version(),
    pid: process.pid,
    nodeVersion: process.versions.node,
    now: Date.now,
    startedAt: Date.now() - process.uptime() * 1000,
    memoryUsage: process.memoryUsage,
    cpuUsage: () => process.cpuUsage(),
    environment: process.env,
    writeOut,
    writeError,
    activation: { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES },
  }
}

function makeDataDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new GatehouseError('data-directory', `cannot make the data directory ${directory}`, {
      remedy: 'make it for the user of the gateway, or name another one by --data',
      cause,
    })
  }
}

/** The top of the source tree, when this file is a source and not the build's output. */
function checkout(): string | null {
  return extname(import.meta.filename) === '.ts' ? dirname(import.meta.dirname) : null
}

function version(): string {
  return manifest().version
}

function manifest(): { version: string; engines: { node: string } } {
  const text = readFileSync(join(dirname(import.meta.dirname), 'package.json'), 'utf8')
  return JSON.parse(text)
}

function usage(problems: readonly ConfigProblem[]): void {
  for (const problem of problems) writeError(problemLine(problem))
  const errors = problems.filter(({ severity }) => severity === 'error').length
  writeError(`${errors} ${errors === 1 ? 'mistake' : 'mistakes'}; nothing was done.\n`)
  leave(exitCodes.usage)
}

function failWith(error: unknown): void {
  writeError(failureText(error))
  leave(exitCodes.failed)
}

/** Ends the process once everything written has been handed over. Names and timers left over do not hold it. */
function leave(code: number): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
}

function writeOut(text: string): void {
  process.stdout.write(text)
}

function writeError(text: string): void {
  process.stderr.write(text)
}

const files: ConfigFiles = {
  read: (path) => readFileSync(path, 'utf8'),
  kind: (path) => {
    const stat = look(path)
    if (stat === null) return null
    return stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other'
  },
  mode: (path) => {
    const stat = look(path)
    return stat === null ? null : stat.mode & 0o777
  },
  list: (path) => {
    try {
      const entries = readdirSync(path, { withFileTypes: true })
      return entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort()
    } catch {
      return []
    }
  },
}

/** `null`: nothing is there, or a directory on the way is closed to us. */
function look(path: string): Stats | null {
  try {
    return statSync(path)
  } catch {
    return null
  }
}

/** How long `check` waits for an address, milliseconds. */
const resolveMs = 3_000

process.title = 'gatehouse'
// A reader that left (`gatehouse routes | head`) ends a command, and must not end the gateway.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})
const { node } = manifest().engines
if (suits(process.versions.node, node)) await main(parseArguments(process.argv.slice(2)))
else {
  writeError(`gatehouse: error: this is Node ${process.versions.node}; Gatehouse needs ${node}\n`)
  leave(exitCodes.usage)
}
