// One operation of the API: its description, and how it is carried out, by a program or by a page's form.

import { createHash } from 'node:crypto'
import type * as z from 'zod'
import type { Audit, AuditEntry } from '../auth/audit.ts'
import type { TokenScope } from '../auth/token-scopes.ts'
import type { RequestId, UserId } from '../model.ts'
import type { Actor, Desks } from './desks/types.ts'
import { type AdminErrorCode, type FieldError, type Refused, refused } from './problem.ts'

/** What came of an operation. */
export type Result<Reply> = Done<Reply> | Refused

export interface Done<Reply> {
  readonly kind: 'done'
  readonly reply: Reply
  /** Of what is there now; without quotes. */
  readonly etag?: string
  /** For the audit log, beside who and when; `null`: nothing changed, so nothing is written. Absent: there is no more to say. */
  readonly changed?: Changed | null
}

export interface Changed {
  /** Whom it concerns. */
  readonly user?: UserId
  /** What was there, and what is there now; written down as JSON of at most 2000 characters. Never a secret. */
  readonly before?: unknown
  readonly after?: unknown
  readonly details?: AuditEntry['details']
}

export interface Input<Path, Query, Body> {
  readonly path: Path
  readonly query: Query
  readonly body: Body
  /** The version that `If-Match` named and that was there; `null`: the operation compares none, or nothing is there. */
  readonly etag: string | null
}

export interface Operation<
  Path extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Reply extends z.ZodType = z.ZodType,
> {
  /** Unique; `operationId` in the description. */
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `/api/v1/users/{id}`. */
  readonly path: `/api/v1/${string}`
  readonly summary: string
  readonly description?: string
  /** What a token needs; `null`: any scope of the admin. */
  readonly scope: TokenScope | null
  readonly params?: Path
  readonly query?: Query
  readonly body?: Body
  /** `null`: 204, nothing. */
  readonly reply: Reply
  /** Default 200; 204 for a reply of `null`. */
  readonly status?: 200 | 201 | 202
  /** Default JSON. */
  readonly media?: string
  /** Beside those that any request can meet. */
  readonly errors: readonly AdminErrorCode[]
  /**
   * The version of what is written; such an operation needs `If-Match`. @returns `null`: it is not there, and `run` says so.
   */
  etag?(
    desks: Desks,
    input: Input<z.output<Path>, z.output<Query>, z.output<Body>>,
  ): Promise<string | null>
  /**
   * True: waits for its turn, as those do that compare a version: what it has looked at (is somebody left who administers?) must
   * still be so when it writes.
   */
  readonly inTurn?: boolean
  /** True: changes nothing although it is no GET, such as a preview; it needs no recent login. */
  readonly readOnly?: boolean
  /** Name of the event in the audit log; `null`: it changes nothing. */
  readonly audit: string | null
  run(
    desks: Desks,
    input: Input<z.output<Path>, z.output<Query>, z.output<Body>>,
    actor: Actor,
  ): Promise<Result<z.input<Reply>>>
}

/** Keeps the types of an operation's parts together. */
export function operation<
  Path extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Reply extends z.ZodType,
>(parts: Operation<Path, Query, Body, Reply>): Operation<Path, Query, Body, Reply> {
  return parts
}

/** What was sent, not looked at yet. */
export interface Given {
  readonly path?: unknown
  readonly query?: unknown
  readonly body?: unknown
  /** `If-Match` (RFC 9110 §13.1.1); `null`: none. */
  readonly ifMatch?: string | null
}

export interface PerformDeps {
  readonly desks: Desks
  readonly audit: Pick<Audit, 'write'>
  /** Wall clock, milliseconds. */
  readonly now: () => number
}

/** Writes that compare first run one after the other: two that saw the same cannot both win. */
export function createPerform(deps: PerformDeps) {
  let queue: Promise<unknown> = Promise.resolve()

  /**
   * Checks what was given, carries it out, and writes it down. The one way to an operation, for the API and for pages. Who may
   * is the guard's matter.
   *
   * Rejects with what the desks reject with.
   */
  return function perform<
    Path extends z.ZodType,
    Query extends z.ZodType,
    Body extends z.ZodType,
    Reply extends z.ZodType,
  >(
    operation: Operation<Path, Query, Body, Reply>,
    given: Given,
    who: { readonly actor: Actor; readonly request: RequestId },
  ): Promise<Result<z.input<Reply>>> {
    const alone = operation.etag !== undefined || operation.inTurn === true
    if (!alone) return carryOut(operation, given, { ...deps, ...who })
    const next = queue.then(() => carryOut(operation, given, { ...deps, ...who }))
    queue = next.catch(() => {})
    return next
  }
}

export type Perform = ReturnType<typeof createPerform>

async function carryOut<
  Path extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Reply extends z.ZodType,
>(
  operation: Operation<Path, Query, Body, Reply>,
  given: Given,
  deps: PerformDeps & { readonly actor: Actor; readonly request: RequestId },
): Promise<Result<z.input<Reply>>> {
  const { desks, actor } = deps
  if (operation.scope !== null && !actor.may(operation.scope)) {
    return refused('scope-missing', { detail: `It takes the scope ${operation.scope}.` })
  }
  const errors: FieldError[] = []
  const path = read(operation.params, given.path, 'path', errors)
  const query = read(operation.query, given.query, 'query', errors)
  const body = read(operation.body, given.body, 'body', errors)
  if (errors.length > 0) return refused('invalid', { errors })
  let input = { path, query, body, etag: null } as Input<
    z.output<Path>,
    z.output<Query>,
    z.output<Body>
  >
  if (operation.etag !== undefined) {
    const { ifMatch = null } = given
    if (ifMatch === null) return refused('precondition-required')
    const etag = await operation.etag(desks, input)
    if (etag !== null && !matches(ifMatch, etag)) {
      return refused('precondition-failed', { more: { etag } })
    }
    input = { ...input, etag }
  }
  const result = await operation.run(desks, input, actor)
  if (result.kind === 'done' && operation.audit !== null && result.changed !== null) {
    const { user = null, before, after, details = {} } = result.changed ?? {}
    deps.audit.write({
      at: deps.now(),
      event: operation.audit,
      actor: actor.user,
      user,
      client: actor.client,
      request: deps.request,
      details: {
        ...details,
        by: actor.ref,
        ...(before === undefined ? {} : { before: written(before) }),
        ...(after === undefined ? {} : { after: written(after) }),
      },
    })
  }
  return result
}

/** What `If-Match` compares: a hash of what a representation says. */
export function etagOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22)
}

/** RFC 9110 §13.1.1: a list of entity tags or `*`; weak ones never match. */
function matches(ifMatch: string, etag: string): boolean {
  if (ifMatch.trim() === '*') return true
  return ifMatch.split(',').some((part) => part.trim() === `"${etag}"`)
}

const maxWritten = 2000

function written(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length <= maxWritten ? text : `${text.slice(0, maxWritten - 1)}…`
}

const maxErrors = 50

function read(
  schema: z.ZodType | undefined,
  value: unknown,
  where: 'path' | 'query' | 'body',
  errors: FieldError[],
): unknown {
  if (schema === undefined) {
    if (where === 'body' ? value === undefined : isEmpty(value)) return undefined
    errors.push({ path: where, message: 'Nothing is expected here.' })
    return undefined
  }
  const result = schema.safeParse(where === 'body' ? value : (value ?? {}))
  if (result.success) return result.data
  for (const issue of result.error.issues.slice(0, maxErrors)) {
    errors.push({ path: [where, ...issue.path.map(String)].join('.'), message: issue.message })
  }
  return undefined
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  )
}
