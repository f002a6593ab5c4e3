// A change as a form or a program asks for it; what `applyChange` does is finer.

import { fileSchema } from '../schema.ts'
import { keysAt, valueAt } from '../schema-lookup.ts'
import type { Change, Options } from './change.ts'
import { rowNames } from './row-names.ts'

/** `raw`: all options of a route as the file has them, as JSON. Routes are named as `rowNames` does. */
export type RouteWish =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'add'; readonly host: string; readonly raw: unknown }
  | { readonly kind: 'edit'; readonly id: string; readonly raw: unknown }
  | { readonly kind: 'copy'; readonly id: string; readonly raw: unknown }
  | { readonly kind: 'disable' | 'enable'; readonly id: string }
  /** `comments`: those directly above it go too; default: they stay. */
  | { readonly kind: 'remove'; readonly id: string; readonly comments?: boolean }
  /** `before`: the route it is put in front of; `null`: to the end of its host. `comments`: those above it come along. */
  | {
      readonly kind: 'move'
      readonly id: string
      readonly before: string | null
      readonly comments?: boolean
    }
  /** Every route of a host, as the file writes it, gets another one. */
  | { readonly kind: 'rename-host'; readonly from: string; readonly to: string }
  /** Any other part of the file, `['defaults', 'webSocket']`. */
  | ({ readonly kind: 'file' } & Pick<Options, 'set' | 'unset'>)

/** @param read the file as plain data; called when the change depends on what is there. */
export function changeOf(wish: RouteWish, read: () => unknown): Change {
  switch (wish.kind) {
    case 'text':
    case 'rename-host':
    case 'file':
      return wish
    case 'add':
      return { kind: 'add', route: rowOf(wish.raw, wish.host), behind: null }
    case 'edit':
    case 'copy':
      return { kind: wish.kind, route: wish.id, row: rowOf(wish.raw, null) }
    case 'disable':
    case 'enable':
      return { kind: wish.kind, route: wish.id }
    case 'remove':
      return { kind: 'remove', route: wish.id, comments: wish.comments ?? false }
    case 'move':
      return {
        kind: 'move',
        route: wish.id,
        behind: wish.before === null ? endOfHost(wish.id, read()) : previous(wish.before, read()),
        comments: wish.comments ?? false,
      }
    default:
      return wish satisfies never
  }
}

/** In the order of the reference: what is new in the file is written so. */
function rowOf(raw: unknown, host: string | null): Readonly<Record<string, unknown>> {
  const row: Record<string, unknown> = Object.assign(Object.create(null), raw)
  if (host !== null) row['host'] = host
  const order = keysAt(fileSchema, ['routes', 0], { routes: [{}] })
  const rank = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length)
  const entries = Object.entries(row).toSorted(([a], [b]) => rank(a) - rank(b))
  return Object.assign(Object.create(null), Object.fromEntries(entries))
}

function previous(name: string, data: unknown): string | null {
  const names = rowNames(data)
  const position = names.indexOf(name)
  // What is not there is said by the edit itself.
  return position === -1 ? name : (names[position - 1] ?? null)
}

function endOfHost(name: string, data: unknown): string {
  const names = rowNames(data)
  const hostOf = (position: number) => valueAt(data, ['routes', position, 'host'])
  const host = hostOf(names.indexOf(name))
  return names.findLast((_, position) => hostOf(position) === host) ?? name
}
