// What people sign in with: invitations, a reset, and one credential taken away.

import * as z from 'zod'
import { linkLifeMs, maxLinkLifeMs } from '../../auth/person-changes.ts'
import type { CredentialChoice } from '../desks/people-types.ts'
import { operation } from '../operation.ts'
import { refused } from '../problem.ts'
import { counts, mayNotTouch, personOf } from './person-rules.ts'
import { anyId, personPath, time, timeText } from './schemas.ts'

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

export const userAccessOperations = [inviteUser, resetUser, removeCredential]

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
