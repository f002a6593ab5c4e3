// One edit of routes.yaml: what is wanted, and the text that says it.

import { formatPath, type Path, type Problem } from '../problem.ts'
import { valueAt } from '../schema-lookup.ts'
import { readYamlText } from '../yaml-text.ts'
import { nextSplice } from './assign.ts'
import { orderIn } from './key-order.ts'
import { sameData, withValue } from './plain-data.ts'
import { rowNames } from './row-names.ts'
import { moveRow, putRow, takeRow } from './rows.ts'
import { splice } from './splice.ts'
import { openTree, parseTree, type Tree } from './tree.ts'

/** Options of a route by their paths below it (`['timeouts', 'idle']`): values to write, and what to take away. */
export interface Options {
  /** All of them at once, instead of those it has; what `set` and `unset` say comes on top. */
  readonly row?: Readonly<Record<string, unknown>>
  readonly set?: readonly { readonly path: Path; readonly value: unknown }[]
  readonly unset?: readonly Path[]
}

/** A route is named as `rowNames` does. */
export type Change =
  /** The whole file, as somebody typed it. */
  | { readonly kind: 'text'; readonly text: string }
  /** `behind`: the row it goes behind; `null`: behind the last one of its host, or at the end. */
  | {
      readonly kind: 'add'
      readonly route: Readonly<Record<string, unknown>>
      readonly behind: string | null
    }
  | ({ readonly kind: 'edit'; readonly route: string } & Options)
  /** The row again, its comments included, directly behind it; with other options. */
  | ({ readonly kind: 'copy'; readonly route: string } & Options)
  | { readonly kind: 'disable' | 'enable'; readonly route: string }
  /** `comments`: those directly above it go too. */
  | { readonly kind: 'remove'; readonly route: string; readonly comments: boolean }
  /** `behind`: `null`: to the top. `comments`: those directly above it come along. */
  | {
      readonly kind: 'move'
      readonly route: string
      readonly behind: string | null
      readonly comments: boolean
    }
  /** Every route of a host, by the host as it is written, gets another one. */
  | { readonly kind: 'rename-host'; readonly from: string; readonly to: string }
  /** Anything else in the file: `['defaults', 'webSocket']`, `['vms', 'box']`. */
  | ({ readonly kind: 'file' } & Options)

export type Changed =
  | { readonly kind: 'changed'; readonly text: string }
  /** The text stays; the problem says where and why. */
  | { readonly kind: 'refused'; readonly problem: Problem }

/** More is no edit, it is another file. */
const maxSplices = 400

/** Pure. The result says what was wanted and nothing else differs, or it is refused. */
export function applyChange(text: string, change: Change): Changed {
  if (change.kind === 'text') return { kind: 'changed', text: change.text }
  const opened = openTree(text)
  if (opened.kind === 'refused') return opened
  const { tree } = opened
  const done = carryOut(tree, change)
  if ('problem' in done) return { kind: 'refused', problem: done.problem }
  // What was not thought of must not reach the file: the text is read again and compared with what was wanted.
  const { problems, data } = readYamlText(done.text)
  if (problems.length === 0 && sameData(data, done.data))
    return { kind: 'changed', text: done.text }
  return refusal(tree, [], notHere)
}

/** A text, and the data it has to have. */
type Done = { readonly text: string; readonly data: unknown } | { readonly problem: Problem }

function carryOut(tree: Tree, change: Exclude<Change, { kind: 'text' }>): Done {
  const { data } = tree
  const names = rowNames(data)
  if (change.kind === 'file') return assignAll(tree, withOptions(data, [], change))
  if (change.kind === 'rename-host') {
    let wanted = data
    for (const position of names.keys()) {
      const path = ['routes', position, 'host']
      if (valueAt(data, path) !== change.from) continue
      wanted = withValue(wanted, path, { value: change.to, keep: 2 })
    }
    return assignAll(tree, wanted)
  }
  if (change.kind === 'add') return add(tree, change, names)
  const position = names.indexOf(change.route)
  if (position === -1) return noRoute(tree, change.route)
  const row: Path = ['routes', position]
  switch (change.kind) {
    case 'edit':
      return assignAll(tree, withOptions(data, row, change))
    case 'disable':
      return assignAll(tree, withValue(data, [...row, 'disabled'], { value: true, keep: 2 }))
    case 'enable':
      return assignAll(tree, withValue(data, [...row, 'disabled'], { value: undefined, keep: 2 }))
    case 'copy': {
      const copied = putRow(tree, { behind: position, copyOf: position })
      if (copied === null) return refusal(tree, row, notHere)
      const copy = parseTree(copied)
      if (copy === null) return refusal(tree, row, notHere)
      return assignAll(copy, withOptions(copy.data, ['routes', position + 1], change))
    }
    case 'remove': {
      const text = takeRow(tree, { position, comments: change.comments })
      const wanted = withValue(data, row, { value: undefined, keep: 2 })
      return text === null ? refusal(tree, row, notHere) : { text, data: wanted }
    }
    case 'move': {
      const behind = change.behind === null ? -1 : names.indexOf(change.behind)
      if (change.behind !== null && behind === -1) return noRoute(tree, change.behind)
      const moved = moveRow(tree, { position, behind, comments: change.comments })
      return moved ?? refusal(tree, row, notHere)
    }
    default:
      return change satisfies never
  }
}

function add(tree: Tree, change: Extract<Change, { kind: 'add' }>, names: readonly string[]): Done {
  const { route, behind } = change
  if (behind !== null && !names.includes(behind)) return noRoute(tree, behind)
  const rows = valueAt(tree.data, ['routes'])
  const list: readonly unknown[] = Array.isArray(rows) ? rows : []
  const ofHost = list.findLastIndex((row) => valueAt(row, ['host']) === route.host)
  const last = ofHost === -1 ? list.length - 1 : ofHost
  const position = behind === null ? last : names.indexOf(behind)
  const wanted = list.toSpliced(position + 1, 0, route)
  const data = withValue(tree.data, ['routes'], { value: wanted, keep: 1 })
  if (list.length === 0) return assignAll(tree, data)
  const text = putRow(tree, { behind: position, row: route })
  return text === null ? refusal(tree, ['routes'], notHere) : { text, data }
}

function withOptions(data: unknown, at: Path, { row, set = [], unset = [] }: Options): unknown {
  const keep = at.length
  let wanted = row === undefined ? data : withValue(data, at, { value: row, keep })
  for (const path of unset) {
    if (valueAt(wanted, [...at, ...path]) === undefined) continue
    wanted = withValue(wanted, [...at, ...path], { value: undefined, keep })
  }
  for (const { path, value } of set) wanted = withValue(wanted, [...at, ...path], { value, keep })
  return wanted
}

/** Splice by splice, each into the text that the one before it left. */
function assignAll(start: Tree, data: unknown): Done {
  let tree = start
  for (let count = 0; count < maxSplices; count++) {
    const current = tree
    const step = nextSplice(current, [], {
      value: data,
      orderOf: (path, key, present) => orderIn(current.data, path, { key, present }),
    })
    if (step === null) return { text: tree.text, data }
    if (step === 'refused') return refusal(start, [], notHere)
    const next = parseTree(splice(tree.text, step))
    if (next === null) return refusal(start, [], notHere)
    tree = next
  }
  return refusal(start, [], tooMuch)
}

const notHere = {
  code: 'not-editable',
  what: 'is written in a way that cannot be changed here without touching more than was asked for',
  remedy: 'change it in the text',
}
const tooMuch = { ...notHere, what: 'would change in too many places at once' }

function noRoute(tree: Tree, name: string): Done {
  const what = `there is no route ${JSON.stringify(name.slice(0, 200))}`
  return refusal(tree, ['routes'], { code: 'no-such-route', what, remedy: 'load the table again' })
}

function refusal(
  { text }: Tree,
  path: Path,
  fault: { readonly code: string; readonly what: string; readonly remedy: string },
): { readonly kind: 'refused'; readonly problem: Problem } {
  const { locate } = readYamlText(text)
  const where = path.length === 0 ? '' : formatPath(path)
  return {
    kind: 'refused',
    problem: { severity: 'error', ...locate(path, 'value'), where, ...fault },
  }
}
