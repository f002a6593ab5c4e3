// The API as OpenAPI 3.1, made from its operations: what is described is what is checked.

import * as z from 'zod'
import { tokenScopes } from '../auth/token-scopes.ts'
import { eventsPath, eventTopics } from './api/events.ts'
import { operations } from './api/operations.ts'
import type { Operation } from './operation.ts'
import { type AdminErrorCode, adminErrors } from './problem.ts'

type Json = Readonly<Record<string, unknown>>

export interface OpenApi {
  readonly openapi: '3.1.1'
  readonly info: Json
  readonly servers: readonly Json[]
  readonly security: readonly Json[]
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>
  readonly components: Json
}

/** Those that any operation can refuse with. */
const always: readonly AdminErrorCode[] = [
  'sign-in-required',
  'forbidden',
  'scope-missing',
  'cross-origin',
  'invalid',
  'bad-request',
  'unavailable',
]
/** Those that every change can refuse with. */
const onChange: readonly AdminErrorCode[] = [
  'stale-page',
  'recent-login-required',
  'too-large',
  'unsupported-media-type',
]

/** @param version of the gateway. */
export function describeApi(version: string): OpenApi {
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of operations) {
    paths[operation.path] ??= {}
    const methods = paths[operation.path]
    if (methods !== undefined) methods[operation.method.toLowerCase()] = describe(operation)
  }
  paths[eventsPath] = { get: describeEvents() }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Gatehouse',
      version,
      description:
        'Everything that the admin page does. A person’s browser sends its cookies and, with a change, the CSRF token of its page; a program sends a personal token with a scope, as Bearer.',
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }, { browser: [], csrf: [] }],
    tags: [...new Set(operations.map(tagOf))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: `A personal token; scopes: ${Object.entries(tokenScopes)
            .map(([name, words]) => `\`${name}\` ${words}`)
            .join('; ')}.`,
        },
        browser: { type: 'apiKey', in: 'cookie', name: '__Host-gatehouse-admin' },
        csrf: { type: 'apiKey', in: 'header', name: 'x-csrf-token' },
      },
      schemas: { Problem: problemSchema },
    },
  }
}

/** The part of the path that says what it is about. */
export function tagOf({ path }: { readonly path: string }): string {
  return path.split('/')[3] ?? ''
}

/** All codes it can refuse with, in the list's order. */
export function errorsOf(operation: Operation): readonly AdminErrorCode[] {
  const codes = new Set<AdminErrorCode>([
    ...always,
    ...(operation.method === 'GET' ? [] : onChange),
    ...(operation.etag === undefined
      ? []
      : (['precondition-required', 'precondition-failed'] as const)),
    ...operation.errors,
  ])
  if (operation.readOnly === true) codes.delete('recent-login-required')
  return (Object.keys(adminErrors) as AdminErrorCode[]).filter((code) => codes.has(code))
}

/** JSON Schema (2020-12) of what may be sent or of what comes. */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    // The format says it; the pattern is a thousand characters.
    override({ jsonSchema }) {
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
    },
  })
  return rest
}

function describe(operation: Operation): Json {
  const { id, summary, description, scope, params, query, body, audit } = operation
  const parameters = [
    ...parametersOf(params, 'path'),
    ...parametersOf(query, 'query'),
    ...(operation.etag === undefined ? [] : [ifMatch]),
  ]
  return {
    operationId: id,
    tags: [tagOf(operation)],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(body, 'input') } },
          },
        }),
    responses: { ...successOf(operation), ...refusalsOf(errorsOf(operation)) },
    'x-scope': scope,
    'x-audit': audit,
  }
}

function successOf(operation: Operation): Json {
  const { reply, media = 'application/json', status = 200 } = operation
  const schema = schemaOf(reply, 'output')
  if (schema.type === 'null') return { 204: { description: 'Done.' } }
  const [type = media] = media.split(';', 1)
  const headers =
    operation.path.includes('/routes') || operation.path.includes('/users/{id}')
      ? { headers: { ETag: { schema: { type: 'string' } } } }
      : {}
  return { [status]: { description: 'Done.', ...headers, content: { [type]: { schema } } } }
}

function refusalsOf(codes: readonly AdminErrorCode[]): Json {
  const byStatus = new Map<number, AdminErrorCode[]>()
  for (const code of codes) {
    const { status } = adminErrors[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  const content = {
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
  }
  return Object.fromEntries(
    [...byStatus].map(([status, of]) => [
      status,
      {
        description: of.map((code) => `\`${code}\`: ${adminErrors[code].title}`).join(' '),
        content,
      },
    ]),
  )
}

function describeEvents(): Json {
  const topics = Object.entries(eventTopics)
  return {
    operationId: 'listenToEvents',
    tags: ['events'],
    summary: 'Live state as server-sent events',
    description: `Each event holds the whole of its subject, at the beginning and whenever it has changed: ${topics
      .map(([name, { what, scope }]) => `\`${name}\`: ${what} (${scope})`)
      .join('; ')}.`,
    responses: {
      200: {
        description: 'A stream that ends with the session.',
        content: { 'text/event-stream': { schema: { type: 'string' } } },
      },
      ...refusalsOf([
        'sign-in-required',
        'forbidden',
        'scope-missing',
        'cross-origin',
        'bad-request',
        'invalid',
        'too-many-requests',
      ]),
    },
    'x-scope': null,
    'x-audit': null,
  }
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): readonly Json[] {
  if (schema === undefined) return []
  const { properties, required } = schemaOf(schema, 'input')
  const needed = Array.isArray(required) ? required : []
  return Object.entries(properties ?? {}).map(([name, of]) => ({
    name,
    in: place,
    required: place === 'path' || needed.includes(name),
    schema: of,
  }))
}

const ifMatch: Json = {
  name: 'If-Match',
  in: 'header',
  required: true,
  description: 'The ETag of what was seen, or `*`.',
  schema: { type: 'string' },
}

const problemSchema: Json = {
  type: 'object',
  description: 'RFC 9457',
  required: ['type', 'title', 'status', 'code', 'instance'],
  properties: {
    type: { type: 'string', description: '`urn:gatehouse:failure:` and the code' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(adminErrors) },
    detail: { type: 'string' },
    instance: { type: 'string', description: 'the request’s id, as in the logs' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
}
