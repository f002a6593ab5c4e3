// What schema.ts says of one place in the file: its keys and its description.

import type * as z from 'zod'
import type { Path } from './problem.ts'

type Schema = z.core.$ZodType

/** Keys that may stand in the map at `path`, from every form the value may have. */
export function keysAt(root: Schema, path: Path): readonly string[] {
  const keys = new Set<string>()
  for (const schema of schemasAt(root, path)) {
    const { shape } = definition(schema)
    for (const key of Object.keys(shape ?? {})) keys.add(key)
  }
  return [...keys]
}

/** The description of the innermost place on `path` that has one: it says what to write. */
export function remedyAt(root: Schema, path: Path): string {
  for (let length = path.length; length >= 0; length--) {
    for (const schema of schemasAt(root, path.slice(0, length))) {
      const text = description(schema)
      if (text !== undefined) return text
    }
  }
  return 'see the format'
}

/** All schemas a value at `path` may be checked by; wrappers and unions come before what is in them. */
function schemasAt(root: Schema, path: Path): readonly Schema[] {
  let level = unfold(root)
  for (const part of path) level = level.flatMap((schema) => step(schema, part)).flatMap(unfold)
  return level
}

function unfold(schema: Schema): Schema[] {
  const { innerType, options } = definition(schema)
  if (innerType !== undefined) return [schema, ...unfold(innerType)]
  return [schema, ...(options ?? []).flatMap(unfold)]
}

function step(schema: Schema, part: string | number): Schema[] {
  const { shape, element, valueType } = definition(schema)
  if (typeof part === 'number') return element === undefined ? [] : [element]
  const member = shape !== undefined && Object.hasOwn(shape, part) ? shape[part] : valueType
  return member === undefined ? [] : [member]
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
