// One value in one field of a form: what somebody sees there, and what he wrote.

import { valueAt } from '../schema-lookup.ts'
import { readYamlText } from '../yaml-text.ts'
import type { OptionKind } from './options.ts'
import { sameData } from './plain-data.ts'
import { writeFlow } from './write-yaml.ts'

export type ReadField =
  | { readonly kind: 'value'; readonly value: unknown }
  /** The field is empty: the option is not written. */
  | { readonly kind: 'nothing' }
  /** What is wrong, as a sentence without its subject. */
  | { readonly kind: 'wrong'; readonly what: string; readonly remedy: string }

/** Texts as they are, without quotes; lists and maps as one line of YAML: `{ groups: [family] }`. Empty for `undefined`. */
export function writeField(kind: OptionKind, value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'object') return writeFlow(value)
  const text = String(value)
  const read = readField(kind, text)
  return read.kind === 'value' && sameData(read.value, value) ? text : writeFlow(value)
}

/** The opposite of `writeField`. Whether the value is right is the table's word. */
export function readField(kind: OptionKind, text: string): ReadField {
  const trimmed = text.trim()
  if (trimmed === '') return { kind: 'nothing' }
  const kinds = kind.kind === 'either' ? kind.forms : [kind]
  for (const form of kinds) {
    if (form.kind === 'choice') {
      const value = form.values.find((each) => String(each) === trimmed)
      if (value !== undefined) return { kind: 'value', value }
    }
    if (form.kind === 'flag' && (trimmed === 'true' || trimmed === 'false')) {
      return { kind: 'value', value: trimmed === 'true' }
    }
    if (form.kind === 'number' && /^-?\d+(?:\.\d+)?$/.test(trimmed)) {
      return { kind: 'value', value: Number(trimmed) }
    }
  }
  const isText = kinds.some(({ kind }) => kind === 'text' || kind === 'duration' || kind === 'size')
  const isMany = kinds.some(({ kind }) => kind === 'list' || kind === 'map' || kind === 'group')
  // In quotes is what would otherwise be a list or a map.
  if (isText && !(isMany && /^[[{'"]/.test(trimmed))) return { kind: 'value', value: trimmed }
  if (!isMany) return { kind: 'value', value: trimmed }
  return readLine(trimmed)
}

function readLine(text: string): ReadField {
  const { problems, usable, data } = readYamlText(`value: ${text.replace(/\r?\n/g, '\n  ')}\n`)
  const [problem] = problems
  const isOne = typeof data === 'object' && data !== null && Object.keys(data).length === 1
  if (problem === undefined && usable && isOne) {
    return { kind: 'value', value: valueAt(data, ['value']) }
  }
  return {
    kind: 'wrong',
    what: problem?.what ?? 'is more than one value',
    remedy: problem?.remedy ?? 'put it in quotes',
  }
}
