// `gatehouse user list`: who may sign in, and with what.

import type { Credentials } from '../auth/people.ts'
import { done, type Outcome } from './outcome.ts'
import { type PeopleContext, readPeople } from './people-store.ts'
import { agoText, counted, harmless, jsonText, table, timeOrNull } from './terminal-text.ts'

export function listUsers(context: PeopleContext): Promise<Outcome> {
  return readPeople(context, async (store) => {
    const users = await store.users.users()
    const rows = await Promise.all(
      users.map(async (user) => ({ user, credentials: await store.users.credentials(user.id) })),
    )
    if (context.flags.has('json')) {
      return done(
        jsonText(
          rows.map(({ user, credentials }) => ({
            id: user.id,
            displayName: user.displayName,
            email: user.email,
            groups: user.groups,
            disabled: user.disabled,
            createdAt: timeOrNull(user.createdAt),
            lastSignInAt: timeOrNull(user.lastSignInAt),
            passkeys: ofKind(credentials, 'passkey'),
            securityKeys: ofKind(credentials, 'security-key'),
            password: credentials.password !== null,
            authenticatorApps: credentials.totps.length,
            accounts: credentials.accounts.map(({ provider, login }) => ({ provider, login })),
            recoveryCodes: credentials.recoveryCodes,
          })),
        ),
      )
    }
    if (rows.length === 0)
      return done('Nobody yet: "gatehouse user add <name> --admin" adds you.\n')
    const now = context.now()
    return done(
      table(
        ['NAME', 'CALLED', 'GROUPS', 'SIGNS IN WITH', 'LAST SIGN-IN', ''],
        rows.map(({ user, credentials }) => [
          user.id,
          user.displayName === user.id ? '' : harmless(user.displayName, 30),
          harmless(user.groups.join(','), 40),
          credentialWords(credentials),
          agoText(user.lastSignInAt, now),
          user.disabled ? 'DISABLED' : '',
        ]),
      ),
    )
  })
}

/** `2 passkeys, password, 1 authenticator app, github:octocat`; `nothing`. Recovery codes are for emergencies. */
export function credentialWords(credentials: Credentials): string {
  const { password, totps, accounts } = credentials
  const some = (count: number, noun: string) => (count === 0 ? [] : [counted(count, noun)])
  const words = [
    ...some(ofKind(credentials, 'passkey'), 'passkey'),
    ...some(ofKind(credentials, 'security-key'), 'security key'),
    ...(password === null ? [] : ['password']),
    ...some(totps.length, 'authenticator app'),
    ...accounts.map(({ provider, login }) => harmless(`${provider}:${login}`, 50)),
  ]
  return words.length === 0 ? 'nothing' : words.join(', ')
}

function ofKind({ passkeys }: Credentials, kind: 'passkey' | 'security-key'): number {
  return passkeys.filter((each) => each.kind === kind).length
}
