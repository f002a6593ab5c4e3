// Certificates and keys that the table names for its backends.

import { readFileSync, statSync } from 'node:fs'
import { GatehouseError } from '../errors.ts'

/** A chain of certificates has some kilobytes. */
const maxBytes = 1_000_000

/**
 * Read when a connection is first made, so in nobody's way for long: of a device or a pipe there would be no end.
 *
 * @throws GatehouseError `key-material`; the system's error when it cannot be read.
 */
export function readKeyFile(path: string): Buffer {
  const found = statSync(path)
  if (found.isFile() && found.size <= maxBytes) return readFileSync(path)
  throw new GatehouseError('key-material', `${path} is no file that holds a certificate or a key`, {
    remedy: 'name a PEM file in the table',
  })
}
