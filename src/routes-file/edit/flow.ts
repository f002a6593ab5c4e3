// Splices between brackets: `{ a: b, c: d }` and `[a, b]`, on one line or several.

import { isNode, type Pair, type YAMLMap, type YAMLSeq } from 'yaml'
import type { Splice } from './splice.ts'
import { endOf, pairEnd, skipBlanks, startOf } from './tree.ts'

type Collection = YAMLMap | YAMLSeq

/** Puts `item` behind the one at `behind`; -1: before all others. */
export function insertFlow(
  text: string,
  collection: Collection,
  put: { readonly item: string; readonly behind: number },
): Splice {
  const { item, behind } = put
  const before = spanOf(collection, behind)
  if (before !== null) return { from: before.end, to: before.end, text: `, ${item}` }
  const first = spanOf(collection, 0)
  if (first !== null) return { from: first.start, to: first.start, text: `${item}, ` }
  const open = startOf(collection) + 1
  const close = endOf(collection) - 1
  const inner = text.slice(open, close)
  const pad = text[open - 1] === '{' ? ' ' : ''
  // What stands between empty brackets is blank, or a comment that stays.
  return inner.trim() === ''
    ? { from: open, to: close, text: pad + item + pad }
    : { from: open, to: open, text: pad + item }
}

/** Takes the item away, and one comma. Comments stay. */
export function removeFlow(text: string, collection: Collection, index: number): Splice {
  const its = spanOf(collection, index)
  const before = spanOf(collection, index - 1)
  const next = spanOf(collection, index + 1)
  if (its === null) return { from: 0, to: 0, text: '' }
  if (before !== null && isPlainGap(text.slice(before.end, its.start))) {
    return { from: before.end, to: its.end, text: '' }
  }
  if (before === null && next !== null && isPlainGap(text.slice(its.end, next.start))) {
    return { from: its.start, to: next.start, text: '' }
  }
  const comma = skipBlanks(text, its.end)
  const gap = text.slice(its.end, comma)
  if (text[comma] !== ',') return { from: its.start, to: its.end, text: '' }
  return { from: its.start, to: comma + 1, text: gap.includes('#') ? gap : '' }
}

function spanOf(
  collection: Collection,
  index: number,
): { readonly start: number; readonly end: number } | null {
  const item: unknown = collection.items[index]
  if (isNode(item)) return { start: startOf(item), end: endOf(item) }
  if (typeof item !== 'object' || item === null || !('key' in item)) return null
  const pair = item as Pair
  if (!isNode(pair.key)) return null
  const start = startOf(pair.key)
  if (!isNode(pair.value)) return { start, end: endOf(pair.key) }
  // `{ a: }`: an empty value stands behind its colon.
  return { start, end: Math.max(pairEnd(pair), endOf(pair.value)) }
}

function isPlainGap(gap: string): boolean {
  return /^[\s,]*$/.test(gap)
}
