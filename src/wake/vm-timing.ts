// How long to wait for a machine: back-off, when time itself is an event, how often the cloud is asked. Pure.

import type { VmPower } from '../model-machines.ts'
import type { CloudFault } from './provider.ts'
import type { VmState } from './vm-state.ts'

/** What of a machine's settings its states depend on. */
export type VmLimits = Pick<VmPower, 'drainMs' | 'softStopMs' | 'startTimeoutMs'>

/** A wish that nobody repeated for so long, and that could not be granted, is dropped: nobody waits any more. */
export const wishLifeMs = 3_600_000
/** A start that was accepted may look undone for so long; a machine behind `ping` looks off until it is up. */
export const undoneMs = 60_000
/** A cut of power that changed nothing is repeated. */
export const hardStopRepeatMs = 60_000
/** OCI cuts the power itself 15 minutes after a soft stop; an outside stop that takes longer is stuck. */
export const outsideStopMs = 20 * 60_000
/** Beyond the soft stop's time: then somebody has to know, whatever the cloud calls it. */
export const stopOverdueMs = 10 * 60_000
/** Soft stops that fail in a row before the power is cut. */
export const softStopTries = 3
/** Stop calls that fail in a row before somebody has to know. */
export const stopFailuresToTell = 3
/** Attempts at a start before somebody has to know that the cloud is not there. */
export const attemptsToTell = 5

const minuteMs = 60_000

/** The first pause and the longest. */
const startRests: Readonly<Record<CloudFault, readonly [number, number]>> = {
  capacity: [30_000, 10 * minuteMs],
  throttled: [2_000, minuteMs],
  unavailable: [2_000, minuteMs],
  conflict: [2_000, 30_000],
  // These do not go away by themselves, and each call may count against us.
  denied: [minuteMs, 30 * minuteMs],
  clock: [minuteMs, 10 * minuteMs],
  invalid: [10_000, 10 * minuteMs],
}

/**
 * @param attempts that have failed, 1 or more.
 * @param random 0 up to 1: spreads by a quarter in both directions, so that two gateways do not march in step.
 */
export function startRestMs(fault: CloudFault, attempts: number, random: number): number {
  const [first, longest] = startRests[fault]
  return spread(grown(first, longest, attempts), random)
}

/** Never ends, because the machine costs money until a call succeeds. */
export function stopRestMs(failures: number, random: number): number {
  return spread(grown(2_000, 5 * minuteMs, failures), random)
}

/** When `tick` means something to this state, on the steady clock; `null`: never. */
export function tickAt(state: VmState, limits: VmLimits): number | null {
  switch (state.kind) {
    case 'unknown':
    case 'asleep':
    case 'awake':
    case 'gone':
      return null
    case 'starting':
      return state.acceptedAt === null ? null : state.acceptedAt + limits.startTimeoutMs
    case 'booting':
      return state.overdue ? null : state.since + limits.startTimeoutMs
    case 'draining':
      return state.since + limits.drainMs
    case 'stopping':
      if (state.by === 'outside') return state.since + outsideStopMs
      if (state.callAt !== null) return state.callAt
      if (state.acceptedAt === null) return null
      return state.acceptedAt + (state.soft ? limits.softStopMs : hardStopRepeatMs)
    case 'resting':
      return Math.min(state.until, state.wantedAt + wishLifeMs)
    default:
      return state satisfies never
  }
}

/**
 * How long until the cloud is asked again. While something is under way every 2 to 3 s, less often the longer it takes;
 * otherwise often enough to notice what is done in its console.
 *
 * @param failures readings that failed in a row.
 */
export function readingMs(
  state: VmState,
  at: { readonly now: number; readonly failures: number; readonly random: number },
): number {
  const quiet = spread(quietReadingMs(state, at.now), at.random)
  return at.failures === 0 ? quiet : Math.max(quiet, stopRestMs(at.failures, at.random))
}

function quietReadingMs(state: VmState, now: number): number {
  switch (state.kind) {
    case 'unknown':
    case 'starting':
    case 'stopping':
      return Math.min(30_000, Math.max(2_500, (now - state.since) / 20))
    case 'booting':
      return 15_000
    case 'resting':
      return minuteMs
    case 'asleep':
    case 'awake':
    case 'draining':
      return 3.5 * minuteMs
    case 'gone':
      return 10 * minuteMs
    default:
      return state satisfies never
  }
}

function grown(first: number, longest: number, times: number): number {
  return Math.min(longest, first * 2 ** Math.min(20, Math.max(0, times - 1)))
}

function spread(ms: number, random: number): number {
  return ms * (0.75 + random / 2)
}
