// What is written down of a request at its end. Hot path.

import type { Request } from './admission.ts'
import { type FailureCode, failures } from './errors.ts'
import { maskTokens } from './forward-plan.ts'
import type { AccessEntry } from './log.ts'
import type { RequestId, SessionRef, UserId } from './model.ts'
import type { Exchange } from './proxy/exchange.ts'
import type { Forward } from './proxy/forward.ts'

export interface Recorded extends Request {
  readonly id: RequestId
  readonly user: UserId | null
  readonly session: SessionRef | null
  /** Wall clock, milliseconds; `admittedAt` 0: it was not. */
  readonly startedAt: number
  readonly admittedAt: number
}

/** How it ended. Times are wall clock, milliseconds. */
export interface Ending {
  readonly endedAt: number
  /** 0: no answer was begun. */
  readonly status: number
  readonly outcome: FailureCode | 'ok'
  /** When the backend's header came; 0: it did not. */
  readonly begunAt: number
  readonly upstream: string | null
  readonly forward: Forward | null
}

export function accessEntryOf(
  request: Recorded,
  ending: Ending,
): AccessEntry & { readonly webSocket: boolean } {
  const { exchange, startedAt, admittedAt } = request
  const { endedAt, status, outcome, begunAt, forward } = ending
  const moved = forward === null ? null : movedBy(exchange, forward)
  return {
    time: startedAt,
    id: request.id,
    client: request.client,
    user: request.user,
    session: request.session,
    host: request.host ?? '',
    method: exchange.method,
    path: pathOf(request),
    protocol: exchange.protocol,
    status: status === 0 ? failures[outcome === 'ok' ? 'client-left' : outcome].status : status,
    requestBytes: moved?.fromClient ?? exchange.bytesIn,
    responseBytes: moved?.toClient ?? exchange.bytesOut,
    totalMs: endedAt - startedAt,
    admitMs: admittedAt - startedAt,
    upstreamMs: begunAt === 0 ? 0 : begunAt - admittedAt,
    route: request.route?.id ?? null,
    upstream: ending.upstream,
    outcome,
    droppedHeaders: request.head?.dropped ?? null,
    retried: forward?.retried ?? false,
    webSocket: exchange.webSocket,
  }
}

/** Bytes of the body or of the WebSocket, so far. */
export function movedBy(
  exchange: Exchange,
  forward: Forward,
): { readonly fromClient: number; readonly toClient: number } {
  const tunnel = forward.tunnelBytes()
  return {
    fromClient: exchange.bytesIn + tunnel.fromClient,
    toClient: exchange.bytesOut + tunnel.toClient,
  }
}

/** As it was sent, but for what nobody may read. */
function pathOf({ target, pathToken, wakeAction }: Recorded): string {
  const path = maskTokens(target?.rawPath ?? '', pathToken)
  return wakeAction === 'events' || wakeAction === 'start'
    ? `/.gatehouse/wake/${wakeAction}${path}`
    : path
}
