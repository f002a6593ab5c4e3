// Programs that a table runs: which of them an edit at the admin would bring in. Whoever names a program is whoever has the machine.

import type { TableDefinition } from '../../model.ts'
import type { Problem } from '../../routes-file/problem.ts'

/**
 * `command:` runs what it names, as the gateway itself, who can read every key and record. So it is written in the file by
 * somebody who is on the machine; a page, a stolen session or a token for routes can keep it, move it and take it away.
 *
 * @param known tables whose programs are there already: the one in force, and the one on the disk.
 * @returns an error for each machine that would be looked at, started or stopped by another program.
 */
export function newPrograms(
  known: readonly (TableDefinition | null)[],
  after: TableDefinition,
): readonly Problem[] {
  const allowed = new Set(
    known.flatMap((table) => (table === null ? [] : programsOf(table).map(({ key }) => key))),
  )
  return programsOf(after)
    .filter(({ key }) => !allowed.has(key))
    .map(({ vm }) => ({
      severity: 'error',
      code: 'vm-command',
      line: 1,
      column: 1,
      where: `vms.${vm}.power.command`,
      what: 'is another program than before, and programs are not written through the admin page',
      remedy: 'write it into routes.yaml on the gateway’s own machine',
    }))
}

/** `key` holds the machine's name too: what starts one machine is not what stops another. */
function programsOf({ vms }: TableDefinition): { readonly vm: string; readonly key: string }[] {
  return vms.flatMap(({ id, power }) => {
    if (power?.provider.kind !== 'command') return []
    const { start, softStop, stop, state } = power.provider
    return [{ vm: id, key: JSON.stringify([id, start, softStop, stop, state]) }]
  })
}
