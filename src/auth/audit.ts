// What was done with people, sessions and settings, by whom: the audit log. Types alone.

import type { RequestId, UserId } from '../model.ts'

/** One event. Holds no secret, and no expected value of one. */
export interface AuditEntry {
  /** Wall clock, milliseconds. */
  readonly at: number
  /** `sign-in`, `sign-in-failed`, `credential-added`, `ban`, … in the field's terms, lower case with dashes. */
  readonly event: string
  /** Who did it; `null`: a stranger. `cli` is a person with the machine's shell. */
  readonly actor: UserId | 'cli' | 'gateway' | null
  /** Whom it concerns; `null`: nobody, or a name that does not exist. */
  readonly user: UserId | null
  /** Client address; `null`: the command line. */
  readonly client: string | null
  readonly request: RequestId | null
  /** Method, session reference, label, reason …; flat. */
  readonly details: Readonly<Record<string, string | number | boolean | null>>
}

export interface AuditFilter {
  readonly user?: UserId
  readonly event?: string
  readonly actor?: string
  readonly since?: number
  /** Up to and with this time. */
  readonly until?: number
  /** Newest first; 1 to 1000, default 100. */
  readonly limit?: number
}

export interface Audit {
  /** Never throws, never waits: written in batches, kept in memory (bounded) while the store is not to be had. */
  write(entry: AuditEntry): void
  list(filter: AuditFilter): Promise<readonly AuditEntry[]>
  flush(): Promise<void>
}
