// Routes in words and in order: for tables on a screen and for explanations.

import type { HostPattern, Route, TableDefinition, Target } from '../model.ts'

/** Names before wildcards; below a host the longest path first, and the exact one before the prefix. */
export function matchingOrder(definition: Pick<TableDefinition, 'routes'>): readonly Route[] {
  const key = ({ host }: Route) => (host.kind === 'exact' ? host.host : host.suffix)
  const rank = ({ host }: Route) => (host.kind === 'exact' ? 0 : 1)
  const labels = (route: Route) => key(route).split('.').reverse().join('.')
  return definition.routes.toSorted((a, b) => {
    if (rank(a) !== rank(b)) return rank(a) - rank(b)
    // The longest suffix is asked first, and a name's own labels sort beside each other.
    const deeper = rank(a) === 0 ? 0 : key(b).length - key(a).length
    if (deeper !== 0) return deeper
    const byHost = labels(a) < labels(b) ? -1 : labels(a) > labels(b) ? 1 : 0
    if (byHost !== 0) return byHost
    return b.path.length - a.path.length || exactFirst(a) - exactFirst(b)
  })
}

/** `photos.example.com`, `*.example.com`. */
export function hostWords(host: HostPattern): string {
  return host.kind === 'exact' ? host.host : `*.${host.suffix}`
}

/** `/x` for one path alone, `/x/…` with all below it. */
export function pathWords({ path, matching }: Route): string {
  if (matching === 'exact') return path
  return path === '/' ? '/…' : `${path}/…`
}

/** Where it leads, in a few words. */
export function targetWords(target: Target): string {
  switch (target.kind) {
    case 'upstream': {
      const host = target.hostname.includes(':') ? `[${target.hostname}]` : target.hostname
      const vm = target.vm === null ? '' : ` (${target.vm})`
      return `${target.scheme}://${host}:${target.port}${vm}`
    }
    case 'redirect':
      return `${target.status} → ${target.location}${target.keepPath ? '…' : ''}`
    case 'status':
      return `answers ${target.status}`
    case 'landing':
      return target.continueTo === null ? 'landing page' : `landing page → ${target.continueTo}`
    case 'app':
      return target.app === 'login' ? "Gatehouse's login" : "Gatehouse's admin"
    default:
      return target satisfies never
  }
}

function exactFirst({ matching }: Route): number {
  return matching === 'exact' ? 0 : 1
}
