// Who may sign in: everybody with what they have, and every change an administrator makes to them.

import type { CredentialKey, Credentials, Passkey, User } from '../../auth/people.ts'
import {
  createUser,
  disablePerson,
  enablePerson,
  makeLink,
  type PersonDeps,
  resetPerson,
} from '../../auth/person-changes.ts'
import type { UserId } from '../../model.ts'
import { originOf } from '../../sign-in-url.ts'
import type { AdminContext } from '../context.ts'
import type {
  CredentialChoice,
  CredentialView,
  Invitation,
  PeopleDesk,
  Person,
  PersonCredentials,
} from './people-types.ts'

type PeopleContext = Pick<
  AdminContext,
  | 'users'
  | 'sessions'
  | 'tokens'
  | 'peopleChanged'
  | 'mayAdminister'
  | 'loginHost'
  | 'publicPort'
  | 'now'
  | 'randomBytes'
>

export function createPeopleDesk(context: PeopleContext): PeopleDesk {
  const { users, sessions, tokens, now, randomBytes } = context
  const deps: PersonDeps = {
    users,
    endSessions: (id, reason) => sessions.endUser(id, reason),
    now,
    randomBytes,
  }

  async function personOf(user: User): Promise<Person> {
    return {
      user,
      credentials: credentialsOf(await users.credentials(user.id)),
      sessions: sessions.list(user.id).length,
      tokens: tokens.list(user.id).length,
      administers: context.mayAdminister(user),
    }
  }

  async function person(id: UserId): Promise<Person | null> {
    const user = await users.user(id)
    return user === null ? null : personOf(user)
  }

  /** What the store has now is what requests are decided by from here on. */
  async function applied(id: UserId): Promise<User | null> {
    const user = await users.user(id)
    if (user !== null) sessions.userChanged(user)
    return user
  }

  function invite(id: UserId, lifeMs: number): Promise<Invitation> {
    const origin = originOf(context.loginHost(), context.publicPort())
    return makeLink(users, id, { origin, lifeMs, now: now(), randomBytes })
  }

  return {
    async list() {
      const all = await users.users()
      const people = await Promise.all(all.map(personOf))
      return people.toSorted((a, b) => (a.user.id < b.user.id ? -1 : 1))
    },
    person,
    administers: context.mayAdminister,
    async add(input) {
      const user = createUser({ ...input, disabled: false }, { now: now(), randomBytes })
      await users.addUser(user)
      sessions.userChanged(user)
      return personOf(user)
    },
    async change(id, change) {
      const user = await users.changeUser(id, change)
      if (user === null) return null
      sessions.userChanged(user)
      return personOf(user)
    },
    async disable(id) {
      if ((await users.user(id)) === null) return null
      const ended = await disablePerson(id, deps)
      await applied(id)
      return ended
    },
    async enable(id) {
      if ((await users.user(id)) === null) return false
      await enablePerson(id, deps)
      await applied(id)
      return true
    },
    async invite(id, lifeMs) {
      return (await users.user(id)) === null ? null : invite(id, lifeMs)
    },
    async reset(id, lifeMs) {
      if ((await users.user(id)) === null) return null
      const ended = await resetPerson(id, deps)
      return { ...(await invite(id, lifeMs)), ended }
    },
    async removeCredential(id, choice) {
      const key = keyOf(choice, await users.credentials(id))
      return key === null ? 'absent' : users.removeCredential(id, key)
    },
    async remove(id) {
      // Out of memory first: between the two he is somebody whom nobody can be.
      await sessions.endUser(id, 'user-removed')
      await tokens.remove(
        tokens.list(id).map(({ record }) => record.id),
        'user-removed',
      )
      const was = await users.removeUser(id)
      await context.peopleChanged()
      return was
    },
  }
}

/** A key that the store knows; of a passkey and a security key, which it does not tell apart, only the right one. */
function keyOf(choice: CredentialChoice, { passkeys }: Credentials): CredentialKey | null {
  switch (choice.kind) {
    case 'passkey':
    case 'security-key': {
      const found = passkeys.some(({ id, kind }) => id === choice.id && kind === choice.kind)
      return found ? { kind: 'passkey', id: choice.id } : null
    }
    case 'totp':
      return { kind: 'totp', id: choice.id }
    case 'password':
    case 'account':
      return choice
    default:
      throw new TypeError('unknown credential', { cause: choice satisfies never })
  }
}

function credentialsOf(credentials: Credentials): PersonCredentials {
  const ofKind = (kind: Passkey['kind']) =>
    credentials.passkeys.filter((each) => each.kind === kind).map(viewOf)
  const { password } = credentials
  return {
    passkeys: ofKind('passkey'),
    securityKeys: ofKind('security-key'),
    password:
      password === null ? null : { createdAt: password.createdAt, lastUsedAt: password.lastUsedAt },
    authenticatorApps: credentials.totps.map(viewOf),
    accounts: credentials.accounts.map(({ provider, subject, login, lastUsedAt }) => ({
      ...{ provider, subject, login, lastUsedAt },
    })),
    recoveryCodes: credentials.recoveryCodes,
  }
}

function viewOf(each: CredentialView): CredentialView {
  const { id, label, createdAt, lastUsedAt } = each
  return { id, label, createdAt, lastUsedAt }
}
