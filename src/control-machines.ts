// What commands ask about machines that sleep, and what they hear: the part of control.ts that is about them. Types, and
// the reading of requests.

import type { UserId } from './model.ts'

/** One line of `vm list`, and what the other `vm` commands print. Plain data; times are wall clock, milliseconds. */
export interface MachineReport {
  readonly id: string
  readonly address: string
  /** As the states of `wake/vm.ts` are called. */
  readonly state:
    | 'unknown'
    | 'asleep'
    | 'starting'
    | 'booting'
    | 'awake'
    | 'draining'
    | 'stopping'
    | 'resting'
    | 'gone'
  /** When it came into this state; `null`: not known. */
  readonly since: number | null
  /** Who woke it, in words (`diego, photos/photoprism`); `null`: nobody, it was found so, or it sleeps. */
  readonly wokenBy: string | null
  /** Ports that answer. */
  readonly readyPorts: readonly number[]
  /** Requests that wait for it. */
  readonly held: number
  /** Without use for so long, milliseconds; `null`: it does not run. */
  readonly idleMs: number | null
  /** When it is put to sleep if nobody uses it; `null`: it does not run, or nothing is planned. */
  readonly sleepsAt: number | null
  /** Until when it is kept awake by `vm keep`; `null`: it is not. */
  readonly keptUntil: number | null
  /** Usual time from asked to ready, milliseconds; `null`: there was no start yet. */
  readonly usualStartMs: number | null
  /** Why it cannot be started, stopped or looked at, as `CloudFault` calls it; `null`: all is well. */
  readonly fault: string | null
  /** When a start that failed is tried again; `null`: no start has failed. */
  readonly retryAt: number | null
  /** IANA, for times of day and months. */
  readonly timeZone: string
  readonly cost: MachineCost
  /** Newest first, at most 20. */
  readonly starts: readonly MachineStart[]
}

/** This calendar month. */
export interface MachineCost {
  /** `2026-11`. */
  readonly month: string
  readonly minutesAwake: number
  /** `null`: the table does not say what an hour costs. */
  readonly money: {
    readonly currency: string
    readonly spent: number
    readonly budget: number | null
    readonly atBudget: 'warn' | 'manual' | 'refuse'
  } | null
}

/** One time that it was awake. */
export interface MachineStart {
  readonly at: number
  /** In words. */
  readonly by: string
  /** Until something answered, milliseconds; `null`: nothing ever did, or not yet. */
  readonly readyMs: number | null
  /** `null`: it still runs. */
  readonly endedAt: number | null
  /** Why it was put to sleep; `null`: it was not, or it is not known. */
  readonly reason: string | null
  readonly cost: number | null
}

/** Bytes that the gateway itself sent to clients this month. */
export interface OwnTraffic {
  readonly month: string
  readonly bytes: number
  /** What the cloud gives for nothing. */
  readonly freeBytes: number
}

/**
 * Why something was not done. `unknown-vm`: there is none of this name. `always-on`: it has no power. `gone`: the cloud does
 * not know it any more. `failed`: the start failed. `timeout`: it took longer than `startTimeout`. `not-running`: there is
 * nothing to put to sleep or to restart. `too-long`: of a time until which it should be kept awake.
 */
export type MachineRefusal =
  | 'unknown-vm'
  | 'always-on'
  | 'too-many-starts'
  | 'budget'
  | 'gone'
  | 'failed'
  | 'timeout'
  | 'not-running'
  | 'too-long'

/** What became of a command. */
export type MachineOutcome =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'refused'
      readonly reason: MachineRefusal
      /** More of it in words, such as the cloud's own; `null`: there is no more. */
      readonly detail: string | null
      /** Wall clock, milliseconds: when it may be asked again, or is tried again; `null`: not known. */
      readonly retryAt: number | null
    }

/** What the control socket can do with machines. Nothing here throws or rejects for what a person may do wrong. */
export interface MachineControl {
  /** Those with power, in the table's order. */
  list(): readonly MachineReport[]
  traffic(): OwnTraffic
  /**
   * Starts it. Resolves at once; with `wait` when it is ready, or it is clear that it will not be.
   *
   * @param asked `port`: ready means that this one answers; `null`: any. `signal`: the command left; the start goes on.
   * `user`: who wants it; absent: the operator.
   */
  wake(
    vm: string,
    asked: {
      readonly wait: boolean
      readonly port: number | null
      readonly signal: AbortSignal
      readonly user?: UserId
    },
  ): Promise<MachineOutcome>
  /** Lets it sleep now, whoever uses it; ends what keeps it awake. */
  sleep(vm: string): MachineOutcome
  /** It runs but is dead: stopped, then started. @param user who wants it; absent: the operator. */
  restart(vm: string, user?: UserId): MachineOutcome
  /**
   * Keeps it awake until then, and starts it when it sleeps.
   *
   * @param until wall clock, milliseconds; `null`: it is not kept awake any more. @param user who wants it; absent: the operator.
   */
  keep(vm: string, until: number | null, user?: UserId): MachineOutcome
}

/** What became of a test message to one of `alerts:`. */
export interface AlertResult {
  /** `ntfy at ntfy.sh`; never the whole address, which may be a secret. */
  readonly target: string
  /** `null`: it arrived. */
  readonly error: string | null
}

/** Requests about machines. */
export type MachineRequest =
  | { readonly do: 'vms' }
  | {
      readonly do: 'vm-wake'
      readonly vm: string
      readonly wait: boolean
      readonly port: number | null
    }
  | { readonly do: 'vm-sleep'; readonly vm: string }
  | { readonly do: 'vm-restart'; readonly vm: string }
  | { readonly do: 'vm-keep'; readonly vm: string; readonly until: number | null }
  | { readonly do: 'alert-test' }

/** @returns `null`: none of these. */
export function readMachineRequest(value: object): MachineRequest | null {
  if (!('do' in value)) return null
  if (value.do === 'vms' || value.do === 'alert-test') return { do: value.do }
  if (!('vm' in value) || typeof value.vm !== 'string') return null
  const { vm } = value
  switch (value.do) {
    case 'vm-sleep':
    case 'vm-restart':
      return { do: value.do, vm }
    case 'vm-wake': {
      const port = 'port' in value ? value.port : null
      if (port !== null && !isPort(port)) return null
      return { do: 'vm-wake', vm, wait: 'wait' in value && value.wait === true, port }
    }
    case 'vm-keep': {
      if (!('until' in value)) return null
      const { until } = value
      if (until !== null && (typeof until !== 'number' || !Number.isFinite(until))) return null
      return { do: 'vm-keep', vm, until }
    }
    default:
      return null
  }
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535
}
