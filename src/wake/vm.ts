// What a machine is in after something happened to it, and what is to be done: pure, a table in code.

import type { CloudFault, CloudState } from './provider.ts'
import type { VmEffect, VmEvent, VmState } from './vm-state.ts'
import {
  begin,
  boot,
  failed,
  found,
  go,
  halt,
  type In,
  needsOperator,
  nobody,
  outside,
  rest,
  retry,
  type Starting,
  type Stopping,
  stay,
  tell,
  troubleOf,
  type VmMoment,
  type VmStep,
  vanished,
} from './vm-steps.ts'
import {
  hardStopRepeatMs,
  outsideStopMs,
  softStopTries,
  stopFailuresToTell,
  stopOverdueMs,
  stopRestMs,
  undoneMs,
  wishLifeMs,
} from './vm-timing.ts'

export type { VmMoment, VmStep } from './vm-steps.ts'

/** Never throws. An event that means nothing to a state changes nothing: answers of the cloud may come late. */
export function next(state: VmState, event: VmEvent, at: VmMoment): VmStep {
  if ('reading' in event && event.reading === 'gone') return vanished(state)
  const step = nextOf(state, event, at)
  if (event.kind !== 'cloud-failed') return step
  return { state: step.state, effects: [...step.effects, ...troubleOf(event.fault, 1)] }
}

/** Would granting it call the cloud to start the machine, as far as can be seen? */
export function startsAnew(state: VmState, wish: 'want' | 'restart'): boolean {
  switch (state.kind) {
    case 'asleep':
      return true
    case 'unknown':
      return state.wanted === null
    case 'stopping':
      return !state.thenStart
    case 'booting':
    case 'awake':
    case 'draining':
      return wish === 'restart'
    case 'starting':
    case 'resting':
    case 'gone':
      return false
    default:
      return state satisfies never
  }
}

function nextOf(state: VmState, event: VmEvent, at: VmMoment): VmStep {
  switch (state.kind) {
    case 'unknown':
      return unknown(state, event, at)
    case 'asleep':
      return asleep(state, event, at)
    case 'starting':
      return starting(state, event, at)
    case 'booting':
      return booting(state, event, at)
    case 'awake':
      return awake(state, event, at)
    case 'draining':
      return draining(state, event, at)
    case 'stopping':
      return stopping(state, event, at)
    case 'resting':
      return resting(state, event, at)
    case 'gone':
      return event.kind === 'cloud' ? found(event.reading, nobody, at) : stay(state)
    default:
      return state satisfies never
  }
}

function unknown(state: In<'unknown'>, event: VmEvent, at: VmMoment): VmStep {
  switch (event.kind) {
    case 'cloud':
      return event.reading === 'moving' ? stay(state) : found(event.reading, state, at)
    case 'cloud-failed': {
      if (state.wanted === null) return stay(state)
      // Blind, but somebody waits: a start says as much as a reading, and who waits is told why it takes time.
      const { fault } = event
      return rest(
        { fault, by: state.wanted, attempts: 1, token: state.token, wantedAt: at.now },
        at,
      )
    }
    case 'want':
    case 'restart':
      return state.wanted === null
        ? go({ ...state, wanted: event.by }, [{ kind: 'read' }])
        : stay(state)
    // What answers runs, whatever the cloud cannot tell.
    case 'port-ready':
      return go({ kind: 'awake', since: at.now, startedBy: state.wanted ?? state.startedBy })
    case 'let-sleep':
      return halt({ reason: event.reason, thenBy: null }, at)
    default:
      return stay(state)
  }
}

function asleep(state: In<'asleep'>, event: VmEvent, at: VmMoment): VmStep {
  if (event.kind === 'want' || event.kind === 'restart') return begin(event.by, at)
  if (event.kind !== 'cloud' || event.reading === 'stopped') return stay(state)
  return found(event.reading, nobody, at)
}

function starting(state: Starting, event: VmEvent, at: VmMoment): VmStep {
  switch (event.kind) {
    case 'cloud':
      return startingSeen(state, event.reading, at)
    case 'start-accepted':
      if (state.acceptedAt !== null) return stay(state)
      return event.reading === 'running'
        ? boot(state.by, at)
        : go({ ...state, acceptedAt: at.now, looking: false })
    case 'start-failed': {
      if (state.acceptedAt !== null) return stay(state)
      if (event.fault === 'conflict') return go({ ...state, looking: true }, [{ kind: 'read' }])
      // It may have been accepted, and only the answer was lost.
      const token = event.fault === 'unavailable' ? state.token : null
      return failed(state, { fault: event.fault, token }, at)
    }
    case 'port-ready':
      return state.acceptedAt === null
        ? stay(state)
        : go({ kind: 'awake', since: at.now, startedBy: state.by })
    case 'want':
    case 'restart':
      return state.by === null ? go({ ...state, by: event.by }) : stay(state)
    case 'let-sleep':
      return halt({ reason: event.reason, thenBy: null }, at)
    case 'tick':
      return state.acceptedAt !== null && at.now - state.acceptedAt >= at.limits.startTimeoutMs
        ? tell(state, 'start-slow')
        : stay(state)
    default:
      return stay(state)
  }
}

function startingSeen(state: Starting, reading: CloudState, at: VmMoment): VmStep {
  const { acceptedAt, looking } = state
  if (reading === 'running') return boot(state.by, at)
  if (reading === 'starting' && looking) return go({ ...state, acceptedAt: at.now, looking: false })
  if (reading === 'stopping' && (looking || state.by === null))
    return outside({ thenBy: state.by }, at)
  // The call was refused and the reason has gone: once more, after a pause.
  if (reading === 'stopped' && looking) return failed(state, { fault: 'conflict', token: null }, at)
  if (acceptedAt === null) return stay(state)
  if (reading === 'stopping' || (reading === 'stopped' && at.now - acceptedAt >= undoneMs)) {
    if (state.by === null) return go({ kind: 'asleep' })
    return failed(state, { fault: 'unavailable', token: null, trouble: 'start-undone' }, at)
  }
  return stay(state)
}

function booting(state: In<'booting'>, event: VmEvent, at: VmMoment): VmStep {
  switch (event.kind) {
    case 'cloud':
      return runningSeen(state, event.reading, at)
    case 'port-ready':
    case 'no-ports':
      return go({ kind: 'awake', since: at.now, startedBy: state.startedBy })
    case 'want':
      return state.startedBy === null ? go({ ...state, startedBy: event.by }) : stay(state)
    // Nothing has answered yet, so nothing is under way that could be drained.
    case 'let-sleep':
      return halt({ reason: event.reason, thenBy: null }, at)
    case 'restart':
      return halt({ reason: 'restart', thenBy: event.by }, at)
    case 'tick':
      return !state.overdue && at.now - state.since >= at.limits.startTimeoutMs
        ? tell({ ...state, overdue: true }, 'app-silent')
        : stay(state)
    default:
      return stay(state)
  }
}

function awake(state: In<'awake'>, event: VmEvent, at: VmMoment): VmStep {
  switch (event.kind) {
    case 'cloud':
      return runningSeen(state, event.reading, at)
    case 'want':
      return state.startedBy === null ? go({ ...state, startedBy: event.by }) : stay(state)
    case 'let-sleep': {
      const { reason } = event
      const { since, startedBy } = state
      return go({ kind: 'draining', since: at.now, reason, awakeSince: since, startedBy })
    }
    case 'restart':
      return halt({ reason: 'restart', thenBy: event.by }, at)
    default:
      return stay(state)
  }
}

function draining(state: In<'draining'>, event: VmEvent, at: VmMoment): VmStep {
  switch (event.kind) {
    case 'cloud':
      return runningSeen(state, event.reading, at)
    case 'want':
      return go({
        kind: 'awake',
        since: state.awakeSince,
        startedBy: state.startedBy ?? event.by,
      })
    case 'restart':
      return halt({ reason: 'restart', thenBy: event.by }, at)
    case 'drained':
      return halt({ reason: state.reason, thenBy: null }, at)
    case 'tick':
      return at.now - state.since >= at.limits.drainMs
        ? halt({ reason: state.reason, thenBy: null }, at)
        : stay(state)
    default:
      return stay(state)
  }
}

/** `starting` and `moving` may be a reading that lags behind; whether its ports answer is seen without it. */
function runningSeen(
  state: In<'booting' | 'awake' | 'draining'>,
  reading: CloudState,
  at: VmMoment,
): VmStep {
  if (reading === 'stopped') return go({ kind: 'asleep' })
  // Whoever stops it in the console means it; the next wish starts it anew.
  if (reading === 'stopping') return outside({ thenBy: null }, at)
  return stay(state)
}

function stopping(state: Stopping, event: VmEvent, at: VmMoment): VmStep {
  switch (event.kind) {
    case 'cloud':
      return stoppingSeen(state, event.reading, at)
    case 'stop-accepted':
      if (event.reading === 'stopped') return stoppingSeen(state, 'stopped', at)
      return beingAsked(state) ? go({ ...state, acceptedAt: at.now }) : stay(state)
    case 'stop-failed':
      return beingAsked(state) ? stopFailed(state, event.fault, at) : stay(state)
    case 'want':
    case 'restart': {
      const thenBy = state.thenBy ?? event.by
      // No call was accepted, so perhaps it still runs: the next reading knows, and the stop is off.
      if (event.kind === 'want' && state.callAt !== null) {
        const wanted = { wanted: thenBy, token: null, startedBy: thenBy }
        return go({ kind: 'unknown', since: at.now, ...wanted }, [{ kind: 'read' }])
      }
      return state.thenStart ? stay(state) : go({ ...state, thenStart: true, thenBy })
    }
    case 'let-sleep':
      return state.thenStart ? go({ ...state, thenStart: false, thenBy: null }) : stay(state)
    case 'tick':
      return stoppingTick(state, at)
    default:
      return stay(state)
  }
}

function stoppingSeen(state: Stopping, reading: CloudState, at: VmMoment): VmStep {
  if (reading === 'stopped')
    return state.thenBy === null ? go({ kind: 'asleep' }) : begin(state.thenBy, at)
  if (reading === 'running' && state.by === 'outside') return boot(state.thenBy, at)
  // Our call came to nothing because it stops already.
  if (reading === 'stopping' && state.by === 'us' && state.callAt !== null)
    return go({ ...state, acceptedAt: at.now, callAt: null })
  return stay(state)
}

function stoppingTick(state: Stopping, at: VmMoment): VmStep {
  if (state.by === 'outside')
    return at.now - state.since >= outsideStopMs ? tell(state, 'stop-failing') : stay(state)
  if (state.callAt !== null) return at.now >= state.callAt ? callStop(state, at) : stay(state)
  if (state.acceptedAt === null) return stay(state)
  const waited = at.now - state.acceptedAt
  if (state.soft)
    return waited >= at.limits.softStopMs ? callStop({ ...state, soft: false }, at) : stay(state)
  if (waited < hardStopRepeatMs) return stay(state)
  return callStop({ ...state, failures: state.failures + 1 }, at)
}

function callStop(state: Stopping, at: VmMoment): VmStep {
  const took = at.now - state.since
  const soft = state.soft && state.failures < softStopTries && took < at.limits.softStopMs
  const call: VmEffect = { kind: soft ? 'soft-stop' : 'stop' }
  const stuck = state.failures >= stopFailuresToTell || took >= at.limits.softStopMs + stopOverdueMs
  const effects: VmEffect[] = stuck ? [call, { kind: 'alert', trouble: 'stop-failing' }] : [call]
  return go({ ...state, soft, acceptedAt: null, callAt: null }, effects)
}

function stopFailed(state: Stopping, fault: CloudFault, at: VmMoment): VmStep {
  if (fault === 'conflict') {
    // It is starting, or stops already: no failure, and the next reading may settle it.
    const pause = Math.max(5_000, (at.now - state.since) / 20)
    return go({ ...state, callAt: at.now + pause }, [{ kind: 'read' }])
  }
  const failures = state.failures + 1
  const callAt = at.now + stopRestMs(failures, at.random)
  const effects = troubleOf(fault, 1)
  if (failures >= stopFailuresToTell) effects.push({ kind: 'alert', trouble: 'stop-failing' })
  return go({ ...state, failures, callAt }, effects)
}

function beingAsked(state: Stopping): boolean {
  return state.by === 'us' && state.callAt === null && state.acceptedAt === null
}

function resting(state: In<'resting'>, event: VmEvent, at: VmMoment): VmStep {
  switch (event.kind) {
    case 'cloud': {
      const { by } = state
      if (event.reading !== 'running' && event.reading !== 'starting') return stay(state)
      return found(event.reading, { wanted: by, token: state.token, startedBy: by }, at)
    }
    case 'port-ready':
      return go({ kind: 'awake', since: at.now, startedBy: state.by })
    case 'want':
    case 'restart':
      if (needsOperator.has(state.fault) && (event.kind === 'restart' || event.repaired === true))
        return retry(state, at)
      return go({ ...state, wantedAt: at.now })
    case 'let-sleep':
      return state.token === null
        ? go({ kind: 'asleep' })
        : halt({ reason: event.reason, thenBy: null }, at)
    case 'tick':
      if (at.now - state.wantedAt >= wishLifeMs) {
        if (state.token === null) return go({ kind: 'asleep' })
        const { token, by: startedBy } = state
        return go({ kind: 'unknown', since: at.now, wanted: null, token, startedBy }, [
          { kind: 'read' },
        ])
      }
      return at.now >= state.until ? retry(state, at) : stay(state)
    default:
      return stay(state)
  }
}
