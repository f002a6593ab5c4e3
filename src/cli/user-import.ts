// `gatehouse user import <file>`: people from Authelia's users file or from an htpasswd file.

import { readFileSync, statSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { readPasswordHash } from '../auth/password-formats.ts'
import {
  createUser,
  isEmail,
  isLabel,
  linkLifeMs,
  makeLink,
  maxLinkLifeMs,
  type NewUser,
} from '../auth/person-changes.ts'
import { parseUserName } from '../auth/user-name.ts'
import { GatehouseError } from '../errors.ts'
import { readAutheliaUsers, type WrittenUser } from '../routes-file/authelia-users.ts'
import { formatProblem } from '../routes-file/problem.ts'
import type { Store } from '../store/sqlite-store.ts'
import { readHtpasswd } from './htpasswd.ts'
import { findLogin } from './login-origin.ts'
import { done, mistaken, type Outcome } from './outcome.ts'
import { badGroup, createFlagReader } from './people-flags.ts'
import { audited, changePeople, type PeopleContext } from './people-store.ts'
import { counted, dateText, harmless, jsonText, timeOrNull } from './terminal-text.ts'

/** Ten thousand people; more is another file. */
const maxFileBytes = 4 * 1024 * 1024

/** Somebody to add. */
interface Candidate {
  readonly user: NewUser
  /** One that we can verify; `null`: none. */
  readonly hash: string | null
}

interface Reading {
  readonly candidates: readonly Candidate[]
  /** What could not be taken, a sentence each. */
  readonly losses: readonly string[]
}

export async function importUsers(context: PeopleContext): Promise<Outcome> {
  const { config, now, randomBytes } = context
  const flags = createFlagReader(context.flags)
  const lifeMs = flags.span('expires', { defaultMs: linkLifeMs, maxMs: maxLinkLifeMs })
  if (flags.problems.length > 0) return mistaken(...flags.problems)
  const file = context.operands[0] ?? ''
  const { candidates, losses } = readPeopleFile(
    file,
    context.asCaller(() => textOf(file)),
  )
  const { origin } = await findLogin(config)

  return changePeople(context, async (store) => {
    const at = now()
    const { fresh, present } = await withoutPresent(store, candidates)
    const added = []
    for (const { user, hash } of fresh) {
      await store.users.addUser(createUser(user, { now: at, randomBytes }))
      if (hash !== null) await store.users.setPassword(user.id, hash, at)
      const details = { groups: user.groups.join(','), password: hash !== null }
      audited(store, 'user-imported', { user: user.id, at, details })
      const link = user.disabled
        ? null
        : await makeLink(store.users, user.id, { origin, lifeMs, now: at, randomBytes })
      added.push({ user, password: hash !== null, link })
    }
    const all = [...losses, ...present]
    const error = all.map((sentence) => `gatehouse: warning: ${sentence}\n`).join('')
    const code = all.length === 0 ? 0 : 1
    if (flags.has('json')) {
      const rows = added.map(({ user, password, link }) => ({
        ...user,
        password,
        link: link?.url ?? null,
        expiresAt: timeOrNull(link?.expiresAt ?? null),
      }))
      return done(jsonText(rows), { error, code })
    }
    const lines = added.flatMap(({ user, password, link }) => [
      `  ${user.id} (${harmless(user.displayName)}), ${groupWords(user.groups)}, ${password ? 'password taken' : 'no password'}${user.disabled ? ', DISABLED' : ''}`,
      ...(link === null ? [] : [`    ${link.url}`]),
    ])
    const until = dateText(at + lifeMs)
    const about = added.some(({ link }) => link !== null)
      ? ['', `Each link is good for one use until ${until}, to enrol a passkey or a second factor.`]
      : []
    const head = `Added ${counted(added.length, 'user')} from ${harmless(basename(file))}.`
    return done(`${[head, ...lines, ...about].join('\n')}\n`, { error, code })
  })
}

/** @throws GatehouseError `import-unreadable`. */
function textOf(file: string): string {
  try {
    const info = statSync(file)
    if (!info.isFile()) throw new Error('it is no file')
    if (info.size > maxFileBytes) throw new Error(`it is larger than ${maxFileBytes} bytes`)
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new GatehouseError('import-unreadable', `cannot read ${file}`, {
      remedy: "name Authelia's users_database.yml, or an htpasswd file",
      cause,
    })
  }
}

/** @throws GatehouseError `import-invalid`: nothing could be made of the file as a whole. */
function readPeopleFile(file: string, text: string): Reading {
  const losses: string[] = []
  let written: readonly WrittenUser[]
  if (/^\.ya?ml$/i.test(extname(file)) || /^users:/m.test(text)) {
    const { users, problems } = readAutheliaUsers(text)
    const lines = problems.map((problem) => harmless(formatProblem(basename(file), problem), 400))
    if (problems.some(({ severity }) => severity === 'error')) throw invalid(file, lines)
    losses.push(...lines)
    written = users
  } else {
    const { users, badLines } = readHtpasswd(text)
    if (users.length === 0) throw invalid(file, ['it has no line name:hash'])
    losses.push(...badLines.map((line) => `${basename(file)}:${line}: is not name:hash, left out`))
    written = users
  }
  const candidates: Candidate[] = []
  for (const each of written) {
    const say = (what: string) => losses.push(`${basename(file)}:${each.line}: ${what}`)
    const candidate = candidateOf(each, say)
    if (candidate === null) continue
    if (candidates.some(({ user }) => user.id === candidate.user.id)) {
      say(`${candidate.user.id} is there twice, in another case; the first counts`)
    } else candidates.push(candidate)
  }
  return { candidates, losses }
}

function candidateOf(written: WrittenUser, say: (what: string) => void): Candidate | null {
  const id = parseUserName(written.name.toLowerCase())
  if (id === null) {
    say(`${harmless(JSON.stringify(written.name))} cannot be a user name, left out`)
    return null
  }
  if (id !== written.name) say(`${harmless(written.name)} is ${id} here: names are in lower case`)
  const { displayName, email, hash } = written
  if (displayName !== null && !isLabel(displayName)) say(`${id}: the display name cannot be taken`)
  if (email !== null && !isEmail(email)) say(`${id}: the e-mail address cannot be taken`)
  const groups = written.groups.filter((group) => {
    const bad = badGroup([group])
    if (bad !== null) say(`${id}: ${harmless(JSON.stringify(bad))} cannot be a group`)
    return bad === null
  })
  const known = hash !== null && readPasswordHash(hash) !== null
  // Never the hash itself, nor more of it than names the format.
  if (hash !== null && !known) {
    say(`${id}: the password cannot be verified here (${formatOf(hash)}); the link sets a new one`)
  }
  return {
    user: {
      id,
      displayName: displayName !== null && isLabel(displayName) ? displayName : id,
      email: email !== null && isEmail(email) ? email : null,
      groups: [...new Set(groups)],
      disabled: written.disabled,
    },
    hash: known ? hash : null,
  }
}

async function withoutPresent(
  store: Store,
  candidates: readonly Candidate[],
): Promise<{ fresh: readonly Candidate[]; present: readonly string[] }> {
  const known = new Set((await store.users.users()).map(({ id }) => id))
  const isKnown = ({ user }: Candidate) => known.has(user.id)
  return {
    fresh: candidates.filter((each) => !isKnown(each)),
    present: candidates.filter(isKnown).map(({ user }) => `${user.id} is there already: unchanged`),
  }
}

/** `$6$`, `{SHA}`, `unknown format`. */
function formatOf(hash: string): string {
  return /^\$[a-z0-9-]{1,20}\$|^\{[A-Za-z0-9]{1,12}\}/.exec(hash)?.[0] ?? 'unknown format'
}

function groupWords(groups: readonly string[]): string {
  return groups.length === 0 ? 'no groups' : `groups: ${groups.join(', ')}`
}

function invalid(file: string, lines: readonly string[]): GatehouseError {
  return new GatehouseError(
    'import-invalid',
    `nothing can be taken from ${file}:\n${lines.join('\n')}`,
    {
      remedy: "name Authelia's users_database.yml, or an htpasswd file",
    },
  )
}
