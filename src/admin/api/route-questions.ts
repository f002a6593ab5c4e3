// Questions about routes: what would happen to a request, and does a target answer?

import * as z from 'zod'
import { parseUserName } from '../../auth/user-name.ts'
import { operation } from '../operation.ts'
import { refused } from '../problem.ts'

export const explainRoute = operation({
  id: 'explainRoute',
  method: 'POST',
  path: '/api/v1/routes/explain',
  summary: 'What would happen to a request, and why',
  scope: 'routes:read',
  body: z.strictObject({
    url: z.string().min(1).max(4096),
    method: z
      .string()
      .regex(/^[A-Z][A-Z-]{0,19}$/)
      .default('GET'),
    user: z
      .string()
      .min(1)
      .max(64)
      .nullable()
      .default(null)
      .meta({ description: '`null`: a stranger' }),
    client: z.union([z.ipv4(), z.ipv6()]).optional().meta({ description: 'client address' }),
  }),
  reply: z.strictObject({
    steps: z.array(z.string()),
    outcome: z.enum(['allow', 'sign-in', 'deny', 'not-found', 'other']),
    route: z.string().nullable(),
  }),
  errors: [],
  readOnly: true,
  audit: null,
  async run({ routes, people }, { body }) {
    const { url, method, client } = body
    const user = body.user === null ? null : parseUserName(body.user)
    if (body.user !== null && (user === null || (await people.person(user)) === null)) {
      const errors = [{ path: 'body.user', message: 'There is no such person.' }]
      return refused('invalid', { errors })
    }
    const asked = { url, method, user, ...(client === undefined ? {} : { client }) }
    const found = await routes.explain(asked)
    if (found === null) {
      const errors = [{ path: 'body.url', message: 'No request for this could come here.' }]
      return refused('invalid', { errors })
    }
    const { steps, outcome, route: id } = found
    return { kind: 'done', reply: { steps: [...steps], outcome, route: id } }
  },
})

export const probeTarget = operation({
  id: 'probeTarget',
  method: 'POST',
  path: '/api/v1/routes/probe',
  summary: 'Does this target answer?',
  description: 'One connection; addresses that no route may name are not dialled.',
  scope: 'routes:write',
  body: z.strictObject({ target: z.string().min(1).max(2048) }),
  reply: z.strictObject({ ok: z.boolean(), words: z.string(), ms: z.number() }),
  errors: [],
  readOnly: true,
  audit: null,
  async run({ routes }, { body }) {
    const { ok, words, ms } = await routes.probe(body.target)
    return { kind: 'done', reply: { ok, words, ms } }
  },
})

export const routeQuestions = [explainRoute, probeTarget]
