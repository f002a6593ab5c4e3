// What one machine's life leaves on disk: what was meant to happen, what happened, how long it ran.

import type { CloudFault } from './provider.ts'
import type { WakeReason } from './vm-state.ts'

/** What is meant to become of the machine. A process that starts goes on from here. Wall clock, milliseconds. */
export type Intent =
  | { readonly kind: 'asleep' }
  /** Wanted, and not seen running yet. */
  | {
      readonly kind: 'starting'
      readonly by: WakeReason
      readonly at: number
      /** The same call again, should it be made again. */
      readonly token: string | null
      /** The last try failed; nothing is tried before `until`. */
      readonly rest: {
        readonly fault: CloudFault
        readonly until: number
        readonly attempts: number
      } | null
    }
  /** `by: null`: found running. */
  | { readonly kind: 'awake'; readonly by: WakeReason | null; readonly at: number }
  | {
      readonly kind: 'stopping'
      readonly reason: string
      readonly at: number
      readonly thenBy: WakeReason | null
    }

/** One time awake, from the wish to seen stopped. */
export interface StartRecord {
  /** `null`: found running. */
  readonly by: WakeReason | null
  /** Wall clock. */
  readonly wantedAt: number
  /** From `wantedAt` until the cloud accepted, until it ran, until a port answered; `null`: not (yet). */
  readonly acceptedMs: number | null
  readonly runningMs: number | null
  readonly readyMs: number | null
  /** Tries it took. */
  readonly attempts: number
  /** Of the last try that failed; `null`: none did. */
  readonly fault: CloudFault | null
  /** Why it was put to sleep; `null`: it was not. */
  readonly stopReason: string | null
  /** From the first stop call until seen stopped. */
  readonly stopMs: number | null
  /** Wall clock, seen stopped or given up; `null`: under way. */
  readonly endedAt: number | null
  /** How long it ran, as it is billed. */
  readonly awakeMs: number
  /** In `currency`; `null`: the table has no price. */
  readonly cost: number | null
  readonly currency: string | null
}

export interface JournalData {
  readonly intent: Intent
  /** Oldest first, at most 200. */
  readonly history: readonly StartRecord[]
  /** By calendar month (`2026-11`), at most 24. */
  readonly minutes: Readonly<Record<string, number>>
  /** Wall clock up to which `minutes` are counted while it runs; `null`: it did not run. */
  readonly countedAt: number | null
}

export interface Journal {
  /** What an earlier process left; a file that cannot be understood is set aside, reported and empty. Never rejects. */
  load(): Promise<JournalData>
  /** Resolves when this, or something later, is on disk, or cannot be: then with false. Never rejects. */
  write(data: JournalData): Promise<boolean>
}
