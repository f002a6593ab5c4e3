// How the backend of a route is: answering, failing, or on a machine that sleeps. For pages about services.

import type { TargetState } from '../admin/desks/types.ts'
import type { Upstreams } from '../proxy/upstreams.ts'
import type { RouteTable, RuntimeRoute } from '../routes.ts'
import type { Wake } from './serve-wake.ts'

export interface TargetStateDeps {
  readonly upstreams: Pick<Upstreams, 'find'>
  readonly wake: Pick<Wake, 'desk'>
}

/** As it was last found: nothing is asked for this. */
export function targetState(
  table: RouteTable,
  id: string,
  {
    upstreams,
    wake,
  }: { readonly upstreams: Pick<Upstreams, 'find'>; readonly wake: Pick<Wake, 'desk'> },
): TargetState {
  const route = table.routes.find((each) => each.id === id)
  const upstream = route?.upstream
  if (route === undefined || upstream == null) return { kind: 'unknown' }
  const asleep = route.gate?.open === false ? machineState(route, wake) : null
  if (asleep !== null) return asleep
  const known = upstreams.find(upstream)?.state()
  if (known === undefined) return { kind: 'unknown' }
  return known.failingSince === null
    ? { kind: 'answering' }
    : { kind: 'failing', since: known.failingSince }
}

/** Of a machine whose door is shut; `null`: it runs, and so the service is what does not answer. */
function machineState(route: RuntimeRoute, wake: Pick<Wake, 'desk'>): TargetState | null {
  const machine = wake.desk.list().find(({ id }) => id === route.upstream?.vm)
  switch (machine?.state) {
    case 'asleep':
    case 'draining':
    case 'stopping':
    case 'resting':
    case 'gone':
      return { kind: 'asleep' }
    case 'starting':
    case 'booting':
      return { kind: 'waking' }
    default:
      return null
  }
}
