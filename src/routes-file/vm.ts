// `vms:` as machines: where each one is, and who starts and stops it.

import type { VmDefinition, VmId } from '../model.ts'
import { readPower } from './power.ts'
import type { Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import type { RawVm } from './schema-vm.ts'
import { hostFault } from './upstream.ts'

export interface ReadVms {
  readonly definitions: ReadonlyMap<string, VmDefinition>
  /** Those that the file says nothing about power of. Not those whose power could not be read. */
  readonly alwaysOn: ReadonlySet<string>
}

/**
 * Reads the section; what is wrong is reported.
 *
 * @param damaged names of VMs from which something was left out, because its shape was wrong.
 */
export function readVms(
  raw: Readonly<Record<string, RawVm>> | undefined,
  context: { readonly damaged: ReadonlySet<string>; readonly reporter: Reporter },
): ReadVms {
  const { damaged, reporter } = context
  const definitions = new Map<string, VmDefinition>()
  const alwaysOn = new Set<string>()
  for (const [id, { address, power }] of Object.entries(raw ?? {})) {
    const at: Path = ['vms', id]
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(id)) {
      reporter.error(at, {
        code: 'vm-name',
        what: `${quote(id)} cannot be the name of a VM`,
        remedy: 'use letters, digits, hyphens, underscores and dots',
      })
    }
    const fault = hostFault(address)
    if (fault !== null) reporter.error([...at, 'address'], fault)
    if (power === undefined && !damaged.has(id)) alwaysOn.add(id)
    // A VM with a bad address still exists: one fault, not one more for every route to it.
    definitions.set(id, {
      id: id as VmId,
      address: address.toLowerCase(),
      power:
        power === undefined
          ? null
          : readPower(power, [...at, 'power'], { damaged: damaged.has(id), reporter }),
    })
  }
  return { definitions, alwaysOn }
}
