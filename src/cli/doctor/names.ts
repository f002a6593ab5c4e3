// Does every host of the table lead here?

import type { TableDefinition } from '../../model.ts'
import { canonicalAddress } from '../../routes-file/addresses.ts'
import { hostsOf } from '../table-hosts.ts'
import { errorCode, type Finding, fail, inParallel, listed, ok, warn } from './finding.ts'

export interface NamesDeps {
  /** All addresses; rejects with a `code` such as `ENOTFOUND`. Bounded in time by whoever gives it. */
  readonly resolve: (name: string) => Promise<readonly string[]>
  readonly ownAddresses: readonly string[]
  readonly isCloudflare: (address: string) => boolean
}

type Lead =
  | { readonly kind: 'here' | 'cloudflare' }
  | { readonly kind: 'elsewhere' | 'failed'; readonly detail: string }

const about = 'names'

/** One line for each kind of answer, not for each of fifty names. */
export async function nameFindings(
  definition: TableDefinition,
  deps: NamesDeps,
): Promise<Finding[]> {
  const groups = new Map<string, { lead: Lead; names: string[] }>()
  const hosts = hostsOf(definition)
  const leads = await inParallel(hosts, 8, ({ query }) => leadOf(query, deps))
  for (const [index, { shown }] of hosts.entries()) {
    const lead = leads[index] ?? { kind: 'failed', detail: 'not asked' }
    const key = 'detail' in lead ? `${lead.kind} ${lead.detail}` : lead.kind
    const group = groups.get(key) ?? { lead, names: [] }
    group.names.push(shown)
    groups.set(key, group)
  }
  return [...groups.values()].map(({ lead, names }) => findingFor(lead, names))
}

async function leadOf(name: string, deps: NamesDeps): Promise<Lead> {
  // RFC 6761 §6.3: these never leave the machine.
  if (name === 'localhost' || name.endsWith('.localhost')) return { kind: 'here' }
  try {
    const addresses = await deps.resolve(name)
    const own = deps.ownAddresses.map(canonicalAddress)
    if (addresses.every((address) => deps.isCloudflare(address))) return { kind: 'cloudflare' }
    if (addresses.every((address) => own.includes(canonicalAddress(address))))
      return { kind: 'here' }
    return { kind: 'elsewhere', detail: addresses.toSorted().join(', ') }
  } catch (error) {
    return { kind: 'failed', detail: errorCode(error) }
  }
}

function findingFor(lead: Lead, names: readonly string[]): Finding {
  const who = `${names.length === 1 ? '' : `${names.length} names: `}${listed(names)}`
  switch (lead.kind) {
    case 'here':
      return ok(about, `${who} → this machine`)
    case 'cloudflare':
      return ok(about, `${who} → Cloudflare`)
    case 'elsewhere': {
      const remedy =
        'fine if that is the public address of this machine (a cloud maps it); else mend DNS'
      return warn(about, `${who} → ${lead.detail}, no address of this machine's interfaces`, remedy)
    }
    case 'failed': {
      if (lead.detail === 'ENOTFOUND' || lead.detail === 'ENODATA') {
        return fail(
          about,
          `${who}: no address in DNS`,
          'add a record that leads here, or remove the route',
        )
      }
      return warn(
        about,
        `${who}: no name server answers (${lead.detail})`,
        'check /etc/resolv.conf',
      )
    }
    default:
      return lead satisfies never
  }
}
