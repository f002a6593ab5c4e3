// Saving a draft: by the very operation a program would call.

import type { RequestId } from '../../model.ts'
import { putRouteFile, restoreRouteVersion } from '../api/route-file.ts'
import { actOnRoute, addRoute, changeRoute, removeRoute } from '../api/routes.ts'
import { keyOf } from '../api/schemas.ts'
import type { Actor } from '../desks/types.ts'
import type { AdminParts } from '../parts.ts'
import type { Refused } from '../problem.ts'
import type { Draft } from './drafts.ts'

/** @param given empty texts are none. */
export async function saveDraft(
  { perform, desks }: AdminParts,
  draft: Draft,
  given: {
    readonly note: string
    readonly confirm: string
    readonly who: { readonly actor: Actor; readonly request: RequestId }
  },
): Promise<{ readonly kind: 'done'; readonly unchanged: boolean } | Refused> {
  const { wish, etag } = draft
  const { note, confirm, who } = given
  const saving = { ...(note !== '' && { note }), ...(confirm !== '' && { confirm }) }
  const ifMatch = `"${etag}"`
  const before = etag
  const send = async () => {
    switch (wish.kind) {
      case 'text':
        return perform(putRouteFile, { body: { text: wish.text, ...saving }, ifMatch }, who)
      case 'add': {
        const { host, raw } = wish
        return perform(addRoute, { body: { host, raw, ...saving }, ifMatch }, who)
      }
      case 'edit': {
        const path = { key: keyOf(wish.id) }
        return perform(changeRoute, { path, body: { raw: wish.raw, ...saving }, ifMatch }, who)
      }
      case 'remove': {
        const path = { key: keyOf(wish.id) }
        return perform(removeRoute, { path, query: saving, ifMatch }, who)
      }
      case 'copy':
      case 'disable':
      case 'enable':
      case 'move': {
        const path = { key: keyOf(wish.id), action: wish.kind }
        const more =
          'raw' in wish ? { raw: wish.raw } : 'before' in wish ? { before: wish.before } : {}
        return perform(actOnRoute, { path, body: { ...more, ...saving }, ifMatch }, who)
      }
      case 'restore':
        return perform(restoreRouteVersion, { path: { id: wish.id }, body: saving, ifMatch }, who)
      default:
        throw new TypeError('unknown wish', { cause: wish satisfies never })
    }
  }
  const result = await send()
  if (result.kind === 'refused') return result
  const { etag: after } = await desks.routes.read()
  return { kind: 'done', unchanged: after === before }
}
