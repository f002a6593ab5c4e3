// Between a route and the machine behind it: may a request go on, or what becomes of it? Types alone.

import type { Application } from './app.ts'
import type { FailureCode } from './errors.ts'
import type { CountsAsUse, Host, RequestId, SessionRef, UserId, VmId, WakeRule } from './model.ts'

import type { Answer, PageRequest } from './pages/answer.ts'

export type { CountsAsUse } from './model.ts'

/**
 * What a request is to a machine that costs money by the hour.
 * `navigation`: a person opens a page. `change`: something is written. `script`: a page's own script or picture asks.
 * `program`: no browser. `incidental`: prefetch, favicon, service worker, preflight, health check, link preview: nobody's wish.
 */
export type UseKind = 'navigation' | 'change' | 'script' | 'program' | 'incidental'

/** A request that goes on. One object per route is enough: it is read at once and not kept. */
export interface Passing {
  readonly kind: UseKind
  readonly session: SessionRef | null
  readonly counts: CountsAsUse
}

/** A request that cannot go on, because its machine does not answer. */
export interface Arrival {
  readonly id: RequestId
  readonly vm: VmId
  readonly port: number
  readonly routeId: string
  readonly service: string
  readonly host: Host
  readonly method: string
  readonly kind: UseKind
  readonly rule: WakeRule
  /** The client's network signed in within 30 days. */
  readonly knownClient: boolean
  /** `null`: a stranger on an open route. */
  readonly user: UserId | null
  readonly session: SessionRef | null
  /** Id of the program's token; `null`: it is a person, or a stranger. */
  readonly token: string | null
  /** What a stranger is counted by: an IPv4 address or an IPv6 /64. */
  readonly network: string
  /** Its identity may start machines, now. */
  readonly mayWake: boolean
  readonly webSocket: boolean
  /** Bytes of body the head announces; Infinity: unknown; 0: none. */
  readonly declaredBytes: number
  /** Wants a page for people. */
  readonly page: boolean
}

/** Who waits. Exactly one of the two is called, once, unless `leave` came first. */
export interface Waiter {
  readonly arrival: Arrival
  /** The machine answers: go on. */
  release(): void
  giveUp(code: FailureCode, retryAfterSeconds: number | null): void
}

/** What becomes of an arrival. */
export type Reception =
  /** The waiter will hear. */
  | { readonly kind: 'held' }
  /** The waiting page, at once. `waking`: false where the visit itself starts nothing. */
  | { readonly kind: 'page'; readonly waking: boolean; readonly retryAfterSeconds: number | null }
  | {
      readonly kind: 'refuse'
      readonly code: FailureCode
      readonly retryAfterSeconds: number | null
    }

/** The door of one port of one machine. */
export interface Gate {
  readonly vm: VmId
  readonly port: number
  /** Requests go on. One property, because every request looks at it. */
  readonly open: boolean
  /** A request goes on: noted as use when it is. Hot: no promise, no allocation, below 200 ns. */
  passes(passing: Passing): void
  /** Something cannot go on. Decides at once; may start the machine. */
  arrive(waiter: Waiter): Reception
  /** A waiter's client is gone; its place is free. The start goes on. */
  leave(waiter: Waiter): void
  /** The port refused a connection before a byte was sent: it is looked at anew. */
  refused(): void
}

/**
 * What our own paths about machines do. `script`: of the waiting page. `events`: what becomes of the machine behind a page,
 * live. `start`: somebody presses the button on a page. `busy`: the machine itself says that it works.
 */
export type WakeAction = 'script' | 'events' | 'start' | 'busy'

/** What people see of machines that sleep. */
export interface Waking {
  /** @param asked `path`: of the page and its query, as they were sent. */
  page(
    arrival: Arrival,
    reception: Extract<Reception, { kind: 'page' }>,
    asked: { readonly request: PageRequest; readonly path: string },
  ): Answer
  /** @param arrival as if somebody opened the page that it is about; `null`: none is named, or it is never asleep. */
  application(action: WakeAction, arrival: Arrival | null): Application
  /**
   * A request that went on is over. Hot.
   *
   * @param bytes of both directions; 0 for WebSockets and streams, which are looked at while they go on.
   */
  ended(vm: VmId, passing: Passing, bytes: number): void
}
