// A JSON Schema as a person reads it: `{ id: string, groups?: string[] }`, with what is said of each part.

type Json = Readonly<Record<string, unknown>>

/** Only what our own schemas use (JSON Schema 2020-12); anything else is `any`. */
export function schemaText(schema: unknown, indent = ''): string {
  if (!isObject(schema)) return 'any'
  const { anyOf, oneOf, type, items, properties, additionalProperties } = schema
  if ('const' in schema) return JSON.stringify(schema.const)
  if (Array.isArray(schema.enum)) {
    return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  }
  const either = Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) ? oneOf : null
  if (either !== null) return either.map((each) => schemaText(each, indent)).join(' | ')
  if (type === 'array') {
    const item = schemaText(items, indent)
    return item.includes(' | ') ? `(${item})[]` : `${item}[]`
  }
  if (type === 'object' && isObject(properties)) return objectText(schema, properties, indent)
  if (type === 'object' && isObject(additionalProperties)) {
    return `{ [name]: ${schemaText(additionalProperties, indent)} }`
  }
  return schema.format === 'date-time' ? 'time' : typeof type === 'string' ? type : 'any'
}

function objectText(schema: Json, properties: Json, indent: string): string {
  const required = Array.isArray(schema.required) ? schema.required : []
  const inner = `${indent}  `
  const lines = Object.entries(properties).map(([name, of]) => {
    const mark = required.includes(name) ? '' : '?'
    const notes = isObject(of) ? notesOf(of) : ''
    return `${inner}${name}${mark}: ${schemaText(of, inner)}${notes === '' ? '' : `  # ${notes}`}`
  })
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent}}`
}

function notesOf({ description, default: byDefault, minimum, maximum, maxLength }: Json): string {
  const range =
    typeof minimum === 'number' && typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER
      ? `${minimum} to ${maximum}`
      : ''
  return [
    typeof description === 'string' ? description : '',
    range,
    typeof maxLength === 'number' ? `at most ${maxLength} characters` : '',
    byDefault === undefined ? '' : `default ${JSON.stringify(byDefault)}`,
  ]
    .filter((note) => note !== '')
    .join('; ')
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
