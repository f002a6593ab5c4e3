// The way in for a browser: to the login host, which knows both of its cookies, and back with a code for a cookie of this host.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AppRequest } from '../app.ts'
import {
  adminCookieName,
  adminStateCookieName,
  clearCookie,
  cookieValues,
  setCookie,
} from '../auth/cookie.ts'
import { newSecret } from '../auth/secret-text.ts'
import { originOf } from '../sign-in-url.ts'
import type { AdminContext } from './context.ts'
import { adminCookieOf, enter } from './guard.ts'
import { type Refused, refused } from './problem.ts'
import { readQuery } from './query.ts'

/** Where the login host sends a browser back to. The guard lets it through without the cookie. */
export const entrancePath = '/.entrance'

const stateSeconds = 600
const maxPathLength = 4096

/** Sends a browser to the login host, to come back to `to`, a path of ours. */
export function sendToEntrance(
  reply: FastifyReply,
  from: AppRequest,
  context: AdminContext,
): FastifyReply {
  // The state that is there already, if there is one: several pages that open at once must all find their way.
  const known = stateOf(from)
  const state = known ?? newSecret(context.randomBytes)
  const query = new URLSearchParams({ host: from.host, state, to: ownPath(from.target) })
  const login = originOf(context.loginHost(), context.publicPort())
  return reply
    .status(303)
    .header('set-cookie', setCookie(adminStateCookieName, state, { maxAgeSeconds: stateSeconds }))
    .header('location', `${login}/admin-entrance?${query}`)
    .send()
}

/** `GET /.entrance?code&state&to`: takes the code, sets the cookie, goes on. */
export function registerEntrance(
  app: FastifyInstance,
  context: AdminContext,
  parts: {
    readonly key: Buffer
    readonly from: (request: FastifyRequest) => AppRequest
    readonly refuse: (reply: FastifyReply, refusal: Refused) => FastifyReply
  },
): void {
  app.get(entrancePath, { config: { entrance: true } }, (request, reply) => {
    const from = parts.from(request)
    const query = readQuery(from.target, new Map())
    const to = ownPath(typeof query.to === 'string' ? query.to : '/')
    const entry = enter(from, context, parts.key)
    // Of several pages that opened at once, another one was first.
    if (entry.kind === 'in') return reply.status(303).header('location', to).send()
    if (entry.kind === 'refused') return parts.refuse(reply, entry)
    const state = stateOf(from)
    const { session } = entry
    const good =
      state !== null &&
      query.state === state &&
      typeof query.code === 'string' &&
      context.entrances.spend(query.code, { session: session.record.ref, state, host: from.host })
    if (!good) {
      return parts.refuse(
        reply,
        refused('stale-page', {
          detail:
            state === null
              ? `Your browser did not send the cookie that it was given. Allow cookies for ${from.host}, then try again.`
              : 'That took too long, or another page was quicker. Please try again.',
        }),
      )
    }
    return reply
      .status(303)
      .header('set-cookie', [
        setCookie(adminCookieName, adminCookieOf(parts.key, session)),
        clearCookie(adminStateCookieName),
      ])
      .header('location', to)
      .send()
  })
}

/** A path of this host as it may stand in `Location`; else the front page. Never the entrance: that would go round. */
export function ownPath(target: string): string {
  const fits =
    target.length <= maxPathLength &&
    /^\/(?![/\\])[\x21-\x22\x24-\x5b\x5d-\x7e]*$/.test(target) &&
    !target.startsWith(entrancePath)
  return fits ? target : '/'
}

function stateOf({ headers }: AppRequest): string | null {
  const values = cookieValues(headers.cookie ?? '', adminStateCookieName)
  return values.length === 1 ? (values[0] ?? null) : null
}
