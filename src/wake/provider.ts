// What one must be able to do with a machine in some cloud. Types, and the ways it fails.

/** What the cloud says of a machine. `gone`: it does not exist any more. */
export type CloudState = 'stopped' | 'starting' | 'running' | 'stopping' | 'moving' | 'gone'

/**
 * Why a call to the cloud came to nothing.
 * `capacity`: it has no room for the machine. `throttled`: too many calls. `conflict`: the machine is in another state than
 * thought; look again. `denied`: key, policy or id are wrong, or do not fit together. `clock`: our clock is off.
 * `unavailable`: the cloud fails, or cannot be reached. `invalid`: it said something that nobody understands.
 */
export type CloudFault =
  | 'capacity'
  | 'throttled'
  | 'conflict'
  | 'denied'
  | 'clock'
  | 'unavailable'
  | 'invalid'

/** Thrown by providers, and nothing else. */
export class CloudError extends Error {
  readonly fault: CloudFault
  /** HTTP status or exit code; `null`: none. */
  readonly status: number | null
  /** The cloud's own words for it, cut to 200 characters; holds no secret. */
  readonly detail: string

  constructor(fault: CloudFault, detail: string, status: number | null = null, cause?: unknown) {
    super(`${fault}: ${detail.slice(0, 200)}`, cause === undefined ? undefined : { cause })
    this.name = 'CloudError'
    this.fault = fault
    this.status = status
    this.detail = detail.slice(0, 200)
  }
}

/** One machine. Every call ends within its own time limit. All providers pass test/contract/vm-provider.ts. */
export interface VmProvider {
  /** @throws CloudError */
  state(): Promise<CloudState>
  /** @param token the same for every attempt of one start, so that a repeated call starts nothing twice. @throws CloudError */
  start(token: string): Promise<CloudState>
  /** Asks the system on it to shut down. @throws CloudError */
  softStop(): Promise<CloudState>
  /** Cuts its power. @throws CloudError */
  stop(): Promise<CloudState>
}
