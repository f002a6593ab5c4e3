// One-time links that people enrol with: made here, spent by the login page.

import type { UserStore } from '../auth/people.ts'
import { newSecret, type RandomBytes, secretHash } from '../auth/secret-text.ts'
import type { Config } from '../config.ts'
import { controlPath } from '../control.ts'
import type { UserId } from '../model.ts'
import { readSnapshot } from '../routes-file/snapshot.ts'
import { originOf } from '../sign-in-url.ts'
import { askGateway } from './control-client.ts'
import { loadGoodTable } from './load-table.ts'

export interface EnrolmentLink {
  /** Holds the secret: whoever has it can take the account over. */
  readonly url: string
  /** Wall clock, milliseconds. */
  readonly expiresAt: number
}

/** How long a link is good when nothing is said, milliseconds. */
export const linkLifeMs = 86_400_000
export const maxLinkLifeMs = 30 * 86_400_000

/** Withdraws the links this person has, and makes a new one. */
export async function makeLink(
  users: UserStore,
  user: UserId,
  deps: {
    readonly origin: string
    readonly lifeMs: number
    readonly now: number
    readonly randomBytes: RandomBytes
  },
): Promise<EnrolmentLink> {
  const secret = newSecret(deps.randomBytes)
  const expiresAt = deps.now + deps.lifeMs
  await users.removeLinks(user)
  await users.addLink({ hash: secretHash(secret), user, createdAt: deps.now, expiresAt })
  return { url: `${deps.origin}/enrol/${secret}`, expiresAt }
}

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
