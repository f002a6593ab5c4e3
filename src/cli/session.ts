// `gatehouse session list | revoke`: who is signed in, and an end to it.

import { describeDevice } from '../auth/app/account-device.ts'
import type { SessionRecord } from '../auth/session-store.ts'
import { GatehouseError } from '../errors.ts'
import { done, mistaken, type Outcome } from './outcome.ts'
import { personWanted, selected, wrongSelection } from './people-selection.ts'
import { audited, changePeople, type PeopleContext, readPeople } from './people-store.ts'
import {
  agoText,
  counted,
  dateText,
  harmless,
  jsonText,
  table,
  timeOrNull,
} from './terminal-text.ts'

/** Sessions as the database has them: one that went idle may stand here until the gateway looks at it. */
export function listSessions(context: PeopleContext): Promise<Outcome> {
  return readPeople(context, async (store) => {
    const user = await personWanted(store, context)
    const all = (await store.sessions.all())
      .filter((session) => user === null || session.user === user)
      .toSorted((a, b) => b.lastSeenAt - a.lastSeenAt)
    if (context.flags.has('json')) return done(jsonText(all.map(plain)))
    if (all.length === 0) return done('Nobody is signed in.\n')
    const now = context.now()
    return done(
      table(
        ['REF', 'USER', 'DEVICE', 'ADDRESS', 'LAST SEEN', 'SINCE', 'SIGNED IN WITH'],
        all.map((session) => [
          session.ref,
          session.user,
          harmless(describeDevice(session.userAgent), 40),
          harmless(session.lastAddress, 45),
          agoText(session.lastSeenAt, now),
          dateText(session.createdAt),
          session.methods.join(' + '),
        ]),
      ),
    )
  })
}

export async function revokeSessions(context: PeopleContext): Promise<Outcome> {
  const wrong = wrongSelection(context, 'ref')
  if (wrong !== null) return mistaken(wrong)
  return changePeople(context, async (store) => {
    const all = await store.sessions.all()
    const { what, user, fits } = await selected(store, context)
    const chosen = all.filter((session) => fits(session.user, session.ref))
    if (what === 'one' && chosen.length === 0) {
      const ref = harmless(JSON.stringify(context.operands[0]))
      throw new GatehouseError('session-absent', `there is no session ${ref}`, {
        remedy: '"gatehouse session list" shows who is signed in',
      })
    }
    const ended = await store.sessions.remove(chosen.map(({ ref }) => ref))
    const owner = user ?? (what === 'one' ? (chosen[0]?.user ?? null) : null)
    const details = { what, count: ended, ref: what === 'one' ? (chosen[0]?.ref ?? null) : null }
    audited(store, 'session-revoked', { user: owner, at: context.now(), details })
    return done(`Ended ${counted(ended, 'session')}.\n`)
  })
}

/** Without hashes: they are of no use to anybody who reads this. */
function plain(session: SessionRecord) {
  const { ref, user, account, methods, passkey, secondFactor, remember } = session
  return {
    ref,
    user,
    account,
    methods,
    passkey,
    secondFactor,
    remember,
    createdAt: timeOrNull(session.createdAt),
    authenticatedAt: timeOrNull(session.authenticatedAt),
    lastSeenAt: timeOrNull(session.lastSeenAt),
    firstAddress: session.firstAddress,
    lastAddress: session.lastAddress,
    userAgent: session.userAgent,
  }
}
