// The gateway itself: how it is, what it has, and the switch that lets only known people in.

import type { AdminContext } from '../context.ts'
import type { HouseDesk } from './types.ts'

export function createHouseDesk(
  context: Pick<AdminContext, 'health' | 'metrics' | 'report' | 'lockdown' | 'now'>,
): HouseDesk {
  const { lockdown } = context
  return {
    health: context.health,
    metrics: context.metrics,
    report: async () => ({ ...(await context.report()), now: context.now() }),
    lockdown: lockdown.get,
    async setLockdown(on, by) {
      await lockdown.set(on, by)
      return lockdown.get()
    },
  }
}
