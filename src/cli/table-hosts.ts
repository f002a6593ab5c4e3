// Which hosts a table names, and for which of them no handshake can succeed.

import { parseHost } from '../host.ts'
import type { Host, TableDefinition } from '../model.ts'

/** A label nobody has, to ask what a wildcard record says. */
const anyLabel = 'gatehouse-doctor'

/** Hosts of the table, each once; a wildcard is asked by a label below it. */
export function hostsOf(
  definition: TableDefinition,
): readonly { readonly shown: string; readonly query: string }[] {
  const hosts = new Map<string, { shown: string; query: string }>()
  for (const { host } of definition.routes) {
    const shown = host.kind === 'exact' ? host.host : `*.${host.suffix}`
    const query = host.kind === 'exact' ? host.host : `${anyLabel}.${host.suffix}`
    hosts.set(shown, { shown, query })
  }
  return [...hosts.values()]
}

/** Those of `hosts` that no route answers. */
export function unroutedHosts(
  definition: TableDefinition,
  hosts: readonly string[],
): readonly string[] {
  const isRouted = (name: string) =>
    definition.routes.some(({ host }) =>
      host.kind === 'exact' ? host.host === name : name.endsWith(`.${host.suffix}`),
    )
  return hosts.filter((name) => !isRouted(name))
}

/**
 * Hosts that no certificate covers, as a person writes them: their handshakes are refused before there is a page that
 * could say so.
 *
 * @param covers does a certificate in use cover this host?
 */
export function uncoveredHosts(
  definition: TableDefinition,
  covers: (host: Host) => boolean,
): readonly string[] {
  return hostsOf(definition).flatMap(({ shown, query }) => {
    const host = parseHost(query)
    return host === null || !covers(host) ? [shown] : []
  })
}
