// A request of the gateway on its way into Fastify, which has no socket here, and its answer on the way out. For the login
// host and the admin.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AppRequest } from '../../app.ts'
import type { Answer } from '../../pages/answer.ts'

/** Methods that an application takes. */
export type AppMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Finds what was kept of a request by the headers that Fastify sees. */
export type KeptOf<Kept> = (headers: FastifyRequest['headers']) => Kept

/** Carries the number of the request through Fastify. Written over whatever a client sends under this name. */
const ticketHeader = 'gatehouse-ticket'
/** The body was read by the gateway, and its length is that of what was read. */
const notPassedOn: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'expect'])
/** Of a connection that does not exist. */
const notAnswered: ReadonlySet<string> = new Set([
  'connection',
  'date',
  'keep-alive',
  'transfer-encoding',
  'content-length',
])

/** Nothing here has a schema of Fastify's: what would compile them is 4 MB, and is not loaded. */
export const noSchemas = {
  compilersFactory: { buildValidator: noSchema, buildSerializer: noSchema },
}

/**
 * @param build makes the application when the first request comes; when that fails, the next one tries again. Its `rewriteUrl`
 *   has to put in the target that the gateway checked.
 * @returns sends a request in, with whatever is to be kept of it until its answer is there.
 */
export function createInjection<Kept>(
  methods: readonly AppMethod[],
  build: (keptOf: KeptOf<Kept>) => Promise<FastifyInstance>,
): (request: AppRequest, kept: Kept) => Promise<Answer> {
  const pending = new Map<string, Kept>()
  let ready: Promise<FastifyInstance> | null = null
  let count = 0

  function keptOf(headers: FastifyRequest['headers']): Kept {
    const kept = pending.get(String(headers[ticketHeader]))
    if (kept === undefined) throw new Error('a request that nobody made')
    return kept
  }

  return async (request, kept) => {
    const method = methods.find((each) => each === request.method)
    if (method === undefined) return notOffered(methods)
    ready ??= build(keptOf).catch((error: unknown) => {
      ready = null
      throw error
    })
    const app = await ready
    count += 1
    const ticket = String(count)
    pending.set(ticket, kept)
    try {
      const response = await app.inject({
        method,
        // Its own reader of addresses would mend them.
        url: '/',
        headers: headersFor(request, ticket),
        ...(request.body.length > 0 && { payload: request.body }),
      })
      return answerOf(response, method === 'HEAD')
    } finally {
      pending.delete(ticket)
    }
  }
}

/** A body as `read` reads it, in the way in which Fastify wants to be told. */
export function parsed(
  read: () => unknown,
  done: (error: Error | null, body?: unknown) => void,
): void {
  let body: unknown
  try {
    body = read()
  } catch (error) {
    done(error instanceof Error ? error : new Error('unreadable', { cause: error }))
    return
  }
  done(null, body)
}

function noSchema(): never {
  throw new Error('a page with a schema')
}

function notOffered(methods: readonly AppMethod[]): Answer {
  const headers = ['allow', methods.join(', '), 'cache-control', 'no-store', 'content-length', '0']
  return { status: 405, headers, body: Buffer.alloc(0) }
}

function headersFor(request: AppRequest, ticket: string): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers))
    if (!notPassedOn.has(name)) headers[name] = value
  headers[ticketHeader] = ticket
  return headers
}

interface Injected {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, number | string | string[] | undefined>>
  readonly rawPayload: Buffer
}

function answerOf(response: Injected, isHead: boolean): Answer {
  const headers: string[] = []
  for (const [name, value] of Object.entries(response.headers)) {
    if (value === undefined || notAnswered.has(name)) continue
    // Several cookies are several lines (RFC 9110 §5.3).
    for (const line of Array.isArray(value) ? value : [value]) headers.push(name, String(line))
  }
  const length = isHead
    ? String(response.headers['content-length'] ?? 0)
    : String(response.rawPayload.length)
  headers.push('content-length', length)
  return {
    status: response.statusCode,
    headers,
    body: isHead ? Buffer.alloc(0) : response.rawPayload,
  }
}
