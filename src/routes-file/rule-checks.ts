// Rules of `access:` against their route and each other: what can never match, and what opens more than its route.

import type { AccessRule, Route } from '../model.ts'
import { coversPattern, overlap, routePattern } from './path-samples.ts'
import type { Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import type { Row } from './route.ts'
import { upstreamKey } from './upstream-key.ts'

/** Checks the rules of every route that has some. */
export function checkRules(rows: readonly Row[], reporter: Reporter): void {
  for (const row of rows) {
    const { policy } = row.route
    if (policy.kind !== 'rules') continue
    for (const [index, rule] of policy.rules.entries()) {
      const at: Path = [...row.at, 'access', index]
      const outside = checkPlaces(rule, { row, rows, at, reporter })
      if (outside) continue
      const before = shadowing(policy.rules, index, row.route)
      if (before === null) continue
      reporter.warning(at, {
        code: 'shadowed',
        what: `never decides: ${before} would, before it`,
        remedy: 'move it up, or remove it',
      })
    }
  }
}

/** Private routes to whose backend these rules let everyone, on paths that those routes ask a login for. */
export function openedByRules(route: Route, rows: readonly Row[]): readonly Row[] {
  const { policy, target } = route
  if (policy.kind !== 'rules' || target.kind !== 'upstream') return []
  const key = upstreamKey(target)
  const open = policy.rules.flatMap((rule) =>
    rule.policy.kind === 'public' ? (rule.paths ?? [routePattern(route)]) : [],
  )
  return rows.filter(({ route: other }) => {
    if (other === route || other.target.kind !== 'upstream' || other.policy.kind === 'public')
      return false
    if (upstreamKey(other.target) !== key) return false
    const [here, there] = [route.prefixRewrite.kind, other.prefixRewrite.kind]
    // Where a prefix is rewritten the backend's paths are not the request's.
    if (here !== 'keep' || there !== 'keep') return open.length > 0
    const asked = askedFor(other)
    return open.some((pattern) => asked.some((p) => overlap(pattern, p)))
  })
}

/** Paths of a private route; what it opens itself by a rule is no secret of it. */
function askedFor(route: Route): readonly string[] {
  const { policy } = route
  if (policy.kind !== 'rules') return [routePattern(route)]
  const closed = policy.rules.filter((rule) => rule.policy.kind !== 'public')
  return closed.flatMap(({ paths }) => paths ?? [routePattern(route)])
}

/** @returns whether a path was found that no request of the route has. */
function checkPlaces(
  rule: AccessRule,
  context: {
    readonly row: Row
    readonly rows: readonly Row[]
    readonly at: Path
    readonly reporter: Reporter
  },
): boolean {
  const { row, rows, at, reporter } = context
  const { route } = row
  let outside = false
  for (const [index, pattern] of (rule.paths ?? []).entries()) {
    const place: Path = [...at, 'paths', index]
    // What a rule was to close stays open when it is written for paths that never come here.
    if (!overlap(pattern, routePattern(route))) {
      outside = true
      const all = route.matching === 'exact' ? '' : ' and below'
      const below = route.path === '/' || route.matching === 'exact' ? null : route.path + pattern
      reporter.error(place, {
        code: 'access-path',
        what: `${quote(pattern)} never comes here: this route is for ${route.path}${all}, and patterns are over whole paths`,
        remedy: below === null ? 'move it to the route it is for' : `write ${below}`,
      })
      continue
    }
    const taker = rows.find(({ route: other }) => takesAll(other, route, pattern))
    if (taker === undefined) continue
    outside = true
    reporter.warning(place, {
      code: 'shadowed',
      what: `${quote(pattern)} never comes here: ${taker.route.id} (line ${taker.route.line}) takes it`,
      remedy: 'write the rule there, or remove it',
    })
  }
  return outside
}

function takesAll(other: Route, route: Route, pattern: string): boolean {
  if (other === route || other.path.length <= route.path.length) return false
  const [a, b] = [other.host, route.host]
  const [name, ours] = [a, b].map((h) => (h.kind === 'exact' ? h.host : `*.${h.suffix}`))
  return name === ours && coversPattern([routePattern(other)], pattern)
}

/** What decides before this rule whenever it could; `null`: it has requests of its own. */
function shadowing(rules: readonly AccessRule[], index: number, route: Route): string | null {
  const rule = rules[index]
  if (rule === undefined) return null
  const earlier = rules.slice(0, index).filter((r) => takesMethods(r, rule))
  const everything = earlier.find(({ paths }) => paths === null)
  if (everything !== undefined) return `rule ${rules.indexOf(everything) + 1}`
  const outer = earlier.flatMap(({ paths }) => paths ?? [])
  const inner = rule.paths ?? [routePattern(route)]
  if (!inner.every((pattern) => coversPattern(outer, pattern))) return null
  const numbers = earlier.map((r) => rules.indexOf(r) + 1)
  return numbers.length === 1 ? `rule ${numbers[0]}` : `rules ${numbers.join(', ')}`
}

function takesMethods(outer: AccessRule, inner: AccessRule): boolean {
  const { methods } = outer
  if (methods === null) return true
  return (
    inner.methods?.every((m) => methods.includes(m) || (m === 'HEAD' && methods.includes('GET'))) ??
    false
  )
}
