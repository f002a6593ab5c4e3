// Reads a file that people put there: what is no file, or far too large, must not hold up or fill the gateway.

import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { GatehouseError } from '../errors.ts'

/** A hundred times the longest table anybody wrote; reading it still takes moments. Bytes. */
export const maxTableBytes = 4 * 1024 * 1024

/**
 * The text of a regular file, links followed.
 *
 * @param maxBytes what is longer is not read.
 * @throws GatehouseError `not-a-file` for a directory, a FIFO, a device; `file-too-large`. The error of the file
 *   system for the rest.
 */
export async function readRegularFile(path: string, maxBytes: number): Promise<string> {
  // Without O_NONBLOCK the opening of a FIFO waits for a writer, for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const info = await handle.stat()
    if (!info.isFile()) {
      throw new GatehouseError('not-a-file', 'is not a regular file', {
        remedy: 'put a file there, or a link to one',
      })
    }
    if (info.size > maxBytes) {
      throw new GatehouseError('file-too-large', `is larger than ${maxBytes} bytes`, {
        remedy: 'check that it is the file that was meant',
      })
    }
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}
