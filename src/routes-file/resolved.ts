// Where the names of backends lead: a public name can point at the metadata service.

import { isIP } from 'node:net'
import type { TableDefinition } from '../model.ts'
import { forbiddenAddress } from './addresses.ts'
import type { Problem } from './problem.ts'

/**
 * Resolves every host name in the table and checks the addresses. What does not resolve is a warning: DNS
 * may be down while the gateway starts, and the address is checked once more when it is dialled.
 *
 * @param resolve all addresses of a name; rejects when there are none.
 */
export async function checkResolved(
  definition: TableDefinition,
  resolve: (name: string) => Promise<readonly string[]>,
): Promise<Problem[]> {
  const places = new Map<string, { line: number; where: string }>()
  for (const route of definition.routes) {
    if (route.target.kind !== 'upstream' || places.has(route.target.hostname)) continue
    places.set(route.target.hostname, { line: route.line, where: route.id })
  }
  for (const where of ['fallback', 'acmeFallback'] as const) {
    const target = definition[where]
    if (target === null || places.has(target.hostname)) continue
    places.set(target.hostname, { line: 1, where })
  }
  const names = [...places].filter(([name]) => isIP(name) === 0)
  const found = await Promise.all(
    names.map(async ([name, { line, where }]): Promise<Problem[]> => {
      const place = { line, column: 1, where }
      let addresses: readonly string[]
      try {
        addresses = await resolve(name)
      } catch {
        const what = `${name} does not resolve now`
        const remedy = 'check its spelling and DNS'
        return [{ severity: 'warning', code: 'unresolved', ...place, what, remedy }]
      }
      return addresses.flatMap((address): Problem[] => {
        const reason = forbiddenAddress(address)
        if (reason === null) return []
        const what = `${name} resolves to ${address}, which ${reason}`
        const remedy = 'name a backend; this address is refused for every route'
        return [{ severity: 'error', code: 'target-forbidden', ...place, what, remedy }]
      })
    }),
  )
  return found.flat()
}
