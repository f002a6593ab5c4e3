// Paths that stand for all paths of a pattern, or for those that two patterns share: for comparing rules.

import { asPathBytes, compilePathPatterns } from '../auth/path-pattern.ts'
import type { Route } from '../model.ts'

/** Stands for any characters; no pattern can contain it. */
const anything = '\u0002'

/**
 * How many segments stand for `**`: none, few, and more than a pattern of 500 characters can have of its own, so that
 * none but another `**` takes them all.
 */
const rest = 256
const counts: readonly number[] = [rest, 0, 1, 2]

/** A path deep below: of patterns that end in `**`, what no other row of segments fits. */
export function deepSample(pattern: string): string {
  return sampleWith(pattern, rest)
}

/**
 * Paths that fit the pattern, with many, no, one and two segments in place of `**`, and in place of stars what no
 * pattern names. Whichever rule decides for any path that fits, decides for one of these, or has a pattern whose own
 * samples it decides.
 */
export function samplesOf(pattern: string): readonly string[] {
  return [...new Set(counts.map((count) => sampleWith(pattern, count)))]
}

/** The same of the paths that fit both; empty: there is none. */
export function sharedSamples(a: string, b: string): readonly string[] {
  const samples = counts.flatMap((count) => {
    const segments = sharedSegments(segmentsOf(a), segmentsOf(b), count)
    return segments === null ? [] : [`/${segments.join('/')}`]
  })
  return [...new Set(samples)]
}

/** Whether any path fits both. */
export function overlap(a: string, b: string): boolean {
  return sharedSegments(segmentsOf(a), segmentsOf(b), 1) !== null
}

/** All paths of a route, as a pattern. */
export function routePattern({ path, matching }: Pick<Route, 'path' | 'matching'>): string {
  if (matching === 'exact') return path
  return path === '/' ? '/**' : `${path}/**`
}

/** Whether every path that fits `inner` fits one of `outer`. May say no where a proof would take longer. */
export function coversPattern(outer: readonly string[], inner: string): boolean {
  const fits = compilePathPatterns(outer)
  return samplesOf(inner).every((sample) => fits(asPathBytes(sample)))
}

/** A sample as the file would write it: `/share/*`, `/api/**`. */
export function sampleWords(path: string): string {
  return path
    .replace(new RegExp(`(?:/${anything}(?=/|$)){3,}`, 'g'), '/**')
    .replaceAll(anything, '*')
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
function sharedSegments(
  a: readonly string[],
  b: readonly string[],
  count: number,
): readonly string[] | null {
  const any = new Array<string>(count).fill(anything)
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
      const after = from(i + 1, j + 1) ?? from(i, j + 1) ?? from(i + 1, j)
      return after === null ? null : [...any, ...after]
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
