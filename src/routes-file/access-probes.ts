// The addresses that two tables are asked about, so that every difference in who may enter shows.

import type { AccessRule, Route, TableDefinition } from '../model.ts'
import { deepSample, routePattern, samplesOf, sampleWords, sharedSamples } from './path-samples.ts'

/** One request to ask both tables about. */
export interface Probe {
  /** How it is called in a sentence. */
  readonly name: string
  /** The route it was made for; `null`: none. */
  readonly id: string | null
  readonly host: string
  /** As routes.yaml writes paths; a character that no path has stands for any. */
  readonly path: string
  readonly method: string
}

/** Requests for the same address, by all methods that some rule tells apart. */
export interface Place {
  /** The same place, whatever the method. */
  readonly name: string
  readonly probes: readonly Probe[]
}

/** No host and no method of a table can be called so. */
const anyLabel = '(any)'
export const anyMethod = '(any)'

/**
 * Everything that could differ: each route's own path, the paths below it, and for routes with rules a path for every
 * pattern and every pair of them. A request is decided by one rule before and by one after; where the patterns of these
 * two meet, the pair's sample is decided by the same two.
 */
export function places(
  before: TableDefinition,
  after: TableDefinition,
): readonly (readonly Place[])[] {
  const byId = new Map<string, Route[]>()
  const all = [before, after].flatMap(({ routes, disabled }) => [...routes, ...disabled])
  for (const route of all) {
    byId.set(route.id, [...(byId.get(route.id) ?? []), route])
  }
  const known = [...byId.values()].map(placesOf)
  return [...known, [place({ name: 'unknown hosts', id: null, host: anyLabel, path: '/' }, [])]]
}

/** @param routes the route before and after, or one of the two. */
function placesOf(routes: readonly Route[]): readonly Place[] {
  const [first] = routes
  if (first === undefined) return []
  const { id, host: pattern, path } = first
  const host = pattern.kind === 'exact' ? pattern.host : `${anyLabel}.${pattern.suffix}`
  const rules = routes.flatMap(({ policy }) => (policy.kind === 'rules' ? policy.rules : []))
  const below = deepSample(routePattern({ path, matching: 'prefix' }))
  const hostName = id.slice(0, id.length - path.length)
  const samples = new Set(patternSamples(routes))
  samples.delete(path)
  samples.delete(below)
  const name = (sample: string): string => {
    if (sample === below) return path === '/' ? `${id}…` : `${id}/…`
    return `${hostName}${sampleWords(sample)}`
  }
  return [path, below, ...samples].map((sample) =>
    place({ name: name(sample), id, host, path: sample }, rules),
  )
}

/** @param routes the route before and after; rules that stay as they are give every path to the same rule as before. */
function patternSamples([before, after]: readonly Route[]): readonly string[] {
  const was = patternsOf(before)
  const is = patternsOf(after)
  const samples = [...new Set([...was, ...is])].flatMap(samplesOf)
  const isSame = JSON.stringify(before?.policy) === JSON.stringify(after?.policy)
  if (after === undefined || isSame) return samples
  for (const a of was) {
    for (const b of is) if (a !== b) samples.push(...sharedSamples(a, b))
  }
  return samples
}

function patternsOf(route: Route | undefined): readonly string[] {
  if (route?.policy.kind !== 'rules') return []
  return [...new Set(route.policy.rules.flatMap(({ paths }) => paths ?? []))]
}

function place(at: Omit<Probe, 'method'>, rules: readonly AccessRule[]): Place {
  const named = [...new Set(rules.flatMap(({ methods }) => methods ?? []))]
  const probes = named.map((method) => ({ ...at, name: `${method} ${at.name}`, method }))
  const rest = named.length === 0 ? at.name : `${at.name} (other methods)`
  return { name: at.name, probes: [...probes, { ...at, name: rest, method: anyMethod }] }
}
