// The words for machines that sleep, and for who hears of them, as types. Imports nothing, runs nothing.

/** Who starts and stops a machine. */
export type VmProviderSettings =
  | {
      readonly kind: 'oci'
      /** OCID of the instance. */
      readonly instance: string
      readonly region: string
      /** Profile of an OCI config file (`~/.oci/config`); `null`: secrets `OCI_TENANCY`, `OCI_USER`, `OCI_FINGERPRINT`, `OCI_KEY`. */
      readonly configFile: string | null
      readonly profile: string
      /** Another address of the API; `null`: the region's own. Plain HTTP on loopback alone. */
      readonly endpoint: string | null
    }
  | {
      readonly kind: 'command'
      /** Argument vectors, run without a shell. */
      readonly start: readonly string[]
      /** Asks the system to shut down; `null`: `stop` alone. */
      readonly softStop: readonly string[] | null
      readonly stop: readonly string[]
      /** Prints one of `running`, `starting`, `stopping`, `stopped`, `moving`, `gone`. */
      readonly state: readonly string[]
      readonly timeoutMs: number
    }

/** A time of the week in which a machine is kept awake. */
export interface AwakeTime {
  /** 0 Sunday to 6 Saturday. */
  readonly days: readonly number[]
  /** Minutes since midnight; `to` before `from` goes past midnight. */
  readonly from: number
  readonly to: number
}

/** What a machine costs while it runs. */
export interface VmCost {
  /** Per hour, in `currency`. */
  readonly perHour: number
  /** ISO 4217. */
  readonly currency: string
  /** Per calendar month; `null`: none. */
  readonly budget: number | null
  /** At 100 % of the budget: say so, let only `vm wake` start it, or let nothing start it. */
  readonly atBudget: 'warn' | 'manual' | 'refuse'
}

/** A machine that sleeps when nobody needs it. */
export interface VmPower {
  readonly provider: VmProviderSettings
  /** Without use for so long, it sleeps; milliseconds. */
  readonly idleMs: number
  /** But not before it was awake for so long. */
  readonly minimumAwakeMs: number
  /** How long what is under way may go on once it is to sleep. */
  readonly drainMs: number
  /** How long a soft stop may take before a hard one. */
  readonly softStopMs: number
  /** A start that takes longer has failed. */
  readonly startTimeoutMs: number
  /** Starts in an hour, at most. */
  readonly startsPerHour: number
  /** Longest time a request is held. */
  readonly holdMs: number
  /** Ready means that this path answers below 500; `null`: that the port takes a connection. */
  readonly readyPath: string | null
  /** Bytes a minute from the client, over five minutes, below which a WebSocket does not count as use. */
  readonly webSocketFloorBytes: number
  /** Open streams (server-sent events, long downloads) count as use. */
  readonly streamsCount: boolean
  /** Found running and wanted by nobody: `adopt` it (idle time begins), `ignore` it, or `stop` it after the idle time. */
  readonly foundRunning: 'adopt' | 'ignore' | 'stop'
  readonly awake: readonly AwakeTime[]
  /** IANA name, for `awake` and months. */
  readonly timeZone: string
  readonly cost: VmCost | null
  /** Name of the secret with which the machine says that it is busy; `null`: it cannot. */
  readonly busySecret: string | null
}

/** Where alerts go. */
export type AlertTarget =
  | {
      readonly kind: 'ntfy'
      /** `https://ntfy.sh/topic`. */
      readonly url: string
      /** Name of a secret with an access token; `null`: none. */
      readonly token: string | null
    }
  | {
      readonly kind: 'webhook'
      readonly url: string
      /** Name of a secret; sent as `Authorization: Bearer`. */
      readonly token: string | null
    }
