// `networks:`, addresses that count as a person.

import type { KnownNetwork } from '../model.ts'
import { readCidr } from './cidr.ts'
import { readUser } from './names.ts'
import type { Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import type { RawNetworks } from './schema.ts'

/** Reads the list; `null` when the file has none. Entries that are wrong are reported and left out. */
export function readNetworks(
  raw: RawNetworks | undefined,
  at: Path,
  reporter: Reporter,
): readonly KnownNetwork[] | null {
  if (raw === undefined) return null
  return raw.flatMap((entry, index): KnownNetwork[] => {
    const user = readUser(entry.as, [...at, index, 'as'], reporter)
    const read = readCidr(entry.cidr)
    if (!('cidr' in read)) {
      const what = `${quote(entry.cidr)} ${read.what}`
      reporter.error([...at, index, 'cidr'], { code: 'cidr', what, remedy: read.remedy })
      return []
    }
    if (read.cidr.endsWith('/0')) {
      reporter.error([...at, index, 'cidr'], {
        code: 'trusts-everyone',
        what: `takes everybody for ${entry.as}`,
        remedy: 'name the network of your VPN, or write access: public',
      })
    }
    if (user === null) return []
    return [{ cidr: read.cidr, user, mayWake: entry.wake ?? false }]
  })
}
