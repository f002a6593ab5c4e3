// routes.yaml on the disk: read as it is, replaced in one step, with the owner and the mode it had.

import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { codeOf } from '../../caught.ts'
import { GatehouseError } from '../../errors.ts'

export interface WholeFile {
  readonly text: string
  /** Names the bytes. */
  readonly etag: string
  /** Where the bytes are: links followed. */
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** As the reader's own limit, in bytes: YAML is read up to 1 MiB of characters. */
const maxBytes = 4 * 1024 * 1024

/** What a crash left beside the file begins so, and nothing of anybody else's does. */
const prefix = '.gatehouse-'

/**
 * Reads the file.
 *
 * @throws GatehouseError `routes-unreadable`: there is none, it is none, or it is not UTF-8. What is not understood byte for
 *   byte cannot be written back byte for byte.
 */
export async function readWhole(file: string): Promise<WholeFile> {
  try {
    const path = await realpath(file)
    // Without O_NONBLOCK the opening of a FIFO waits for a writer, for ever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const { mode, uid, gid, size } = await handle.stat().then(regular)
      if (size > maxBytes) throw unreadable(file, 'is too large', null)
      const bytes = await handle.readFile()
      return { ...decode(file, bytes), path, mode: mode & 0o777, uid, gid }
    } finally {
      await handle.close()
    }
  } catch (cause) {
    if (cause instanceof GatehouseError) throw cause
    throw unreadable(file, `cannot be read (${codeOf(cause)})`, cause)
  }
}

export function etagOf(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('base64url').slice(0, 27)
}

/**
 * Writes a neighbour, and renames it over the file: a crash at any moment leaves the old text or the new one, whole.
 *
 * @returns false: the file is another than `old`, and stays.
 * @throws GatehouseError `routes-unwritable`.
 */
export async function replaceWhole(old: WholeFile, text: string): Promise<boolean> {
  const folder = dirname(old.path)
  const next = join(folder, `${prefix}${basename(old.path)}-${randomBytes(6).toString('hex')}`)
  try {
    await sweep(folder, basename(old.path))
    const handle = await open(next, 'wx', old.mode)
    try {
      await adopt(handle, old)
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    // Again, and as late as can be: an editor may have saved while this was written.
    if ((await readWhole(old.path)).etag !== old.etag) return false
    await rename(next, old.path)
    await syncFolder(folder)
    return true
  } catch (cause) {
    if (cause instanceof GatehouseError && cause.code === 'routes-unreadable') return false
    throw unwritable(old.path, cause)
  } finally {
    await rm(next, { force: true })
  }
}

function decode(file: string, bytes: Buffer): { readonly text: string; readonly etag: string } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return { text, etag: etagOf(bytes) }
  } catch (cause) {
    throw unreadable(file, 'is not UTF-8', cause)
  }
}

function regular<T extends { isFile(): boolean }>(info: T): T {
  if (!info.isFile()) throw new GatehouseError('routes-unreadable', 'is not a regular file')
  return info
}

/** Mode and owner as they were; a process that may not give files away keeps what it makes. */
async function adopt(handle: FileHandle, { mode, uid, gid }: WholeFile): Promise<void> {
  try {
    await handle.chown(uid, gid)
  } catch {
    // Not root: the file is ours now, readable by whoever could read it.
  }
  // Whatever umask says, and after the owner, for a change of owner may take bits away.
  await handle.chmod(mode)
}

/** Neighbours of an earlier crash. */
async function sweep(folder: string, name: string): Promise<void> {
  const left = (await readdir(folder)).filter((each) => each.startsWith(`${prefix}${name}-`))
  for (const each of left) await rm(join(folder, each), { force: true })
}

/** A file system that cannot do this has renamed all the same. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch {
    // Only the moment of a power cut is at stake.
  }
}

function unreadable(file: string, what: string, cause: unknown): GatehouseError {
  return new GatehouseError('routes-unreadable', `${basename(file)} ${what}`, {
    remedy: 'check path, permissions and encoding',
    ...(cause === null ? {} : { cause }),
  })
}

function unwritable(path: string, cause: unknown): GatehouseError {
  const code = codeOf(cause)
  const remedies: Readonly<Record<string, string>> = {
    EACCES: `let the gateway's user write in ${dirname(path)}: a file is replaced whole, beside the old one`,
    EPERM: `let the gateway's user write in ${dirname(path)}: a file is replaced whole, beside the old one`,
    EROFS: `${dirname(path)} is read-only for the gateway: make it writable, under systemd with ReadWritePaths=`,
    EBUSY: 'mount the folder into the container, not the file alone',
    ENOSPC: 'make room on the disk',
  }
  const message = `${basename(path)} cannot be written (${code}); it is as it was`
  return new GatehouseError('routes-unwritable', message, {
    remedy: remedies[code] ?? 'check the folder it is in',
    cause,
  })
}
