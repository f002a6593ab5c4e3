// A saved change that undoes itself unless it is confirmed; also when the gateway is started again meanwhile.

import { readFile, rm } from 'node:fs/promises'
import type { EventLog } from '../../log.ts'
import { replaceFile } from '../../replace-file.ts'
import { readWhole, replaceWhole } from './whole-file.ts'

export interface Undo {
  /** Of the text that was saved: when the file is another meanwhile, nothing is undone. */
  readonly etag: string
  /** The text before. */
  readonly text: string
  /** Who saved. */
  readonly by: string
}

/** Remembers what to undo. Resolves when it is on the disk. @throws the file system's error. */
export async function rememberUndo(file: string, undo: Undo): Promise<void> {
  await replaceFile(file, JSON.stringify(undo))
}

export async function forgetUndo(file: string): Promise<void> {
  await rm(file, { force: true })
}

/**
 * For the start of the gateway, before the table is read: a change that nobody confirmed before it stopped is undone.
 *
 * @param accept accepts a text that `onWeakerAccess: hold` would hold back.
 * @returns whether something was undone. Never rejects: a start is worth more than an undoing.
 */
export async function undoUnconfirmed(deps: {
  /** routes.yaml. */
  readonly file: string
  readonly undoFile: string
  readonly accept: (text: string) => Promise<void>
  readonly log: EventLog
}): Promise<boolean> {
  const { file, undoFile, log } = deps
  try {
    const undo = await recall(undoFile)
    if (undo === null) return false
    const now = await readWhole(file)
    let undone = false
    if (now.etag === undo.etag) {
      await deps.accept(undo.text)
      undone = await replaceWhole(now, undo.text)
    }
    await forgetUndo(undoFile)
    if (undone)
      log.warn('routes-undone', {
        file,
        by: undo.by,
        why: 'not confirmed before the gateway stopped',
      })
    return undone
  } catch (error) {
    log.error('routes-undo-failed', {
      file,
      error: error instanceof Error ? error.message : 'unknown',
    })
    return false
  }
}

async function recall(file: string): Promise<Undo | null> {
  let read: unknown
  try {
    read = JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return null
  }
  if (typeof read !== 'object' || read === null) return null
  const field = (key: string): unknown => Reflect.get(read, key)
  const [etag, text, by] = [field('etag'), field('text'), field('by')]
  if (typeof etag !== 'string' || typeof text !== 'string' || typeof by !== 'string') return null
  return { etag, text, by }
}
