// People: who may sign in, with what; invitations, groups, and an end to it.

import * as z from 'zod'
import { isEmail, linkLifeMs, maxLinkLifeMs } from '../../auth/person-changes.ts'
import { parseUserName } from '../../auth/user-name.ts'
import type { UserId } from '../../model.ts'
import type { Actor, CredentialChoice, Desks, Person } from '../desks/types.ts'
import { etagOf, operation } from '../operation.ts'
import { type Refused, refused } from '../problem.ts'
import {
  anyId,
  groups,
  label,
  listOf,
  pageOf,
  pageQuery,
  personPath,
  time,
  timeOrNull,
  timeText,
  userIdOf,
  userName,
} from './schemas.ts'

const credential = z.strictObject({
  id: z.string(),
  label: z.string(),
  createdAt: time,
  lastUsedAt: time.nullable(),
})

const person = z.strictObject({
  id: z.string(),
  displayName: z.string(),
  email: z.string().nullable(),
  groups: z.array(z.string()),
  disabled: z.boolean(),
  administers: z.boolean().meta({ description: 'may open the admin' }),
  createdAt: time,
  lastSignInAt: time.nullable(),
  sessions: z.int(),
  tokens: z.int(),
  credentials: z.strictObject({
    passkeys: z.array(credential),
    securityKeys: z.array(credential),
    password: z.strictObject({ createdAt: time, lastUsedAt: time.nullable() }).nullable(),
    authenticatorApps: z.array(credential),
    accounts: z.array(
      z.strictObject({
        provider: z.string(),
        subject: z.string(),
        login: z.string(),
        lastUsedAt: time.nullable(),
      }),
    ),
    recoveryCodes: z.int(),
  }),
})

const email = z
  .string()
  .max(254)
  .refine(isEmail, 'This is no address.')
  .nullable()
  .meta({ description: 'such as ana@example.com; `null`: none' })

const life = z.strictObject({
  lifeMinutes: z
    .int()
    .min(1)
    .max(maxLinkLifeMs / 60_000)
    .default(linkLifeMs / 60_000)
    .meta({ description: 'how long the link is good, minutes' }),
})

const invitation = z.strictObject({
  url: z.string().meta({ description: 'whoever has it can take the account over; shown once' }),
  expiresAt: time,
})

export const listUsers = operation({
  id: 'listUsers',
  method: 'GET',
  path: '/api/v1/users',
  summary: 'Who may sign in, and with what',
  scope: 'people:read',
  query: pageQuery,
  reply: listOf(person),
  errors: [],
  audit: null,
  async run({ people }, { query }) {
    const page = pageOf(await people.list(), query, ({ user }) => user.id)
    if (page.kind === 'refused') return page
    return { kind: 'done', reply: { items: page.items.map(replyOf), next: page.next } }
  },
})

export const getUser = operation({
  id: 'getUser',
  method: 'GET',
  path: '/api/v1/users/{id}',
  summary: 'One person',
  scope: 'people:read',
  params: personPath,
  reply: person,
  errors: ['not-found'],
  audit: null,
  async run({ people }, { path }) {
    const found = await personOf(people, path.id)
    if (found === null) return refused('not-found')
    return { kind: 'done', reply: replyOf(found), etag: versionOf(found) }
  },
})

export const addUser = operation({
  id: 'addUser',
  method: 'POST',
  path: '/api/v1/users',
  summary: 'Adds a person',
  description: 'He can do nothing before he has enrolled: make an invitation.',
  scope: 'people:write',
  body: z.strictObject({
    id: userName,
    displayName: label.optional(),
    email: email.optional(),
    groups: groups.default([]),
  }),
  reply: person,
  status: 201,
  errors: ['exists', 'administrator-only'],
  audit: 'user-added',
  async run({ people, now }, { body }, actor) {
    const id = userIdOf(body.id)
    const input = {
      id,
      displayName: body.displayName ?? id,
      email: body.email ?? null,
      groups: body.groups,
    }
    const user = { ...input, disabled: false, handle: '', createdAt: now(), lastSignInAt: null }
    if (people.administers(user) && !actor.may('admin:write')) return refused('administrator-only')
    const added = await people.add(input)
    return {
      kind: 'done',
      reply: replyOf(added),
      etag: versionOf(added),
      changed: { user: id, after: editable(added) },
    }
  },
})

export const changeUser = operation({
  id: 'changeUser',
  method: 'PATCH',
  path: '/api/v1/users/{id}',
  summary: 'Changes name, address or groups of a person',
  description: 'What is left out stays. Groups apply to every session at once.',
  scope: 'people:write',
  params: personPath,
  body: z
    .strictObject({
      displayName: label.optional(),
      email: email.optional(),
      groups: groups.optional(),
    })
    .refine((body) => Object.keys(body).length > 0, 'Name something to change.'),
  reply: person,
  errors: ['not-found', 'administrator-only', 'last-administrator', 'yourself'],
  etag: personEtag,
  audit: 'user-changed',
  async run({ people }, { path, body }, actor) {
    const before = await personOf(people, path.id)
    if (before === null) return refused('not-found')
    const change = {
      ...(body.displayName === undefined ? {} : { displayName: body.displayName }),
      ...(body.email === undefined ? {} : { email: body.email }),
      ...(body.groups === undefined ? {} : { groups: body.groups }),
    }
    const stays = people.administers({ ...before.user, ...change })
    const fault = await faultOf(before, { people, actor, stays })
    if (fault !== null) return fault
    const after = await people.change(before.user.id, change)
    if (after === null) return refused('not-found')
    return {
      kind: 'done',
      reply: replyOf(after),
      etag: versionOf(after),
      changed:
        versionOf(before) === versionOf(after)
          ? null
          : { user: after.user.id, before: editable(before), after: editable(after) },
    }
  },
})

export const disableUser = operation({
  id: 'disableUser',
  method: 'POST',
  path: '/api/v1/users/{id}/disable',
  summary: 'Lets somebody in no more; can be undone',
  description: 'Sessions end, tokens stop working, unused links are withdrawn.',
  scope: 'people:write',
  params: personPath,
  reply: person,
  errors: ['not-found', 'administrator-only', 'last-administrator', 'yourself'],
  audit: 'user-disabled',
  async run({ people }, { path }, actor) {
    const before = await personOf(people, path.id)
    if (before === null) return refused('not-found')
    const fault = await faultOf(before, { people, actor, stays: false })
    if (fault !== null) return fault
    if (before.user.disabled) return { kind: 'done', reply: replyOf(before), changed: null }
    const sessions = await people.disable(before.user.id)
    return changedPerson(people, before, { sessions })
  },
})

export const enableUser = operation({
  id: 'enableUser',
  method: 'POST',
  path: '/api/v1/users/{id}/enable',
  summary: 'Lets somebody in again',
  scope: 'people:write',
  params: personPath,
  reply: person,
  errors: ['not-found', 'administrator-only'],
  audit: 'user-enabled',
  async run({ people }, { path }, actor) {
    const before = await personOf(people, path.id)
    if (before === null) return refused('not-found')
    const will = people.administers({ ...before.user, disabled: false })
    if (will && !actor.may('admin:write')) return refused('administrator-only')
    if (!before.user.disabled) return { kind: 'done', reply: replyOf(before), changed: null }
    await people.enable(before.user.id)
    return changedPerson(people, before, {})
  },
})

export const inviteUser = operation({
  id: 'inviteUser',
  method: 'POST',
  path: '/api/v1/users/{id}/invitation',
  summary: 'Makes a one-time link to enrol with',
  description: 'Earlier links of this person are withdrawn.',
  scope: 'people:write',
  params: personPath,
  body: life,
  reply: invitation,
  status: 201,
  errors: ['not-found', 'administrator-only'],
  audit: 'link-made',
  async run({ people }, { path, body }, actor) {
    const found = await personOf(people, path.id)
    if (found === null) return refused('not-found')
    if (mayNotTouch(found, people, actor)) return refused('administrator-only')
    const made = await people.invite(found.user.id, body.lifeMinutes * 60_000)
    if (made === null) return refused('not-found')
    const { url } = made
    const expiresAt = timeText(made.expiresAt)
    return {
      kind: 'done',
      reply: { url, expiresAt },
      changed: { user: found.user.id, details: { until: expiresAt } },
    }
  },
})

export const resetUser = operation({
  id: 'resetUser',
  method: 'POST',
  path: '/api/v1/users/{id}/reset',
  summary: 'Takes everything away that somebody signs in with, and makes a link to begin anew',
  description: 'All sessions end. Tokens stay.',
  scope: 'people:write',
  params: personPath,
  body: life,
  reply: invitation.extend({ ended: z.int().meta({ description: 'sessions' }) }),
  status: 201,
  errors: ['not-found', 'administrator-only', 'yourself'],
  audit: 'user-reset',
  async run({ people }, { path, body }, actor) {
    const before = await personOf(people, path.id)
    if (before === null) return refused('not-found')
    if (before.user.id === actor.user) return refused('yourself')
    if (mayNotTouch(before, people, actor)) return refused('administrator-only')
    const made = await people.reset(before.user.id, body.lifeMinutes * 60_000)
    if (made === null) return refused('not-found')
    const { url, ended } = made
    return {
      kind: 'done',
      reply: { url, expiresAt: timeText(made.expiresAt), ended },
      changed: {
        user: before.user.id,
        before: counts(before),
        after: {},
        details: { sessions: ended },
      },
    }
  },
})

export const removeCredential = operation({
  id: 'removeCredential',
  method: 'DELETE',
  path: '/api/v1/users/{id}/credentials/{kind}/{credential}',
  summary: 'Takes away one thing that somebody signs in with',
  description:
    'Of a password `credential` is `-`; of an account `provider:subject`. Never the last one: reset the person instead.',
  scope: 'people:write',
  params: z.strictObject({
    id: anyId,
    kind: z.enum(['passkey', 'security-key', 'totp', 'password', 'account']),
    credential: z.string().min(1).max(1400),
  }),
  reply: z.null(),
  errors: ['not-found', 'last-credential', 'administrator-only'],
  audit: 'credential-removed',
  async run({ people }, { path }, actor) {
    const found = await personOf(people, path.id)
    const choice = choiceOf(path.kind, path.credential)
    if (found === null || choice === null) return refused('not-found')
    if (mayNotTouch(found, people, actor)) return refused('administrator-only')
    const outcome = await people.removeCredential(found.user.id, choice)
    if (outcome === 'absent') return refused('not-found')
    if (outcome === 'last') return refused('last-credential')
    const after = await people.person(found.user.id)
    return {
      kind: 'done',
      reply: null,
      changed: {
        user: found.user.id,
        before: counts(found),
        after: after === null ? {} : counts(after),
        details: { kind: path.kind },
      },
    }
  },
})

export const removeUser = operation({
  id: 'removeUser',
  method: 'DELETE',
  path: '/api/v1/users/{id}',
  summary: 'Removes somebody for good, with everything that is theirs',
  scope: 'people:write',
  params: personPath,
  reply: z.null(),
  errors: ['not-found', 'administrator-only', 'last-administrator', 'yourself'],
  etag: personEtag,
  audit: 'user-removed',
  async run({ people }, { path }, actor) {
    const before = await personOf(people, path.id)
    if (before === null) return refused('not-found')
    const fault = await faultOf(before, { people, actor, stays: false })
    if (fault !== null) return fault
    await people.remove(before.user.id)
    const changed = { user: before.user.id, before: { ...editable(before), ...counts(before) } }
    return { kind: 'done', reply: null, changed }
  },
})

export const userOperations = [
  listUsers,
  addUser,
  getUser,
  changeUser,
  removeUser,
  disableUser,
  enableUser,
  inviteUser,
  resetUser,
  removeCredential,
]

type PeopleOnly = Desks['people']

async function personOf(people: PeopleOnly, name: string): Promise<Person | null> {
  const id = parseUserName(name)
  return id === null ? null : people.person(id)
}

async function personEtag({ people }: Desks, { path }: { path: { id: string } }) {
  const found = await personOf(people, path.id)
  return found === null ? null : versionOf(found)
}

/** Of what can be edited; that he signed in meanwhile is no edit. */
function versionOf(person: Person): string {
  return etagOf(editable(person))
}

function editable({ user }: Person) {
  const { id, displayName, email, groups: of, disabled } = user
  return { id, displayName, email, groups: of, disabled }
}

function counts({ credentials: has, sessions, tokens }: Person) {
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
function mayNotTouch({ user }: Person, people: PeopleOnly, actor: Actor): boolean {
  return people.administers({ ...user, disabled: false }) && !actor.may('admin:write')
}

/** @param facts `stays`: he can administer afterwards. @returns `null`: it may be done. */
async function faultOf(
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

async function changedPerson(
  people: PeopleOnly,
  before: Person,
  details: Readonly<Record<string, number | null>>,
) {
  const after = await people.person(before.user.id)
  if (after === null) return refused('not-found')
  return {
    kind: 'done' as const,
    reply: replyOf(after),
    etag: versionOf(after),
    changed: { user: after.user.id, before: editable(before), after: editable(after), details },
  }
}

function choiceOf(kind: CredentialChoice['kind'], id: string): CredentialChoice | null {
  switch (kind) {
    case 'password':
      return id === '-' ? { kind } : null
    case 'account': {
      const colon = id.indexOf(':')
      if (colon === -1) return null
      return { kind, provider: id.slice(0, colon), subject: id.slice(colon + 1) }
    }
    case 'passkey':
    case 'security-key':
    case 'totp':
      return { kind, id }
    default:
      throw new TypeError('unknown credential', { cause: kind satisfies never })
  }
}

function replyOf({ user, credentials, sessions, tokens, administers }: Person) {
  return {
    id: user.id as UserId & string,
    displayName: user.displayName,
    email: user.email,
    groups: [...user.groups],
    disabled: user.disabled,
    administers,
    createdAt: timeText(user.createdAt),
    lastSignInAt: timeOrNull(user.lastSignInAt),
    sessions,
    tokens,
    credentials: {
      passkeys: credentials.passkeys.map(credentialReply),
      securityKeys: credentials.securityKeys.map(credentialReply),
      password:
        credentials.password === null
          ? null
          : {
              createdAt: timeText(credentials.password.createdAt),
              lastUsedAt: timeOrNull(credentials.password.lastUsedAt),
            },
      authenticatorApps: credentials.authenticatorApps.map(credentialReply),
      accounts: credentials.accounts.map((each) => ({
        ...each,
        lastUsedAt: timeOrNull(each.lastUsedAt),
      })),
      recoveryCodes: credentials.recoveryCodes,
    },
  }
}

function credentialReply(each: Person['credentials']['passkeys'][number]) {
  return {
    id: each.id,
    label: each.label,
    createdAt: timeText(each.createdAt),
    lastUsedAt: timeOrNull(each.lastUsedAt),
  }
}
