// Services: what a person can open, and how it is right now.

import * as z from 'zod'
import { operation } from '../operation.ts'
import { listOf, pageOf, pageQuery, time, timeText } from './schemas.ts'

const service = z.strictObject({
  id: z.string(),
  name: z.string(),
  url: z.string().nullable().meta({ description: '`null`: for many hosts' }),
  access: z.string(),
  target: z.string(),
  state: z.enum(['answering', 'failing', 'asleep', 'waking', 'unknown']),
  since: time.nullable().meta({ description: 'of `failing`' }),
})

export const listServices = operation({
  id: 'listServices',
  method: 'GET',
  path: '/api/v1/services',
  summary: 'Services of the table that are not disabled, and whether they answer',
  scope: 'routes:read',
  query: pageQuery,
  reply: listOf(service),
  errors: [],
  audit: null,
  async run(desks, { query }) {
    const rows = (await desks.routes.rows()).filter(({ disabled }) => !disabled)
    const page = pageOf(rows, query, ({ id }) => id)
    if (page.kind === 'refused') return page
    const items = page.items.map(({ id, name, host, path, access, target }) => {
      const state = desks.targetState(id)
      return {
        ...{ id, name, access },
        url: host.includes('*') ? null : `${desks.originOf(host)}${path}`,
        target: target.words,
        state: state.kind,
        since: state.kind === 'failing' ? timeText(state.since) : null,
      }
    })
    return { kind: 'done', reply: { items, next: page.next } }
  },
})

export const serviceOperations = [listServices]
