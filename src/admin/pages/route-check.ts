// What is wrong with a route that somebody fills in: each problem at its field, the others by themselves.

import type { Problem } from '../../routes-file/problem.ts'
import type { Actor, Desks, RouteChange, RoutePreview } from '../desks/types.ts'
import { controls } from './route-fields.ts'
import { ended } from './words.ts'

export interface Checked {
  /** Those that the file does not have already. */
  readonly warnings: readonly Problem[]
  readonly preview: RoutePreview
  /** By field. */
  readonly faults: ReadonlyMap<string, string>
  /** Those that belong to no field of this route. */
  readonly others: readonly Problem[]
}

/** Tries a change out; nothing is written. @param sent the fields, which say what kind of target and access is meant. */
export async function checkRoute(
  desks: Desks,
  wish: RouteChange,
  asked: { readonly sent: ReadonlyMap<string, string>; readonly by: Actor },
): Promise<Checked> {
  const [file, rows] = [await desks.routes.read(), await desks.routes.rows()]
  const preview = await desks.routes.preview(wish, asked.by)
  const position = wish.kind === 'edit' ? rows.findIndex(({ id }) => id === wish.id) : -1
  const isOld = (problem: Problem) =>
    file.problems.some(({ code, what }) => code === problem.code && what === problem.what)
  const faults = new Map<string, string>()
  const others: Problem[] = []
  for (const problem of preview.problems) {
    const [, at, rest = ''] = /^routes\[(\d+)\]\.?(.*)$/.exec(problem.where) ?? []
    const isOwn = at !== undefined && (position === -1 ? !isOld(problem) : Number(at) === position)
    const name = isOwn ? fieldOf(rest, asked.sent) : null
    if (name === null) others.push(problem)
    else if (!faults.has(name)) faults.set(name, sentenceOf(problem))
  }
  return { preview, warnings: freshOf(preview.warnings, file.problems), faults, others }
}

/** What was worth a look before is no news; lines and positions move with every edit. */
export function freshOf(after: readonly Problem[], before: readonly Problem[]): readonly Problem[] {
  const key = ({ code, what }: Problem) => `${code} ${what.replace(/\bline \d+/g, '')}`
  const known = new Set(before.map(key))
  return after.filter((problem) => !known.has(key(problem)))
}

/** The field of a place below the route: `access.users[0]` is `access.users`. */
function fieldOf(place: string, sent: ReadonlyMap<string, string>): string | null {
  const path = place.replace(/\[\d+\]/g, '')
  const [key = ''] = path.split('.')
  if (key === '') return null
  if (key === 'to') {
    const own = { url: 'to.url', serverName: 'to.serverName', ca: 'to.ca', message: 'to.message' }
    const named = Object.entries(own).find(([part]) => path.startsWith(`to.${part}`))
    return named?.[1] ?? targetField[sent.get('to.kind') ?? ''] ?? 'to.kind'
  }
  if (key === 'access') {
    if (sent.get('access.kind') === 'rules') return 'access.rules'
    const named = ['users', 'groups', 'with', 'within'].find((part) =>
      path.startsWith(`access.${part}`),
    )
    return named === undefined ? 'access.kind' : `access.${named}`
  }
  const names = controls().map(({ name }) => name)
  return (
    names
      .filter((name) => path === name || path.startsWith(`${name}.`))
      .toSorted()
      .at(-1) ??
    names.find((name) => name.startsWith(`${key}.`)) ??
    null
  )
}

const targetField: Readonly<Record<string, string>> = {
  backend: 'to.url',
  landing: 'to.landing',
  redirect: 'to.redirect',
  answer: 'to.status',
}

function sentenceOf({ what, remedy }: Problem): string {
  return ended(`${what.charAt(0).toUpperCase()}${what.slice(1)}; ${remedy}`)
}
