// Asks the gateway that runs about machines and alerts: it alone knows them, and may start and stop them.

import type { Config } from '../config.ts'
import { type ControlRequest, controlPath } from '../control.ts'
import type { MachineReport } from '../control-machines.ts'
import { GatehouseError } from '../errors.ts'
import { askGateway } from './control-client.ts'
import { readMachines } from './machine-answers.ts'

/** What a command about machines is given. */
export interface MachineContext {
  readonly config: Config
  readonly operands: readonly string[]
  readonly flags: ReadonlyMap<string, string>
  /** Wall clock, milliseconds. */
  readonly now: () => number
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
  const path = controlPath(config.dataDir)
  const outcome = await askGateway(path, request, answerMs)
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
      // unix(7): 108 bytes, with a zero at the end; fewer on other systems.
      if (Buffer.byteLength(path) > 103) {
        throw new GatehouseError('control-failed', `the path ${path} is too long for a socket`, {
          remedy: 'give the gateway a data directory with a shorter path',
        })
      }
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
