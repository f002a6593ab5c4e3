// The demo's first person: made at the first start, with a one-time link until there is something to sign in with.

import { adminGroup, createUser, linkLifeMs, makeLink } from '../src/auth/person-changes.ts'
import { parseUserName } from '../src/auth/user-name.ts'
import { credentialWords } from '../src/cli/user-list.ts'
import { openStoreIn } from '../src/store/sqlite-store.ts'

/** Called before the gateway starts, so that nothing has to be told to it. */
export async function openFirstPerson(deps: {
  readonly dataDir: string
  /** Of the login page. */
  readonly origin: string
  /** Wall clock, milliseconds. */
  readonly now: number
  readonly randomBytes: (size: number) => Buffer
}): Promise<FirstPerson> {
  const { dataDir, origin, now, randomBytes } = deps
  const id = parseUserName(firstName)
  if (id === null) throw new Error(`${firstName} cannot be a name`)
  const log = { warn() {}, error() {} }
  const store = await openStoreIn({ dataDir, secret: () => null, log, busyMs: 5000 })
  try {
    if ((await store.users.user(id)) === null) {
      const groups = [adminGroup, 'family']
      const facts = { id, displayName: 'First Person', email: null, groups, disabled: false }
      await store.users.addUser(createUser(facts, { now, randomBytes }))
    }
    const has = credentialWords(await store.users.credentials(id))
    const link =
      has === 'nothing'
        ? await makeLink(store.users, id, { origin, lifeMs: linkLifeMs, now, randomBytes })
        : null
    return { name: id, link: link?.url ?? null, has }
  } finally {
    await store.close()
  }
}

export interface FirstPerson {
  readonly name: string
  /** For one use, good for a day; `null`: enrolled already. */
  readonly link: string | null
  /** What there is to sign in with, in words. */
  readonly has: string
}

const firstName = 'demo'
