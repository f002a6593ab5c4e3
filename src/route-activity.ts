// What has been going on at each route lately: requests of the last hour, and the last thing that went wrong.

import { failures } from './errors.ts'

/** Something that went wrong at a route. */
export interface RouteError {
  /** Wall clock, milliseconds. */
  readonly at: number
  /** As in docs/errors.md. */
  readonly code: string
}

export interface RouteActivity {
  /** Requests within the last hour, to the minute. Of the time since the start, if that is shorter. */
  lastHour(route: string): number
  /** The last failure of the backend or of ours, not of the client's; `null`: none since the start. */
  lastError(route: string): RouteError | null
  /** A request has ended. */
  ended(route: string, outcome: string, at: number): void
  /** To be called once a minute. */
  minute(): void
}

const minutes = 60
const serverFailures: ReadonlySet<string> = new Set(
  Object.entries(failures).flatMap(([code, { status }]) => (status >= 500 ? [code] : [])),
)
/** Routes come from the table, but a table may be edited for years. */
const maxRoutes = 2_000

/** @param totals requests per route since the start; nothing is counted a second time for this. */
export function createRouteActivity(totals: () => ReadonlyMap<string, number>): RouteActivity {
  /** Totals at the last 60 full minutes, oldest first. */
  const past: ReadonlyMap<string, number>[] = []
  const errors = new Map<string, RouteError>()

  return {
    lastHour(route) {
      const before = past.length < minutes ? 0 : (past[0]?.get(route) ?? 0)
      return (totals().get(route) ?? 0) - before
    },
    lastError: (route) => errors.get(route) ?? null,
    ended(route, outcome, at) {
      // What a client did wrong says nothing about the service.
      if (!serverFailures.has(outcome)) return
      if (!errors.has(route) && errors.size >= maxRoutes) return
      errors.set(route, { at, code: outcome })
    },
    minute() {
      past.push(new Map(totals()))
      if (past.length > minutes) past.shift()
    },
  }
}
