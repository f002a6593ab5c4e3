// Does it make sense to wait for a machine, and how long? From its state alone. Pure.

import type { Machine } from './machine.ts'

/** It is on its way, or may turn out to be, whatever becomes of one request. */
export function comesAnyway({ state }: Machine): boolean {
  switch (state.kind) {
    case 'unknown':
    case 'starting':
    case 'booting':
    case 'awake':
    case 'resting':
      return true
    case 'stopping':
      return state.thenStart
    case 'asleep':
    case 'draining':
    case 'gone':
      return false
    default:
      return state satisfies never
  }
}

/**
 * No start is tried before that moment, or none can succeed until a person has acted.
 *
 * @param deadline steady clock, milliseconds.
 */
export function restsBeyond({ state }: Machine, deadline: number): boolean {
  if (state.kind !== 'resting') return false
  switch (state.fault) {
    case 'denied':
    case 'clock':
    case 'invalid':
      return true
    case 'capacity':
    case 'throttled':
    case 'conflict':
    case 'unavailable':
      return state.until >= deadline
    default:
      return state.fault satisfies never
  }
}

/**
 * Until the port answers, as far as anybody can say: 5 to 600 seconds, for `Retry-After` (RFC 9110 §10.2.3).
 *
 * @param now wall clock, milliseconds.
 */
export function restSeconds(machine: Machine, port: number, now: number): number {
  const { elapsedMs, expectedMs, retryAt } = machine.eta(port)
  const wholeMs = expectedMs ?? unknownStartMs
  const restMs = retryAt === null ? wholeMs - elapsedMs : Math.max(0, retryAt - now) + wholeMs
  return Math.min(600, Math.max(5, Math.ceil(restMs / 1_000)))
}

/**
 * How long a request may be held, milliseconds: the machine's own `holdMs`, but not for a service that has been
 * silent all the time although its machine has been awake for longer than any start takes.
 *
 * @param steady steady clock, milliseconds.
 */
export function holdMsOf(machine: Machine, steady: number): number {
  const { holdMs, startTimeoutMs } = machine.definition.power
  const { state } = machine
  const dead = state.kind === 'awake' && steady - state.since > startTimeoutMs
  return dead ? Math.min(holdMs, deadServiceMs) : holdMs
}

/** Before there was a first start to learn from. */
const unknownStartMs = 60_000
const deadServiceMs = 15_000
