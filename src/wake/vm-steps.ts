// The steps between the states of a machine: what each begins with, and what has to be done for it. Pure.

import type { CloudFault, CloudState } from './provider.ts'
import type { VmEffect, VmState, VmTrouble, WakeReason } from './vm-state.ts'
import { attemptsToTell, startRestMs, type VmLimits } from './vm-timing.ts'

/** When something happens, and what chance adds to it. */
export interface VmMoment {
  /** Steady clock, milliseconds. */
  readonly now: number
  readonly limits: VmLimits
  /** Used by no start before. */
  readonly token: string
  /** 0 up to 1, for pauses. */
  readonly random: number
}

export interface VmStep {
  /** The same object when nothing changed. */
  readonly state: VmState
  readonly effects: readonly VmEffect[]
}

export type In<Kind extends VmState['kind']> = Extract<VmState, { kind: Kind }>
export type Starting = In<'starting'>
export type Stopping = In<'stopping'>

/** What a reading means to somebody who knew nothing before. */
export function found(
  reading: CloudState,
  known: Pick<In<'unknown'>, 'wanted' | 'token' | 'startedBy'>,
  at: VmMoment,
): VmStep {
  const by = known.wanted ?? known.startedBy
  switch (reading) {
    case 'stopped':
      if (known.wanted === null) return go({ kind: 'asleep' })
      return begin(known.wanted, at, { attempt: 1, token: known.token, since: at.now })
    case 'starting': {
      const call = { attempt: 1, token: known.token ?? at.token, looking: false }
      return go({ kind: 'starting', since: at.now, ...call, by, acceptedAt: at.now })
    }
    case 'running':
      return boot(by, at)
    case 'stopping':
      return outside({ thenBy: known.wanted }, at)
    case 'moving': {
      const { wanted, token, startedBy } = known
      return go({ kind: 'unknown', since: at.now, wanted, token, startedBy })
    }
    case 'gone':
      return go({ kind: 'gone' })
    default:
      return reading satisfies never
  }
}

export function begin(
  by: WakeReason,
  at: VmMoment,
  call: { readonly attempt: number; readonly token: string | null; readonly since: number } = {
    attempt: 1,
    token: null,
    since: at.now,
  },
): VmStep {
  const token = call.token ?? at.token
  const { attempt, since } = call
  return go({ kind: 'starting', since, attempt, token, by, acceptedAt: null, looking: false }, [
    { kind: 'start', token },
  ])
}

export function boot(startedBy: WakeReason | null, at: VmMoment): VmStep {
  return go({ kind: 'booting', since: at.now, startedBy, overdue: false })
}

export function retry(state: In<'resting'>, at: VmMoment): VmStep {
  const { token, wantedAt: since } = state
  return begin(state.by, at, { attempt: state.attempts + 1, token, since })
}

export function failed(
  state: Starting,
  why: {
    readonly fault: CloudFault
    readonly token: string | null
    readonly trouble?: VmTrouble
  },
  at: VmMoment,
): VmStep {
  if (state.by === null) return go({ kind: 'asleep' })
  const { fault, token, trouble } = why
  const { by, attempt: attempts, since: wantedAt } = state
  const step = rest({ fault, by, attempts, token, wantedAt }, at)
  return trouble === undefined ? step : tell(step.state, trouble)
}

export function rest(
  what: Pick<In<'resting'>, 'fault' | 'by' | 'attempts' | 'token' | 'wantedAt'>,
  at: VmMoment,
): VmStep {
  const until = at.now + startRestMs(what.fault, what.attempts, at.random)
  return go({ kind: 'resting', ...what, until }, troubleOf(what.fault, what.attempts))
}

export function halt(
  what: { readonly reason: string; readonly thenBy: WakeReason | null },
  at: VmMoment,
) {
  const state = stop(what, 'us', at)
  return go(state, [{ kind: 'soft-stop' }])
}

export function outside(what: { readonly thenBy: WakeReason | null }, at: VmMoment): VmStep {
  return go(stop({ ...what, reason: 'stopped from outside' }, 'outside', at))
}

function stop(
  what: { readonly reason: string; readonly thenBy: WakeReason | null },
  by: Stopping['by'],
  at: VmMoment,
): Stopping {
  const { reason, thenBy } = what
  const call = { soft: true, acceptedAt: null, failures: 0, callAt: null }
  return {
    kind: 'stopping',
    since: at.now,
    thenStart: thenBy !== null,
    thenBy,
    reason,
    by,
    ...call,
  }
}

export function vanished(state: VmState): VmStep {
  return state.kind === 'gone' ? stay(state) : tell({ kind: 'gone' }, 'gone')
}

export function stay(state: VmState): VmStep {
  return { state, effects: [] }
}

export function go(state: VmState, effects: readonly VmEffect[] = []): VmStep {
  return { state, effects }
}

export function tell(state: VmState, trouble: VmTrouble): VmStep {
  return go(state, [{ kind: 'alert', trouble }])
}

export const nobody = { wanted: null, token: null, startedBy: null }

/** What goes away only when somebody does something about it. */
export const needsOperator: ReadonlySet<CloudFault> = new Set(['denied', 'clock', 'invalid'])

export function troubleOf(fault: CloudFault, attempts: number): VmEffect[] {
  switch (fault) {
    case 'capacity':
    case 'denied':
    case 'clock':
    case 'invalid':
      return [{ kind: 'alert', trouble: fault }]
    case 'throttled':
    case 'unavailable':
    case 'conflict':
      return attempts < attemptsToTell ? [] : [{ kind: 'alert', trouble: 'unavailable' }]
    default:
      return fault satisfies never
  }
}
