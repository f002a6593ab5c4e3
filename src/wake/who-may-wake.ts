// Whose visit starts a machine that costs money, and who may press the button. Pure.

import type { Arrival } from '../gate.ts'

/** What of an arrival decides. */
export type WakeQuestion = Pick<Arrival, 'kind' | 'rule' | 'user' | 'mayWake' | 'knownClient'>

/**
 * Whether this visit itself is a wish to have the machine. A person whose identity may not start machines never does,
 * and a stranger only from a known network where the route says so.
 */
export function mayWake(question: WakeQuestion): 'yes' | 'no' {
  return isWish(question) ? 'yes' : 'no'
}

/**
 * Whether a page about the sleeping machine offers to start it. Pressing a button is no visit: but for `never`, the person's own
 * right is all that counts.
 */
export function mayPress(question: Pick<Arrival, 'user' | 'mayWake' | 'rule'>): boolean {
  return question.user !== null && question.mayWake && question.rule !== 'never'
}

function isWish({ kind, rule, user, mayWake, knownClient }: WakeQuestion): boolean {
  if (kind === 'incidental') return false
  switch (rule) {
    case 'navigation':
      // A script asks on its own, and for ever: a tab left open would start the machine each time it was put to sleep.
      return user !== null && mayWake && (kind === 'navigation' || kind === 'change')
    case 'any':
      return user !== null && mayWake
    case 'known-client':
      return user === null ? knownClient : mayWake
    case 'manual':
    case 'never':
      return false
    default:
      return rule satisfies never
  }
}
