// Where a new key goes: as the other maps of its kind in this file have it, else as the reference lists it.

import type { Path } from '../problem.ts'
import { fileSchema } from '../schema.ts'
import { keysAt, valueAt } from '../schema-lookup.ts'
import { isKeyOf } from './plain-data.ts'

/**
 * @param present keys of the map at `path`, as they stand.
 * @returns the one that `key` goes behind; `null`: before all.
 */
export function orderIn(
  data: unknown,
  path: Path,
  put: { readonly key: string; readonly present: readonly string[] },
): string | null {
  const { key, present } = put
  const reference = keysAt(fileSchema, path, data)
  const kin = relatives(data, path).filter((map) => isKeyOf(map, key))
  const isBefore = (other: string): boolean => {
    let votes = 0
    for (const map of kin) {
      const keys = Object.keys(map)
      const [mine, its] = [keys.indexOf(key), keys.indexOf(other)]
      if (its !== -1) votes += its < mine ? 1 : -1
    }
    if (votes !== 0) return votes > 0
    const [mine, its] = [reference.indexOf(key), reference.indexOf(other)]
    return mine === -1 || its === -1 || its < mine
  }
  return present.findLast(isBefore) ?? null
}

/** The other rows, the other machines, and the same place in each of them. */
function relatives(data: unknown, path: Path): readonly object[] {
  const [top, own, ...below] = path
  if (own === undefined || (top !== 'routes' && top !== 'vms')) return []
  const all = valueAt(data, [top])
  if (typeof all !== 'object' || all === null) return []
  return Object.entries(all)
    .filter(([name]) => name !== String(own))
    .map(([, one]: [string, unknown]) => valueAt(one, below))
    .filter((map) => typeof map === 'object' && map !== null)
}
