// Every option of routes.yaml as a form knows it: generated from the schema, so that none is missing.

import * as z from 'zod'
import { fileSchema } from '../schema.ts'
import { durationPattern, sizePattern } from '../units.ts'
import { partWords, routeWords } from './option-words.ts'

/** What kind of value an option takes. Plain data. */
export type OptionKind =
  /** `pattern`: what the whole text must be like; `null`: any text. */
  | { readonly kind: 'text'; readonly pattern: string | null; readonly longest: number | null }
  /** `250ms`, `30s`, `10m`, `2h`, `7d` */
  | { readonly kind: 'duration' }
  /** `512KB`, `100MB`, `2GB` */
  | { readonly kind: 'size' }
  | {
      readonly kind: 'number'
      readonly whole: boolean
      readonly least: number | null
      readonly most: number | null
    }
  | { readonly kind: 'flag' }
  | { readonly kind: 'choice'; readonly values: readonly (string | number | boolean)[] }
  | { readonly kind: 'list'; readonly of: OptionKind }
  /** Names of one's own, each with a value. */
  | { readonly kind: 'map'; readonly of: OptionKind }
  | { readonly kind: 'group'; readonly options: readonly Option[] }
  /** One of several kinds; words of a choice are one of them. */
  | { readonly kind: 'either'; readonly forms: readonly OptionKind[] }

export interface Option {
  /** As in the file, `idle`. */
  readonly key: string
  /** Below the route, `timeouts.idle`; `*` for the items of a list and the values of a map. */
  readonly path: string
  readonly needed: boolean
  readonly kind: OptionKind
  /** What it is for: one sentence. */
  readonly sentence: string
  /** What to write there: the schema's own words, as messages have them. */
  readonly remedy: string
  /** What holds when it is not written, in words; `null`: it must be written, or its parts say so. */
  readonly otherwise: string | null
  /** `defaults` may say it for all routes. */
  readonly inDefaults: boolean
}

/** The part of JSON Schema that zod makes of ours. */
interface Shape {
  readonly description?: string
  readonly type?: string
  readonly const?: string | number | boolean
  readonly enum?: readonly (string | number | boolean)[]
  readonly anyOf?: readonly Shape[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly additionalProperties?: Shape | boolean
  readonly items?: Shape
  readonly required?: readonly string[]
  readonly pattern?: string
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
}

let made: Shape | null = null

function wholeFile(): Shape {
  made ??= z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-7' }) as Shape
  return made
}

/** All options of a route, in the order of the reference. */
export function routeOptions(): readonly Option[] {
  const { properties = {} } = wholeFile()
  const shared = Object.keys(properties['defaults']?.properties ?? {})
  const row = properties['routes']?.items ?? {}
  return optionsIn(row, '', (path) => {
    const own = Object.entries(routeWords).find(([key]) => key === path)
    return own?.[1] ?? partWords[path] ?? null
  }).map((option) => ({ ...option, inDefaults: shared.includes(option.key) }))
}

/** Options of another part of the file, `vms.*`, `limits`, `login`, `defaults`; empty when there is no such part. */
export function partOptions(part: string): readonly Option[] {
  let shape: Shape | undefined = wholeFile()
  for (const step of part.split('.')) {
    const more: Shape | boolean | undefined =
      step === '*' ? (shape?.additionalProperties ?? shape?.items) : shape?.properties?.[step]
    shape = typeof more === 'object' ? more : undefined
  }
  if (part === 'defaults') return routeOptions().filter(({ inDefaults }) => inDefaults)
  return shape === undefined ? [] : optionsIn(shape, '', () => null)
}

type WordsOf = (path: string) => {
  readonly sentence: string
  readonly otherwise: string | null
} | null

function optionsIn(shape: Shape, below: string, wordsOf: WordsOf): readonly Option[] {
  return Object.entries(shape.properties ?? {}).map(([key, inner]) => {
    const path = below === '' ? key : `${below}.${key}`
    const words = wordsOf(path)
    const remedy = inner.description ?? ''
    return {
      key,
      path,
      needed: shape.required?.includes(key) ?? false,
      kind: kindOf(inner, path, wordsOf),
      sentence: words?.sentence ?? remedy,
      remedy,
      otherwise: words?.otherwise ?? null,
      inDefaults: false,
    }
  })
}

function kindOf(shape: Shape, path: string, wordsOf: WordsOf): OptionKind {
  if (shape.anyOf !== undefined) return eitherOf(shape.anyOf, path, wordsOf)
  if (shape.const !== undefined) return { kind: 'choice', values: [shape.const] }
  if (shape.enum !== undefined) return { kind: 'choice', values: shape.enum }
  if (shape.properties !== undefined) {
    return { kind: 'group', options: optionsIn(shape, path, wordsOf) }
  }
  if (typeof shape.additionalProperties === 'object') {
    return { kind: 'map', of: kindOf(shape.additionalProperties, `${path}.*`, wordsOf) }
  }
  switch (shape.type) {
    case 'array':
      return { kind: 'list', of: kindOf(shape.items ?? {}, `${path}.*`, wordsOf) }
    case 'boolean':
      return { kind: 'flag' }
    case 'number':
    case 'integer':
      return {
        kind: 'number',
        whole: shape.type === 'integer',
        least: shape.minimum ?? null,
        most: shape.maximum ?? null,
      }
    default:
      break
  }
  if (shape.pattern === durationPattern.source) return { kind: 'duration' }
  if (shape.pattern === sizePattern.source) return { kind: 'size' }
  return { kind: 'text', pattern: shape.pattern ?? null, longest: shape.maxLength ?? null }
}

/** Single words become one choice among the other forms. */
function eitherOf(forms: readonly Shape[], path: string, wordsOf: WordsOf): OptionKind {
  const values = forms.flatMap((form) => (form.const === undefined ? [] : [form.const]))
  const others = forms.filter((form) => form.const === undefined)
  const kinds = others.map((form) => kindOf(form, path, wordsOf))
  if (values.length > 0) kinds.unshift({ kind: 'choice', values })
  const [only] = kinds
  return kinds.length === 1 && only !== undefined ? only : { kind: 'either', forms: kinds }
}
