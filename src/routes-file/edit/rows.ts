// Whole rows of `routes:`: put in, taken out, moved and copied as the lines they are.

import { isSeq, type YAMLSeq } from 'yaml'
import { valueAt } from '../schema-lookup.ts'
import {
  columnOfDashes,
  insertItem,
  insertLines,
  itemSpan,
  lineAfter,
  removeItem,
} from './block.ts'
import { insertFlow, removeFlow } from './flow.ts'
import { lineBreakOf, lineStart, splice } from './splice.ts'
import { isFlow, nodeAt, styleOf, type Tree } from './tree.ts'
import { writeFlow } from './write-yaml.ts'

/**
 * The text with a row more: a new one, or another one again.
 *
 * @param put `behind`: a row's position; -1: at the top.
 * @returns `null`: the list is not written so that a row can be put in.
 */
export function putRow(
  tree: Tree,
  put: { readonly behind: number } & ({ readonly row: unknown } | { readonly copyOf: number }),
): string | null {
  const list = rowsOf(tree)
  if (list === null) return null
  const { text } = tree
  const value = 'row' in put ? put.row : valueAt(tree.data, ['routes', put.copyOf])
  if (isFlow(list)) {
    return splice(
      text,
      insertFlow(text, list, { item: writeFlow(value, styleOf(list)), behind: put.behind }),
    )
  }
  if ('copyOf' in put) {
    const lines = linesOf(text, list, { position: put.copyOf, comments: false })
    if (lines === null) return null
    const { end } = itemSpan(text, list, put.behind)
    return splice(text, insertLines(text, end, lines.lines))
  }
  const step = insertItem(text, list, { value, behind: put.behind })
  return step === null ? null : splice(text, step)
}

/** @returns `null` as for `putRow`. */
export function takeRow(
  tree: Tree,
  take: { readonly position: number; readonly comments: boolean },
): string | null {
  const list = rowsOf(tree)
  if (list === null) return null
  const { text } = tree
  if (isFlow(list)) return splice(text, removeFlow(text, list, take.position))
  const found = linesOf(text, list, take)
  if (found === null) return null
  if (list.items.length === 1) {
    // A list without items would be nothing: `routes:` stays, and says that it is empty.
    const colon = text.lastIndexOf(':', found.from)
    const without = text.slice(0, found.from) + text.slice(found.to)
    return splice(without, { from: colon + 1, to: colon + 1, text: ' []' })
  }
  if (take.comments) return splice(text, { from: found.from, to: found.to, text: '' })
  const step = removeItem(text, list, take.position)
  return step === null ? null : splice(text, step)
}

/** @returns `null` as for `putRow`; else the text, and the data it has. */
export function moveRow(
  tree: Tree,
  move: { readonly position: number; readonly behind: number; readonly comments: boolean },
): { readonly text: string; readonly data: unknown } | null {
  const list = rowsOf(tree)
  const { text, data } = tree
  const { position, behind } = move
  const rows = valueAt(data, ['routes'])
  if (list === null || !Array.isArray(rows)) return null
  if (behind === position) return { text, data }
  const row: unknown = rows[position]
  const rest: unknown[] = rows.toSpliced(position, 1)
  const at = behind > position ? behind : behind + 1
  const wanted = Object.assign(Object.create(null), data, { routes: rest.toSpliced(at, 0, row) })
  if (isFlow(list)) return null
  const found = linesOf(text, list, move)
  if (found === null) return null
  const target = behind === -1 ? null : itemSpan(text, list, behind).end
  const put =
    target === null
      ? {
          from: lineStart(text, itemSpan(text, list, 0).dash),
          to: lineStart(text, itemSpan(text, list, 0).dash),
          text: found.lines.map((line) => line + lineBreakOf(text)).join(''),
        }
      : insertLines(text, target, found.lines)
  const cut = { from: found.from, to: found.to, text: '' }
  // The later one first: offsets before it stay true.
  const moved = put.from >= cut.to ? splice(splice(text, put), cut) : splice(splice(text, cut), put)
  return { text: moved, data: wanted }
}

/** The comment lines directly above a row, without their `#`; empty when there are none. */
export function commentAbove(tree: Tree, position: number): readonly string[] {
  const list = rowsOf(tree)
  if (list === null || isFlow(list)) return []
  const { text } = tree
  const { dash } = itemSpan(text, list, position)
  const above = text.slice(commentStart(text, list, position), lineStart(text, dash))
  return above
    .split(/\r?\n/)
    .map((line) => line.replace(/^\s*#\s?/, ''))
    .filter((line) => line !== '')
}

/** Lines of a row, 1-based. */
export function rowLines(
  tree: Tree,
  position: number,
): { readonly from: number; readonly to: number } {
  const list = rowsOf(tree)
  const { text } = tree
  if (list === null) return { from: 1, to: 1 }
  const { dash, end } = itemSpan(text, list, position)
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length
  return { from: lineOf(dash), to: lineOf(Math.max(dash, text[end - 1] === '\n' ? end - 1 : end)) }
}

function rowsOf(tree: Tree): YAMLSeq | null {
  const node = nodeAt(tree, ['routes'])
  return isSeq(node) && node.items.length > 0 ? node : null
}

function linesOf(
  text: string,
  list: YAMLSeq,
  row: { readonly position: number; readonly comments: boolean },
): { readonly from: number; readonly to: number; readonly lines: readonly string[] } | null {
  if (columnOfDashes(text, list) === null) return null
  const { dash, end } = itemSpan(text, list, row.position)
  const from = row.comments ? commentStart(text, list, row.position) : lineStart(text, dash)
  const to = lineAfter(text, end)
  const lines = text.slice(from, to).split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return { from, to, lines }
}

/** Offset of the first of the comment lines that stand directly above a row, at its own indentation. */
function commentStart(text: string, list: YAMLSeq, position: number): number {
  const { dash } = itemSpan(text, list, position)
  let start = lineStart(text, dash)
  const indent = text.slice(start, dash)
  while (start > 0) {
    const above = lineStart(text, start - 1)
    if (!text.slice(above, start).startsWith(`${indent}#`)) break
    start = above
  }
  return start
}
