// Notices that a file changed, however that was done: in place, by rename, by a symbolic link, after its directory came back.

import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface FileWatch {
  /** Resolves when the file was looked at for the first time: what changes from then on is noticed. */
  readonly ready: Promise<void>
  close(): void
}

/**
 * Calls `onChange` when the file is another than before. The directory is watched, because editors write a
 * new file and rename it; a slow poll catches what no event tells: a link whose target is edited, network
 * file systems, a directory that was removed and made again.
 *
 * @param times `debounceMs`: rest after an event, so that a half-written file is rarely read; default 200.
 *   `pollMs`: default 5000.
 */
export function watchFile(
  file: string,
  onChange: () => void,
  times: { readonly debounceMs?: number; readonly pollMs?: number } = {},
): FileWatch {
  const { debounceMs = 200, pollMs = 5000 } = times
  let known: string | null = null
  let closed = false
  let watcher: FSWatcher | null = null
  let rest: NodeJS.Timeout | null = null

  function arm(): void {
    if (watcher !== null || closed) return
    try {
      watcher = watch(dirname(file), { persistent: false }, soon)
      watcher.on('error', disarm)
    } catch {
      // No such directory, or no more watches: the poll tries again.
    }
  }

  function disarm(): void {
    watcher?.close()
    watcher = null
  }

  function soon(): void {
    if (rest !== null) clearTimeout(rest)
    rest = setTimeout(() => void look(), debounceMs)
    rest.unref()
  }

  async function look(): Promise<void> {
    const seen = await fingerprint(file)
    if (closed) return
    // A watch on a directory that is gone never reports again.
    if (seen === absent) disarm()
    arm()
    const changed = known !== null && seen !== known
    known = seen
    if (changed) onChange()
  }

  const poll = setInterval(() => void look(), pollMs)
  poll.unref()
  arm()
  return {
    ready: look(),
    close() {
      closed = true
      clearInterval(poll)
      if (rest !== null) clearTimeout(rest)
      disarm()
    },
  }
}

const absent = 'absent'

/** Follows links: what counts is the file that would be read. */
async function fingerprint(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(':')
  } catch {
    return absent
  }
}
