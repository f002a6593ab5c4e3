// `gatehouse key rotate`: another encryption key, while the gateway runs or not.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { EventLog } from '../log.ts'
import { databaseName, keyName, openStoreIn } from '../store/sqlite-store.ts'

export interface RotateKeyOptions {
  readonly config: Pick<Config, 'dataDir' | 'secret'>
  readonly write: (text: string) => void
}

/**
 * @returns the exit code: 1 when there is nothing to change to, else 0.
 * @throws GatehouseError as `openStore` and `rotateKey`; the old key is good then.
 */
export async function rotateKey({ config, write }: RotateKeyOptions): Promise<number> {
  const { dataDir, secret } = config
  const store = await openStoreIn({ dataDir, secret, log: quiet, busyMs: commandBusyMs })
  try {
    const { from, to, values } = await store.rotateKey()
    if (from === to) {
      write(`The database uses the key of the secret ENCRYPTION_KEY already (${to}).\n`)
      write('To change it: put the old one into ENCRYPTION_KEY_PREVIOUS and a new one into\n')
      write('ENCRYPTION_KEY, restart the gateway, and run this again.\n')
      return 1
    }
    const what = values === 1 ? '1 value is' : `${values} values are`
    write(`${what} encrypted with the key ${to} now; the key ${from} opens nothing any more.\n`)
    for (const line of whatIsLeft(dataDir, secret)) write(`${line}\n`)
    return 0
  } finally {
    await store.close()
  }
}

/** How long a command waits for the gateway's own writing, milliseconds. */
export const commandBusyMs = 5_000
/** What goes wrong comes back as an error, and is said once. */
const quiet: Pick<EventLog, 'error' | 'warn'> = { error() {}, warn() {} }

function whatIsLeft(dataDir: string, secret: Config['secret']): string[] {
  const copies = readdirSync(dataDir).filter((name) => name.startsWith(`${databaseName}.before-`))
  const lines = [
    'A gateway that runs goes on as it is.',
    'Backups made before this hold the old key; make a new one, and remove them if the old key is known to somebody.',
  ]
  if (copies.length > 0) {
    lines.push(`Encrypted with the old key, of no more use: ${copies.join(', ')} in ${dataDir}`)
  }
  if (secret('ENCRYPTION_KEY') !== null) {
    lines.push('The secret ENCRYPTION_KEY_PREVIOUS is not needed any more.')
    if (readdirSync(dataDir).includes(keyName)) lines.push(`Nor is ${join(dataDir, keyName)}.`)
  }
  return lines
}
