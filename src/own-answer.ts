// What an answer of our own needs to know of the request it is for. Hot path.

import type { Request } from './admission.ts'
import type { AppRequest } from './app.ts'
import { type FailureCode, failures } from './errors.ts'
import type { RequestId } from './model.ts'
import type { FailureExtra, OwnTarget, PageRequest, TargetFacts } from './pages.ts'
import { belowPrefix } from './proxy/headers.ts'
import { readTarget } from './proxy/target.ts'
import type { RouteTable } from './routes.ts'
import { signInUrlOf, wantsPassword } from './sign-in-answer.ts'
import { originOf } from './sign-in-url.ts'

export interface OwnAnswerDeps {
  readonly table: () => RouteTable
  readonly publicPort: number
}

/** The request as pages see it. */
export function pageRequestOf(
  request: Request & { readonly id: RequestId },
  deps: OwnAnswerDeps,
): PageRequest {
  const { exchange, head } = request
  return {
    accept: head?.accept ?? null,
    // gRPC runs over HTTP/2 alone; over HTTP/1 a client cannot choose to be answered 200 by naming it.
    contentType: exchange.protocol === 'HTTP/2' ? (head?.contentType ?? null) : null,
    method: exchange.method,
    id: request.id,
    host: request.host,
    loginHost: deps.table().definition.loginHost,
  }
}

/** The request as our own applications see it, but for headers and body. */
export function appRequestOf(
  request: Request & { readonly id: RequestId },
  deps: OwnAnswerDeps,
): Omit<AppRequest, 'headers' | 'body'> {
  const { exchange, target, host, client, network, identity } = request
  if (target === null || host === null) throw new TypeError('admitted without a target')
  return {
    id: request.id,
    method: exchange.method,
    target: target.rawPath + target.query,
    host,
    origin: originOf(host, deps.publicPort),
    client,
    network,
    identity,
  }
}

/** The headers that every answer carries, beside those of this one. */
export function withOwnHeaders(
  headers: readonly string[],
  id: RequestId,
  deps: OwnAnswerDeps,
): string[] {
  const out = headers.slice()
  out.push('x-request-id', id)
  for (const [name, value] of deps.table().definition.securityHeaders) {
    if (!headers.includes(name)) out.push(name, value)
  }
  return out
}

/** What a failure's page says beyond its code; almost always nothing. */
export function extraOf(
  request: Request,
  code: FailureCode,
  deps: OwnAnswerDeps,
): FailureExtra | undefined {
  if (code === 'maintenance') {
    const detail = request.route?.definition.maintenance ?? ''
    return detail === '' ? undefined : { detail }
  }
  if (failures[code].status !== 401) return undefined
  const basic = wantsPassword(request)
  const signIn = signInUrlOf(request, 'no-session', deps)
  return signIn === null ? { basic } : { basic, signIn }
}

/** What the answer of a target of ours depends on; `null`: the route's path is spelled otherwise. */
export function targetFactsOf(
  request: Request,
  target: OwnTarget,
  deps: OwnAnswerDeps,
): TargetFacts | null {
  if (target.kind === 'landing') return { asleep: leadsToSleep(request, target.continueTo, deps) }
  if (target.kind !== 'redirect' || !target.keepPath) return {}
  const below = belowRoute(request)
  return below === null ? null : { below }
}

/** Whether what a landing page goes on to has a machine whose door is shut. */
function leadsToSleep({ host }: Request, path: string | null, deps: OwnAnswerDeps): boolean {
  const target = path === null ? 'bad-target' : readTarget(path)
  if (host === null || typeof target === 'string') return false
  return deps.table().match(host, target.path)?.gate?.open === false
}

/** What of path and query lies below the route, as it was sent; `null`: the route's path is spelled otherwise. */
function belowRoute({ target, route }: Request): string | null {
  if (target === null || route === null) return null
  const rest = belowPrefix(target.rawPath, route.definition.path)
  return rest === null ? null : rest + target.query
}
