// Whether the data of routes.yaml has the shape of schema.ts; zod's issues become problems with remedies.

import type * as z from 'zod'
import { nearest } from '../nearest.ts'
import type { Fault, Path, Reporter } from './problem.ts'
import { fileSchema, type RawFile } from './schema.ts'
import { keysAt, remedyAt } from './schema-lookup.ts'

export interface Shaped {
  /**
   * The file without the parts whose shape is wrong, so that meaning can still be checked in the rest;
   * `null` when what is left does not make a table.
   */
  readonly file: RawFile | null
  /** Positions of routes from which something was left out: what they say is not the whole truth. */
  readonly damaged: ReadonlySet<number>
  /** A route was left out as a whole: `routes` has its positions in the file. */
  readonly positions: readonly number[]
}

/** Checks the shape. Reports every fault, each once. */
export function readShape(data: unknown, reporter: Reporter): Shaped {
  const first = fileSchema.safeParse(data)
  if (first.success) {
    const positions = first.data.routes.map((_, index) => index)
    return { file: first.data, damaged: new Set(), positions }
  }
  const faults = first.error.issues.flatMap((issue) => explain(issue, issue.path, data))
  for (const { path, fault } of faults) reporter.error(path, fault)
  const rest = without(
    data,
    faults.map((f) => f.path),
  )
  const second = fileSchema.safeParse(rest.data)
  return {
    file: second.success ? second.data : null,
    damaged: rest.damaged,
    positions: rest.positions,
  }
}

type Issue = z.core.$ZodIssue

interface Located {
  readonly path: Path
  readonly fault: Fault
}

function explain(issue: Issue, issuePath: readonly PropertyKey[], data: unknown): Located[] {
  const path = issuePath.map((part) => (typeof part === 'symbol' ? String(part) : part))
  const remedy = remedyAt(fileSchema, path)
  const shape = (what: string): Located[] => [{ path, fault: { code: 'shape', what, remedy } }]
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], fault: unknownKey(key, path) }))
    case 'invalid_union': {
      const branch = likeliest(issue.errors)
      const inner = branch.flatMap((i) => explain(i, [...issuePath, ...i.path], data))
      // A fault of the value as a whole is explained by all the forms it may have, not by one of them.
      if (inner.length === 0 || inner.some((f) => f.path.length === path.length)) {
        return shape(describe(valueAt(data, path)))
      }
      return inner
    }
    case 'invalid_type': {
      const parent = path.slice(0, -1)
      const last = path.at(-1)
      const missing = typeof last === 'string' && !hasKey(valueAt(data, parent), last)
      return missing
        ? [{ path, fault: { code: 'missing', what: 'is missing', remedy } }]
        : shape(describe(valueAt(data, path)))
    }
    case 'too_small':
      return shape(
        `is too small (${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum})`,
      )
    case 'too_big':
      return shape(`is too large (at most ${issue.maximum})`)
    default:
      return shape(describe(valueAt(data, path)))
  }
}

function unknownKey(key: string, path: Path): Fault {
  const known = keysAt(fileSchema, path)
  const meant = nearest(key, known)
  return {
    code: 'unknown-key',
    what: 'is no key of the format',
    remedy: meant === null ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`,
  }
}

/** The form of the value that was most likely meant: the one with the least to complain about. */
function likeliest(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  let best: readonly Issue[] = []
  let bestCost = Number.POSITIVE_INFINITY
  for (const branch of branches) {
    let cost = 0
    for (const issue of branch) {
      // The wrong kind of value altogether weighs most, then a missing key, then a surplus one.
      if (issue.path.length === 0)
        cost += issue.code === 'unrecognized_keys' ? issue.keys.length : 100
      else cost += issue.code === 'invalid_type' ? 2 : 1
    }
    if (cost < bestCost) {
      best = branch
      bestCost = cost
    }
  }
  return best
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'has no value'
  if (Array.isArray(value)) return 'is a list'
  switch (typeof value) {
    case 'string':
      return value === '' ? 'is empty' : `is ${quote(value)}`
    case 'number':
      return `is the number ${value}`
    case 'boolean':
      return `is ${value}`
    default:
      return 'is a map'
  }
}

/** Text from the file in a message: short, on one line. */
export function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text
  return JSON.stringify(short)
}

function valueAt(data: unknown, path: Path): unknown {
  let value = data
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !hasKey(value, String(part)))
      return undefined
    value = Reflect.get(value, part)
  }
  return value
}

function hasKey(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
}

/** A copy without the faulty parts: one key of a route, a whole route that is no map, one key at the top. */
function without(
  data: unknown,
  paths: readonly Path[],
): { data: unknown; damaged: ReadonlySet<number>; positions: readonly number[] } {
  const damaged = new Set<number>()
  const gone = new Set<number>()
  if (!isMap(data)) return { data, damaged, positions: [] }
  const copy: Record<string, unknown> = { ...data }
  const rows: unknown = copy.routes
  const routes: unknown[] = Array.isArray(rows)
    ? rows.map((row: unknown) => (isMap(row) ? { ...row } : row))
    : []
  for (const [top, index, key] of paths) {
    if (top !== 'routes') {
      if (top !== undefined) delete copy[top]
      continue
    }
    if (typeof index !== 'number') continue
    damaged.add(index)
    const row = routes[index]
    // Without host or target there is no route to check.
    if (isMap(row) && key !== undefined && key !== 'host' && key !== 'to') delete row[key]
    else gone.add(index)
  }
  const positions = routes.map((_, index) => index).filter((index) => !gone.has(index))
  copy.routes = positions.map((index) => routes[index])
  return { data: copy, damaged, positions }
}

function isMap(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
