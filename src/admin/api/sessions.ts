// Sessions: who is signed in, and an end to it.

import * as z from 'zod'
import type { SessionView } from '../desks/people-types.ts'
import { operation } from '../operation.ts'
import { refused } from '../problem.ts'
import {
  anyId,
  cursor,
  limit,
  listOf,
  pageOf,
  time,
  timeText,
  userIdOf,
  userName,
} from './schemas.ts'

const session = z.strictObject({
  ref: z.string().meta({ description: 'names it in logs; no secret' }),
  user: z.string(),
  device: z.string(),
  userAgent: z.string(),
  methods: z.array(z.string()),
  account: z.string().nullable(),
  remember: z.boolean(),
  createdAt: time,
  authenticatedAt: time,
  lastSeenAt: time,
  firstAddress: z.string(),
  lastAddress: z.string(),
  current: z.boolean().meta({ description: 'the one that asks' }),
})

const ended = z.strictObject({ ended: z.int() })

export const listSessions = operation({
  id: 'listSessions',
  method: 'GET',
  path: '/api/v1/sessions',
  summary: 'Who is signed in, last seen first',
  scope: 'people:read',
  query: z.strictObject({ user: userName.optional(), limit, cursor }),
  reply: listOf(session),
  errors: [],
  audit: null,
  async run({ sessions }, { query }, actor) {
    const all = sessions.list(query.user === undefined ? null : userIdOf(query.user))
    const page = pageOf(all, query, ({ ref }) => ref)
    if (page.kind === 'refused') return page
    const items = page.items.map((each) => replyOf(each, actor.ref))
    return { kind: 'done', reply: { items, next: page.next } }
  },
})

export const endSession = operation({
  id: 'endSession',
  method: 'DELETE',
  path: '/api/v1/sessions/{ref}',
  summary: 'Ends one session',
  description: 'What it has under way ends too.',
  scope: 'people:write',
  params: z.strictObject({ ref: anyId }),
  reply: z.null(),
  errors: ['not-found'],
  audit: 'session-revoked',
  async run({ sessions }, { path }) {
    const was = await sessions.end(path.ref)
    if (was === null) return refused('not-found')
    const { user, device, lastAddress } = was
    const changed = {
      user,
      before: { device, lastAddress },
      details: { what: 'one', ref: was.ref },
    }
    return { kind: 'done', reply: null, changed }
  },
})

export const endSessions = operation({
  id: 'endSessions',
  method: 'DELETE',
  path: '/api/v1/sessions',
  summary: 'Ends all sessions of a person, or everybody’s',
  description: 'The session that asks stays.',
  scope: 'people:write',
  query: z.strictObject({
    user: userName.optional().meta({ description: 'absent: everybody' }),
  }),
  reply: ended,
  errors: [],
  audit: 'session-revoked',
  async run({ sessions }, { query }, actor) {
    const except = actor.via === 'session' ? actor.ref : null
    if (query.user === undefined) {
      const count = await sessions.endAll(except)
      return { kind: 'done', reply: { ended: count }, changed: { details: { what: 'all', count } } }
    }
    const user = userIdOf(query.user)
    const count = await sessions.endUser(user, except)
    const changed = { user, details: { what: 'user', count } }
    return { kind: 'done', reply: { ended: count }, changed }
  },
})

export const panic = operation({
  id: 'panic',
  method: 'POST',
  path: '/api/v1/sessions/panic',
  summary: 'Ends every session, every token and every unused link, the own ones too',
  scope: 'admin:write',
  body: z.strictObject({
    confirm: z
      .literal('panic')
      .meta({ description: 'the word, so that nobody does it by mistake' }),
  }),
  reply: z.strictObject({ sessions: z.int(), tokens: z.int(), links: z.int() }),
  errors: [],
  audit: 'panic',
  async run({ sessions }) {
    const done = await sessions.panic()
    return { kind: 'done', reply: done, changed: { details: done } }
  },
})

export const sessionOperations = [listSessions, endSession, endSessions, panic]

function replyOf(each: SessionView, own: string) {
  return {
    ...each,
    methods: [...each.methods],
    createdAt: timeText(each.createdAt),
    authenticatedAt: timeText(each.authenticatedAt),
    lastSeenAt: timeText(each.lastSeenAt),
    current: each.ref === own,
  }
}
