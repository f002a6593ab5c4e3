// `gatehouse restore`: puts a backup in its place on this machine, after everything in it was verified.

import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Config } from '../config.ts'
import { controlPath } from '../control.ts'
import { GatehouseError } from '../errors.ts'
import { sizeOf } from './backup.ts'
import { type Backup, readBackupHead, unpackBackup } from './backup-file.ts'
import { type Part, type Places, parts, placesOf } from './backup-places.ts'
import { askGateway } from './control-client.ts'
import { applyPlan, makePlan, type Step } from './restore-plan.ts'
import { verifyContents } from './restore-verify.ts'

export interface RestoreOptions {
  readonly config: Config
  readonly cwd: string
  /** The backup, as it was written. */
  readonly file: string
  /** Verifies and says what would be done. */
  readonly dryRun: boolean
  /** Parts that may replace what is there, comma-separated; `null`: none. */
  readonly replace: string | null
  /** Parts to restore, comma-separated; `null`: all. */
  readonly only: string | null
  /** Asks on the terminal; `null`: there is none. The secret `BACKUP_PASSPHRASE` is asked first. */
  readonly askPassphrase: (question: string) => Promise<string | null>
  /** Runs something as whoever called, where that is another user than the gateway's. */
  readonly asCaller: <T>(run: () => T) => T
  /** Then what was made may not be the service's, and that is said. */
  readonly isRoot: boolean
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly write: (text: string) => void
}

/**
 * @returns the exit code: 1 when something is in the way: a gateway that runs, or files that differ. A dry run returns
 *   0 when the backup is whole.
 * @throws GatehouseError before anything was touched: `not-a-backup`, `backup-unreadable`, `backup-damaged`,
 *   `backup-newer`, `passphrase-missing`, `passphrase-wrong`, `part-unknown`, `store-in-use`. `restore-failed` when the
 *   disk fails midway: then some files are new, and the old ones are beside them.
 */
export async function restore(options: RestoreOptions): Promise<number> {
  const { config, write, dryRun } = options
  const replace = readParts(options.replace, [])
  const only = readParts(options.only, parts)
  const backup = await open(options)
  const summary = await verifyContents(backup.contents)
  write(`Backup of ${new Date(backup.createdAt).toISOString()}, made by ${backup.madeBy}.\n`)
  for (const line of summary) write(`  ${line}\n`)

  const places = placesOf(config)
  const steps = plan(options, { contents: backup.contents, places, only })
  for (const step of steps) write(`  ${lineOf(step, replace)}\n`)
  const blocked = steps.filter(({ state, part }) => state === 'differs' && !replace.includes(part))
  const running = await isRunning(config)
  if (blocked.length > 0) {
    const names = [...new Set(blocked.map(({ part }) => part))].join(',')
    write(`What is marked ! is there and differs. To replace it: --replace ${names}\n`)
  }
  if (running) write(`A gateway runs on ${places.dataDir}: stop it first.\n`)
  if (dryRun) {
    write('Everything in the backup is whole. Nothing was done (--dry-run).\n')
    return 0
  }
  if (running || blocked.length > 0) {
    write('Nothing was done.\n')
    return 1
  }
  applyPlan(steps, { dataDir: places.dataDir, at: options.now(), asCaller: options.asCaller })
  write('Restored.\n')
  for (const line of nextSteps(options, steps)) write(`${line}\n`)
  return 0
}

function plan(
  { asCaller }: RestoreOptions,
  {
    contents,
    places,
    only,
  }: { contents: Backup['contents']; places: Places; only: readonly Part[] },
): readonly Step[] {
  try {
    return asCaller(() => makePlan(contents, places, only))
  } catch (cause) {
    throw new GatehouseError('restore-failed', 'what is in the way cannot be looked at', {
      remedy: 'nothing was done; run this as root, or as the user of the gateway',
      cause,
    })
  }
}

/** Nobody's backup is larger, bytes; it is held in memory. */
const maxBackupBytes = 1024 * 1024 * 1024

async function open(options: RestoreOptions): Promise<Backup> {
  const path = resolve(options.cwd, options.file)
  let file: Buffer
  try {
    file = options.asCaller(() => {
      const info = statSync(path)
      if (!info.isFile() || info.size > maxBackupBytes) {
        throw new GatehouseError('not-a-backup', `${path} is no backup of Gatehouse`)
      }
      return readFileSync(path)
    })
  } catch (cause) {
    if (cause instanceof GatehouseError) throw cause
    throw new GatehouseError('backup-unreadable', `cannot read ${path}`, { cause })
  }
  if (!readBackupHead(file).encrypted) return unpackBackup(file, null)
  const { config, askPassphrase } = options
  const given = config.secret('BACKUP_PASSPHRASE')
  const passphrase = given ?? (await askPassphrase('Passphrase of the backup: '))
  if (passphrase !== null) return unpackBackup(file, passphrase)
  throw new GatehouseError('passphrase-missing', 'the backup is encrypted, and nobody is to ask', {
    remedy: 'set GATEHOUSE_SECRET_BACKUP_PASSPHRASE or GATEHOUSE_SECRET_BACKUP_PASSPHRASE_FILE',
  })
}

function readParts(text: string | null, unsaid: readonly Part[]): readonly Part[] {
  if (text === null) return unsaid
  return text.split(',').map((word) => {
    const part = parts.find((each) => each === word.trim())
    if (part !== undefined) return part
    throw new GatehouseError('part-unknown', `a backup has no part ${JSON.stringify(word)}`, {
      remedy: `write some of ${parts.join(',')}`,
    })
  })
}

/** Also when it cannot be asked: a socket that somebody listens on is enough. */
async function isRunning({ dataDir }: Config): Promise<boolean> {
  return (await askGateway(controlPath(dataDir), { do: 'hello' })).kind !== 'absent'
}

function lineOf({ state, part, path, content }: Step, replace: readonly Part[]): string {
  const mark = state !== 'differs' ? ' ' : replace.includes(part) ? '~' : '!'
  const words = { new: 'new', same: 'as it is', differs: 'replaces what is there' }
  return `${mark} ${path}: ${words[state]} (${part}, ${sizeOf(content.data.length)})`
}

function nextSteps({ isRoot, config }: RestoreOptions, steps: readonly Step[]): string[] {
  const lines: string[] = []
  if (steps.some(({ state }) => state === 'differs')) {
    lines.push('What was there before is beside it, as *.before-restore-…')
  }
  if (isRoot) {
    const { dataDir, routesFile } = placesOf(config)
    const places = `${dataDir} ${dirname(routesFile)}`
    lines.push(`If the service has a user of its own: chown -R gatehouse: ${places}`)
  }
  lines.push('Next: gatehouse check, gatehouse doctor, then start the gateway.')
  return lines
}
