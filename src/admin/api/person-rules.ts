// Who may change whom, and what counts as the same version of a person.

import { parseUserName } from '../../auth/user-name.ts'
import type { PeopleDesk, Person } from '../desks/people-types.ts'
import type { Actor, Desks } from '../desks/types.ts'
import { etagOf } from '../operation.ts'
import { type Refused, refused } from '../problem.ts'

export type PeopleOnly = Pick<PeopleDesk, 'list' | 'person' | 'administers'>

/** Whom a path names; `null`: nobody. */
export async function personOf(people: PeopleOnly, name: string): Promise<Person | null> {
  const id = parseUserName(name)
  return id === null ? null : people.person(id)
}

/** The version of a person, for `If-Match`. */
export async function personEtag({ people }: Desks, { path }: { path: { id: string } }) {
  const found = await personOf(people, path.id)
  return found === null ? null : versionOf(found)
}

/** Of what can be edited; that he signed in meanwhile is no edit. */
export function versionOf(person: Person): string {
  return etagOf(editable(person))
}

/** What an administrator can change, for the audit log. */
export function editable({ user }: Person) {
  const { id, displayName, email, groups: of, disabled } = user
  return { id, displayName, email, groups: of, disabled }
}

/** What somebody has, without names of keys. */
export function counts({ credentials: has, sessions, tokens }: Person) {
  return {
    passkeys: has.passkeys.length,
    securityKeys: has.securityKeys.length,
    password: has.password !== null,
    authenticatorApps: has.authenticatorApps.length,
    accounts: has.accounts.map(({ provider, login }) => `${provider}:${login}`),
    sessions,
    tokens,
  }
}

/** A token for people must not become an administrator by way of one. Disabled ones count as what they would be. */
export function mayNotTouch({ user }: Person, people: PeopleOnly, actor: Actor): boolean {
  return people.administers({ ...user, disabled: false }) && !actor.may('admin:write')
}

/** May this person be changed so? @param facts `stays`: he can administer afterwards. @returns `null`: it may be done. */
export async function faultOf(
  before: Person,
  facts: { readonly people: PeopleOnly; readonly actor: Actor; readonly stays: boolean },
): Promise<Refused | null> {
  const { people, actor, stays } = facts
  if (mayNotTouch(before, people, actor)) return refused('administrator-only')
  if (stays) {
    const becomes = !before.administers && !actor.may('admin:write')
    return becomes ? refused('administrator-only') : null
  }
  if (before.user.id === actor.user) return refused('yourself')
  if (!before.administers) return null
  const others = (await people.list()).some(
    ({ administers, user }) => administers && user.id !== before.user.id,
  )
  return others ? null : refused('last-administrator')
}
