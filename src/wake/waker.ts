// Who wanted a machine awake, as fields of an event in the log.

import type { EventFields } from '../log.ts'
import type { VmState, WakeReason } from './vm-state.ts'

/** Empty where the state does not say, or nobody here wanted it. */
export function wakerFields(state: VmState): EventFields {
  switch (state.kind) {
    case 'starting':
      return reasonFields(state.by)
    case 'booting':
    case 'awake':
      return reasonFields(state.startedBy)
    case 'draining':
      return { reason: state.reason }
    case 'stopping':
      return { reason: state.reason, by: state.by, thenStart: state.thenStart }
    case 'resting':
      return { fault: state.fault, attempts: state.attempts, ...reasonFields(state.by) }
    case 'unknown':
    case 'asleep':
    case 'gone':
      return {}
    default:
      return state satisfies never
  }
}

function reasonFields(by: WakeReason | null): EventFields {
  if (by === null) return {}
  switch (by.kind) {
    case 'request':
      return { wanted: by.kind, user: by.user, route: by.route, request: by.request }
    case 'person':
      return { wanted: by.kind, user: by.user }
    case 'schedule':
      return { wanted: by.kind }
    case 'token':
      return { wanted: by.kind, user: by.user, token: by.token }
    default:
      return by satisfies never
  }
}
