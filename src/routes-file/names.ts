// Names of people and groups in the file.

import type { UserId } from '../model.ts'
import type { Fault, Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'

/** As people are kept (`auth/people.ts`): a name in another spelling would be nobody, for ever and silently. */
const userName = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** Reads user names; those that nobody can have are reported and left out. */
export function readUsers(
  names: readonly string[],
  at: Path,
  reporter: Reporter,
): readonly UserId[] {
  return names.flatMap((name, index) => {
    const user = readUser(name, [...at, index], reporter)
    return user === null ? [] : [user]
  })
}

/** Reads one user name; `null` and a report when nobody can have it. */
export function readUser(name: string, at: Path, reporter: Reporter): UserId | null {
  if (userName.test(name)) return name as UserId
  const lower = name.toLowerCase()
  reporter.error(at, {
    code: 'access-name',
    what: `${quote(name)} cannot be a user name`,
    remedy: userName.test(lower)
      ? `user names are in lower case: write ${lower}`
      : 'write lower-case letters, digits, dots, hyphens and underscores, such as diego',
  })
  return null
}

/** Reads names of groups; those that cannot stand in a list are reported and left out. */
export function readGroups(
  names: readonly string[],
  at: Path,
  reporter: Reporter,
): readonly string[] {
  return names.filter((name, index) => {
    const fault = groupFault(name)
    if (fault !== null) reporter.error([...at, index], fault)
    return fault === null
  })
}

function groupFault(name: string): Fault | null {
  // `Remote-Groups` is a list with commas.
  if (/^[^\s,;"\\]{1,64}$/.test(name) && !/[^\x21-\x7e\xa0-\uffff]/.test(name)) return null
  return {
    code: 'access-name',
    what: `${quote(name)} cannot be a name`,
    remedy: 'write a name without spaces, commas, semicolons or quotes',
  }
}
