// From what a machine is in to what is kept on disk about it, and back after a restart. Pure.

import type { Intent } from './journal.ts'
import type { VmState, WakeReason } from './vm-state.ts'
import { wishLifeMs } from './vm-timing.ts'

/** Turns a time of the steady clock into one of the wall clock. */
type ToWall = (steady: number) => number

/** What is meant to become of a machine in this state. */
export function intentOf(state: VmState, toWall: ToWall): Intent {
  switch (state.kind) {
    case 'asleep':
    case 'gone':
      return { kind: 'asleep' }
    case 'unknown': {
      const { wanted, token, startedBy, since } = state
      const at = toWall(since)
      if (wanted !== null) return { kind: 'starting', by: wanted, at, token, rest: null }
      return { kind: 'awake', by: startedBy, at }
    }
    case 'starting': {
      const { by, token, since } = state
      if (by === null) return { kind: 'awake', by, at: toWall(since) }
      return { kind: 'starting', by, at: toWall(since), token, rest: null }
    }
    case 'booting':
    case 'awake':
      return { kind: 'awake', by: state.startedBy, at: toWall(state.since) }
    // What was being drained ends with the process.
    case 'draining':
      return { kind: 'stopping', reason: state.reason, at: toWall(state.since), thenBy: null }
    case 'stopping': {
      const { by, reason, since, thenBy } = state
      const at = toWall(since)
      if (by === 'us') return { kind: 'stopping', reason, at, thenBy }
      if (thenBy === null) return { kind: 'asleep' }
      return { kind: 'starting', by: thenBy, at, token: null, rest: null }
    }
    case 'resting': {
      const { by, token, wantedAt, fault, attempts } = state
      const rest = { fault, until: toWall(state.until), attempts }
      return { kind: 'starting', by, at: toWall(wantedAt), token, rest }
    }
    default:
      return state satisfies never
  }
}

/**
 * The state to go on from, before the cloud is asked.
 *
 * @param at both clocks, now. The wall clock may have been set meanwhile: what it says is kept within reason.
 */
export function reborn(
  intent: Intent,
  at: { readonly now: number; readonly steady: number },
): VmState {
  const since = at.steady
  switch (intent.kind) {
    case 'asleep':
      return unheard(since, null)
    case 'awake':
      return unheard(since, intent.by)
    case 'stopping': {
      const { reason, thenBy } = intent
      const call = { soft: true, acceptedAt: null, failures: 0, callAt: since }
      const thenStart = thenBy !== null
      return { kind: 'stopping', since, by: 'us', reason, thenStart, thenBy, ...call }
    }
    case 'starting': {
      const { by, token, rest } = intent
      const age = at.now - intent.at
      // Nobody waits any more; but should it have come up, it is known whose it is.
      if (Math.abs(age) >= wishLifeMs) return { ...unheard(since, by), token }
      if (rest === null) return { ...unheard(since, by), wanted: by, token }
      const until = since + Math.min(Math.max(0, rest.until - at.now), longestRestMs)
      const wantedAt = since - Math.max(0, age)
      const { fault, attempts } = rest
      return { kind: 'resting', fault, until, attempts, token, by, wantedAt }
    }
    default:
      return intent satisfies never
  }
}

const longestRestMs = 30 * 60_000

function unheard(
  since: number,
  startedBy: WakeReason | null,
): Extract<VmState, { kind: 'unknown' }> {
  return { kind: 'unknown', since, wanted: null, token: null, startedBy }
}
