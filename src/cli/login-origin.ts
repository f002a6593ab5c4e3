// Where one-time links lead: the login page of the gateway that runs, or of the table.

import type { Config } from '../config.ts'
import { controlPath } from '../control.ts'
import { readSnapshot } from '../routes-file/snapshot.ts'
import { originOf } from '../sign-in-url.ts'
import { askGateway } from './control-client.ts'
import { loadGoodTable } from './load-table.ts'

/**
 * Where the login page is: the gateway that runs knows; else what settings and table say, or the last good table, which
 * is what a gateway starts with while the file has a mistake.
 *
 * @throws what `loadGoodTable` throws.
 */
export async function loginOrigin(config: Config): Promise<string> {
  const asked = await askGateway(controlPath(config.dataDir), { do: 'hello' })
  if (asked.kind === 'done') return asked.loginOrigin
  const { loginHost } = await loadGoodTable(config).catch(async (fault: unknown) => {
    const last = await readSnapshot(config.snapshotFile).catch(() => null)
    if (last === null) throw fault
    return last.definition
  })
  const port = config.publicPort ?? config.https?.port ?? 443
  return originOf(loginHost, port)
}
