// The words of one machine's life: what it is in, what can happen to it, what is to be done. Types alone.

import type { RequestId, UserId } from '../model.ts'
import type { CloudFault, CloudState } from './provider.ts'

/** Who wants the machine awake. */
export type WakeReason =
  | {
      readonly kind: 'request'
      readonly request: RequestId
      /** `null`: a stranger on a route that lets known networks wake. */
      readonly user: UserId | null
      readonly route: string
    }
  /** Somebody pressed a button, or asked by the API; `user: null`: the operator, on the command line. */
  | { readonly kind: 'person'; readonly user: UserId | null }
  | { readonly kind: 'schedule' }
  /** A program; `token` is the token's name for the log, never its value. */
  | { readonly kind: 'token'; readonly user: UserId; readonly token: string }

/**
 * What a machine is in. Every time here is of the steady clock, in milliseconds. Whether a port answers is another
 * matter (`Machine.isReady`), except that a machine is not `awake` before one of them did.
 */
export type VmState =
  /** The cloud has not been heard yet, or says what comes before nothing. */
  | {
      readonly kind: 'unknown'
      readonly since: number
      /** Who wants it meanwhile. */
      readonly wanted: WakeReason | null
      /** Of the start that was under way when the last process ended. */
      readonly token: string | null
      /** Who had woken it, as far as the journal knows, should it turn out to be awake. */
      readonly startedBy: WakeReason | null
    }
  | { readonly kind: 'asleep' }
  | {
      readonly kind: 'starting'
      readonly since: number
      /** 1 for the first try of this start. */
      readonly attempt: number
      readonly token: string
      /** `null`: started by somebody outside. */
      readonly by: WakeReason | null
      /** When the cloud accepted; `null`: it is being asked. */
      readonly acceptedAt: number | null
      /** It said that the machine is in another state than thought: the next reading decides. */
      readonly looking: boolean
    }
  /** The cloud runs it, no port answers yet. */
  | {
      readonly kind: 'booting'
      readonly since: number
      readonly startedBy: WakeReason | null
      /** That it takes too long was said. */
      readonly overdue: boolean
    }
  /** A port has answered. `startedBy: null`: found running, and nobody here has wanted it since. */
  | { readonly kind: 'awake'; readonly since: number; readonly startedBy: WakeReason | null }
  /** It is to sleep; what is under way may end. Wanting it now costs nothing. */
  | {
      readonly kind: 'draining'
      readonly since: number
      readonly reason: string
      readonly awakeSince: number
      readonly startedBy: WakeReason | null
    }
  | {
      readonly kind: 'stopping'
      readonly since: number
      /** The system on it is asked to shut down; false: its power is cut. */
      readonly soft: boolean
      /** Seen stopped, it is started again. */
      readonly thenStart: boolean
      /** Who wants that; `null` unless `thenStart`. */
      readonly thenBy: WakeReason | null
      readonly reason: string
      /** `outside`: somebody else stops it; it is watched and left alone. */
      readonly by: 'us' | 'outside'
      /** When the cloud accepted the last call; `null`: it has not, or is being asked. */
      readonly acceptedAt: number | null
      /** Calls that failed or changed nothing, in a row. */
      readonly failures: number
      /** When the call is to be made (again); `null`: it is under way, or nothing is due. */
      readonly callAt: number | null
    }
  /** A start failed; nothing is tried before `until`. */
  | {
      readonly kind: 'resting'
      readonly fault: CloudFault
      readonly until: number
      /** Tries so far. */
      readonly attempts: number
      /** Of a try whose outcome is unknown: the next one repeats it. `null`: it surely came to nothing. */
      readonly token: string | null
      readonly by: WakeReason
      readonly wantedAt: number
    }
  /** The cloud has no such machine any more. */
  | { readonly kind: 'gone' }

/** What can happen to a machine. */
export type VmEvent =
  | { readonly kind: 'cloud'; readonly reading: CloudState }
  /** The cloud could not be asked. */
  | { readonly kind: 'cloud-failed'; readonly fault: CloudFault }
  /** `repaired`: by whoever runs the gateway: what only such a person can repair may be repaired now. */
  | { readonly kind: 'want'; readonly by: WakeReason; readonly repaired?: boolean }
  | { readonly kind: 'start-accepted'; readonly reading: CloudState }
  | { readonly kind: 'start-failed'; readonly fault: CloudFault }
  | { readonly kind: 'port-ready'; readonly port: number }
  | { readonly kind: 'port-lost'; readonly port: number }
  /** No port is watched: running is all there is to wait for. */
  | { readonly kind: 'no-ports' }
  | { readonly kind: 'let-sleep'; readonly reason: string }
  /** By whoever runs the gateway: stop and start again. */
  | { readonly kind: 'restart'; readonly by: WakeReason }
  | { readonly kind: 'drained' }
  | { readonly kind: 'stop-accepted'; readonly reading: CloudState }
  | { readonly kind: 'stop-failed'; readonly fault: CloudFault }
  /** Time has passed. */
  | { readonly kind: 'tick' }

/** What a person should hear of; each is raised once while it lasts. */
export type VmTrouble =
  | 'capacity'
  | 'denied'
  | 'clock'
  | 'invalid'
  /** It cannot be reached, or refuses to answer, for long. */
  | 'unavailable'
  | 'start-slow'
  | 'start-undone'
  | 'app-silent'
  | 'stop-failing'
  | 'gone'

/** What is to be done about it. */
export type VmEffect =
  /** Ask the cloud, soon. */
  | { readonly kind: 'read' }
  | { readonly kind: 'start'; readonly token: string }
  | { readonly kind: 'soft-stop' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'alert'; readonly trouble: VmTrouble }
