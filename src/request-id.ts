// Names for requests: unique over restarts, sortable within a run, cheap. Hot path.

import type { RequestId } from './model.ts'

/**
 * @param seed at least 6 random bytes, new at every start; they make ids of two runs differ.
 * @returns a source of ids: 12 characters that name the run, then a counter in base 36. Not secret, and not
 *   guessable enough to matter: an id grants nothing.
 */
export function createRequestIds(seed: Buffer): () => RequestId {
  const run = seed.subarray(0, 6).toString('hex')
  let count = 0
  return () => {
    count += 1
    return `${run}${count.toString(36)}` as RequestId
  }
}
