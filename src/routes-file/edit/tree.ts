// The text of routes.yaml as a tree whose every part knows where it stands; only of files that are plain enough to edit.

import {
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import type { Path, Problem } from '../problem.ts'
import { keyText, readYamlText } from '../yaml-text.ts'
import type { Style } from './write-yaml.ts'

export interface Tree {
  readonly text: string
  readonly root: Node
  /** As `readYamlText` gives it. */
  readonly data: unknown
}

export type Opened =
  | { readonly kind: 'opened'; readonly tree: Tree }
  /** Its first fault: an edit in a file that is read in two ways would be a guess. */
  | { readonly kind: 'refused'; readonly problem: Problem }

/** Reads a text that is to be edited. A file with anchors, aliases, tags, doubled keys or faults is refused. */
export function openTree(text: string): Opened {
  const { problems, usable, locate } = readYamlText(text)
  const [problem] = problems
  if (problem !== undefined) return { kind: 'refused', problem }
  const tree = parseTree(text)
  if (usable && tree !== null) return { kind: 'opened', tree }
  return {
    kind: 'refused',
    problem: {
      severity: 'error',
      code: 'not-editable',
      ...locate([], 'value'),
      where: '',
      what: 'holds nothing that could be edited',
      remedy: 'edit the text',
    },
  }
}

/** Of a text that `openTree` took, after a splice. `null` when it cannot be read any more. */
export function parseTree(text: string): Tree | null {
  const doc = parseDocument(text, { version: '1.2', schema: 'core', prettyErrors: false })
  const root = doc.contents
  return root === null || doc.errors.length > 0 ? null : { text, root, data: dataOf(root) }
}

function dataOf(node: unknown): unknown {
  if (isSeq(node)) return node.items.map(dataOf)
  if (isMap(node)) {
    const object: Record<string, unknown> = Object.create(null)
    for (const { key, value } of node.items) object[keyText(key) ?? ''] = dataOf(value)
    return object
  }
  return isScalar(node) ? node.value : null
}

export interface Found {
  /** Map or list that it is in. */
  readonly parent: YAMLMap | YAMLSeq
  /** Position in its parent. */
  readonly index: number
  /** `null` in lists. */
  readonly key: Node | null
  /** `null`: nothing is written. */
  readonly value: Node | null
}

/** @returns `null` when there is nothing at the path. */
export function find(tree: Tree, path: Path): Found | null {
  const [last, ...way] = path.toReversed()
  const parent = nodeAt(tree, way.reverse())
  if (last === undefined || parent === null) return null
  if (isSeq(parent)) {
    const value = typeof last === 'number' ? parent.items[last] : undefined
    return isNode(value) ? { parent, index: Number(last), key: null, value } : null
  }
  if (!isMap(parent)) return null
  const index = parent.items.findIndex((item) => keyText(item.key) === String(last))
  const pair = parent.items[index]
  if (pair === undefined || !isNode(pair.key)) return null
  return { parent, index, key: pair.key, value: isNode(pair.value) ? pair.value : null }
}

/** @returns `null` when there is nothing at the path, or nothing is written there. */
export function nodeAt(tree: Tree, path: Path): Node | null {
  return path.length === 0 ? tree.root : (find(tree, path)?.value ?? null)
}

export function startOf(node: Node): number {
  return node.range?.[0] ?? 0
}

/** Behind the last character that says something: no comment, no blank. Behind the line break for block scalars. */
export function endOf(node: Node): number {
  const end = node.range?.[1] ?? 0
  if ((isMap(node) || isSeq(node)) && !isFlow(node)) {
    const last = node.items.at(-1)
    if (isNode(last)) return endOf(last)
    if (isPair(last)) return pairEnd(last)
  }
  return end
}

/** Of a whole `key: value`. */
export function pairEnd(pair: Pair): number {
  if (isNode(pair.value) && !isEmpty(pair.value)) return endOf(pair.value)
  return isNode(pair.key) ? endOf(pair.key) : 0
}

/** Written between brackets. */
export function isFlow(node: unknown): boolean {
  return (isMap(node) || isSeq(node)) && node.flow === true
}

/** `json`: between brackets, with its first key, or that of its first item, in double quotes: somebody's JSON. */
export function styleOf(collection: YAMLMap | YAMLSeq): Style {
  if (!isFlow(collection)) return 'yaml'
  const first: unknown = collection.items[0]
  if ((isMap(first) || isSeq(first)) && isFlow(first)) return styleOf(first)
  const sign = isPair(first) ? first.key : first
  return isScalar(sign) && sign.type === 'QUOTE_DOUBLE' ? 'json' : 'yaml'
}

/** `key:` without anything. */
export function isEmpty(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.source === '' && node.type === 'PLAIN')
}

/** Block literal or folded: ends with a line. */
export function isBlockScalar(node: Node): boolean {
  return isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED')
}

/** Between `from` and the first character that is neither blank, line break nor comment: where that is. */
export function skipBlanks(text: string, from: number): number {
  let at = from
  while (at < text.length) {
    const c = text[at]
    if (c === '#') {
      const end = text.indexOf('\n', at)
      at = end === -1 ? text.length : end
    } else if (c !== undefined && /[ \t\r\n]/.test(c)) at += 1
    else return at
  }
  return at
}
