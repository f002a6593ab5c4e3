// What a command has to say, and how it ends.

import type { ConfigProblem } from '../config.ts'

export type Outcome =
  | {
      readonly kind: 'done'
      /** For standard output. */
      readonly out: string
      /** For standard error, beside it. */
      readonly error: string
      readonly code: 0 | 1
    }
  /** A mistake in the command line; nothing was done. */
  | { readonly kind: 'mistaken'; readonly problems: readonly ConfigProblem[] }

export function done(out: string, details: { error?: string; code?: 0 | 1 } = {}): Outcome {
  return { kind: 'done', out, error: details.error ?? '', code: details.code ?? 0 }
}

export function mistaken(...problems: readonly ConfigProblem[]): Outcome {
  return { kind: 'mistaken', problems }
}
