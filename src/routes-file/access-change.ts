// What an edit of the table means for who may enter, in words.

import type { Policy, Route, TableDefinition, TrustedProxies } from '../model.ts'
import { isInside } from './cidr.ts'
import { upstreamKey } from './upstream-key.ts'

export interface AccessChange {
  /**
   * `weaker`: somebody may enter who could not. `gone`: what was there is not any more. `stronger`: fewer may
   * enter. `new`: a backend that had no route has one.
   */
  readonly kind: 'weaker' | 'gone' | 'stronger' | 'new'
  /** Id of the route, or the key of the file it is about. */
  readonly route: string
  readonly before: string
  readonly after: string
  /** `vault/vaultwarden: login → public` */
  readonly sentence: string
}

/**
 * Compares two tables by what a request would meet, not row by row: a private route that is removed may
 * leave its path to a public prefix above it. Each place is named once; nothing is said of places that stay.
 */
export function accessChanges(
  before: TableDefinition,
  after: TableDefinition,
): readonly AccessChange[] {
  const changes = new Map<string, AccessChange>()
  for (const { at, under } of probes(before, after)) {
    const here = compare(at, before, after)
    const deeper = under === null ? [] : compare(under, before, after)
    for (const change of here) changes.set(change.sentence, change)
    for (const change of deeper) {
      const said = here.some((c) => c.before === change.before && c.after === change.after)
      if (!said) changes.set(change.sentence, change)
    }
  }
  for (const change of compareWhole(before, after)) changes.set(change.sentence, change)
  return [...changes.values()]
}

/** Those that `onWeakerAccess` is about. */
export function weakening(changes: readonly AccessChange[]): readonly AccessChange[] {
  return changes.filter(({ kind }) => kind === 'weaker' || kind === 'gone')
}

/** One address to ask both tables about. */
interface Probe {
  /** How it is called in a sentence. */
  readonly name: string
  /** The route it was made for; `null`: none. */
  readonly id: string | null
  readonly host: string
  readonly path: string
}

/** The path of a route itself, and any path below it. */
interface Probes {
  readonly at: Probe
  readonly under: Probe | null
}

/** No host and no path of a route can be called so. */
const anyLabel = '(any)'
const anySegment = ' '

function probes(before: TableDefinition, after: TableDefinition): readonly Probes[] {
  const all = new Map<string, Probes>()
  for (const { id, host: pattern, path } of [...before.routes, ...after.routes]) {
    const host = pattern.kind === 'exact' ? pattern.host : `${anyLabel}.${pattern.suffix}`
    const slash = path === '/' ? '' : '/'
    const under = { name: `${id}${slash}…`, id, host, path: `${path}${slash}${anySegment}` }
    all.set(id, { at: { name: id, id, host, path }, under })
  }
  const unknown = 'unknown hosts'
  all.set(unknown, { at: { name: unknown, id: null, host: anyLabel, path: '/' }, under: null })
  return [...all.values()]
}

/** Who answers an address, and how freely. */
interface Answer {
  /** 0 everyone, 1 signed in, 2 members, 3 nobody: there is nothing. */
  readonly level: number
  readonly words: string
  readonly route: Route | null
  readonly upstream: string | null
}

const nothing: Answer = { level: 3, words: 'nothing', route: null, upstream: null }

function answer(table: TableDefinition, probe: Probe): Answer {
  const { host, path } = probe
  const routes = routesFor(table, host)
  const route = routes.find((r) => covers(r, path)) ?? null
  if (route !== null) {
    const upstream = route.target.kind === 'upstream' ? upstreamKey(route.target) : null
    return { level: levelOf(route.policy), words: wordsFor(route.policy), route, upstream }
  }
  // As in the running table: a known host without a matching path is "not found", never the fallback.
  if (routes.length > 0 || table.fallback === null) return nothing
  return { level: 0, words: 'fallback', route: null, upstream: upstreamKey(table.fallback) }
}

/** Routes of the host, longest path first; as `routes.ts`, an exact host never falls through to a wildcard. */
function routesFor(table: TableDefinition, host: string): readonly Route[] {
  const own = table.routes.filter((r) => r.host.kind === 'exact' && r.host.host === host)
  let found = own
  let dot = host.indexOf('.')
  while (found.length === 0 && dot !== -1) {
    const suffix = host.slice(dot + 1)
    found = table.routes.filter((r) => r.host.kind === 'wildcard' && r.host.suffix === suffix)
    dot = host.indexOf('.', dot + 1)
  }
  return found.toSorted((a, b) => b.path.length - a.path.length)
}

function covers(route: Route, path: string): boolean {
  if (route.path === path) return true
  if (route.matching === 'exact') return false
  return route.path === '/' || path.startsWith(`${route.path}/`)
}

type Say = (kind: AccessChange['kind'], from: string, to: string) => AccessChange

function compare(probe: Probe, before: TableDefinition, after: TableDefinition): AccessChange[] {
  const was = answer(before, probe)
  const is = answer(after, probe)
  const say: Say = (kind, from, to) => {
    const other = is.route !== null && is.route.id !== probe.id
    const by = other ? ` (answered by ${is.route.id})` : ''
    const sentence = `${probe.name}: ${from} → ${to}${by}`
    return { kind, route: probe.name, before: from, after: to, sentence }
  }
  if (is.level === 3) return was.level === 3 ? [] : [say('gone', was.words, is.words)]
  const opened = openedUpstream(is, was, before)
  if (opened !== null) return [say('weaker', was.words, `${is.words}, which opens ${opened}`)]
  if (was.level === 3) return [say('new', was.words, is.words)]
  const changes: AccessChange[] = []
  if (is.level !== was.level) {
    changes.push(say(is.level < was.level ? 'weaker' : 'stronger', was.words, is.words))
  } else if (is.words !== was.words) {
    const kind = hasNewMembers(was.route, is.route) ? 'weaker' : 'stronger'
    changes.push(say(kind, was.words, is.words))
  }
  if (was.route !== null && is.route !== null)
    changes.push(...compareLimits(was.route, is.route, say))
  return changes
}

/** A backend that this address did not lead to before, and that was harder to enter wherever it was. */
function openedUpstream(is: Answer, was: Answer, before: TableDefinition): string | null {
  const { upstream } = is
  if (upstream === null || (upstream === was.upstream && was.level <= is.level)) return null
  const earlier = before.routes.filter(
    ({ target }) => target.kind === 'upstream' && upstreamKey(target) === upstream,
  )
  if (earlier.length === 0 || was.upstream === upstream) return null
  const open = earlier.some((r) => levelOf(r.policy) <= is.level && r.matching === 'prefix')
  return open ? null : `${upstream} (${earlier.map((r) => r.id).join(', ')})`
}

/** Each by itself: a login that is added must not hide that another network may come in. */
function compareLimits(was: Route, is: Route, say: Say): AccessChange[] {
  const changes: AccessChange[] = []
  const clients = { before: clientWords(was), after: clientWords(is) }
  if (clients.before !== clients.after) {
    changes.push(say(admitsMore(was, is) ? 'weaker' : 'stronger', clients.before, clients.after))
  }
  if (was.cloudflareOnly !== is.cloudflareOnly) {
    const words = (only: boolean) => (only ? 'through Cloudflare only' : 'from anywhere')
    const kind = was.cloudflareOnly ? 'weaker' : 'stronger'
    changes.push(say(kind, words(was.cloudflareOnly), words(is.cloudflareOnly)))
  }
  const more = is.allowedOrigins.filter((origin) => !was.allowedOrigins.includes(origin))
  if (more.length > 0) {
    changes.push(say('weaker', 'fewer origins', `unsafe requests from ${more.join(', ')}`))
  }
  return changes
}

function compareWhole(before: TableDefinition, after: TableDefinition): readonly AccessChange[] {
  const changes: AccessChange[] = []
  const add = (route: string, weaker: boolean, words: readonly [string, string]): void => {
    const [from, to] = words
    if (from === to) return
    const sentence = `${route}: ${from} → ${to}`
    changes.push({ kind: weaker ? 'weaker' : 'stronger', route, before: from, after: to, sentence })
  }
  add('trustedProxies', trustsMore(before.trustedProxies, after.trustedProxies), [
    proxyWords(before.trustedProxies),
    proxyWords(after.trustedProxies),
  ])
  const asked = (file: string | null) => (file === null ? 'not asked for' : 'asked for')
  add('originPull', after.originPullCaFile === null, [
    asked(before.originPullCaFile),
    asked(after.originPullCaFile),
  ])
  // Otherwise two edits would do what one may not: first drop the guard, then open the door.
  const strictness = ['apply', 'alert', 'hold']
  const relaxed =
    strictness.indexOf(after.onWeakerAccess) < strictness.indexOf(before.onWeakerAccess)
  add('onWeakerAccess', relaxed, [before.onWeakerAccess, after.onWeakerAccess])
  return changes
}

function levelOf(policy: Policy): number {
  switch (policy.kind) {
    case 'public':
      return 0
    case 'signed-in':
      return 1
    case 'members':
      return 2
    case 'rules':
      return 1
    case 'nobody':
      return 3
    default:
      return policy satisfies never
  }
}

/** A policy as the file writes it. */
export function wordsFor(policy: Policy): string {
  switch (policy.kind) {
    case 'public':
      return 'public'
    case 'signed-in':
      return 'login'
    case 'nobody':
      return 'nobody'
    case 'rules':
      return 'by rules'
    case 'members': {
      const users = policy.users.toSorted().join(' ')
      const groups = policy.groups.toSorted().join(' ')
      const parts = [users && `users ${users}`, groups && `groups ${groups}`]
      return parts.filter((part) => part !== '').join(', ')
    }
    default:
      return policy satisfies never
  }
}

function hasNewMembers(was: Route | null, is: Route | null): boolean {
  if (was?.policy.kind !== 'members' || is?.policy.kind !== 'members') return true
  const { users, groups } = was.policy
  return (
    is.policy.users.some((user) => !users.includes(user)) ||
    is.policy.groups.some((group) => !groups.includes(group))
  )
}

function clientWords({ clients }: Route): string {
  const allow = clients.allow.length === 0 ? 'all networks' : clients.allow.join(' ')
  return clients.deny.length === 0 ? allow : `${allow} without ${clients.deny.join(' ')}`
}

function admitsMore(was: Route, is: Route): boolean {
  const within = (network: string, networks: readonly string[]) =>
    networks.some((n) => isInside(network, n))
  const allowed = was.clients.allow
  const wider =
    allowed.length > 0 &&
    (is.clients.allow.length === 0 || is.clients.allow.some((n) => !within(n, allowed)))
  return wider || was.clients.deny.some((n) => !within(n, is.clients.deny))
}

function trustsMore(was: TrustedProxies, is: TrustedProxies): boolean {
  if (is.kind === 'none') return false
  if (was.kind !== 'list' || is.kind !== 'list') return true
  return is.cidrs.some((network) => !was.cidrs.some((known) => isInside(network, known)))
}

function proxyWords(trusted: TrustedProxies): string {
  return trusted.kind === 'list' ? trusted.cidrs.join(' ') : trusted.kind
}
