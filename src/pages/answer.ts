// What a page is asked for with and what it comes back as. Types alone.

import type { Host, RequestId } from '../model.ts'

/** A whole answer, without the headers that every answer carries (request id, security headers, date). */
export interface Answer {
  readonly status: number
  /** Flat list: name, value, name, value. Names are lower-case. `content-length` is among them, for HEAD too. */
  readonly headers: readonly string[]
  /** Empty for HEAD and for statuses without content. */
  readonly body: Buffer
}

/** What of a request decides how its page looks. Anything in it may come from a stranger. */
export interface PageRequest {
  /** `Accept` (RFC 9110 §12.5.1); several lines joined by commas. `null`: absent. */
  readonly accept: string | null
  /** `Content-Type`; tells gRPC from the rest. `null`: absent. */
  readonly contentType: string | null
  readonly method: string
  readonly id: RequestId
  /** `null`: the request names no valid one. */
  readonly host: Host | null
  readonly loginHost: Host
}

/** What the one who refuses can add. */
export interface FailureExtra {
  /** Seconds, rounded up; the default depends on the code. RFC 9110 §10.2.3. */
  readonly retryAfterSeconds?: number
  /** A sentence in the owner's words, such as what maintenance is about. */
  readonly detail?: string
  /** Where to sign in, with the way back; default: the login host's front page. */
  readonly signIn?: string
  /** Name Basic as a way to sign in: for programs, which then send a token as password. */
  readonly basic?: boolean
  /** Methods that are offered, for 405 (RFC 9110 §10.2.1). */
  readonly allow?: string
}
