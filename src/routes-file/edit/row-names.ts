// By which name a row of `routes:` is meant: its route's id, also while other parts of the file are wrong.

import { parseHost } from '../../host.ts'
import { readHostPattern, shortHost } from '../host-pattern.ts'
import { readPath } from '../route-path.ts'
import { valueAt } from '../schema-lookup.ts'

/**
 * One name per row: `photos/photoprism`; `#12` (the row's position, from 0) for a row whose host or path cannot be read, and
 * for the second one of a name.
 */
export function rowNames(data: unknown): readonly string[] {
  const written = valueAt(data, ['domain'])
  const domain = typeof written === 'string' ? parseHost(written) : null
  const routes = valueAt(data, ['routes'])
  const seen = new Set<string>()
  return (Array.isArray(routes) ? routes : []).map((row: unknown, position) => {
    const host = valueAt(row, ['host'])
    const path = valueAt(row, ['path']) ?? '/'
    const pattern =
      domain !== null && typeof host === 'string' ? readHostPattern(host, domain) : null
    const read = typeof path === 'string' ? readPath(path) : null
    if (domain === null || pattern === null || read === null || !('path' in read)) {
      return `#${position}`
    }
    const name = `${shortHost(pattern, domain)}${read.path}`
    if (seen.has(name)) return `#${position}`
    seen.add(name)
    return name
  })
}
