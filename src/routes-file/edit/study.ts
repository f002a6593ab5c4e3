// What the admin wants to know of a text of routes.yaml. Pure, and slow enough to be done in a thread of its own.

import type { Route, TableDefinition } from '../../model.ts'
import { type AccessChange, accessChanges } from '../access-change.ts'
import { wordsFor } from '../access-words.ts'
import type { Problem } from '../problem.ts'
import { readTable } from '../read.ts'
import { hostWords, targetWords } from '../route-words.ts'
import { valueAt } from '../schema-lookup.ts'
import { readYamlText } from '../yaml-text.ts'
import { applyChange } from './change.ts'
import { type DiffHunk, lineDiff } from './line-diff.ts'
import { rowNames } from './row-names.ts'
import { commentAbove, rowLines } from './rows.ts'
import { openTree } from './tree.ts'
import { changeOf, type RouteWish } from './wish.ts'
import { writeFlow } from './write-yaml.ts'

/** One row of the file, readable or not. */
export interface StudiedRow {
  readonly id: string
  /** In full, `photos.example.com`; as written when it cannot be read. */
  readonly host: string
  readonly name: string
  readonly path: string
  readonly target: { readonly words: string; readonly raw: unknown }
  /** Who may enter, in words; as written when the file has errors. */
  readonly access: string
  readonly disabled: boolean
  /** 1-based, both included. */
  readonly lines: { readonly from: number; readonly to: number }
  /** The remark directly above it, line by line. */
  readonly comment: readonly string[]
  readonly raw: unknown
  /** `null`: the file has errors. */
  readonly effective: Route | null
}

export interface StudiedFile {
  readonly rows: readonly StudiedRow[]
  readonly problems: readonly Problem[]
  readonly definition: TableDefinition | null
}

export interface StudiedChange {
  /** The text that says it; the old one when it is refused. */
  readonly text: string
  readonly diff: readonly DiffHunk[]
  /** Empty when one of the two cannot be read. */
  readonly access: readonly AccessChange[]
  /** Errors; the refusal of the edit itself among them. */
  readonly problems: readonly Problem[]
  /** Of the new text, those that the old one did not have first. */
  readonly warnings: readonly Problem[]
  /** What the old text says, and the new one; `null`: it cannot be read, or the edit is refused. */
  readonly before: TableDefinition | null
  readonly after: TableDefinition | null
  /** `photos/photoprism: edited`, for a history. */
  readonly summary: string
}

export type StudyRequest =
  | { readonly kind: 'file'; readonly text: string }
  | {
      readonly kind: 'change'
      readonly text: string
      readonly wish: RouteWish
      /** Compared with when `text` has errors. */
      readonly running: TableDefinition
    }

/** @returns what the kind of request asks for. Never throws. */
export function study(request: StudyRequest): StudiedFile | StudiedChange {
  return request.kind === 'file' ? studyFile(request.text) : studyChange(request)
}

export function studyFile(text: string): StudiedFile {
  const { definition, problems } = readTable(text)
  const { data } = readYamlText(text)
  const opened = openTree(text)
  const tree = opened.kind === 'opened' ? opened.tree : null
  const known = [...(definition?.routes ?? []), ...(definition?.disabled ?? [])]
  const domain = valueAt(data, ['domain'])
  const rows = rowNames(data).map((id, position): StudiedRow => {
    const raw = valueAt(data, ['routes', position])
    const route = known.find((each) => each.id === id) ?? null
    const written = (key: string, otherwise: string) => textOf(valueAt(raw, [key]), otherwise)
    return {
      id,
      host: route === null ? fullHost(written('host', ''), domain) : hostWords(route.host),
      name: route?.service ?? written('service', id),
      path: route?.path ?? written('path', '/'),
      target: {
        words: route === null ? written('to', '') : targetWords(route.target),
        raw: valueAt(raw, ['to']),
      },
      access: route === null ? written('access', 'login') : wordsFor(route.policy),
      disabled: valueAt(raw, ['disabled']) === true,
      lines: tree === null ? { from: 1, to: 1 } : rowLines(tree, position),
      comment: tree === null ? [] : commentAbove(tree, position),
      raw,
      effective: route,
    }
  })
  return { rows, problems, definition }
}

function studyChange(request: Extract<StudyRequest, { kind: 'change' }>): StudiedChange {
  const { text, wish, running } = request
  const change = changeOf(wish, () => readYamlText(text).data)
  const asked = change.kind === 'text' ? { ...change, text: likeBefore(change.text, text) } : change
  const changed = applyChange(text, asked)
  const next = changed.kind === 'changed' ? changed.text : text
  const before = readTable(text)
  const after = next === text ? before : readTable(next)
  const diff = lineDiff(text, next)
  const from = before.definition ?? running
  const errors = after.problems.filter(({ severity }) => severity === 'error')
  return {
    text: next,
    diff,
    access: after.definition === null ? [] : accessChanges(from, after.definition),
    problems: changed.kind === 'refused' ? [changed.problem] : errors,
    warnings: newFirst(after.problems, before.problems),
    before: before.definition,
    after: changed.kind === 'refused' ? null : after.definition,
    summary: summaryOf(wish, diff),
  }
}

/** HTML §4.10.11.6: a form sends every line break of a text field as CR LF, whatever they were. */
function likeBefore(typed: string, before: string): string {
  const isForm = typed.includes('\r\n') && !/(?<!\r)\n/.test(typed)
  return isForm && !before.includes('\r\n') ? typed.replaceAll('\r\n', '\n') : typed
}

function newFirst(after: readonly Problem[], before: readonly Problem[]): readonly Problem[] {
  // Lines and positions move with every edit.
  const key = ({ code, what }: Problem) => `${code} ${what.replace(/\bline \d+/g, '')}`
  const old = new Set(before.map(key))
  const warnings = after.filter(({ severity }) => severity === 'warning')
  const fresh = warnings.filter((problem) => !old.has(key(problem)))
  return [...fresh, ...warnings.filter((problem) => old.has(key(problem)))]
}

function summaryOf(wish: RouteWish, diff: readonly DiffHunk[]): string {
  const lines = diff.flatMap((hunk) => hunk.lines)
  const count = (kind: 'gone' | 'new') => lines.filter((line) => line.kind === kind).length
  const size = `+${count('new')} −${count('gone')}`
  switch (wish.kind) {
    case 'text':
      return `text ${size}`
    case 'add':
      return `${wish.host}${textOf(valueAt(wish.raw, ['path']), '/')} added`
    case 'edit':
      return `${wish.id} edited ${size}`
    case 'copy':
      return `${wish.id} copied`
    case 'disable':
      return `${wish.id} switched off`
    case 'enable':
      return `${wish.id} switched on`
    case 'remove':
      return `${wish.id} removed`
    case 'move':
      return `${wish.id} moved`
    case 'rename-host':
      return `${wish.from} renamed to ${wish.to}`
    case 'file': {
      const paths = [...(wish.set ?? []).map(({ path }) => path), ...(wish.unset ?? [])]
      return `${paths.map((path) => path.join('.')).join(', ')} ${size}`
    }
    default:
      return wish satisfies never
  }
}

function textOf(value: unknown, otherwise: string): string {
  if (value === undefined || value === null) return otherwise
  return typeof value === 'string' ? value : writeFlow(value)
}

function fullHost(written: string, domain: unknown): string {
  if (typeof domain !== 'string' || written === '') return written
  if (written === '@') return domain
  if (written === '*') return `*.${domain}`
  return written.replace(/^\*\./, '').includes('.') ? written : `${written}.${domain}`
}
