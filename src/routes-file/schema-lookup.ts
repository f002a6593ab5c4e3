// What schema.ts says of one place in the file: its keys, its description, and which form of a union is meant there.

import type * as z from 'zod'
import { nearest } from '../nearest.ts'
import type { Path } from './problem.ts'

type Schema = z.core.$ZodType

/** Keys that may stand in the map at `path` of `data`. */
export function keysAt(root: Schema, path: Path, data: unknown): readonly string[] {
  const keys = schemasAt(root, path, data).flatMap((s) => Object.keys(definition(s).shape ?? {}))
  return [...new Set(keys)]
}

/** The description of the innermost place on `path` that has one: it says what to write. */
export function remedyAt(root: Schema, path: Path, data: unknown): string {
  for (let length = path.length; length >= 0; length--) {
    for (const schema of schemasAt(root, path.slice(0, length), data)) {
      const text = description(schema)
      if (text !== undefined) return text
    }
  }
  return 'see the format'
}

/** Position of the form of the union at `path` that the value there comes nearest to; -1: it is of no kind they have. */
export function formAt(root: Schema, path: Path, data: unknown): number {
  for (const schema of schemasAt(root, path, data)) {
    const { options } = definition(schema)
    if (options !== undefined) return likeliest(options, valueAt(data, path))
  }
  return -1
}

/** What stands at `path`; `undefined` when there is nothing, not even an empty value. */
export function valueAt(data: unknown, path: Path): unknown {
  let value = data
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.hasOwn(value, part) ? Reflect.get(value, part) : undefined
  }
  return value
}

/** Schemas for the value at `path`: wrappers and unions first, then the forms that the value may be of. */
function schemasAt(root: Schema, path: Path, data: unknown): readonly Schema[] {
  let value = data
  let level = unfold(root, value)
  for (const part of path) {
    value = valueAt(value, [part])
    level = level.flatMap((schema) => step(schema, part)).flatMap((schema) => unfold(schema, value))
  }
  return level
}

function unfold(schema: Schema, value: unknown): Schema[] {
  const { innerType, options } = definition(schema)
  if (innerType !== undefined) return [schema, ...unfold(innerType, value)]
  if (options === undefined) return [schema]
  const chosen = options[likeliest(options, value)]
  return [schema, ...(chosen === undefined ? options : unfold(chosen, value))]
}

function step(schema: Schema, part: string | number): Schema[] {
  const { shape, element, valueType } = definition(schema)
  if (typeof part === 'number') return element === undefined ? [] : [element]
  const member = shape !== undefined && Object.hasOwn(shape, part) ? shape[part] : valueType
  return member === undefined ? [] : [member]
}

function likeliest(options: readonly Schema[], value: unknown): number {
  if (typeof value !== 'object' || value === null) return -1
  let best = -1
  let bestScore = Number.NEGATIVE_INFINITY
  for (const [index, option] of options.entries()) {
    const { shape, element } = definition(option)
    const list = Array.isArray(value)
    if (list ? element === undefined : shape === undefined) continue
    const score = list ? 0 : likeness(shape ?? {}, Object.keys(value))
    if (score > bestScore) {
      best = index
      bestScore = score
    }
  }
  return best
}

/** A known key counts most, then one that is nearly known; what must be there and is not counts against. */
function likeness(shape: Readonly<Record<string, Schema>>, keys: readonly string[]): number {
  const known = Object.keys(shape)
  let score = 0
  for (const key of keys) {
    if (Object.hasOwn(shape, key)) score += 4
    else if (nearest(key, known) !== null) score += 3
  }
  for (const [key, member] of Object.entries(shape)) {
    if (member._zod.optin !== 'optional' && !keys.includes(key)) score -= 1
  }
  return score
}

interface Definition {
  readonly shape?: Readonly<Record<string, Schema>>
  readonly element?: Schema
  readonly valueType?: Schema
  readonly innerType?: Schema
  readonly options?: readonly Schema[]
}

/** The parts of zod's introspection that are used here; each is absent for other kinds of schema. */
function definition(schema: Schema): Definition {
  return schema._zod.def as Definition
}

function description(schema: Schema): string | undefined {
  const text: unknown = 'description' in schema ? schema.description : undefined
  return typeof text === 'string' ? text : undefined
}
