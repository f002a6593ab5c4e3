// The file as plain data: looked at, compared, and changed into new data. Never in place.

import type { Path } from '../problem.ts'
import { valueAt } from '../schema-lookup.ts'

export function isKeyOf(value: object, key: string): boolean {
  return Object.hasOwn(value, key) && Reflect.get(value, key) !== undefined
}

/** The order of keys does not count. */
export function sameData(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, at) => sameData(item, b[at]))
  }
  const keys = Object.keys(a).filter((key) => isKeyOf(a, key))
  return (
    keys.length === Object.keys(b).filter((key) => isKeyOf(b, key)).length &&
    keys.every((key) => isKeyOf(b, key) && sameData(Reflect.get(a, key), Reflect.get(b, key)))
  )
}

/**
 * The data with another value at a path; `undefined` takes away what is there. Maps on the way are made, and those that
 * become empty by taking away go too, down to the first `keep` steps of the path.
 */
export function withValue(
  data: unknown,
  path: Path,
  put: { readonly value: unknown; readonly keep: number },
): unknown {
  const [step, ...rest] = path
  if (step === undefined) return put.value
  const inner = valueAt(data, [step])
  const next = withValue(inner, rest, { value: put.value, keep: put.keep - 1 })
  const emptied = put.keep <= 0 && put.value === undefined && rest.length > 0 && isBare(next)
  const value = emptied ? undefined : next
  if (Array.isArray(data) && typeof step === 'number') {
    const copy: unknown[] = [...data]
    if (value === undefined) copy.splice(step, 1)
    else copy[step] = value
    return copy
  }
  const copy: Record<string, unknown> = Object.assign(
    Object.create(null),
    typeof data === 'object' && !Array.isArray(data) ? data : {},
  )
  if (value === undefined) delete copy[step]
  else copy[step] = value
  return copy
}

function isBare(value: unknown): boolean {
  return (
    value === undefined ||
    (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
  )
}
