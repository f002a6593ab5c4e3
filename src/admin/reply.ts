// A refusal as a program gets it: problem details (RFC 9457).

import type { FastifyReply } from 'fastify'
import type { AppRequest } from '../app.ts'
import { adminErrors, problemOf, type Refused } from './problem.ts'

export function refuseReply(reply: FastifyReply, refusal: Refused, from: AppRequest): FastifyReply {
  const { status } = adminErrors[refusal.code]
  // RFC 9110 §15.5.2: a 401 names a scheme.
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="Gatehouse"')
  if (status === 503 || status === 429) reply.header('retry-after', '5')
  return reply
    .status(status)
    .header('content-type', 'application/problem+json')
    .send(JSON.stringify(problemOf(refusal, from.id)))
}
