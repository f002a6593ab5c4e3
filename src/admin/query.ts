// The query of a request to the API as an object, typed by what the operation expects. Nothing is mended.

import { GatehouseError } from '../errors.ts'

const maxParameters = 30

/**
 * Reads a query as a form is read (WHATWG URL §5.1), but refuses broken triplets, control characters and a name that
 * stands twice.
 *
 * @param types of the parameters as JSON Schema calls them; numbers and booleans are made of text that is exactly one.
 * @throws GatehouseError `bad-request`.
 */
export function readQuery(
  target: string,
  types: ReadonlyMap<string, string>,
): Readonly<Record<string, unknown>> {
  const at = target.indexOf('?')
  const values: Record<string, unknown> = Object.create(null)
  if (at === -1 || at === target.length - 1) return values
  const parts = target.slice(at + 1).split('&')
  if (parts.length > maxParameters) throw bad('it has too many parameters')
  for (const part of parts) {
    const equals = part.indexOf('=')
    const name = decoded(equals === -1 ? part : part.slice(0, equals))
    const value = decoded(equals === -1 ? '' : part.slice(equals + 1))
    if (name in values) throw bad('a parameter stands twice')
    values[name] = typed(value, types.get(name))
  }
  return values
}

function typed(text: string, type: string | undefined): unknown {
  if (type === 'integer' && /^-?(?:0|[1-9]\d{0,15})$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function decoded(text: string): string {
  let value: string
  try {
    value = decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw bad('it cannot be decoded')
  }
  if (/\p{Cc}/u.test(value)) throw bad('it holds a control character')
  return value
}

function bad(what: string): GatehouseError {
  return new GatehouseError('bad-request', `the query: ${what}`)
}
