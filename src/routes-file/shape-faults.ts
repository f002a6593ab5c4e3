// What is wrong with the shape, in words: zod's issues as faults with remedies from the descriptions in schema.ts.

import type * as z from 'zod'
import { nearest } from '../nearest.ts'
import type { Fault, Path } from './problem.ts'
import { quote } from './quote.ts'
import { fileSchema } from './schema.ts'
import { formAt, keysAt, remedyAt, valueAt } from './schema-lookup.ts'

export interface Located {
  readonly path: Path
  readonly fault: Fault
}

type Issue = z.core.$ZodIssue

/** Every issue with its place and its remedy. */
export function explainIssues(issues: readonly Issue[], data: unknown): readonly Located[] {
  return issues.flatMap((issue) => explain(issue, { base: [], data }))
}

function explain(issue: Issue, origin: { readonly base: Path; readonly data: unknown }): Located[] {
  const { base, data } = origin
  const path = [
    ...base,
    ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part)),
  ]
  const value = valueAt(data, path)
  const remedy = remedyAt(fileSchema, path, data)
  const say = (what: string): Located[] => [{ path, fault: { code: 'shape', what, remedy } }]
  if (value === undefined) {
    return [{ path, fault: { code: 'missing', what: 'is missing', remedy } }]
  }
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = keysAt(fileSchema, path, data)
      return issue.keys.map((key) => ({ path: [...path, key], fault: unknownKey(key, known) }))
    }
    case 'invalid_union': {
      // What is wrong inside a form is worth more than a list of all forms, unless there is nothing in it.
      const inner = isEmpty(value) ? undefined : issue.errors[formAt(fileSchema, path, data)]
      const found = (inner ?? []).flatMap((i) => explain(i, { base: path, data }))
      if (found.length === 0) {
        return say(isSecret(path) ? 'is no name of a secret' : describe(value))
      }
      // A mistyped key is both unknown and missing; said once is enough.
      const typo = found.some(({ fault }) => fault.code === 'unknown-key')
      return typo ? found.filter(({ fault }) => fault.code !== 'missing') : found
    }
    case 'too_small':
      return say(
        `is too small (${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum})`,
      )
    case 'too_big':
      return say(`is too large (at most ${issue.maximum})`)
    default:
      return say(isSecret(path) ? 'is no name of a secret' : describe(value))
  }
}

function unknownKey(key: string, known: readonly string[]): Fault {
  const meant = nearest(key, known)
  return {
    code: 'unknown-key',
    what: 'is no key of the format',
    remedy: meant === null ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`,
  }
}

const secretKeys: ReadonlySet<string> = new Set([
  'busy',
  'clientSecret',
  'organisationToken',
  'secret',
  'token',
])

/** Somebody may have written the secret itself there: a message is read by more eyes than the file. */
function isSecret(path: Path): boolean {
  return path.some((key) => typeof key === 'string' && secretKeys.has(key))
}

function describe(value: unknown): string {
  if (value === null) return 'has no value'
  if (Array.isArray(value)) return 'is a list'
  switch (typeof value) {
    case 'string':
      return value === '' ? 'is empty' : `is ${quote(value)}`
    case 'number':
      return `is the number ${value}`
    case 'boolean':
      return `is ${value}`
    default:
      return isEmpty(value) ? 'is an empty map' : 'is a map'
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
