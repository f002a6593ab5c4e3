// What is to become of a machine, from what is known of it at one moment. Pure.

import type { VmPower } from '../model-machines.ts'
import type { VmState } from './vm-state.ts'

/** All times in milliseconds. */
export interface SleepFacts {
  readonly state: VmState
  /** Steady clock. */
  readonly now: number
  /** Since it was last used; Infinity: never. */
  readonly idleMs: number
  readonly power: Pick<VmPower, 'idleMs' | 'minimumAwakeMs' | 'startTimeoutMs' | 'foundRunning'>
  /** What is left of a promise to keep it awake, of a time of the week, of what it says itself; 0: nothing. */
  readonly keptMs: number
  readonly scheduledMs: number
  readonly busyMs: number
  /** The budget is used up: then only people keep it awake. */
  readonly exhausted: boolean
}

export type SleepPlan =
  /** It does not run, or is on its way to where it shall be. */
  | { readonly kind: 'none' }
  /** It runs, and whoever started it shall stop it. */
  | { readonly kind: 'left-alone' }
  | { readonly kind: 'stay'; readonly forMs: number; readonly why: StayReason }
  | { readonly kind: 'sleep'; readonly reason: string }
  /** It is to be awake, and is not. */
  | { readonly kind: 'wake'; readonly why: 'schedule' | 'lease' }

export type StayReason = 'use' | 'minimum' | 'lease' | 'schedule' | 'busy'

export function planSleep(facts: SleepFacts): SleepPlan {
  const { state, power, keptMs, exhausted, now } = facts
  const scheduledMs = exhausted ? 0 : facts.scheduledMs
  switch (state.kind) {
    case 'asleep':
      return scheduledMs > 0 ? { kind: 'wake', why: 'schedule' } : none
    case 'draining':
      if (keptMs > 0) return { kind: 'wake', why: 'lease' }
      return scheduledMs > 0 ? { kind: 'wake', why: 'schedule' } : none
    case 'booting':
    case 'awake':
      return planAwake(facts, state.startedBy === null, scheduledMs)
    case 'starting':
      // Longer than any start takes: the cloud may let it run like this, and bill it.
      return keptMs === 0 && scheduledMs === 0 && now - state.since >= startIsOver(power)
        ? { kind: 'sleep', reason: 'it did not start' }
        : none
    case 'unknown':
    // A wish that cannot be fulfilled ends by itself: the machine knows who wished.
    case 'resting':
    case 'stopping':
    case 'gone':
      return none
    default:
      throw new TypeError('unknown state', { cause: state satisfies never })
  }
}

const none: SleepPlan = { kind: 'none' }

function startIsOver(power: SleepFacts['power']): number {
  return Math.max(power.idleMs, power.minimumAwakeMs, 2 * power.startTimeoutMs)
}

/** @param found nobody here wanted it. */
function planAwake(facts: SleepFacts, found: boolean, scheduledMs: number): SleepPlan {
  const { state, now, power, keptMs } = facts
  if (state.kind !== 'awake' && state.kind !== 'booting') return none
  if (found && keptMs === 0 && power.foundRunning === 'ignore') return { kind: 'left-alone' }
  const intruder = found && power.foundRunning === 'stop'
  const ranMs = now - state.since
  const idleMs = Math.min(facts.idleMs, ranMs)
  const stays: readonly (readonly [StayReason, number])[] = [
    ['use', power.idleMs - idleMs],
    ['minimum', intruder ? 0 : power.minimumAwakeMs - ranMs],
    ['lease', keptMs],
    ['schedule', intruder ? 0 : scheduledMs],
    ['busy', intruder || facts.exhausted ? 0 : facts.busyMs],
  ]
  let why: StayReason = 'use'
  let forMs = 0
  for (const [reason, ms] of stays) {
    if (ms <= forMs) continue
    why = reason
    forMs = ms
  }
  if (forMs > 0) return { kind: 'stay', forMs, why }
  if (intruder) return { kind: 'sleep', reason: 'found running, and nobody here uses it' }
  if (state.kind === 'booting') return { kind: 'sleep', reason: 'nothing on it answered' }
  return { kind: 'sleep', reason: `not used for ${spanOf(idleMs)}` }
}

function spanOf(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  return minutes < 1 ? `${Math.round(ms / 1000)} s` : `${minutes} min`
}
