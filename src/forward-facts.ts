// Facts of a forward that need a thought each: kept out of the way of its flow. Hot path.

import { tokenPathPrefix } from './proxy/request-head.ts'
import type { RuntimeHeaderEdits, RuntimeRoute } from './routes.ts'

const tokenStart = 'gth_'

/** Nothing that looks like a token of ours is written down, wherever in the path somebody put it. */
export function maskTokens(path: string, pathToken: string | null): string {
  const masked = path.includes(tokenStart) ? path.replace(/gth_[\w-]*/g, 'gth_***') : path
  return pathToken === null ? masked : `${tokenPathPrefix}***${masked}`
}

/** Which `Host` the backend gets. */
export function upstreamHost(route: RuntimeRoute, visited: string, name: string): string {
  const policy = route.definition.upstreamHost
  switch (policy.kind) {
    case 'keep':
      return visited
    case 'target':
      return name
    case 'fixed':
      return policy.host
    default:
      return policy satisfies never
  }
}

/** RFC 9110 §7.6.2; only OPTIONS and TRACE carry it, and 0 never comes here. */
export function lowered(maxForwards: string | null): string | null {
  if (maxForwards === null || !/^[1-9]\d{0,3}$/.test(maxForwards)) return null
  return String(Number(maxForwards) - 1)
}

/** The page's address holds a token: whatever the backend says, no link on it tells anybody (Referrer Policy §3.1). */
export function withoutReferrer(edits: RuntimeHeaderEdits | null): RuntimeHeaderEdits {
  const set = ['referrer-policy', 'no-referrer']
  const remove = new Set(['referrer-policy'])
  if (edits !== null) {
    for (const name of edits.remove) remove.add(name)
    for (let i = 0; i < edits.set.length; i += 2) {
      if (edits.set[i] !== 'referrer-policy') set.push(edits.set[i] ?? '', edits.set[i + 1] ?? '')
    }
  }
  return { set, remove }
}
