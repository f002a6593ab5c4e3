// Changes of routes that somebody looks at before he saves them. In memory: signing in again, or looking something up, loses none.

import type { UserId } from '../../model.ts'
import type { RouteChange } from '../desks/types.ts'

/** `restore`: an earlier text of the file, by its id. */
export type Wish = RouteChange | { readonly kind: 'restore'; readonly id: string }

export interface Draft {
  readonly user: UserId
  readonly wish: Wish
  /** The version that was seen when the change was made, and its text. */
  readonly etag: string
  readonly base: string
  /** What it is, for the heading. */
  readonly title: string
  /** Path of the page where it can be gone on with; `null`: there is nothing to mend. */
  readonly form: string | null
}

export interface Drafts {
  /** @returns its id. Of more than 40 the oldest is forgotten. */
  keep(draft: Draft): string
  /** @returns `null`: unknown, forgotten, older than a day, or somebody else's. */
  find(id: string, user: UserId): Draft | null
  /** The same draft, for a newer version of the file. */
  rebase(id: string, draft: Draft, to: { readonly etag: string; readonly base: string }): void
  drop(id: string): void
  /** A version of the file that a form was made from: to say later what has changed since. */
  see(etag: string, text: string): void
  /** @returns `null`: not one of the last versions that somebody saw. */
  textOf(etag: string): string | null
}

const lifeMs = 86_400_000
const maxDrafts = 40
const maxTexts = 12

export function createDrafts(deps: {
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly randomBytes: (size: number) => Buffer
}): Drafts {
  const drafts = new Map<string, { readonly draft: Draft; readonly at: number }>()
  const texts = new Map<string, string>()
  return {
    see(etag, text) {
      texts.delete(etag)
      texts.set(etag, text)
      for (const key of texts.keys()) if (texts.size > maxTexts) texts.delete(key)
    },
    textOf: (etag) => texts.get(etag) ?? null,
    keep(draft) {
      const id = deps.randomBytes(12).toString('base64url')
      drafts.set(id, { draft, at: deps.now() })
      for (const key of drafts.keys()) if (drafts.size > maxDrafts) drafts.delete(key)
      return id
    },
    find(id, user) {
      const found = drafts.get(id)
      if (found === undefined || found.draft.user !== user) return null
      if (deps.now() - found.at > lifeMs) return null
      return found.draft
    },
    rebase(id, draft, to) {
      drafts.set(id, { draft: { ...draft, ...to }, at: deps.now() })
    },
    drop(id) {
      drafts.delete(id)
    },
  }
}
