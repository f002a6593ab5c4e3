// A change of the table that nobody confirmed before the gateway stopped, undone before the table is read.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { EventLog } from '../log.ts'
import { acceptText } from '../routes-file/accepted.ts'

/** Where a change that undoes itself is remembered. */
export function undoFileOf({ dataDir }: Pick<Config, 'dataDir'>): string {
  return join(dataDir, 'routes-undo.json')
}

/** Never rejects: a start is worth more than an undoing. */
export async function undoAtStart(config: Config, log: EventLog): Promise<void> {
  const undoFile = undoFileOf(config)
  if (!existsSync(undoFile)) return
  const { undoUnconfirmed } = await import('../admin/desks/pending-undo.ts')
  await undoUnconfirmed({
    file: config.routesFile,
    undoFile,
    accept: (text) => acceptText(config.snapshotFile, text),
    log,
  })
}
