// A small JSON file: on disk whole or not at all, the last value wins. Not a machine's journal.

import { readFile } from 'node:fs/promises'
import type { EventLog } from '../log.ts'
import { replaceFile } from '../replace-file.ts'

export interface SmallFile {
  /** What was written last; `null`: nothing, or nothing that can be read, which is logged. Never rejects. */
  read(): Promise<unknown>
  /** Resolves when this value, or a later one, is on disk, or could not be written, which is logged. Never rejects. */
  write(value: unknown): Promise<void>
}

/** A few kilobytes are usual; anything larger is not ours. */
const maxBytes = 1_000_000

export function createSmallFile(
  path: string,
  deps: { readonly log: Pick<EventLog, 'error'> },
): SmallFile {
  let waiting: { readonly value: unknown } | null = null
  let writing: Promise<void> | null = null
  let failing = false

  async function run(): Promise<void> {
    while (waiting !== null) {
      const { value } = waiting
      waiting = null
      try {
        await replaceFile(path, `${JSON.stringify(value, null, 2)}\n`)
        failing = false
      } catch (error) {
        // Once: a full disk stays full for a while.
        if (!failing) deps.log.error('vm-file-failed', { file: path, cause: codeOf(error) })
        failing = true
      }
    }
    writing = null
  }

  return {
    async read() {
      try {
        const bytes = await readFile(path)
        if (bytes.length > maxBytes) throw new RangeError('too large')
        return JSON.parse(bytes.toString('utf8')) as unknown
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null
        deps.log.error('vm-file-unreadable', { file: path, cause: codeOf(error) })
        return null
      }
    },
    write(value) {
      waiting = { value }
      writing ??= run()
      return writing
    },
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error ? String(error.code) : error.name
}
