// The owner's word that one exact text may weaken access, when `onWeakerAccess: hold` keeps it back.

import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { replaceFile } from '../replace-file.ts'

/** Beside the snapshot: who may write there may say yes. */
export function acceptedFileOf(snapshotFile: string): string {
  return join(dirname(snapshotFile), 'routes.accepted')
}

/**
 * Accepts this text and no other: an edit made after the changes were read is held again. The gateway takes
 * it over at its next reload or start. The file is what `sha256sum routes.yaml` prints, so that a shell can
 * write it too.
 *
 * @throws the error of the file system.
 */
export async function acceptText(snapshotFile: string, text: string): Promise<void> {
  await replaceFile(acceptedFileOf(snapshotFile), `${sumOf(text)}\n`)
}

/** Whether this very text was accepted. */
export async function isAccepted(snapshotFile: string, text: string): Promise<boolean> {
  try {
    const accepted = await readFile(acceptedFileOf(snapshotFile), 'utf8')
    return accepted.split(/\s/, 1)[0] === sumOf(text)
  } catch {
    return false
  }
}

/** An acceptance counts once. */
export async function forgetAccepted(snapshotFile: string): Promise<void> {
  await rm(acceptedFileOf(snapshotFile), { force: true })
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
