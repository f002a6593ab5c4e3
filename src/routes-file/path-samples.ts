// Paths that stand for all paths of a pattern, or for those that two patterns share: for comparing rules.

import { asPathBytes, compilePathPatterns } from '../auth/path-pattern.ts'
import type { Route } from '../model.ts'

/** Stands for any characters; no pattern can contain it. */
const anything = '\u0002'

/** A path that fits the pattern, and of other patterns only those that everything fits which fits this one. */
export function sampleOf(pattern: string): string {
  return sampleWith(pattern, 1)
}

/** As `sampleOf`, of the paths that fit both; `null`: no path does. */
export function sharedSample(a: string, b: string): string | null {
  const segments = sharedSegments(segmentsOf(a), segmentsOf(b))
  return segments === null ? null : `/${segments.join('/')}`
}

/** All paths of a route, as a pattern. */
export function routePattern({ path, matching }: Pick<Route, 'path' | 'matching'>): string {
  if (matching === 'exact') return path
  return path === '/' ? '/**' : `${path}/**`
}

/** Whether every path that fits `inner` fits one of `outer`. May say no where a proof would take longer. */
export function coversPattern(outer: readonly string[], inner: string): boolean {
  const fits = compilePathPatterns(outer)
  const longest = Math.max(0, ...outer.map((pattern) => segmentsOf(pattern).length))
  // So many segments in place of `**` that no row of single segments in `outer` can take them all.
  const counts = inner.includes('**') ? [0, 1, 2, longest + 1] : [0]
  return counts.every((count) => fits(asPathBytes(sampleWith(inner, count))))
}

/** A sample as people read it: `/share/…`. */
export function sampleWords(path: string): string {
  return path.replaceAll(anything, '…')
}

function segmentsOf(pattern: string): readonly string[] {
  const trimmed = pattern.length > 1 && pattern.endsWith('/') ? pattern.slice(0, -1) : pattern
  return trimmed === '/' ? [] : trimmed.slice(1).split('/')
}

function sampleWith(pattern: string, count: number): string {
  const any = new Array<string>(count).fill(anything)
  const segments = segmentsOf(pattern).flatMap((segment) =>
    segment === '**' ? any : [segment.replaceAll('*', anything)],
  )
  return `/${segments.join('/')}`
}

/** Walks both rows at once; a pair of places that led nowhere is not tried again. */
function sharedSegments(a: readonly string[], b: readonly string[]): readonly string[] | null {
  const dead = new Set<string>()
  function from(i: number, j: number): readonly string[] | null {
    if (i === a.length && j === b.length) return []
    const key = `${i} ${j}`
    if (dead.has(key)) return null
    const found = step(i, j)
    if (found === null) dead.add(key)
    return found
  }
  function then(segment: string | null, i: number, j: number): readonly string[] | null {
    const rest = segment === null ? null : from(i, j)
    return segment === null || rest === null ? null : [segment, ...rest]
  }
  function step(i: number, j: number): readonly string[] | null {
    const [left, right] = [a[i], b[j]]
    if (left === '**' && right === '**') {
      return then(anything, i + 1, j + 1) ?? from(i + 1, j) ?? from(i, j + 1)
    }
    if (left === '**') {
      const one = right === undefined ? null : then(right.replaceAll('*', anything), i, j + 1)
      return one ?? from(i + 1, j)
    }
    if (right === '**') {
      const one = left === undefined ? null : then(left.replaceAll('*', anything), i + 1, j)
      return one ?? from(i, j + 1)
    }
    if (left === undefined || right === undefined) return null
    return then(sharedText(left, right), i + 1, j + 1)
  }
  return from(0, 0)
}

/** The same for the characters of one segment, where `*` is any row of them. */
function sharedText(a: string, b: string): string | null {
  const dead = new Set<string>()
  function from(i: number, j: number): string | null {
    if (i === a.length && j === b.length) return ''
    const key = `${i} ${j}`
    if (dead.has(key)) return null
    const found = step(i, j)
    if (found === null) dead.add(key)
    return found
  }
  function then(text: string, i: number, j: number): string | null {
    const rest = from(i, j)
    return rest === null ? null : text + rest
  }
  function step(i: number, j: number): string | null {
    const [left, right] = [a[i], b[j]]
    if (left === '*' && right === '*') {
      return then(anything, i + 1, j + 1) ?? then(anything, i, j + 1) ?? then(anything, i + 1, j)
    }
    if (left === '*') return (right === undefined ? null : then(right, i, j + 1)) ?? from(i + 1, j)
    if (right === '*') return (left === undefined ? null : then(left, i + 1, j)) ?? from(i, j + 1)
    return left === undefined || left !== right ? null : then(left, i + 1, j + 1)
  }
  return from(0, 0)
}
