// Runs the commands about machines and alerts; they all ask the gateway that runs, which alone may start and stop.

import type { Config } from '../config.ts'
import { type ControlRequest, controlPath } from '../control.ts'
import type { MachineReport } from '../control-machines.ts'
import { GatehouseError } from '../errors.ts'
import type { MachineCommandName } from './commands.ts'
import { askGateway } from './control-client.ts'
import { readMachines } from './machine-answers.ts'
import type { Outcome } from './outcome.ts'

/** What such a command is given. */
export interface MachineContext {
  readonly config: Config
  readonly operands: readonly string[]
  readonly flags: ReadonlyMap<string, string>
  /** Wall clock, milliseconds. */
  readonly now: () => number
}

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

/**
 * The gateway's answer, whole.
 *
 * @param answerMs as for `askGateway`.
 * @throws GatehouseError `not-running`, `control-failed`; `control-late` when the time is over.
 */
export async function asked(
  { config }: MachineContext,
  request: ControlRequest,
  answerMs?: number,
): Promise<object> {
  const outcome = await askGateway(controlPath(config.dataDir), request, answerMs)
  switch (outcome.kind) {
    case 'done':
      return outcome.answer
    case 'failed':
      throw new GatehouseError(
        outcome.late ? 'control-late' : 'control-failed',
        `the gateway did not answer (${outcome.reason})`,
        {
          remedy:
            outcome.reason === 'EACCES'
              ? 'run this as root, or as the user of the gateway'
              : 'see its log',
        },
      )
    case 'absent':
      throw new GatehouseError(
        'not-running',
        `no gateway runs with the data directory ${config.dataDir}, and only one that runs knows its machines and alerts`,
        { remedy: 'start it, or name its data directory by --data' },
      )
    default:
      return outcome satisfies never
  }
}

/** @throws GatehouseError `not-running`, `control-failed`. */
export async function machinesOf(
  context: MachineContext,
): Promise<{ readonly machines: readonly MachineReport[]; readonly answer: object }> {
  const answer = await asked(context, { do: 'vms' })
  return { machines: understood(readMachines(answer)), answer }
}

/** @throws GatehouseError `control-failed`. */
export function understood<Value>(value: Value | null): Value {
  if (value !== null) return value
  throw new GatehouseError('control-failed', 'the gateway answered in words of another version', {
    remedy: 'run the same version of gatehouse as the gateway, or restart the gateway',
  })
}
