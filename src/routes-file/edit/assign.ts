// Gives a place in the file another value by touching as little of the text as possible.

import { isMap, isScalar, isSeq, type YAMLMap, type YAMLSeq } from 'yaml'
import type { Path } from '../problem.ts'
import { valueAt } from '../schema-lookup.ts'
import { insertEntry, insertItem, itemSpan, lineAfter, removeEntry, removeItem } from './block.ts'
import { insertFlow, removeFlow } from './flow.ts'
import { isKeyOf, sameData } from './plain-data.ts'
import { lineBreakOf, lineEnd, lineStart, type Splice } from './splice.ts'
import {
  endOf,
  type Found,
  find,
  isBlockScalar,
  isEmpty,
  isFlow,
  nodeAt,
  startOf,
  styleOf,
  type Tree,
} from './tree.ts'
import { writeBlock, writeFlow, writeInstead } from './write-yaml.ts'

/** Where a new key goes: behind which of those that are there. */
export type OrderOf = (path: Path, key: string, present: readonly string[]) => string | null

/**
 * The next splice on the way to `wanted` at `path`; several are needed for several differences.
 *
 * @returns `null` when the value is already there, `refused` when the text is written in a way that none of them fits.
 */
export function nextSplice(
  tree: Tree,
  path: Path,
  wanted: { readonly value: unknown; readonly orderOf: OrderOf },
): Splice | null | 'refused' {
  const { value, orderOf } = wanted
  const have = valueAt(tree.data, path)
  if (sameData(have, value)) return null
  const node = nodeAt(tree, path)
  if (isMap(node) && isRecord(have) && isRecord(value)) {
    const kept = Object.keys(have).filter((key) => isKeyOf(value, key))
    if (kept.length > 0) return mapSplice(tree, { path, node, have, value, orderOf })
  }
  if (isSeq(node) && Array.isArray(have) && Array.isArray(value) && have.length > 0) {
    if (value.length > 0) return listSplice(tree, { path, node, have, value, orderOf })
  }
  return replace(tree, path, value)
}

interface MapEdit {
  readonly path: Path
  readonly node: YAMLMap
  readonly have: Readonly<Record<string, unknown>>
  readonly value: Readonly<Record<string, unknown>>
  readonly orderOf: OrderOf
}

function mapSplice(tree: Tree, edit: MapEdit): Splice | null | 'refused' {
  const { path, node, have, value, orderOf } = edit
  for (const key of Object.keys(have)) {
    if (isKeyOf(value, key)) continue
    const index = find(tree, [...path, key])?.index ?? -1
    if (isFlow(node)) return removeFlow(tree.text, node, index)
    return removeEntry(tree.text, node, index) ?? 'refused'
  }
  for (const [key, inner] of Object.entries(value)) {
    if (!isKeyOf(have, key)) return add(tree, edit, key)
    const step = nextSplice(tree, [...path, key], { value: inner, orderOf })
    if (step !== null) return step
  }
  return null
}

function add(tree: Tree, edit: MapEdit, key: string): Splice | 'refused' {
  const { path, node, have, value, orderOf } = edit
  const before = orderOf(path, key, Object.keys(have))
  const behind = before === null ? -1 : (find(tree, [...path, before])?.index ?? -1)
  const entry = { key, value: value[key] }
  if (!isFlow(node)) return insertEntry(tree.text, node, { entry, behind }) ?? 'refused'
  const written = writeFlow({ [key]: entry.value }, styleOf(node)).slice(2, -2)
  return insertFlow(tree.text, node, { item: written, behind })
}

interface ListEdit {
  readonly path: Path
  readonly node: YAMLSeq
  readonly have: readonly unknown[]
  readonly value: readonly unknown[]
  readonly orderOf: OrderOf
}

function listSplice(tree: Tree, edit: ListEdit): Splice | null | 'refused' {
  const { path, node, have, value, orderOf } = edit
  let same = 0
  while (same < have.length && same < value.length && sameData(have[same], value[same])) same += 1
  let tail = 0
  const most = Math.min(have.length, value.length) - same
  while (tail < most && sameData(have.at(-1 - tail), value.at(-1 - tail))) tail += 1
  if (have.length - tail > same && value.length - tail > same) {
    return nextSplice(tree, [...path, same], { value: value[same], orderOf })
  }
  if (have.length > value.length) {
    if (isFlow(node)) return removeFlow(tree.text, node, same)
    return removeItem(tree.text, node, same) ?? 'refused'
  }
  if (isFlow(node)) {
    const item = writeFlow(value[same], styleOf(node))
    return insertFlow(tree.text, node, { item, behind: same - 1 })
  }
  return insertItem(tree.text, node, { value: value[same], behind: same - 1 }) ?? 'refused'
}

/** Writes the whole value anew, in the quotes and on the lines of the old one. */
function replace(tree: Tree, path: Path, value: unknown): Splice | 'refused' {
  const { text } = tree
  const place = find(tree, path)
  if (place === null) return 'refused'
  const { parent, value: old } = place
  const isLong = typeof value === 'object' && value !== null
  if (isFlow(parent)) {
    const written = isLong ? writeFlow(value, styleOf(parent)) : scalarLike(value, old, parent)
    if (old === null || isEmpty(old)) return fillFlow(text, place, written)
    return { from: startOf(old), to: endOf(old), text: written }
  }
  const after = behindIndicator(text, place)
  if (after === null) return 'refused'
  if (old === null || isEmpty(old)) return { from: after, to: after, text: ` ${writeFlow(value)}` }
  const indent = indentOf(text, place)
  const lines = isLong ? writeBlock(value, indent + 2) : [scalarLike(value, old, parent)]
  const below = lineStart(text, startOf(old)) > after
  if (!below && isFlow(parent) === false && lines.length === 1) {
    return { from: startOf(old), to: contentEnd(text, place), text: lines[0] ?? '' }
  }
  return onLines(text, place, { after, below, indent, lines, flow: writeFlow(value) })
}

interface Lines {
  readonly after: number
  /** The old value begins on a later line than its key. */
  readonly below: boolean
  readonly indent: number
  readonly lines: readonly string[]
  readonly flow: string
}

/** Comments between the key and what it says stay where they are. */
function onLines(text: string, { value: old, key }: Found, put: Lines): Splice | 'refused' {
  const { after, below, indent, lines, flow } = put
  if (old === null) return 'refused'
  const lineBreak = lineBreakOf(text)
  if (below) {
    const start = lineStart(text, startOf(old))
    const end = lineAfter(text, endOf(old))
    const between = text.slice(after, start)
    const last = text[end - 1] === '\n' ? '' : lineBreak
    const kept = last === '' ? between : between.slice(0, -lineBreak.length)
    return { from: after, to: end, text: ` ${flow}${kept}` }
  }
  // One line becomes several.
  if (key === null) return { from: startOf(old), to: endOf(old), text: flow }
  const pad = ' '.repeat(indent + 2)
  const to = endOf(old)
  const end = text[to - 1] === '\n' ? to : lineEnd(text, to)
  const comment = text.slice(to, end).trim()
  const head = comment === '' ? '' : `  ${comment}`
  const tail = text[to - 1] === '\n' ? lineBreak : ''
  return {
    from: after,
    to: end,
    text: head + lines.map((line) => lineBreak + pad + line).join('') + tail,
  }
}

/** Behind the colon or the dash. */
function behindIndicator(text: string, { parent, index, key }: Found): number | null {
  if (key === null) return isSeq(parent) ? itemSpan(text, parent, index).dash + 1 : null
  const colon = text.indexOf(':', endOf(key))
  return colon !== -1 && text.slice(endOf(key), colon).trim() === '' ? colon + 1 : null
}

function fillFlow(text: string, { key }: Found, written: string): Splice | 'refused' {
  if (key === null) return 'refused'
  const end = endOf(key)
  const colon = /^\s*:/.exec(text.slice(end))?.[0].length ?? 0
  return { from: end + colon, to: end + colon, text: colon === 0 ? `: ${written}` : ` ${written}` }
}

/** Block scalars end behind their last line: its break is the file's. */
function contentEnd(text: string, place: Found): number {
  const { value } = place
  if (value === null) return 0
  const end = endOf(value)
  return isBlockScalar(value)
    ? startOf(value) + text.slice(startOf(value), end).trimEnd().length
    : end
}

function indentOf(text: string, { key, parent }: Found): number {
  const at = startOf(key ?? parent)
  return at - lineStart(text, at)
}

function scalarLike(value: unknown, old: unknown, parent: YAMLMap | YAMLSeq): string {
  if (styleOf(parent) === 'json') return writeFlow(value, 'json')
  const quotes =
    isScalar(old) && old.type === 'QUOTE_SINGLE'
      ? 'single'
      : isScalar(old) && old.type === 'QUOTE_DOUBLE'
        ? 'double'
        : null
  const text = isScalar(old) ? String(old.value) : ''
  return quotes === null ? writeFlow(value) : writeInstead(value, { text, quotes })
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
