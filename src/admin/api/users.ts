// People: who may sign in, in which groups, and an end to it.

import * as z from 'zod'
import { isEmail } from '../../auth/person-changes.ts'
import type { Person } from '../desks/people-types.ts'
import { operation } from '../operation.ts'
import { refused } from '../problem.ts'
import {
  counts,
  editable,
  faultOf,
  type PeopleOnly,
  personEtag,
  personOf,
  versionOf,
} from './person-rules.ts'
import { person, personReply } from './person-views.ts'
import {
  groups,
  label,
  listOf,
  pageOf,
  pageQuery,
  personPath,
  userIdOf,
  userName,
} from './schemas.ts'

const email = z
  .string()
  .max(254)
  .refine(isEmail, 'This is no address.')
  .nullable()
  .meta({ description: 'such as ana@example.com; `null`: none' })

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
    return { kind: 'done', reply: { items: page.items.map(personReply), next: page.next } }
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
    return { kind: 'done', reply: personReply(found), etag: versionOf(found) }
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
      reply: personReply(added),
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
      reply: personReply(after),
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
  inTurn: true,
  audit: 'user-disabled',
  async run({ people }, { path }, actor) {
    const before = await personOf(people, path.id)
    if (before === null) return refused('not-found')
    const fault = await faultOf(before, { people, actor, stays: false })
    if (fault !== null) return fault
    if (before.user.disabled) return { kind: 'done', reply: personReply(before), changed: null }
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
    if (!before.user.disabled) return { kind: 'done', reply: personReply(before), changed: null }
    await people.enable(before.user.id)
    return changedPerson(people, before, {})
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
]

async function changedPerson(
  people: PeopleOnly,
  before: Person,
  details: Readonly<Record<string, number | null>>,
) {
  const after = await people.person(before.user.id)
  if (after === null) return refused('not-found')
  return {
    kind: 'done' as const,
    reply: personReply(after),
    etag: versionOf(after),
    changed: { user: after.user.id, before: editable(before), after: editable(after), details },
  }
}
