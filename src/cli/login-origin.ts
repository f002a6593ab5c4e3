// Where one-time links lead: the login page of the gateway that runs, or of the table.

import type { Config } from '../config.ts'
import { controlPath } from '../control.ts'
import { readSnapshot } from '../routes-file/snapshot.ts'
import { originOf } from '../sign-in-url.ts'
import { askGateway } from './control-client.ts'
import { loadGoodTable } from './load-table.ts'

export interface LoginPlace {
  /** `https://auth.example.com`, with the port when it is not 443. */
  readonly origin: string
  /** A gateway runs with this data directory. */
  readonly isServed: boolean
}

/**
 * Where the login page is: the gateway that runs knows; else what settings and table say, or the last good table, which
 * is what a gateway starts with while the file has a mistake.
 *
 * @throws what `loadGoodTable` throws.
 */
export async function findLogin(config: Config): Promise<LoginPlace> {
  const asked = await askGateway(controlPath(config.dataDir), { do: 'hello' })
  if (asked.kind === 'done') return { origin: asked.loginOrigin, isServed: true }
  const { loginHost } = await loadGoodTable(config).catch(async (fault: unknown) => {
    const last = await readSnapshot(config.snapshotFile).catch(() => null)
    if (last === null) throw fault
    return last.definition
  })
  const port = config.publicPort ?? config.https?.port ?? 443
  return { origin: originOf(loginHost, port), isServed: asked.kind === 'failed' }
}
