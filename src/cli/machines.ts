// Runs the commands about machines and alerts; loads only the one that was asked for.

import type { MachineCommandName } from './commands.ts'
import type { MachineContext } from './machine-gateway.ts'
import type { Outcome } from './outcome.ts'

/** @throws GatehouseError `not-running`, `control-failed`. */
export async function runMachines(
  name: MachineCommandName,
  context: MachineContext,
): Promise<Outcome> {
  switch (name) {
    case 'vm list':
      return (await import('./vm-list.ts')).listMachines(context)
    case 'vm cost':
      return (await import('./vm-cost.ts')).machineCost(context)
    case 'vm wake':
      return (await import('./vm.ts')).wakeMachine(context)
    case 'vm sleep':
      return (await import('./vm.ts')).letMachineSleep(context)
    case 'vm restart':
      return (await import('./vm.ts')).restartMachine(context)
    case 'vm keep':
      return (await import('./vm.ts')).keepMachine(context)
    case 'alert test':
      return (await import('./alert.ts')).testAlerts(context)
    default:
      return name satisfies never
  }
}
