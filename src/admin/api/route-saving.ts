// What operations that write routes have in common: what they may be told, what comes back, and how a save ends.

import * as z from 'zod'
import type { Actor, Desks, RouteChange, RouteSaved, SaveOptions } from '../desks/types.ts'
import type { Result } from '../operation.ts'
import { refused } from '../problem.ts'
import { diff, previewReply } from './route-views.ts'
import { time, timeText } from './schemas.ts'

const note = z
  .string()
  .min(1)
  .max(200)
  .regex(/^\P{Cc}*$/u)
  .optional()
  .meta({ description: 'for the history and, where there is one, the git commit' })
const confirm = z
  .string()
  .min(1)
  .max(253)
  .optional()
  .meta({ description: 'the name of what would be lost, to do it all the same' })
/** What every change of routes may say beside itself. */
export const saving = { note, confirm }

/** The options of one route as routes.yaml has them, as JSON; what they mean is for the table's own reader. */
export const raw = z
  .record(z.string().max(100), z.json())
  .meta({ description: 'options as in docs/routes.md, as JSON' })
export const host = z
  .string()
  .min(1)
  .max(253)
  .regex(/^(?:@|[a-z0-9*.-]+)$/)
/** What comes back from a change of routes. */
export const saved = z.strictObject({
  etag: z.string(),
  pending: z.strictObject({ until: time, token: z.string() }).nullable().meta({
    description: 'the change undoes itself unless `confirmRoutes` is called with the token',
  }),
})

export const saveErrors = [
  'routes-invalid',
  'confirmation-required',
  'precondition-failed',
] as const

/** The version of the whole file, which every change of routes names. */
export async function fileEtag({ routes }: Desks): Promise<string> {
  return (await routes.read()).etag
}

/** Who asks for it, and for which version of the file. */
interface Wish {
  readonly actor: Actor
  /** `If-Match` named it, and it was there when it was looked at. */
  readonly etag: string | null
  readonly note?: string | undefined
  readonly confirm?: string | undefined
}

type Saved = Result<z.input<typeof saved>>

/** Writes a change of the table, and says what became of it. */
export async function save(
  desks: Desks,
  wish: RouteChange,
  given: Wish & { readonly before: unknown },
): Promise<Saved> {
  const outcome = await desks.routes.save(wish, optionsOf(given))
  const id = 'id' in wish ? wish.id : 'host' in wish ? wish.host : null
  const after = 'raw' in wish ? wish.raw : undefined
  return resultOf(outcome, {
    was: given.etag,
    ...(given.before === null ? {} : { before: given.before }),
    ...(after === undefined ? {} : { after }),
    details: { change: wish.kind, route: id, note: given.note ?? null },
  })
}

/** Between the look at `If-Match` and the save somebody can write the file: the desk compares again. */
export function optionsOf({ actor, etag, note: words, confirm: typed }: Wish): SaveOptions {
  if (etag === null) throw new TypeError('a save of no version')
  return {
    etag,
    by: actor,
    confirm: typed ?? null,
    ...(words === undefined ? {} : { note: words }),
  }
}

/** The desk's outcome as the operation's. What has no `before` or `after` of its own is written down as versions of the file. */
export function resultOf(
  outcome: RouteSaved,
  {
    was,
    ...changed
  }: {
    /** Version before. */
    readonly was: string | null
    readonly before?: unknown
    readonly after?: unknown
    readonly details: Readonly<Record<string, string | null>>
  },
): Saved {
  switch (outcome.kind) {
    case 'saved': {
      const { etag, pending } = outcome
      const until = pending === null ? null : timeText(pending.until)
      return {
        kind: 'done',
        reply: {
          etag,
          pending: pending === null ? null : { until: until ?? '', token: pending.token },
        },
        etag,
        changed:
          etag === was
            ? null
            : {
                before: { etag: was },
                after: { etag },
                ...changed,
                details: { ...changed.details, etag },
              },
      }
    }
    case 'conflict':
      return refused('precondition-failed', {
        more: { etag: outcome.etag, text: outcome.text, diff: diff(outcome.diff) },
      })
    case 'invalid':
      return refused('routes-invalid', { more: { preview: previewReply(outcome.preview) } })
    case 'confirm':
      return refused('confirmation-required', { more: { dangers: outcome.dangers } })
    default:
      throw new TypeError('unknown outcome', { cause: outcome satisfies never })
  }
}
