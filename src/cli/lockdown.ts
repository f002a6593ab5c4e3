// `gatehouse lockdown`: closes the gateway to visitors, and opens it again.

import { readLockdown, writeLockdown } from '../auth/lockdown.ts'
import { done, mistaken, type Outcome } from './outcome.ts'
import { audited, changePeople, type PeopleContext, readPeople } from './people-store.ts'

const closed =
  'Closed to visitors: only people who are signed in, and networks that somebody signed in from\n' +
  'within 30 days, are let in. "gatehouse lockdown off" ends it.\n'
const open = 'Open, as the table says.\n'

export async function lockdown(context: PeopleContext): Promise<Outcome> {
  const [word] = context.operands
  if (word === undefined) {
    return readPeople(context, async (store) =>
      done((await readLockdown(store.settings)).on ? closed : open),
    )
  }
  if (word !== 'on' && word !== 'off') {
    return mistaken({
      severity: 'error',
      where: 'lockdown',
      what: 'is either on or off',
      remedy: 'without a word it says which of the two it is',
    })
  }
  return changePeople(context, async (store) => {
    const on = word === 'on'
    const at = context.now()
    const before = await readLockdown(store.settings)
    if (before.on !== on) {
      await writeLockdown(store.settings, { on, by: 'cli', at })
      const told = (is: boolean) => JSON.stringify({ on: is })
      const details = { before: told(before.on), after: told(on) }
      audited(store, 'lockdown', { user: null, at, details })
    }
    return done(on ? closed : open)
  })
}
