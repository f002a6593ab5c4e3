// Tokens: what programs come in with.

import * as z from 'zod'
import { patternFault } from '../../auth/path-pattern.ts'
import { tokenScopeNames } from '../../auth/token-scopes.ts'
import { parseHost } from '../../host.ts'
import type { TokenView } from '../desks/people-types.ts'
import { operation } from '../operation.ts'
import { type FieldError, refused } from '../problem.ts'
import {
  anyId,
  cursor,
  label,
  limit,
  listOf,
  pageOf,
  time,
  timeOrNull,
  timeText,
  userIdOf,
  userName,
} from './schemas.ts'

const wake = z
  .strictObject({
    hours: z
      .strictObject({ from: z.int().min(0).max(1439), to: z.int().min(0).max(1439) })
      .refine(({ from, to }) => from !== to, 'Both times are the same.')
      .nullable()
      .meta({ description: 'minutes since midnight, UTC; `null`: at any time' }),
    perDay: z.int().min(1).max(100),
  })
  .nullable()

const token = z.strictObject({
  id: z.string(),
  user: z.string(),
  label: z.string(),
  hosts: z.array(z.string()).nullable(),
  methods: z.array(z.string()).nullable(),
  paths: z.array(z.string()).nullable(),
  wake,
  scopes: z.array(z.string()),
  createdAt: time,
  expiresAt: time.nullable(),
  lastUsedAt: time.nullable(),
  lastAddress: z.string().nullable(),
})

const dayMs = 86_400_000
const defaultLifeDays = 365
const maxLifeDays = 3650

const unique = (list: readonly string[]) => new Set(list).size === list.length

export const listTokens = operation({
  id: 'listTokens',
  method: 'GET',
  path: '/api/v1/tokens',
  summary: 'All tokens, newest first',
  scope: 'people:read',
  query: z.strictObject({ user: userName.optional(), limit, cursor }),
  reply: listOf(token),
  errors: [],
  audit: null,
  async run({ tokens }, { query }) {
    const all = tokens.list(query.user === undefined ? null : userIdOf(query.user))
    const page = pageOf(all, query, ({ id }) => id)
    if (page.kind === 'refused') return page
    return { kind: 'done', reply: { items: page.items.map(replyOf), next: page.next } }
  },
})

export const getToken = operation({
  id: 'getToken',
  method: 'GET',
  path: '/api/v1/tokens/{id}',
  summary: 'One token',
  scope: 'people:read',
  params: z.strictObject({ id: anyId }),
  reply: token,
  errors: ['not-found'],
  audit: null,
  async run({ tokens }, { path }) {
    const found = tokens.byId(path.id)
    return found === null ? refused('not-found') : { kind: 'done', reply: replyOf(found) }
  },
})

export const addToken = operation({
  id: 'addToken',
  method: 'POST',
  path: '/api/v1/tokens',
  summary: 'Makes a token',
  description:
    'The text of the token is in this reply and nowhere else. With `hosts: null` it is good for every host of the table but the login host; for the admin it needs a scope.',
  scope: 'admin:write',
  body: z.strictObject({
    user: userName.optional().meta({ description: 'whose; absent: the own' }),
    label,
    hosts: z
      .array(z.string().min(1).max(253))
      .min(1)
      .max(50)
      .refine(unique)
      .nullable()
      .default(null),
    methods: z
      .array(z.string().regex(/^[A-Z][A-Z-]{0,19}$/))
      .min(1)
      .max(20)
      .refine(unique)
      .nullable()
      .default(null),
    paths: z
      .array(z.string().min(1).max(1024))
      .min(1)
      .max(50)
      .refine(unique)
      .nullable()
      .default(null),
    wake: wake.default(null),
    scopes: z
      .array(z.enum(tokenScopeNames))
      .max(20)
      .refine(unique, 'A scope stands twice.')
      .default([]),
    lifeDays: z
      .int()
      .min(1)
      .max(maxLifeDays)
      .nullable()
      .default(defaultLifeDays)
      .meta({ description: '`null`: for ever' }),
  }),
  reply: z.strictObject({ token, text: z.string().meta({ description: 'shown once' }) }),
  status: 201,
  errors: ['too-many'],
  audit: 'token-added',
  async run({ tokens, people, now }, { body }, actor) {
    const user = body.user === undefined ? actor.user : userIdOf(body.user)
    const owner = await people.person(user)
    const errors: FieldError[] = []
    const fail = (path: string, message: string) => errors.push({ path: `body.${path}`, message })
    if (owner === null) fail('user', 'There is no such person.')
    else if (body.scopes.length > 0 && !owner.administers) {
      fail('scopes', `${user} does not administer this gateway: scopes would be of no use.`)
    }
    const hosts = body.hosts?.map((text, i) => {
      const host = parseHost(text)
      if (host === null || !tokens.isRouted(host)) fail(`hosts.${i}`, 'No route takes this host.')
      return host ?? text
    })
    body.paths?.forEach((text, i) => {
      const fault = patternFault(text)
      if (fault !== null) fail(`paths.${i}`, `It ${fault.what}: ${fault.remedy}.`)
    })
    if (errors.length > 0) return refused('invalid', { errors })
    const { lifeDays } = body
    const { token: made, text } = await tokens.add({
      user,
      label: body.label,
      hosts: hosts ?? null,
      methods: body.methods,
      paths: body.paths,
      wake: body.wake,
      scopes: body.scopes,
      expiresAt: lifeDays === null ? null : now() + lifeDays * dayMs,
    })
    const reply = replyOf(made)
    return { kind: 'done', reply: { token: reply, text }, changed: { user, after: reply } }
  },
})

export const revokeToken = operation({
  id: 'revokeToken',
  method: 'DELETE',
  path: '/api/v1/tokens/{id}',
  summary: 'Revokes a token',
  description: 'What it has under way ends too.',
  scope: 'people:write',
  params: z.strictObject({ id: anyId }),
  reply: z.null(),
  errors: ['not-found'],
  audit: 'token-revoked',
  async run({ tokens }, { path }) {
    const was = await tokens.revoke(path.id)
    if (was === null) return refused('not-found')
    return { kind: 'done', reply: null, changed: { user: was.user, before: replyOf(was) } }
  },
})

export const revokeTokens = operation({
  id: 'revokeTokens',
  method: 'DELETE',
  path: '/api/v1/tokens',
  summary: 'Revokes all tokens of a person',
  scope: 'people:write',
  query: z.strictObject({ user: userName }),
  reply: z.strictObject({ revoked: z.int() }),
  errors: [],
  audit: 'token-revoked',
  async run({ tokens }, { query }) {
    const user = userIdOf(query.user)
    const count = await tokens.revokeUser(user)
    const changed = { user, details: { what: 'user', count } }
    return { kind: 'done', reply: { revoked: count }, changed }
  },
})

export const tokenOperations = [listTokens, addToken, getToken, revokeToken, revokeTokens]

function replyOf(each: TokenView) {
  const copy = (list: readonly string[] | null) => (list === null ? null : [...list])
  return {
    ...each,
    hosts: copy(each.hosts),
    methods: copy(each.methods),
    paths: copy(each.paths),
    wake: each.wake === null ? null : { ...each.wake },
    scopes: [...each.scopes],
    createdAt: timeText(each.createdAt),
    expiresAt: timeOrNull(each.expiresAt),
    lastUsedAt: timeOrNull(each.lastUsedAt),
  }
}
