// What SQLite's result codes mean for the gateway, and for whoever has to act. Names no library.

import { GatehouseError } from '../errors.ts'

/** May an operation be tried again, once another process lets go of the file? */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === busy
}

/** Is this the error of a file that is no database, or a broken one? */
export function isDamage(error: unknown): boolean {
  const code = primaryCode(error instanceof GatehouseError ? error.cause : error)
  return code === corrupt || code === notADatabase
}

/**
 * An error of the library as ours: `store-unavailable`, or `user-absent` for a row of somebody who is not there.
 * Anything else is a bug of ours and stays what it is.
 */
export function sqliteError(file: string, error: unknown): unknown {
  const code = primaryCode(error)
  if (code === null) return error
  if (code === constraint) {
    if (extendedCode(error) !== foreignKeyConstraint) return error
    return new GatehouseError('user-absent', 'that user is not there any more', { cause: error })
  }
  const { what, remedy } = meanings[code] ?? { what: 'failed', remedy: permissions }
  return unavailable(`the database ${file} ${what}`, remedy, error)
}

/** The file cannot be opened, for a reason of the file system's. */
export function cannotOpen(file: string, cause: unknown): GatehouseError {
  return unavailable(`the database ${file} cannot be opened`, permissions, cause)
}

function unavailable(message: string, remedy: string, cause: unknown): GatehouseError {
  return new GatehouseError('store-unavailable', message, { remedy, cause })
}

/** https://www.sqlite.org/rescode.html */
const busy = 5
const corrupt = 11
const constraint = 19
const notADatabase = 26
const foreignKeyConstraint = 787

const permissions = 'check that the file and its directory belong to the user of the gateway'
const locked = {
  what: 'is locked by another process',
  remedy: 'try again; if it stays so, see who has the file open',
}
const damaged = {
  what: 'is damaged',
  remedy: 'put back a backup by "gatehouse restore"; keep a copy of the damaged file and its -wal',
}
const meanings: Readonly<Record<number, { readonly what: string; readonly remedy: string }>> = {
  [busy]: locked,
  6: locked,
  8: { what: 'may not be written by this user', remedy: permissions },
  10: {
    what: 'cannot be read or written',
    remedy: 'look at the disk: the system log may say more',
  },
  [corrupt]: damaged,
  13: { what: 'cannot grow: the disk is full', remedy: 'make room; nothing needs a restart' },
  14: { what: 'cannot be opened', remedy: permissions },
  [notADatabase]: damaged,
}

/** The low byte; the rest tells kinds of it apart. */
function primaryCode(error: unknown): number | null {
  const code = extendedCode(error)
  return code === null ? null : code & 0xff
}

function extendedCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error)) return null
  return typeof error.errcode === 'number' ? error.errcode : null
}
