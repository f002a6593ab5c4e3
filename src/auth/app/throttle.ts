// Guessing costs time: growing delays per account and per network, and a rest for networks that go on.

/** What is being tried. Each kind counts for itself per account; a network counts all kinds together. */
export type AttemptKind =
  | 'password'
  | 'second-factor'
  | 'recovery-code'
  | 'passkey'
  | 'provider'
  | 'link'

/** Who is trying. */
export interface Attempt {
  /** The account that is meant, in one spelling, known or not; absent: nobody yet. Never slows a passkey. */
  readonly user?: string
  readonly network: string
}

export type ThrottleAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly retryAfterMs: number; readonly banned: boolean }

export interface Throttle {
  /**
   * May this be tried now? When it may, it counts as failed until `succeeded` or `undone` says otherwise: of many that
   * come at once, not all slip through before the first has failed.
   */
  check(kind: AttemptKind, who: Attempt): ThrottleAnswer
  /** It was wrong. The count stands, and may be one too many for the network. */
  failed(kind: AttemptKind, who: Attempt): void
  /** It was right: the account's count of this kind begins anew, the network's goes back by this one. */
  succeeded(kind: AttemptKind, who: Attempt): void
  /** It came to nothing, by no fault of whoever tried: as if it had not been. */
  undone(kind: AttemptKind, who: Attempt): void
  readonly size: number
}
