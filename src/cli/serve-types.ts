// What `serve` is given by main and what it gives back. Types alone: importing this loads nothing.

import type { Config } from '../config.ts'
import type { ResolveAll } from '../proxy/lookup.ts'
import type { HoldLimits } from '../wake/waiting-room.ts'

/** `export const serve: Serve` of cli/serve.ts. Rejects with a `GatehouseError` when the gateway cannot start. */
export type Serve = (config: Config, deps: ServeDeps) => Promise<Running>

/** Everything the gateway needs to know of its process, which only main.ts may ask. */
export interface ServeDeps {
  /** Of package.json. */
  readonly version: string
  readonly pid: number
  /** Version of Node.js, without a `v`. */
  readonly nodeVersion: string
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  /** Wall clock at which the process began, milliseconds since the epoch. */
  readonly startedAt: number
  /** Bytes. */
  readonly memoryUsage: () => {
    readonly rss: number
    readonly heapTotal: number
    readonly heapUsed: number
    readonly external: number
    readonly arrayBuffers: number
  }
  /** Microseconds since the process began. */
  readonly cpuUsage: () => { readonly user: number; readonly system: number }
  /** Of the process, for the programs that start and stop machines. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Writes whole lines to standard output; never throws, a reader that left is ignored. */
  readonly writeOut: (text: string) => void
  /** Writes whole lines to standard error; never throws. */
  readonly writeError: (text: string) => void
  /** Addresses of a backend's name, as `dns.lookup` gives them. Default: the system's. */
  readonly lookup?: ResolveAll
  /** How much may wait for machines. Default: `defaultHoldLimits`. */
  readonly holdLimits?: Partial<HoldLimits>
  /** How long a change of routes that cuts people off waits to be confirmed, milliseconds. Default a minute. */
  readonly undoMs?: number
  /** `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`, for proxy/activation; main has taken them out of the environment. */
  readonly activation: Readonly<Record<string, string | undefined>>
}

/** A gateway that accepts connections. */
export interface Running {
  /** The ports really bound; `null`: that listener is off. */
  readonly addresses: () => {
    readonly https: number | null
    readonly http: number | null
    readonly ops: number | null
  }
  /** Reads table and certificates again. Never rejects: a bad file keeps what runs and is logged. */
  readonly reload: (reason: 'signal' | 'changed' | 'admin') => Promise<void>
  /**
   * Stops accepting and finishes what is in flight; resolves when the last exchange has ended and the logs are
   * flushed. Whoever calls it brings the deadline: after `config.drainMs` main calls `closeNow`.
   */
  readonly drain: () => Promise<void>
  /** Cuts everything off and flushes the logs. May be called during `drain`, which then resolves. */
  readonly closeNow: () => Promise<void>
  /** One line to the event log at level error, for a failure that only main can see. Never throws. */
  readonly report: (event: string, error: unknown) => void
}
