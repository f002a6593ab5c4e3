// `gatehouse init <dir>`: a configuration directory of one's own, so that an update never fights an edit.

import { constants } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { options, variableOf } from '../config.ts'
import { GatehouseError } from '../errors.ts'

export interface InitOptions {
  /** As it was written. */
  readonly directory: string
  readonly cwd: string
  /** The table that comes with the program. */
  readonly tableFile: string
  /** Its JSON Schema, for editors. */
  readonly schemaFile: string
  /** Then the service's user owns nothing yet, and is told how to. */
  readonly isRoot: boolean
  readonly write: (text: string) => void
}

/**
 * @returns the exit code, 0.
 * @throws GatehouseError `init-exists` before anything was written; `init-failed` when a file cannot be made.
 */
export async function init(options: InitOptions): Promise<number> {
  const { tableFile, schemaFile, write } = options
  const directory = resolve(options.cwd, options.directory)
  const table = join(directory, 'routes.yaml')
  const schema = join(directory, 'routes.schema.json')
  const environment = join(directory, 'gatehouse.env')
  const certs = join(directory, 'certs')

  const present: string[] = []
  for (const path of [table, schema, environment]) if (await exists(path)) present.push(path)
  if (present.length > 0) {
    throw new GatehouseError('init-exists', `already there: ${present.join(', ')}`, {
      remedy: 'nothing was written; name another directory, or move these away',
    })
  }
  try {
    await mkdir(directory, { recursive: true, mode: 0o755 })
    // Keys come in here.
    await mkdir(certs, { recursive: true, mode: 0o700 })
    await copy(tableFile, table)
    await copy(schemaFile, schema)
    await writeFile(environment, environmentExample(), { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    throw new GatehouseError('init-failed', `cannot fill ${directory}`, {
      remedy: 'check that the directory can be made and written by you',
      cause,
    })
  }
  write(nextSteps({ directory, isRoot: options.isRoot }))
  return 0
}

/** An environment file in which everything is commented out: it changes nothing until it is edited. */
export function environmentExample(): string {
  const settings = options.filter(({ name }) => name !== 'env-file' && name !== 'config')
  return [
    '# Settings and secrets of Gatehouse. Only its own user may read this file (mode 0600).',
    '# A flag beats the environment, the environment beats this file.',
    '',
    ...settings.flatMap((each) => [`# ${each.summary}`, `#${variableOf(each.name)}=`, '']),
    '# Secrets that routes.yaml names, as in { secret: PHOTOS_TOKEN }: the value, or the file that holds it',
    '#GATEHOUSE_SECRET_PHOTOS_TOKEN=',
    '#GATEHOUSE_SECRET_PHOTOS_TOKEN_FILE=',
    '',
  ].join('\n')
}

async function copy(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_EXCL)
  // The installed original may be read-only; this one is there to be edited.
  await chmod(to, 0o644)
}

/** A dangling link counts: writing through it would land somewhere else. */
async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch {
    return false
  }
}

function nextSteps({ directory, isRoot }: { directory: string; isRoot: boolean }): string {
  const config = directory === '/etc/gatehouse' ? '' : ` --config ${directory}`
  const steps = [
    `edit ${join(directory, 'routes.yaml')}: your domain, machines and routes`,
    `put certificates with their keys (PEM) into ${join(directory, 'certs')}`,
    ...(isRoot ? [`chown -R gatehouse: ${directory}   (the user the service runs as)`] : []),
    `gatehouse check${config}`,
    `gatehouse doctor${config}`,
    `gatehouse serve${config}`,
    `gatehouse user add <name> --admin${config}   (yourself: prints a link to enrol with)`,
  ]
  return [
    `Made ${directory} with routes.yaml, gatehouse.env and certs/.`,
    '',
    'Next:',
    ...steps.map((step, i) => `  ${i + 1}. ${step}`),
    '',
  ].join('\n')
}
