// Runs the commands for people; loads only the one that was asked for.

import type { PeopleCommandName } from './commands.ts'
import type { Outcome } from './outcome.ts'
import type { PeopleContext } from './people-store.ts'

/** Rejects with a `GatehouseError` for what is no mistake in the command line: no such user, no database. */
export async function runPeople(name: PeopleCommandName, context: PeopleContext): Promise<Outcome> {
  switch (name) {
    case 'user add':
      return (await import('./user.ts')).addUser(context)
    case 'user list':
      return (await import('./user-list.ts')).listUsers(context)
    case 'user link':
      return (await import('./user.ts')).linkUser(context)
    case 'user disable':
      return (await import('./user.ts')).disableUser(context)
    case 'user enable':
      return (await import('./user.ts')).enableUser(context)
    case 'user reset':
      return (await import('./user.ts')).resetUser(context)
    case 'user remove':
      return (await import('./user.ts')).removeUser(context)
    case 'user groups':
      return (await import('./user.ts')).setGroups(context)
    case 'user import':
      return (await import('./user-import.ts')).importUsers(context)
    case 'session list':
      return (await import('./session.ts')).listSessions(context)
    case 'session revoke':
      return (await import('./session.ts')).revokeSessions(context)
    case 'token list':
      return (await import('./token.ts')).listTokens(context)
    case 'token add':
      return (await import('./token.ts')).addToken(context)
    case 'token revoke':
      return (await import('./token.ts')).revokeTokens(context)
    case 'panic':
      return (await import('./panic.ts')).panic(context)
    case 'lockdown':
      return (await import('./lockdown.ts')).lockdown(context)
    case 'audit':
      return (await import('./audit.ts')).listAudit(context)
    case 'bans list':
      return (await import('./bans.ts')).listBans(context)
    case 'bans lift':
      return (await import('./bans.ts')).liftBan(context)
    default:
      return name satisfies never
  }
}
