// Splices of indented maps and lists: whole lines come and go, the comment at the end of a line with its line.

import { isNode, type YAMLMap, type YAMLSeq } from 'yaml'
import { lineBreakOf, lineEnd, lineStart, nextLine, type Splice } from './splice.ts'
import { endOf, isEmpty, pairEnd, skipBlanks, startOf } from './tree.ts'
import { entryLines, writeBlock } from './write-yaml.ts'

export interface Entry {
  readonly key: string
  readonly value: unknown
}

/** Puts an entry behind the one at `behind`; -1: before all others. `null`: not in this map. */
export function insertEntry(
  text: string,
  map: YAMLMap,
  put: { readonly entry: Entry; readonly behind: number },
): Splice | null {
  const { entry, behind } = put
  const first = map.items[0]?.key
  if (!isNode(first)) return null
  const column = startOf(first) - lineStart(text, startOf(first))
  const indent = ' '.repeat(column)
  const lineBreak = lineBreakOf(text)
  const lines = entryLines(entry.key, entry.value, column)
  const before = map.items[behind]
  if (before === undefined) {
    const at = startOf(first)
    return { from: at, to: at, text: `${lines.join(lineBreak + indent)}${lineBreak}${indent}` }
  }
  return insertLines(
    text,
    entryEnd(text, before),
    lines.map((line) => indent + line),
  )
}

/** Takes an entry away that is not the only one. `null`: cannot be told from what is beside it. */
export function removeEntry(text: string, map: YAMLMap, index: number): Splice | null {
  const pair = map.items[index]
  if (pair === undefined || !isNode(pair.key)) return null
  const start = startOf(pair.key)
  const end = entryEnd(text, pair)
  if (text.slice(lineStart(text, start), start).trim() === '') return removeLines(text, start, end)
  // Behind the dash of a list: the next entry moves up to it.
  const next = map.items[index + 1]?.key
  const below = lineAfter(text, end)
  if (!isNode(next) || lineStart(text, startOf(next)) < below) return null
  const indent = /^[ \t]*/.exec(text.slice(below))?.[0].length ?? 0
  return { from: start, to: below + indent, text: '' }
}

/** Puts an item behind the one at `behind`; -1: before all others. The list is not empty. */
export function insertItem(
  text: string,
  list: YAMLSeq,
  put: { readonly value: unknown; readonly behind: number },
): Splice | null {
  const column = columnOfDashes(text, list)
  if (column === null) return null
  const lines = itemLines(put.value, column)
  if (put.behind >= 0) return insertLines(text, itemSpan(text, list, put.behind).end, lines)
  const at = lineStart(text, startOf(list))
  const lineBreak = lineBreakOf(text)
  return { from: at, to: at, text: lines.map((line) => line + lineBreak).join('') }
}

/** Takes an item away that is not the only one. */
export function removeItem(text: string, list: YAMLSeq, index: number): Splice | null {
  if (columnOfDashes(text, list) === null) return null
  const { dash, end } = itemSpan(text, list, index)
  return removeLines(text, dash, end)
}

/** `- value`, indented. */
export function itemLines(value: unknown, column: number): readonly string[] {
  const indent = ' '.repeat(column)
  return writeBlock(value, column + 2).map((line, at) => indent + (at === 0 ? '- ' : '  ') + line)
}

/** Where an item's dash is, and where what it says ends. */
export function itemSpan(
  text: string,
  list: YAMLSeq,
  index: number,
): { readonly dash: number; readonly end: number } {
  const before = list.items[index - 1]
  const dash = isNode(before) ? skipBlanks(text, itemSpan1(text, list, index - 1)) : startOf(list)
  const item = list.items[index]
  return { dash, end: isNode(item) && !isEmpty(item) ? endOf(item) : dash + 1 }
}

function itemSpan1(text: string, list: YAMLSeq, index: number): number {
  const item = list.items[index]
  if (isNode(item) && !isEmpty(item)) return endOf(item)
  return itemSpan(text, list, index).dash + 1
}

/** `null`: the dashes do not begin their lines (`- - a`). */
export function columnOfDashes(text: string, list: YAMLSeq): number | null {
  const start = startOf(list)
  const before = text.slice(lineStart(text, start), start)
  return before.trim() === '' ? before.length : null
}

/** Where what a `key: value` says ends; behind the colon when it says nothing. */
export function entryEnd(text: string, pair: YAMLMap['items'][number]): number {
  if (isNode(pair.value) && !isEmpty(pair.value)) return endOf(pair.value)
  const colon = skipBlanks(text, pairEnd(pair))
  return text[colon] === ':' ? colon + 1 : pairEnd(pair)
}

/** The line below the one in which something ends; a block scalar ends where that begins. */
export function lineAfter(text: string, end: number): number {
  return text[end - 1] === '\n' ? end : nextLine(text, end)
}

/** Whole lines below the one that ends at `end`. A file that ends without line break goes on doing so. */
export function insertLines(text: string, end: number, lines: readonly string[]): Splice {
  const lineBreak = lineBreakOf(text)
  const at = text[end - 1] === '\n' ? end : lineEnd(text, end)
  if (at === end && text[end - 1] === '\n') {
    return { from: at, to: at, text: lines.map((line) => line + lineBreak).join('') }
  }
  return { from: at, to: at, text: lines.map((line) => lineBreak + line).join('') }
}

/** The lines from `start` to `end`, each as a whole. */
export function removeLines(text: string, start: number, end: number): Splice {
  const to = lineAfter(text, end)
  const from = lineStart(text, start)
  if (to < text.length || text[to - 1] === '\n' || from === 0) return { from, to, text: '' }
  return { from: lineEnd(text, lineStart(text, from - 1)), to, text: '' }
}
