// Files that only their owner may read: made whole or not at all, and on the disk afterwards.

import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** Replaces a file in one step: a crash leaves the old one or the new one. Mode 0600. @throws the file system's error. */
export function replacePrivateFile(file: string, data: string | Uint8Array): void {
  const next = writeBeside(file, data, 0o600)
  try {
    renameSync(next, file)
  } catch (error) {
    rmSync(next, { force: true })
    throw error
  }
  syncDirectory(dirname(file))
}

/** Makes a file that must not exist yet. @returns false: it exists, and nothing was changed. */
export function createPrivateFile(file: string, data: string | Uint8Array): boolean {
  return createFile(file, data, 0o600)
}

/** The same for a file that others may read, or not. */
export function createFile(file: string, data: string | Uint8Array, mode: number): boolean {
  const next = writeBeside(file, data, mode)
  try {
    // A rename would replace what another process has just made; a link cannot.
    linkSync(next, file)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    rmSync(next, { force: true })
  }
  syncDirectory(dirname(file))
  return true
}

/** Makes an empty file, unless there is one; what fills it later keeps the mode 0600. */
export function ensurePrivateFile(file: string): void {
  try {
    const descriptor = openSync(file, 'wx', 0o600)
    try {
      adopt(file, descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** The code of a file system's error; `null`: it has none. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error ? String(error.code) : null
}

function writeBeside(file: string, data: string | Uint8Array, mode: number): string {
  const next = `${file}.${randomBytes(6).toString('hex')}.new`
  const descriptor = openSync(next, 'wx', 0o600)
  try {
    adopt(file, descriptor)
    // A umask may have taken more than was asked for.
    if (mode !== 0o600) fchmodSync(descriptor, mode)
    writeFileSync(descriptor, data)
    fsyncSync(descriptor)
  } catch (error) {
    rmSync(next, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
  return next
}

/** What root makes in the service's place belongs to the service, or the gateway could not read it. */
function adopt(file: string, descriptor: number): void {
  const made = fstatSync(descriptor)
  if (made.uid !== 0) return
  const before = statSync(file, { throwIfNoEntry: false }) ?? statSync(dirname(file))
  if (before.uid !== 0 || before.gid !== made.gid) fchownSync(descriptor, before.uid, before.gid)
}
