// What a machine that sleeps is to the others, and what it is made of. Types alone.

import type { EventLog } from '../log.ts'
import type { VmDefinition } from '../model.ts'
import type { VmPower } from '../model-machines.ts'
import type { Journal, StartRecord } from './journal.ts'
import type { CloudFault, VmProvider } from './provider.ts'
import type { Probe } from './readiness.ts'
import type { VmState, WakeReason } from './vm-state.ts'

/** A machine that has a switch. */
export type PoweredVm = VmDefinition & { readonly power: VmPower }

/** What becomes of a wish. `ok`: it is awake, or on its way, or resting and will be tried again (see `eta`). */
export type WantResult = 'ok' | 'too-many-starts' | 'budget' | 'gone'

/** What a person who waits can be told. */
export interface Eta {
  /** `asking`: the cloud is being asked. `waiting-for-service`: the system is up, the port is not. */
  readonly step:
    | 'asking'
    | 'starting'
    | 'booting'
    | 'waiting-for-service'
    | 'stopping-first'
    | 'resting'
  /** Since it was wanted. */
  readonly elapsedMs: number
  /** From wanted to ready: the median of the last 20 starts; `null`: there was none yet. */
  readonly expectedMs: number | null
  /** Wall clock, of the next try; `null`: none is planned, or none is needed. */
  readonly retryAt: number | null
  /** Why the last try failed; `null` unless resting. */
  readonly fault: CloudFault | null
}

/** Something a person should know. The same as `Alert` of alerts.ts. */
export interface MachineAlert {
  /** Names the trouble: the same id is the same trouble. */
  readonly id: string
  readonly level: 'info' | 'warn' | 'critical'
  readonly title: string
  readonly text: string
  readonly vm: string
}

/** Nothing here throws, and nothing rejects. */
export interface Machine {
  /** As the table has it now. */
  readonly definition: PoweredVm
  readonly state: VmState
  /**
   * Somebody who may wants it awake. One start, however many ask. Cancels draining at once: a ready port may be ready
   * again when this returns, without a change that is still to come.
   *
   * @param how `repaired`: asked by whoever runs the gateway: a fault that only such a person can repair is not waited out.
   */
  want(by: WakeReason, how?: { readonly repaired: boolean }): WantResult
  /** Nobody needs it: drain, soft stop, stop, seen stopped; for ever, with alerts. Again and again is fine. */
  letSleep(reason: string): void
  /** Runs but is dead: stop, then start. Asleep, it is merely started. */
  restart(by: WakeReason): WantResult
  /** That port answers and requests may go on. Never while draining: a new request is then a wish of its own. */
  isReady(port: number): boolean
  /** Those that are ready, ascending. */
  readonly readyPorts: readonly number[]
  /**
   * Says which ports there are to be ready; again and again is fine.
   *
   * @param scheme `null`: as it is known; `http` for one that is not.
   */
  watchPort(port: number, scheme: 'http' | 'https' | null): void
  /** It was ready, and refused a connection: it is looked at anew, and so is the cloud. */
  portRefused(port: number): void
  /** @param port whose service is waited for; left out: any. */
  eta(port?: number): Eta
  /** Called after every change of state, ports or `eta().step`. Returns how to stop that. */
  subscribe(listener: (machine: Machine) => void): () => void
  /** Reads journal and cloud. Resolves when the state is known, or the cloud could not be asked. */
  start(): Promise<void>
  /** This process ends: no more calls; the machine stays as it is. Resolves when the journal is written. */
  stop(): Promise<void>
  /** The table changed; the provider's settings did not. */
  redefine(definition: PoweredVm): void
  /** Oldest first, at most 200; the last one may still be under way. */
  history(): readonly StartRecord[]
  /** Minutes it ran, by calendar month (`2026-11`) of `power.timeZone`, up to this moment. At most 24 months. */
  awakeMinutes(): Readonly<Record<string, number>>
  /** The last reading of the cloud failed, and why; `null`: it did not. */
  readonly blind: CloudFault | null
}

export interface MachineDeps {
  readonly definition: PoweredVm
  readonly provider: VmProvider
  readonly journal: Journal
  readonly probe: Probe
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds since some moment, whatever happens to the wall clock. */
  readonly steady: () => number
  /** Runs something later; returns how not to. */
  readonly after: (ms: number, run: () => void) => () => void
  /** 0 up to 1. */
  readonly random: () => number
  /** Does the budget allow a start? */
  readonly mayStart: (by: WakeReason) => boolean
  /** Requests and tunnels under way to it. */
  readonly inFlight: () => number
  readonly alert: (alert: MachineAlert) => void
  readonly log: EventLog
}
