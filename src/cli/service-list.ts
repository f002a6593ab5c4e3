// What people may open, for the page that lists it: from the table in force, with the state of each backend.

import type { ServiceList } from '../auth/app/services.ts'
import { ownServices } from '../auth/own-services.ts'
import type { RouteTable } from '../routes.ts'
import { type TargetStateDeps, targetState } from './target-state.ts'

export function createServiceList(
  table: () => RouteTable,
  deps: TargetStateDeps & {
    readonly publicPort: () => number
    /** Wall clock, milliseconds. */
    readonly now: () => number
  },
): ServiceList {
  return {
    of: (identity) =>
      ownServices(table().definition.routes, identity, {
        now: deps.now(),
        publicPort: deps.publicPort(),
      }),
    state: (routeId) => targetState(table(), routeId, deps).kind,
  }
}
