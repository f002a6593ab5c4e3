// The owner's word that one exact text may weaken access, when `onWeakerAccess: hold` keeps it back.

import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { replaceFile } from './snapshot.ts'

/** Beside the snapshot. */
export function acceptedFileOf(snapshotFile: string): string {
  return join(dirname(snapshotFile), 'routes.accepted')
}

/**
 * Accepts the text with this `textHash`, and no other: an edit made after the diff was read is held again.
 * The gateway takes it over at its next reload or start.
 */
export async function acceptText(snapshotFile: string, hash: string): Promise<void> {
  await replaceFile(acceptedFileOf(snapshotFile), `${hash}\n`)
}

/** Whether the text with this hash was accepted. */
export async function isAccepted(snapshotFile: string, hash: string): Promise<boolean> {
  try {
    return (await readFile(acceptedFileOf(snapshotFile), 'utf8')).trim() === hash
  } catch {
    return false
  }
}

/** An acceptance counts once. */
export async function forgetAccepted(snapshotFile: string): Promise<void> {
  await rm(acceptedFileOf(snapshotFile), { force: true })
}
