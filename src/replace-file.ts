// A file of our own that is replaced in one step: the old one or the new one, whatever happens. Not for files of others.

import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes a neighbour (`….new`) and renames it. When it resolves, content and name are on the disk, and not only in memory. Mode
 * 0600; a folder that is missing is made for its owner alone. Calls for one file must not overlap.
 *
 * @throws the error of the file system.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  const folder = dirname(file)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const next = `${file}.new`
  // What a crash left behind may have other permissions.
  await rm(next, { force: true })
  const handle = await open(next, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(next, file)
  const directory = await open(folder, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
