// What a restore will do, file by file, and the doing.

import { lstatSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { GatehouseError } from '../errors.ts'
import { lockDatabaseFile } from '../store/file-store.ts'
import { createFile } from '../store/private-file.ts'
import { databaseName } from '../store/sqlite-store.ts'
import type { Content } from './backup-file.ts'
import { type Part, type Places, placeOf } from './backup-places.ts'

export interface Step {
  readonly content: Content
  readonly part: Part
  readonly path: string
  /** `differs`: there is something else in this place. */
  readonly state: 'new' | 'same' | 'differs'
}

export function makePlan(
  contents: readonly Content[],
  places: Places,
  only: readonly Part[],
): readonly Step[] {
  return contents.flatMap((content) => {
    const place = placeOf(content.name, places)
    if (place === null || !only.includes(place.part)) return []
    const unfinished = place.part === 'database' && logsOf(place.path).length > 0
    const state = stateOf(place.path, content)
    return [{ content, ...place, state: unfinished ? 'differs' : state }]
  })
}

/**
 * Puts everything in its place; what was there stays beside it under another name.
 *
 * @throws GatehouseError `store-in-use` before anything is touched; `restore-failed`.
 */
export function applyPlan(
  steps: readonly Step[],
  deps: {
    readonly dataDir: string
    readonly at: number
    readonly asCaller: <T>(run: () => T) => T
  },
): void {
  const lock = lockOf(deps.dataDir, steps)
  try {
    const stamp = new Date(deps.at).toISOString().slice(0, 19).replace(/[-:]/g, '')
    for (const step of steps) {
      // The data directory is the service's own; the rest may be in a place that root alone can write.
      if (step.part === 'database') put(step, stamp)
      else deps.asCaller(() => put(step, stamp))
    }
  } catch (cause) {
    throw new GatehouseError('restore-failed', 'not everything could be put in its place', {
      remedy:
        'mend the cause and run it again with --replace; what was there is in *.before-restore-…',
      cause,
    })
  } finally {
    lock?.release()
  }
}

function stateOf(path: string, { data }: Content): Step['state'] {
  const info = lstatSync(path, { throwIfNoEntry: false })
  if (info === undefined) return 'new'
  // A link is compared by what it leads to, and replaced as a link.
  const target = statSync(path, { throwIfNoEntry: false })
  if (target?.isFile() === true && target.size === data.length && readFileSync(path).equals(data)) {
    return 'same'
  }
  return 'differs'
}

/** A database that somebody works with is not taken from under him: what he writes would be lost. */
function lockOf(dataDir: string, steps: readonly Step[]): { release(): void } | null {
  const database = join(dataDir, databaseName)
  const replaced = steps.some(({ path, state }) => path === database && state === 'differs')
  if (!replaced || lstatSync(database, { throwIfNoEntry: false }) === undefined) return null
  const lock = lockDatabaseFile(database)
  if (lock === 'damaged') return null
  if (lock !== 'in-use') return lock
  throw new GatehouseError('store-in-use', `another process works with ${database}`, {
    remedy: 'stop the gateway and other commands first; nothing was done',
  })
}

function put({ content, part, path, state }: Step, stamp: string): void {
  if (state === 'same') return
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const aside = (from: string) => `${from}.before-restore-${stamp}Z`
  if (state === 'differs') {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) renameSync(path, aside(path))
    // A log that a killed gateway left belongs to the old database; the new one would take it for its own.
    if (part === 'database') {
      for (const suffix of logsOf(path)) renameSync(`${path}${suffix}`, `${aside(path)}${suffix}`)
    }
  }
  // As `gatehouse init` makes it: nothing in the table is secret, and people edit it.
  const mode = part === 'routes' ? 0o644 : 0o600
  if (!createFile(path, content.data, mode)) throw new Error(`${path} has appeared meanwhile`)
}

/** Suffixes of what SQLite keeps beside a database in use; left over after a crash they are a part of it. */
function logsOf(path: string): readonly string[] {
  return ['-wal', '-shm', '-journal'].filter(
    (suffix) => lstatSync(`${path}${suffix}`, { throwIfNoEntry: false }) !== undefined,
  )
}
