// `gatehouse user add | link | disable | enable | reset | remove | groups`: changes who may sign in.

import {
  adminGroup,
  createUser,
  disablePerson,
  enablePerson,
  isEmail,
  linkLifeMs,
  makeLink,
  maxLinkLifeMs,
  type PersonDeps,
  resetPerson,
} from '../auth/person-changes.ts'
import { parseUserName } from '../auth/user-name.ts'
import { GatehouseError } from '../errors.ts'
import type { SessionRef, UserId } from '../model.ts'
import type { Store } from '../store/sqlite-store.ts'
import { findLogin, type LoginPlace } from './login-origin.ts'
import { done, mistaken, type Outcome } from './outcome.ts'
import { badGroup, createFlagReader, type FlagReader, listOf } from './people-flags.ts'
import {
  audited,
  changePeople,
  type PeopleContext,
  personNamed,
  readPeople,
} from './people-store.ts'
import { counted, dateText, harmless, jsonText, timeOrNull } from './terminal-text.ts'
import { credentialWords } from './user-list.ts'

export async function addUser(context: PeopleContext): Promise<Outcome> {
  const { config, now, randomBytes } = context
  const flags = createFlagReader(context.flags)
  const written = context.operands[0] ?? ''
  const id = parseUserName(written)
  const displayName = flags.label('name')
  const email = flags.text('email')
  const groups = [...(flags.list('groups') ?? []), ...(flags.has('admin') ? [adminGroup] : [])]
  const lifeMs = readLifeMs(flags)
  if (id === null) {
    flags.fail(harmless(JSON.stringify(written)), 'cannot be a user name', nameRemedy(written))
  }
  if (email !== null && !isEmail(email)) {
    flags.fail('--email', `${harmless(email)} is no address`, 'write one such as ana@example.com')
  }
  checkGroups(groups, '--groups', flags)
  if (flags.problems.length > 0 || id === null) return mistaken(...flags.problems)

  // Before anything is written: without it there is no link to print.
  const login = await findLogin(config)
  return changePeople(context, async (store) => {
    const at = now()
    if ((await store.users.user(id)) !== null) {
      throw new GatehouseError('user-exists', `there is a user ${id} already`, {
        remedy: `"gatehouse user link ${id}" makes a new link`,
      })
    }
    const user = createUser(
      {
        id,
        displayName: displayName ?? id,
        email,
        groups: [...new Set(groups)],
        disabled: false,
      },
      { now: at, randomBytes },
    )
    await store.users.addUser(user)
    audited(store, 'user-added', { user: id, at, details: { groups: user.groups.join(',') } })
    const of = user.groups.length === 0 ? 'no groups' : `groups: ${user.groups.join(', ')}`
    return giveLink(store, context, { id, login, lifeMs, says: `Added ${id} (${of}).` })
  })
}

export async function linkUser(context: PeopleContext): Promise<Outcome> {
  const flags = createFlagReader(context.flags)
  const lifeMs = readLifeMs(flags)
  if (flags.problems.length > 0) return mistaken(...flags.problems)
  const login = await findLogin(context.config)
  return changePeople(context, async (store) => {
    const { id, disabled } = await personNamed(store, context.operands[0] ?? '')
    const outcome = await giveLink(store, context, { id, login, lifeMs, says: null })
    return disabled ? withNote(outcome, disabledNote(id)) : outcome
  })
}

export async function resetUser(context: PeopleContext): Promise<Outcome> {
  const flags = createFlagReader(context.flags)
  const lifeMs = readLifeMs(flags)
  if (flags.problems.length > 0) return mistaken(...flags.problems)
  const login = await findLogin(context.config)
  return changePeople(context, async (store) => {
    const { id, disabled } = await personNamed(store, context.operands[0] ?? '')
    const at = context.now()
    const had = credentialWords(await store.users.credentials(id))
    const ended = await resetPerson(id, depsOf(store, context))
    audited(store, 'user-reset', { user: id, at, details: { had, sessions: ended } })
    const says = `Reset ${id}: removed ${had}; ended ${counted(ended, 'session')}.`
    const outcome = await giveLink(store, context, { id, login, lifeMs, says })
    const tokens = (await store.tokens.all()).filter(({ user }) => user === id).length
    const kept = `${counted(tokens, 'token')} kept: "gatehouse token revoke --user ${id}" ends them`
    const notes = [...(tokens === 0 ? [] : [kept]), ...(disabled ? [disabledNote(id)] : [])]
    return notes.reduce(withNote, outcome)
  })
}

export function disableUser(context: PeopleContext): Promise<Outcome> {
  return changePeople(context, async (store) => {
    const { id, disabled } = await personNamed(store, context.operands[0] ?? '')
    if (disabled) return done(`${id} was disabled already.\n`)
    const ended = await disablePerson(id, depsOf(store, context))
    audited(store, 'user-disabled', { user: id, at: context.now(), details: { sessions: ended } })
    return done(`Disabled ${id}; ended ${counted(ended, 'session')}.\n`)
  })
}

export function enableUser(context: PeopleContext): Promise<Outcome> {
  return changePeople(context, async (store) => {
    const { id, disabled } = await personNamed(store, context.operands[0] ?? '')
    if (!disabled) return done(`${id} was enabled already.\n`)
    await enablePerson(id, store)
    audited(store, 'user-enabled', { user: id, at: context.now() })
    return done(`Enabled ${id}.\n`)
  })
}

export async function removeUser(context: PeopleContext): Promise<Outcome> {
  const name = context.operands[0] ?? ''
  if (!context.flags.has('yes')) {
    return readPeople(context, async (store) => {
      const { id } = await personNamed(store, name)
      const of = <T extends { user: UserId }>(all: readonly T[]) =>
        all.filter(({ user }) => user === id).length
      const means = credentialWords(await store.users.credentials(id))
      const has = [
        means === 'nothing' ? 'nothing to sign in with' : means,
        counted(of(await store.sessions.all()), 'session'),
        counted(of(await store.tokens.all()), 'token'),
      ]
      return mistaken({
        severity: 'error',
        where: '--yes',
        what: 'is missing',
        remedy: `it would remove ${id} for good, with ${has.join(', ')}; "user disable" can be undone`,
      })
    })
  }
  return changePeople(context, async (store) => {
    const { id } = await personNamed(store, name)
    await store.users.removeUser(id)
    audited(store, 'user-removed', { user: id, at: context.now() })
    return done(`Removed ${id}.\n`)
  })
}

export async function setGroups(context: PeopleContext): Promise<Outcome> {
  const [name = '', written = ''] = context.operands
  const flags = createFlagReader(context.flags)
  const groups = listOf(written)
  checkGroups(groups, 'groups', flags)
  if (flags.problems.length > 0) return mistaken(...flags.problems)
  return changePeople(context, async (store) => {
    const user = await personNamed(store, name)
    await store.users.changeUser(user.id, { groups })
    const details = { before: user.groups.join(','), after: groups.join(',') }
    audited(store, 'user-groups', { user: user.id, at: context.now(), details })
    const words = (list: readonly string[]) => (list.length === 0 ? 'none' : list.join(', '))
    return done(`Groups of ${user.id}: ${words(groups)} (before: ${words(user.groups)}).\n`)
  })
}

async function giveLink(
  store: Store,
  context: PeopleContext,
  facts: { id: UserId; login: LoginPlace; lifeMs: number; says: string | null },
): Promise<Outcome> {
  const { id, login, lifeMs, says } = facts
  const at = context.now()
  const { randomBytes } = context
  const { url, expiresAt } = await makeLink(store.users, id, {
    origin: login.origin,
    lifeMs,
    now: at,
    randomBytes,
  })
  audited(store, 'link-made', { user: id, at, details: { until: dateText(expiresAt) } })
  if (context.flags.has('json')) {
    return done(jsonText({ user: id, link: url, expiresAt: timeOrNull(expiresAt) }))
  }
  const lines = [
    ...(says === null ? [] : [says, '']),
    `A link for ${id}, good for one use until ${dateText(expiresAt)}. It is shown this once:`,
    '',
    `  ${url}`,
    '',
    'Whoever opens it can enrol as this person: hand it over yourself.',
    // Else a link into another database than the gateway's looks as good as a right one.
    ...(login.isServed
      ? []
      : [
          `It opens when a gateway runs with the data directory ${context.config.dataDir}; none does now.`,
        ]),
  ]
  return done(`${lines.join('\n')}\n`)
}

/** In the database; the gateway that runs is told afterwards. */
function depsOf(store: Store, { now, randomBytes }: PeopleContext): PersonDeps {
  return { users: store.users, endSessions: (id) => endSessions(store, id), now, randomBytes }
}

async function endSessions(store: Store, user: UserId): Promise<number> {
  const refs: SessionRef[] = []
  for (const session of await store.sessions.all()) {
    if (session.user === user) refs.push(session.ref)
  }
  return store.sessions.remove(refs)
}

function readLifeMs(flags: FlagReader): number {
  return flags.span('expires', { defaultMs: linkLifeMs, maxMs: maxLinkLifeMs })
}

function checkGroups(groups: readonly string[], where: string, flags: FlagReader): void {
  const bad = badGroup(groups)
  if (bad === null) return
  const what = `${harmless(JSON.stringify(bad))} cannot be a group`
  flags.fail(where, what, 'write names without blanks, commas, semicolons and quotes')
}

function nameRemedy(written: string): string {
  const lower = written.toLowerCase()
  return parseUserName(lower) === null
    ? 'write lower-case letters, digits, dots, hyphens and underscores, such as diego'
    : `user names are in lower case: write ${lower}`
}

function withNote(outcome: Outcome, note: string): Outcome {
  if (outcome.kind !== 'done') return outcome
  return { ...outcome, error: `${outcome.error}gatehouse: note: ${note}\n` }
}

function disabledNote(id: UserId): string {
  return `${id} is disabled: the link lets nobody in before "gatehouse user enable ${id}"`
}
