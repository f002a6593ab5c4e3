// Whether the data of routes.yaml has the shape of schema.ts, and what is left when the faulty parts are taken out.

import type { Path, Reporter } from './problem.ts'
import { fileSchema, type RawFile } from './schema.ts'
import { valueAt } from './schema-lookup.ts'
import { explainIssues, type Located } from './shape-faults.ts'

export interface Shaped {
  /**
   * The file without the parts whose shape is wrong, so that meaning can still be checked in the rest;
   * `null` when what is left does not make a table.
   */
  readonly file: RawFile | null
  /** Positions of routes from which something was left out: what they say is not the whole truth. */
  readonly damaged: ReadonlySet<number>
  /** The same of VMs, by name. */
  readonly damagedVms: ReadonlySet<string>
  /** The position in the file of each route in `file`. */
  readonly positions: readonly number[]
}

/** Checks the shape. Reports every fault, each once. */
export function readShape(data: unknown, reporter: Reporter): Shaped {
  const first = fileSchema.safeParse(data)
  if (first.success) {
    const positions = first.data.routes.map((_, index) => index)
    return { file: first.data, damaged: new Set(), damagedVms: new Set(), positions }
  }
  const faults = explainIssues(first.error.issues, data)
  for (const { path, fault } of faults) reporter.error(path, fault)
  return rescue(data, faults)
}

/** Takes out the faulty parts, first exactly, then by the key of the route they are in. */
function rescue(data: unknown, faults: readonly Located[]): Shaped {
  const copy = structuredClone(data)
  const damaged = new Set<number>()
  const damagedVms = new Set<string>()
  let paths = faults.map(({ path, fault }) => (fault.code === 'missing' ? path.slice(0, -1) : path))
  const nothing: Shaped = { file: null, damaged, damagedVms, positions: [] }
  for (const depth of [Number.POSITIVE_INFINITY, 3, 2]) {
    for (const path of paths) {
      if (path.length === 0) return nothing
      if (path[0] === 'routes' && typeof path[1] === 'number') damaged.add(path[1])
      if (path[0] === 'vms' && typeof path[1] === 'string') damagedVms.add(path[1])
      cut(copy, path.slice(0, depth))
    }
    const { rest, positions } = withoutHoles(copy)
    const again = fileSchema.safeParse(rest)
    if (again.success) return { file: again.data, damaged, damagedVms, positions }
    paths = explainIssues(again.error.issues, rest).map(({ path }) => inOriginal(path, positions))
  }
  return nothing
}

/**
 * Removes a key from its map. A route becomes a hole, so that the others keep their numbers; a rule becomes one that lets
 * nobody in; any other list goes as a whole, for the places of its items would shift.
 */
function cut(data: unknown, path: Path): void {
  if (path[0] === 'routes' && path[2] === 'access' && typeof path[3] === 'number') {
    cutRule(data, path)
    return
  }
  const list = path.findIndex((part, depth) => typeof part === 'number' && depth !== 1)
  const [last, ...way] = (list === -1 ? path : path.slice(0, list)).toReversed()
  const parent = valueAt(data, way.reverse())
  if (typeof parent !== 'object' || parent === null || last === undefined) return
  if (Array.isArray(parent)) Reflect.set(parent, last, undefined)
  else Reflect.deleteProperty(parent, last)
}

function cutRule(data: unknown, path: Path): void {
  const rules = valueAt(data, path.slice(0, 3))
  const [index = 0, key, inner] = path.slice(3)
  const rule = valueAt(rules, [index])
  if (typeof rules !== 'object' || rules === null) return
  const standIn = { access: 'nobody' }
  if (typeof rule !== 'object' || rule === null || key === undefined) {
    Reflect.set(rules, index, standIn)
    return
  }
  const access = valueAt(rule, ['access'])
  if (key !== 'access') Reflect.deleteProperty(rule, key)
  else if (inner === undefined || typeof access !== 'object' || access === null) {
    Reflect.deleteProperty(rule, key)
  } else Reflect.deleteProperty(access, inner)
  if (!Object.hasOwn(rule, 'access')) Object.assign(rule, standIn)
}

/** Drops the holes from `routes`. */
function withoutHoles(data: unknown): { rest: unknown; positions: readonly number[] } {
  const routes = valueAt(data, ['routes'])
  if (!Array.isArray(routes)) return { rest: data, positions: [] }
  const positions = routes.flatMap((row: unknown, index) => (row === undefined ? [] : [index]))
  const rows = positions.map((index): unknown => routes[index])
  return { rest: Object.assign({}, data, { routes: rows }), positions }
}

function inOriginal(path: Path, positions: readonly number[]): Path {
  const [top, index, ...below] = path
  if (top !== 'routes' || typeof index !== 'number') return path
  return [top, positions[index] ?? index, ...below]
}
