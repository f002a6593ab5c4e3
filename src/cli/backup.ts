// `gatehouse backup`: database, key, table, environment file and certificates in one file, also while the gateway runs.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join, relative, resolve } from 'node:path'
import type { Config } from '../config.ts'
import { parseEnvironmentFile } from '../env-file.ts'
import { GatehouseError } from '../errors.ts'
import type { TableDefinition } from '../model.ts'
import { readTable } from '../routes-file/read.ts'
import { secretPrefix } from '../secrets.ts'
import { createKeyRing } from '../store/key-file.ts'
import { codeOf, createPrivateFile } from '../store/private-file.ts'
import { copyDatabase, databaseName, keyName } from '../store/sqlite-store.ts'
import { type Content, packBackup } from './backup-file.ts'
import { placesOf } from './backup-places.ts'

export interface BackupOptions {
  readonly config: Config
  readonly cwd: string
  /** Of package.json. */
  readonly version: string
  /** Where to, as it was written; `null`: a name with the date, in `cwd`. */
  readonly output: string | null
  readonly encrypt: boolean
  /** Asks on the terminal; `null`: there is none. The secret `BACKUP_PASSPHRASE` is asked first. */
  readonly askPassphrase: (question: string) => Promise<string | null>
  /** Runs something as whoever called, where that is another user than the gateway's. */
  readonly asCaller: <T>(run: () => T) => T
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly write: (text: string) => void
}

/**
 * @returns the exit code, 0.
 * @throws GatehouseError `backup-exists`, `backup-failed`, `passphrase-missing`, `passphrase-short`; what
 *   `copyDatabase` throws. There is no file then.
 */
export async function backup(options: BackupOptions): Promise<number> {
  const { config, write, now } = options
  const createdAt = now()
  const output = resolve(options.cwd, options.output ?? defaultName(createdAt))
  if (options.asCaller(() => statSync(output, { throwIfNoEntry: false })) !== undefined) {
    throw exists(output)
  }
  const passphrase = options.encrypt ? await newPassphrase(options) : null
  const contents = [...(await databaseOf(config)), ...filesOf(config)]
  const packed = packBackup({ createdAt, madeBy: options.version, contents }, passphrase)
  try {
    if (!options.asCaller(() => createPrivateFile(output, packed))) throw exists(output)
  } catch (cause) {
    if (cause instanceof GatehouseError) throw cause
    throw new GatehouseError('backup-failed', `cannot write ${output}`, {
      remedy: 'name a place that can be written by --output',
      cause,
    })
  }
  for (const { name, data } of contents) write(`  ${name.padEnd(32)}${sizeOf(data.length)}\n`)
  write(`${output}: ${sizeOf(packed.length)}, ${contents.length} files\n`)
  for (const line of remarks(config, contents)) write(`${line}\n`)
  if (passphrase === null) {
    write(
      'It is not encrypted: whoever has this file has the gateway. --encrypt asks for a passphrase.\n',
    )
  }
  return 0
}

/** How often the database is copied again when its key is changed meanwhile. */
const maxTries = 3
const copyBusyMs = 5_000
/** Nobody remembers a longer one, and a shorter one can be found by trying. */
const minPassphraseLength = 12

function defaultName(at: number): string {
  const stamp = new Date(at).toISOString().slice(0, 19).replace(/[-:]/g, '')
  return `gatehouse-${stamp}Z.backup`
}

function exists(output: string): GatehouseError {
  return new GatehouseError('backup-exists', `${output} exists`, {
    remedy: 'nothing was written; name another file by --output',
  })
}

async function newPassphrase({ config, askPassphrase }: BackupOptions): Promise<string> {
  const given = config.secret('BACKUP_PASSPHRASE')
  const passphrase = given ?? (await askPassphrase('Passphrase for the backup: '))
  if (passphrase === null) {
    throw new GatehouseError('passphrase-missing', 'there is no passphrase, and nobody to ask', {
      remedy: 'set GATEHOUSE_SECRET_BACKUP_PASSPHRASE or GATEHOUSE_SECRET_BACKUP_PASSPHRASE_FILE',
    })
  }
  if ([...passphrase].length < minPassphraseLength) {
    const message = `the passphrase is shorter than ${minPassphraseLength} characters`
    throw new GatehouseError('passphrase-short', message, { remedy: 'take a few words' })
  }
  if (given === null && (await askPassphrase('Once more: ')) !== passphrase) {
    throw new GatehouseError('passphrase-differs', 'these are two different passphrases')
  }
  return passphrase
}

/** The database as it is at one moment, with the one key that opens it. */
async function databaseOf({ dataDir, secret }: Config): Promise<Content[]> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-backup-'))
  try {
    for (let tries = 1; ; tries += 1) {
      const to = join(directory, `${tries}.db`)
      const file = join(dataDir, databaseName)
      const keyId = await copyDatabase({ file, to, log: quiet, busyMs: copyBusyMs })
      if (keyId === null) return []
      // Read after the copy; a rotation in between leaves the copy with a key that is gone, and a new copy is made.
      const keys = createKeyRing({ file: join(dataDir, keyName), secret })
      if (keys.find(keyId) !== null) {
        const key = keys.export([keyId])
        return [
          { name: databaseName, data: readFileSync(to) },
          { name: keyName, data: Buffer.from(key) },
        ]
      }
      if (tries < maxTries) continue
      throw new GatehouseError(
        'key-wrong',
        `the encryption key ${keyId} of the database is not here`,
        {
          remedy: `put back ${keys.file}, or set the secret ENCRYPTION_KEY`,
        },
      )
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const quiet = { error() {}, warn() {} }

/** The files that people wrote; what is not there is left out. */
function filesOf(config: Config): Content[] {
  const { routesFile, environmentFile, certsDir } = placesOf(config)
  return [
    ...contentOf('routes.yaml', routesFile),
    ...contentOf('gatehouse.env', environmentFile),
    ...certificatesIn(certsDir, 'certs'),
  ]
}

function contentOf(name: string, path: string): Content[] {
  try {
    return [{ name, data: readFileSync(path) }]
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return []
    throw new GatehouseError('backup-failed', `cannot read ${path}`, {
      remedy: 'run this as root, or as the user of the gateway',
      cause,
    })
  }
}

/** As deep as certificates are looked for: the folder and its subfolders. Links are followed: certbot makes them. */
function certificatesIn(folder: string, name: string, depth = 0): Content[] {
  let entries: string[]
  try {
    entries = readdirSync(folder).sort()
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return []
    throw new GatehouseError('backup-failed', `cannot read ${folder}`, { cause })
  }
  return entries.flatMap((entry) => {
    const path = join(folder, entry)
    const info = statSync(path, { throwIfNoEntry: false })
    if (entry.startsWith('.') || info === undefined) return []
    if (info.isDirectory()) return depth > 0 ? [] : certificatesIn(path, `${name}/${entry}`, 1)
    return info.isFile() ? contentOf(`${name}/${entry}`, path) : []
  })
}

/** What a new machine would miss. */
function remarks(config: Config, contents: readonly Content[]): string[] {
  const lines: string[] = []
  if (!contents.some(({ name }) => name === databaseName)) {
    lines.push(`There is no database in ${config.dataDir} yet.`)
  }
  const environment = contents.find(({ name }) => name === 'gatehouse.env')
  const missing = secretsElsewhere(config, environment?.data.toString('utf8') ?? '')
  if (missing.length > 0) {
    lines.push(
      `Not in it, since they come from outside the environment file: the secrets ${missing.join(', ')}`,
    )
  }
  const table = contents.find(({ name }) => name === 'routes.yaml')
  const files = table === undefined ? [] : filesOutside(config, table.data.toString('utf8'))
  if (files.length > 0) lines.push(`Not in it, though the table names them: ${files.join(', ')}`)
  return lines
}

function secretsElsewhere(config: Config, environment: string): string[] {
  const written = parseEnvironmentFile(environment).lines.map(({ name }) => name.toUpperCase())
  // These two are about the backup itself.
  const known = ['ENCRYPTION_KEY', 'ENCRYPTION_KEY_PREVIOUS', 'BACKUP_PASSPHRASE']
  return config.secretNames.filter(
    (name) => !known.includes(name) && !written.includes(`${secretPrefix}${name}`),
  )
}

function filesOutside(config: Config, text: string): string[] {
  const { definition } = readTable(text)
  if (definition === null) return []
  const { certsDir } = config
  const outside = certificateFiles(definition).filter((file) => {
    const path = relative(certsDir, resolve(config.routesFile, '..', file))
    return path.startsWith('..') || isAbsolute(path)
  })
  return [...new Set(outside)].sort()
}

function certificateFiles(table: TableDefinition): string[] {
  const files = [table.originPullCaFile]
  for (const { target } of table.routes) {
    if (target.kind !== 'upstream' || target.tls === null) continue
    const { caFile, clientCertificate } = target.tls
    files.push(caFile, clientCertificate?.certFile ?? null, clientCertificate?.keyFile ?? null)
  }
  return files.filter((file) => file !== null)
}

/** `1234567` → `1.2 MB`. */
export function sizeOf(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  return bytes < 1_000_000
    ? `${(bytes / 1000).toFixed(1)} kB`
    : `${(bytes / 1_000_000).toFixed(1)} MB`
}
