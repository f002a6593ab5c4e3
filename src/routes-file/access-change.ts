// What an edit of the table means for who may enter, in words.

import { asPathBytes } from '../auth/path-pattern.ts'
import { policyAt } from '../auth/policy.ts'
import type { Route, SimplePolicy, TableDefinition, TrustedProxies, WakeRule } from '../model.ts'
import { anyMethod, type Place, type Probe, places } from './access-probes.ts'
import { admitsMore, wordsFor } from './access-words.ts'
import { isInside } from './cidr.ts'
import { loginChanges } from './login-change.ts'
import { deepSample, routePattern } from './path-samples.ts'
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
  for (const route of places(before, after)) {
    const said: AccessChange[] = []
    for (const place of route) {
      const here = comparePlace(place, before, after)
      const news = here.filter(
        (c) => !said.some((s) => s.before === c.before && s.after === c.after),
      )
      said.push(...news)
    }
    for (const change of said) changes.set(change.sentence, change)
  }
  for (const change of compareWhole(before, after)) changes.set(change.sentence, change)
  return [...changes.values()]
}

/** Those that `onWeakerAccess` is about. */
export function weakening(changes: readonly AccessChange[]): readonly AccessChange[] {
  return changes.filter(({ kind }) => kind === 'weaker' || kind === 'gone')
}

/** By every method; said once when it is the same for all. */
function comparePlace(
  { name, probes }: Place,
  before: TableDefinition,
  after: TableDefinition,
): readonly AccessChange[] {
  const each = probes.map((probe) => compare(probe, before, after))
  const [first = []] = each
  const same = (a: readonly AccessChange[]) =>
    a.length === first.length &&
    a.every((c, i) => c.before === first[i]?.before && c.after === first[i]?.after)
  const [probe] = probes
  if (probe === undefined || !each.every(same)) return each.flat()
  return compare({ ...probe, name }, before, after)
}

/** Who answers an address, and whom. */
interface Answer {
  /** `null`: there is nothing. */
  readonly policy: SimplePolicy | null
  readonly words: string
  readonly route: Route | null
  readonly upstream: string | null
}

const nothing: Answer = { policy: null, words: 'nothing', route: null, upstream: null }
const switchedOff: Answer = { ...nothing, words: 'disabled' }

function answer(table: TableDefinition, probe: Probe): Answer {
  const { host, path, method } = probe
  const routes = routesFor(table, host)
  const route = routes.find((r) => covers(r, path)) ?? null
  if (route !== null && table.disabled.includes(route)) return switchedOff
  if (route !== null) {
    const upstream = route.target.kind === 'upstream' ? upstreamKey(route.target) : null
    const policy = policyAt(route.policy, method, asPathBytes(path))
    return { policy, words: wordsFor(policy), route, upstream }
  }
  // As in the running table: a known host without a matching path is "not found", never the fallback.
  if (routes.length > 0 || table.fallback === null) return nothing
  const upstream = upstreamKey(table.fallback)
  return { policy: { kind: 'public' }, words: 'fallback', route: null, upstream }
}

/** Routes of the host, longest path first; as `routes.ts`, an exact host never falls through to a wildcard. */
function routesFor(table: TableDefinition, host: string): readonly Route[] {
  const all = [...table.routes, ...table.disabled]
  const own = all.filter((r) => r.host.kind === 'exact' && r.host.host === host)
  let found = own
  let dot = host.indexOf('.')
  while (found.length === 0 && dot !== -1) {
    const suffix = host.slice(dot + 1)
    found = all.filter((r) => r.host.kind === 'wildcard' && r.host.suffix === suffix)
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
  if (is.policy === null) return was.policy === null ? [] : [say('gone', was.words, is.words)]
  const opened = openedUpstream(is, was, before)
  if (opened !== null) return [say('weaker', was.words, `${is.words}, which opens ${opened}`)]
  if (was.policy === null) return [say('new', was.words, is.words)]
  const changes: AccessChange[] = []
  if (is.words !== was.words) {
    const kind = admitsMore(was.policy, is.policy) ? 'weaker' : 'stronger'
    changes.push(say(kind, was.words, is.words))
  }
  if (was.route !== null && is.route !== null) {
    changes.push(...compareLimits(was.route, is.route, say))
    changes.push(...compareWake([was.route, before], [is.route, after], say))
  }
  return changes
}

/** A backend that this address did not lead to before, and that was harder to enter wherever it was. */
function openedUpstream(is: Answer, was: Answer, before: TableDefinition): string | null {
  const { upstream, policy } = is
  if (upstream === null || policy === null || was.upstream === upstream) return null
  const earlier = [...before.routes, ...before.disabled].filter(
    ({ target }) => target.kind === 'upstream' && upstreamKey(target) === upstream,
  )
  if (earlier.length === 0) return null
  // What no rule of a route names is what most of its backend was guarded by.
  const open = earlier.some((r) => {
    const rest = policyAt(r.policy, anyMethod, asPathBytes(deepSample(routePattern(r))))
    return r.matching === 'prefix' && !admitsMore(rest, policy)
  })
  return open ? null : `${upstream} (${earlier.map((r) => r.id).join(', ')})`
}

/** Each by itself: a login that is added must not hide that another network may come in. */
function compareLimits(was: Route, is: Route, say: Say): AccessChange[] {
  const changes: AccessChange[] = []
  const clients = { before: clientWords(was), after: clientWords(is) }
  if (clients.before !== clients.after) {
    changes.push(say(allowsMore(was, is) ? 'weaker' : 'stronger', clients.before, clients.after))
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
  const networks = { before: networkWords(was), after: networkWords(is) }
  if (networks.before !== networks.after) {
    changes.push(say(knowsMore(was, is) ? 'weaker' : 'stronger', networks.before, networks.after))
  }
  if (was.parentCookies !== is.parentCookies) {
    const words = (may: boolean) => `cookies for ${may ? 'the whole domain' : 'its own host'}`
    const kind = is.parentCookies ? 'weaker' : 'stronger'
    changes.push(say(kind, words(was.parentCookies), words(is.parentCookies)))
  }
  return changes
}

/** In order: each starts a machine for all that the one before it does, and for more. */
const wakeRules: readonly WakeRule[] = ['never', 'manual', 'navigation', 'any', 'known-client']

/** Who may start a machine may spend money. Nothing to say of machines that are always on. */
function compareWake(
  was: readonly [Route, TableDefinition],
  is: readonly [Route, TableDefinition],
  say: Say,
): AccessChange[] {
  const from = wakeOf(...was)
  const to = wakeOf(...is)
  if (from === null || to === null || from === to) return []
  const more = wakeRules.indexOf(to) > wakeRules.indexOf(from)
  return [say(more ? 'weaker' : 'stronger', `wake ${from}`, `wake ${to}`)]
}

/** @returns `null`: the route leads to nothing that sleeps. */
function wakeOf({ target, wake }: Route, { vms }: TableDefinition): WakeRule | null {
  const vm = target.kind === 'upstream' ? target.vm : null
  return vms.some(({ id, power }) => id === vm && power !== null) ? wake : null
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
  for (const change of loginChanges(before.login, after.login)) {
    add(change.key, change.weaker, [change.before, change.after])
  }
  add('onWeakerAccess', relaxed, [before.onWeakerAccess, after.onWeakerAccess])
  return changes
}

function clientWords({ clients }: Route): string {
  const allow = clients.allow.length === 0 ? 'all networks' : clients.allow.join(' ')
  return clients.deny.length === 0 ? allow : `${allow} without ${clients.deny.join(' ')}`
}

function networkWords({ networks }: Route): string {
  if (networks.length === 0) return 'no network counts as a person'
  const each = networks.map(
    ({ cidr, user, mayWake }) => `${cidr} as ${user}${mayWake ? ', may wake' : ''}`,
  )
  return each.join('; ')
}

/** Whether some address counts as somebody it did not count as, or may wake what it might not. */
function knowsMore(was: Route, is: Route): boolean {
  return is.networks.some(
    ({ cidr, user, mayWake }) =>
      !was.networks.some(
        (known) => known.user === user && isInside(cidr, known.cidr) && (known.mayWake || !mayWake),
      ),
  )
}

function allowsMore(was: Route, is: Route): boolean {
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
