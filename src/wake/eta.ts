// What somebody who waits for a machine can be told. Pure.

import type { Eta } from './machine-types.ts'
import type { VmState } from './vm-state.ts'

export interface EtaFacts {
  /** Wall clock. */
  readonly now: number
  readonly steady: number
  /** Steady clock: since somebody waits; `null`: nobody said so. */
  readonly waitingSince: number | null
  /** Its system has answered. */
  readonly systemUp: boolean
  /** `null`: any port will do. */
  readonly portReady: boolean | null
  /** Medians; `null`: there was none yet. */
  readonly usualStartMs: number | null
  readonly usualStopMs: number | null
}

export function etaOf(state: VmState, facts: EtaFacts): Eta {
  const { steady } = facts
  const since = facts.waitingSince ?? ('since' in state ? state.since : steady)
  const eta: Eta = {
    step: stepOf(state, facts),
    elapsedMs: Math.max(0, steady - since),
    expectedMs: facts.usualStartMs,
    retryAt: null,
    fault: null,
  }
  if (state.kind === 'resting') {
    const retryAt = Math.round(facts.now + Math.max(0, state.until - steady))
    return { ...eta, retryAt, fault: state.fault }
  }
  if (state.kind === 'stopping' && facts.usualStartMs !== null) {
    // What was left of the stop when somebody began to wait comes on top.
    const left = (facts.usualStopMs ?? 0) - (since - state.since)
    return { ...eta, expectedMs: facts.usualStartMs + Math.max(0, left) }
  }
  return eta
}

function stepOf(state: VmState, { systemUp, portReady }: EtaFacts): Eta['step'] {
  switch (state.kind) {
    case 'unknown':
    case 'asleep':
    case 'gone':
      return 'asking'
    case 'starting':
      return state.acceptedAt === null ? 'asking' : 'starting'
    case 'booting':
      return systemUp ? 'waiting-for-service' : 'booting'
    case 'awake':
      return systemUp || portReady !== false ? 'waiting-for-service' : 'booting'
    case 'draining':
      return 'waiting-for-service'
    case 'stopping':
      return 'stopping-first'
    case 'resting':
      return 'resting'
    default:
      return state satisfies never
  }
}
