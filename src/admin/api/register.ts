// Operations on Fastify: one route each, and their description beside them.

import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { Operation } from '../operation.ts'
import type { AdminParts } from '../parts.ts'
import { refused } from '../problem.ts'
import { readQuery } from '../query.ts'
import { refuseReply } from '../reply.ts'
import { registerDescription } from './description.ts'
import { registerEvents } from './events.ts'
import { operations } from './operations.ts'

export function registerApi(app: FastifyInstance, parts: AdminParts): void {
  for (const operation of operations) registerOperation(app, operation, parts)
  registerEvents(app, parts)
  registerDescription(app, parts.context.version)
  // Whoever asks for a path of the API with another method is told which ones it has.
  for (const [url, methods] of methodsByUrl()) {
    const others = allMethods.filter((method) => !methods.includes(method))
    app.route({
      method: others,
      url,
      handler: (request, reply) =>
        refuseReply(
          reply.header('allow', methods.join(', ')),
          refused('method-not-allowed'),
          request.caller.from,
        ),
    })
  }
}

const allMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

function methodsByUrl(): ReadonlyMap<string, string[]> {
  const methods = new Map<string, string[]>()
  for (const { path, method } of operations) {
    const url = urlOf(path)
    const offered = method === 'GET' ? ['GET', 'HEAD'] : [method]
    methods.set(url, [...(methods.get(url) ?? []), ...offered])
  }
  return methods
}

function urlOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

function registerOperation(app: FastifyInstance, operation: Operation, parts: AdminParts): void {
  const types = operation.query === undefined ? new Map<string, string>() : typesOf(operation.query)
  const { media = 'application/json; charset=utf-8' } = operation
  app.route({
    method: operation.method,
    url: urlOf(operation.path),
    config: { readOnly: operation.readOnly === true },
    async handler(request, reply) {
      const { caller } = request
      const ifMatch = caller.from.headers['if-match'] ?? null
      const result = await parts.perform(
        operation,
        {
          path: request.params,
          query: readQuery(caller.from.target, types),
          body: request.body ?? undefined,
          ifMatch,
        },
        { actor: caller.actor, request: caller.from.id },
      )
      if (result.kind === 'refused') return refuseReply(reply, result, caller.from)
      if (result.etag !== undefined) reply.header('etag', `"${result.etag}"`)
      if (result.reply === null) return reply.status(204).send()
      return reply
        .status(operation.status ?? 200)
        .header('content-type', media)
        .send(typeof result.reply === 'string' ? result.reply : JSON.stringify(result.reply))
    },
  })
}

/** How the query's parameters are written, by name. */
export function typesOf(query: z.ZodType): ReadonlyMap<string, string> {
  const { properties = {} } = z.toJSONSchema(query, { io: 'input' })
  const types = new Map<string, string>()
  for (const [name, schema] of Object.entries(properties)) {
    if (typeof schema === 'object' && typeof schema.type === 'string') types.set(name, schema.type)
  }
  return types
}
