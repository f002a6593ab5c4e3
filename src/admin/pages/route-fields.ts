// A route as the fields of a form, and the fields as a route again. What nobody touched stays as it was written.

import { readField, writeField } from '../../routes-file/edit/field.ts'
import { type Option, type OptionKind, routeOptions } from '../../routes-file/edit/options.ts'
import { withValue } from '../../routes-file/edit/plain-data.ts'
import type { Path } from '../../routes-file/problem.ts'
import { valueAt } from '../../routes-file/schema-lookup.ts'
import { accessFields, readAccess } from './route-access-fields.ts'
import { readTarget, targetFields } from './route-target-fields.ts'

/** Options of a route as the file has them. */
export type RawRoute = Readonly<Record<string, unknown>>
/** Texts by the name of their field. */
export type Fields = Readonly<Record<string, string>>

/** An option that has a field of its own. */
export interface Control {
  /** Name of the field, `timeouts.idle`. */
  readonly name: string
  readonly path: Path
  readonly option: Option
}

export interface ReadRoute {
  readonly raw: RawRoute
  /** Sentences by the name of their field. */
  readonly faults: ReadonlyMap<string, string>
}

let made: readonly Control[] | null = null

/** Every option but `to` and `access`, which are asked for in words; groups field by field. */
export function controls(): readonly Control[] {
  made ??= routeOptions()
    .filter(({ key }) => key !== 'to' && key !== 'access')
    .flatMap((option) =>
      option.kind.kind === 'group'
        ? option.kind.options.map((inner) => controlOf(inner, [option.key, inner.key]))
        : [controlOf(option, [option.key])],
    )
  return made
}

/** What the form shows. */
export function fieldsOf(raw: RawRoute): Fields {
  const own = controls().map(({ name, path, option }) => [
    name,
    write(option.kind, valueAt(raw, path)),
  ])
  return { ...Object.fromEntries(own), ...targetFields(raw.to), ...accessFields(raw.access) }
}

/** @param was the route that the form showed; `{}`: a new one. */
export function routeOf(sent: ReadonlyMap<string, string>, was: RawRoute): ReadRoute {
  const shown = fieldsOf(was)
  const faults = new Map<string, string>()
  const isSame = (name: string) => clean(sent.get(name) ?? '') === clean(shown[name] ?? '')
  let raw: unknown = was
  for (const { name, path, option } of controls()) {
    if (isSame(name)) continue
    const read = readText(option.kind, clean(sent.get(name) ?? ''))
    if (read.kind === 'wrong') faults.set(name, `It ${read.what}: ${read.remedy}.`)
    else {
      const value = read.kind === 'nothing' ? undefined : read.value
      raw = withValue(raw, path, { value, keep: 0 })
    }
  }
  for (const part of [
    { key: 'to', fields: targetFields(was.to), read: readTarget },
    { key: 'access', fields: accessFields(was.access), read: readAccess },
  ]) {
    if (Object.keys(part.fields).every(isSame)) continue
    const value = part.read((name) => clean(sent.get(name) ?? ''), faults)
    raw = withValue(raw, [part.key], { value, keep: 1 })
  }
  return { raw: Object.assign({}, raw), faults }
}

/** Forms send line ends as CRLF (WHATWG HTML §4.10.21.8). */
function clean(text: string): string {
  return text.replaceAll('\r\n', '\n').trim()
}

function controlOf(option: Option, path: Path): Control {
  return { name: path.join('.'), path, option }
}

/** Lists of words are written with blanks between, headers one on a line; everything else as in the file, on one line. */
function write(kind: OptionKind, value: unknown): string {
  if (value === undefined) return ''
  if (isWordList(kind) && Array.isArray(value) && value.every(isWord)) return value.join(' ')
  if (kind.kind === 'map' && isMap(value) && Object.values(value).every(isLineValue)) {
    return Object.entries(value)
      .map(
        ([name, inner]) =>
          `${name}: ${typeof inner === 'string' ? inner : writeField(kind.of, inner)}`,
      )
      .join('\n')
  }
  if (isRuleList(kind) && Array.isArray(value)) {
    return value.map((item) => writeField(kind.of, item)).join('\n')
  }
  return writeField(kind, value)
}

function readText(kind: OptionKind, text: string): ReturnType<typeof readField> {
  if (text === '') return { kind: 'nothing' }
  if (isWordList(kind) && !text.startsWith('[')) {
    return { kind: 'value', value: text.split(/[\s,]+/).filter((word) => word !== '') }
  }
  if (kind.kind === 'map' && !text.startsWith('{')) return readLines(text)
  if (isRuleList(kind) && !text.startsWith('[')) {
    return readField(
      kind,
      `[${text
        .split('\n')
        .map(oneItem)
        .filter((line) => line !== '')
        .join(', ')}]`,
    )
  }
  return readField(kind, text)
}

/** A line may end in a comma, as in a list. */
function oneItem(line: string): string {
  return line.trim().replace(/,$/, '')
}

/** `Name: value` on every line; `Name: { secret: NAME }`. */
function readLines(text: string): ReturnType<typeof readField> {
  const value: Record<string, unknown> = Object.create(null)
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim()
    if (colon < 1) {
      return {
        kind: 'wrong',
        what: `has a line without a colon, “${line}”`,
        remedy: 'write Name: value',
      }
    }
    if (name in value) {
      return { kind: 'wrong', what: `names ${name} twice`, remedy: 'write it once' }
    }
    const rest = line.slice(colon + 1).trim()
    const secret = /^\{\s*secret:\s*([\w-]+)\s*\}$/.exec(rest)?.[1]
    value[name] = secret === undefined ? rest : { secret }
  }
  return { kind: 'value', value }
}

function isWordList(kind: OptionKind): boolean {
  return kind.kind === 'list' && kind.of.kind === 'text'
}

function isRuleList(kind: OptionKind): kind is Extract<OptionKind, { kind: 'list' }> {
  return kind.kind === 'list' && kind.of.kind === 'group'
}

function isWord(value: unknown): boolean {
  return typeof value === 'string' && /^[^\s,[\]]+$/.test(value)
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isLineValue(value: unknown): boolean {
  return (
    (typeof value === 'string' &&
      value !== '' &&
      value === value.trim() &&
      !/[\r\n{]/.test(value)) ||
    (isMap(value) && Object.keys(value).length === 1 && typeof value.secret === 'string')
  )
}
