// The last good table on disk: a bad file does not stop a restart, and an unchanged one is not parsed again.

import { createHash } from 'node:crypto'
import { GatehouseError } from '../errors.ts'
import type { TableDefinition } from '../model.ts'
import { replaceFile } from '../replace-file.ts'
import { readRegularFile } from './read-file.ts'

/** Raise it when `TableDefinition` or the meaning of the file changes: older snapshots are then not believed. */
export const snapshotFormat = 5

/** Written out, a table is several times as long as its text. */
const maxSnapshotBytes = 64 * 1024 * 1024

export interface Snapshot {
  readonly definition: TableDefinition
  /** `textHash` of the text it came from. */
  readonly textHash: string
}

/**
 * Names the text of a table together with the way it is read.
 *
 * @param edition version of the program: a newer one may see faults that an older one did not.
 */
export function textHash(text: string, edition: string): string {
  return sha256(`${snapshotFormat}\n${edition}\n${text}`)
}

/**
 * Replaces the snapshot in one step: a crash leaves the old one or the new one. Only the owner may read it.
 *
 * @throws the error of the file system.
 */
export async function writeSnapshot(
  file: string,
  definition: TableDefinition,
  hash: string,
): Promise<void> {
  const body = JSON.stringify(definition)
  const head = JSON.stringify({ format: snapshotFormat, textHash: hash, sum: sha256(body) })
  await replaceFile(file, `${head}\n${body}\n`)
}

/**
 * Reads the snapshot.
 *
 * @returns `null` when there is none, or one of another format.
 * @throws GatehouseError `snapshot-damaged`; the remedy is to delete it.
 */
export async function readSnapshot(file: string): Promise<Snapshot | null> {
  let text: string
  try {
    text = await readRegularFile(file, maxSnapshotBytes)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw damaged(file, error)
  }
  const end = text.indexOf('\n')
  const body = text.slice(end + 1, -1)
  const head = readHead(text.slice(0, end))
  if (head === null) throw damaged(file, null)
  if (head.format !== snapshotFormat) return null
  // The sum finds a cut or mangled file; it is no signature, who can write here owns the gateway anyway.
  if (head.sum !== sha256(body)) throw damaged(file, null)
  return { definition: JSON.parse(body) as TableDefinition, textHash: head.textHash }
}

function readHead(line: string): { format: number; textHash: string; sum: string } | null {
  let head: unknown
  try {
    head = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof head !== 'object' || head === null) return null
  const format: unknown = Reflect.get(head, 'format')
  const hash: unknown = Reflect.get(head, 'textHash')
  const sum: unknown = Reflect.get(head, 'sum')
  if (typeof format !== 'number' || typeof hash !== 'string' || typeof sum !== 'string') return null
  return { format, textHash: hash, sum }
}

function damaged(file: string, cause: unknown): GatehouseError {
  return new GatehouseError('snapshot-damaged', `the last good table in ${file} is not readable`, {
    remedy: 'delete it; it is written again from a good routes.yaml',
    ...(cause === null ? {} : { cause }),
  })
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
