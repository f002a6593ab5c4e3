// Health, metrics, the state of the house, and lockdown.

import * as z from 'zod'
import { operation } from '../operation.ts'

const healthReply = z.strictObject({
  status: z.enum(['ok', 'degraded', 'draining']),
  version: z.string(),
  uptimeSeconds: z.int(),
  checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string() })),
})

export const getHealth = operation({
  id: 'getHealth',
  method: 'GET',
  path: '/api/v1/health',
  summary: 'How the gateway is',
  scope: null,
  reply: healthReply,
  errors: [],
  audit: null,
  async run({ house }) {
    const { status, version, uptimeSeconds, checks } = house.health()
    return { kind: 'done', reply: { status, version, uptimeSeconds, checks: [...checks] } }
  },
})

export const houseOperations = [getHealth]
