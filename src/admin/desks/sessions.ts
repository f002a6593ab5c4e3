// Who is signed in, on what, from where; and an end to it.

import { describeDevice } from '../../auth/app/account-device.ts'
import type { Session } from '../../auth/sessions.ts'
import type { SessionRef } from '../../model.ts'
import type { AdminContext } from '../context.ts'
import type { SessionsDesk, SessionView } from './people-types.ts'

export function createSessionsDesk(
  context: Pick<AdminContext, 'sessions' | 'tokens' | 'users'>,
): SessionsDesk {
  const { sessions, tokens, users } = context
  return {
    list: (user) => sessions.list(user ?? undefined).map(viewOf),
    async end(ref) {
      const session = sessions.byRef(ref)
      if (session === null) return null
      await sessions.end([session.record.ref], 'revoked')
      return viewOf(session)
    },
    endUser: (user, except) => sessions.endUser(user, 'revoked', except ?? undefined),
    async endAll(except) {
      if (except === null) return sessions.endAll('revoked')
      const refs: SessionRef[] = []
      for (const { record } of sessions.list()) if (record.ref !== except) refs.push(record.ref)
      return sessions.end(refs, 'revoked')
    },
    async panic() {
      const ended = await sessions.endAll('panic')
      const revoked = await tokens.removeAll('panic')
      let links = 0
      for (const { id } of await users.users()) links += await users.removeLinks(id)
      return { sessions: ended, tokens: revoked, links }
    },
  }
}

/** Without hashes: they are of no use to anybody who reads this. */
function viewOf({ record }: Session): SessionView {
  const { ref, user, userAgent, methods, account, remember } = record
  return {
    ref,
    user,
    device: describeDevice(userAgent),
    userAgent,
    methods,
    account,
    remember,
    createdAt: record.createdAt,
    authenticatedAt: record.authenticatedAt,
    lastSeenAt: record.lastSeenAt,
    firstAddress: record.firstAddress,
    lastAddress: record.lastAddress,
  }
}
