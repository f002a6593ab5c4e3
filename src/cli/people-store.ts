// The database as a command works with it: opened for one piece of work, and the gateway that runs is told of changes.

import { statSync } from 'node:fs'
import type { AuditEntry } from '../auth/audit.ts'
import type { User } from '../auth/people.ts'
import type { RandomBytes } from '../auth/secret-text.ts'
import { parseUserName } from '../auth/user-name.ts'
import type { Config } from '../config.ts'
import { controlPath } from '../control.ts'
import { GatehouseError } from '../errors.ts'
import type { EventLog } from '../log.ts'
import type { UserId } from '../model.ts'
import { nearest } from '../nearest.ts'
import { openStoreIn, type Store } from '../store/sqlite-store.ts'
import { askGateway } from './control-client.ts'
import type { Outcome } from './outcome.ts'
import { harmless } from './terminal-text.ts'

/** What a command for people is given. */
export interface PeopleContext {
  readonly config: Config
  readonly operands: readonly string[]
  readonly flags: ReadonlyMap<string, string>
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly randomBytes: RandomBytes
  /** Root works as the owner of the data directory; what root alone can reach is touched in here. */
  readonly asCaller: <T>(run: () => T) => T
  readonly writeError: (text: string) => void
}

/** How long a command waits for the gateway to finish a change of its own, milliseconds. */
const busyMs = 5_000

/**
 * Opens the database for `work`. Without a gateway that runs, this is all there is to do.
 *
 * @throws GatehouseError `no-data-directory`; what `openStore` throws.
 */
export async function readPeople(
  context: PeopleContext,
  work: (store: Store) => Promise<Outcome>,
): Promise<Outcome> {
  const { config } = context
  assertDirectory(config.dataDir)
  const { dataDir, secret } = config
  const store = await openStoreIn({ dataDir, secret, log: plainLog(context.writeError), busyMs })
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** As `readPeople`; afterwards the change is in force in the gateway that runs, or the outcome says that it may not be. */
export async function changePeople(
  context: PeopleContext,
  work: (store: Store) => Promise<Outcome>,
): Promise<Outcome> {
  let told = ''
  let outcome: Outcome
  try {
    outcome = await readPeople(context, work)
  } finally {
    // Also after half of the work: that half is written.
    told = await tellGateway(context.config)
  }
  if (told === '' || outcome.kind !== 'done') return outcome
  return { ...outcome, error: outcome.error + told, code: 1 }
}

/** The person a command names. @throws GatehouseError `user-absent`. */
export async function personNamed(store: Store, name: string): Promise<User> {
  const id = parseUserName(name)
  const user = id === null ? null : await store.users.user(id)
  if (user !== null) return user
  const near = nearest(
    name,
    (await store.users.users()).map((each) => each.id),
  )
  throw new GatehouseError('user-absent', `there is no user ${harmless(JSON.stringify(name))}`, {
    remedy: near === null ? '"gatehouse user list" shows who there is' : `did you mean ${near}?`,
  })
}

/** Into the audit log, as done by whoever has the machine's shell. */
export function audited(
  store: Store,
  event: string,
  facts: { user: UserId | null; at: number; details?: AuditEntry['details'] },
): void {
  const { user, at, details = {} } = facts
  store.audit.write({ at, event, actor: 'cli', user, client: null, request: null, details })
}

/** @returns what to say when the change may not be in force; empty: it is. */
async function tellGateway(config: Config): Promise<string> {
  const told = await askGateway(controlPath(config.dataDir), { do: 'people-changed' })
  if (told.kind !== 'failed') return ''
  return `gatehouse: warning: this is written, but the gateway that runs did not confirm it (${told.reason}); it looks for changes every second, see its log\n`
}

function assertDirectory(directory: string): void {
  const found = statSync(directory, { throwIfNoEntry: false })
  if (found?.isDirectory() === true) return
  throw new GatehouseError('no-data-directory', `there is no data directory ${directory}`, {
    remedy: 'name it by --data, the same as for "gatehouse serve"',
  })
}

/** Warnings of the store in the words of a command; the rest is for the gateway's log. */
function plainLog(writeError: (text: string) => void): Pick<EventLog, 'error' | 'warn'> {
  const say: EventLog['warn'] = (event, fields = {}) => {
    const words = Object.entries(fields).map(([name, value]) => `${name} ${value}`)
    writeError(`gatehouse: warning: ${[event, ...words].join(', ')}\n`)
  }
  return { warn: say, error: say }
}
