// What can only be seen by comparing routes: holes, collisions, routes that never do anything.

import { isIP } from 'node:net'
import type { Route, TableDefinition, UpstreamTarget } from '../model.ts'
import { nearest } from '../nearest.ts'
import { isPublicAddress } from './addresses.ts'
import { isInside } from './cidr.ts'
import type { Path, Reporter } from './problem.ts'
import type { Row } from './route.ts'
import { checkRules, openedByRules } from './rule-checks.ts'
import type { ReadTable } from './table.ts'
import { upstreamKey } from './upstream-key.ts'
import { checkVms } from './vm-checks.ts'
import { wellKnownHints } from './well-known.ts'

/** Checks the table as a whole. Rows that were read only in part are not compared: half a row accuses others falsely. */
export function checkTable(
  table: ReadTable,
  context: { readonly reporter: Reporter; readonly damaged: ReadonlySet<number> },
): void {
  const { reporter, damaged } = context
  const distinct = checkDuplicates(table.rows, reporter)
  const rows = distinct.filter((row) => !row.disabled && !damaged.has(Number(row.at[1])))
  checkApps(table, rows, context)
  checkSharing(rows, { all: table.rows, reporter })
  checkCollisions(rows, reporter)
  checkUnreachable(rows, reporter)
  checkRules(rows, reporter)
  checkLandings(rows, reporter)
  checkIdentity(table.definition, rows, reporter)
  checkTransport(table.definition, rows, reporter)
  checkVms(table.definition, rows, reporter)
  wellKnownHints(rows, reporter)
}

/** @returns the rows without those that repeat the place of an earlier one. */
function checkDuplicates(rows: readonly Row[], reporter: Reporter): readonly Row[] {
  const seen = new Map<string, Row>()
  for (const row of rows) {
    const first = seen.get(row.route.id)
    if (first === undefined) seen.set(row.route.id, row)
    else {
      reporter.error(row.at, {
        code: 'duplicate-route',
        what: `${row.route.id} is already on line ${first.route.line}`,
        remedy: 'give it another path, or remove one of the two',
      })
    }
  }
  return [...seen.values()]
}

/** The login and admin pages share an origin with nothing: a script of another service there could act as they do. */
function checkApps(
  table: ReadTable,
  rows: readonly Row[],
  context: { readonly reporter: Reporter; readonly damaged: ReadonlySet<number> },
): void {
  const { reporter, damaged } = context
  const apps = new Map<string, string>()
  for (const { route } of rows) {
    if (route.target.kind === 'app') apps.set(hostKey(route), route.target.app)
  }
  for (const { route, at } of rows) {
    const app = apps.get(hostKey(route))
    if (app === undefined || route.target.kind === 'app') continue
    reporter.error([...at, 'host'], {
      code: 'app-host',
      what: `${route.id} is on the host of the ${app} page, which shares it with nothing`,
      remedy: 'give this route another host',
    })
  }
  const complete = damaged.size === 0 && table.rows.length > 0
  if (complete && ![...apps.values()].includes('admin')) {
    reporter.warning(['routes'], {
      code: 'admin-missing',
      what: 'no route leads to the admin page',
      remedy: 'add the route { host: proxy, to: admin }',
    })
  }
}

/** A public prefix lets everyone reach every path of its backend, also those another route asks a login for. */
function checkSharing(
  rows: readonly Row[],
  context: { readonly all: readonly Row[]; readonly reporter: Reporter },
): void {
  const { all, reporter } = context
  const ids = all.map((row) => row.route.id)
  const isOff = (id: string) => all.some((row) => row.disabled && row.route.id === id)
  for (const { route, at, acknowledged } of rows) {
    const key = keyOf(route)
    const open = key !== null && route.policy.kind === 'public' && route.matching === 'prefix'
    const shared = open
      ? rows.filter((r) => keyOf(r.route) === key && isPrivate(r.route))
      : openedByRules(route, rows)
    const surprises = shared.filter((row) => !acknowledged.includes(row.route.id))
    const names = surprises.map((row) => row.route.id).join(', ')
    if (surprises.length > 0 && open) {
      reporter.error([...at, 'to'], {
        code: 'public-prefix-shares-upstream',
        what: `everyone can reach ${key} by way of ${route.id}, and so ${list(surprises)} without the login asked for there`,
        remedy: `remove prefix: true, use to: landing, or accept it with sharesUpstreamWith: [${names}]`,
      })
    } else if (surprises.length > 0) {
      const wide = opensAll(route)
      reporter[wide ? 'error' : 'warning']([...at, 'access'], {
        code: 'public-rule-shares-upstream',
        what: `a public rule lets everyone reach ${wide ? 'all' : 'paths'} of ${key} that ${list(surprises)} ${surprises.length === 1 ? 'asks' : 'ask'} a login for`,
        remedy: `name fewer paths in the rule, or accept it with sharesUpstreamWith: [${names}]`,
      })
    }
    for (const [index, id] of acknowledged.entries()) {
      if (shared.some((row) => row.route.id === id) || isOff(id)) continue
      const where: Path = [...at, 'sharesUpstreamWith', index]
      if (ids.includes(id)) {
        reporter.warning(where, {
          code: 'needless-acknowledgement',
          what: `${id} is not opened by this route`,
          remedy: 'remove it: it would hide the day it becomes true',
        })
      } else {
        const meant = nearest(id, ids)
        reporter.error(where, {
          code: 'unknown-route',
          what: `there is no route ${id}`,
          remedy: meant === null ? 'name a route as host/path' : `did you mean ${meant}?`,
        })
      }
    }
  }
}

/** By some method, at least. */
function opensAll({ policy }: Route): boolean {
  return (
    policy.kind === 'rules' &&
    policy.rules.some((r) => r.policy.kind === 'public' && r.paths === null)
  )
}

/** Two services on one port, or one service on two: at least one row sends people to the wrong place. */
function checkCollisions(rows: readonly Row[], reporter: Reporter): void {
  const byUpstream = new Map<string, Row[]>()
  const byService = new Map<string, Row[]>()
  for (const row of rows) {
    const key = keyOf(row.route)
    if (key === null) continue
    byUpstream.set(key, [...(byUpstream.get(key) ?? []), row])
    byService.set(row.route.service, [...(byService.get(row.route.service) ?? []), row])
  }
  for (const [key, sharers] of byUpstream) {
    const [first] = sharers
    if (first === undefined || new Set(sharers.map((r) => r.route.service)).size < 2) continue
    const claims = sharers.map((r) => `${r.route.service} (${r.route.id}, line ${r.route.line})`)
    reporter.warning([...first.at, 'to'], {
      code: 'collision',
      what: `${key} is claimed by ${claims.join(', ')}; only one of them can listen there`,
      remedy: 'correct the port of the others, or give them the same service name if they are one',
    })
  }
  for (const [service, its] of byService) {
    const [first] = its
    const keys = new Set(its.map((row) => keyOf(row.route)))
    if (first === undefined || keys.size < 2) continue
    const places = its.map((r) => `${keyOf(r.route)} (${r.route.id}, line ${r.route.line})`)
    reporter.warning([...first.at, 'to'], {
      code: 'two-upstreams',
      what: `${service} is expected at ${places.join(' and ')}`,
      remedy: 'correct the port, or give the services different names',
    })
  }
}

/** Routes that let nobody in, or change nothing. */
function checkUnreachable(rows: readonly Row[], reporter: Reporter): void {
  for (const { route, at } of rows) {
    const { allow, deny } = route.clients
    const closed = allow.length === 0 ? deny.filter((d) => d.endsWith('/0')).length > 0 : false
    const denied = (network: string) => deny.some((d) => isInside(network, d))
    if (closed || (allow.length > 0 && allow.every(denied))) {
      reporter.warning([...at, 'clients'], {
        code: 'shadowed',
        what: `${route.id} is never reached: deny covers every client that could come`,
        remedy: 'narrow deny; it is looked at before allow',
      })
    }
    const parent = enclosing(route, rows)
    if (parent !== null && sameEffect(route, parent)) {
      reporter.warning(at, {
        code: 'shadowed',
        what: `${route.id} changes nothing: ${parent.id} (line ${parent.line}) says the same for it`,
        remedy: 'remove it, or correct what should differ',
      })
    }
  }
}

/** The route that would answer for this one's path if it were not there. */
function enclosing(route: Route, rows: readonly Row[]): Route | null {
  let best: Route | null = null
  for (const { route: other } of rows) {
    if (other === route || other.matching !== 'prefix' || hostKey(other) !== hostKey(route))
      continue
    const under = other.path === '/' || route.path.startsWith(`${other.path}/`)
    if (
      under &&
      other.path !== route.path &&
      (best === null || other.path.length > best.path.length)
    ) {
      best = other
    }
  }
  return best
}

function sameEffect(a: Route, b: Route): boolean {
  if (a.prefixRewrite.kind !== 'keep' || b.prefixRewrite.kind !== 'keep') return false
  const plain = (r: Route) =>
    JSON.stringify({ ...r, id: '', service: '', path: '', matching: '', line: 0 })
  return plain(a) === plain(b)
}

function checkLandings(rows: readonly Row[], reporter: Reporter): void {
  for (const { route, at } of rows) {
    if (route.target.kind !== 'landing' || route.target.continueTo === null) continue
    const goal = route.target.continueTo
    const met = rows.some(({ route: other }) => {
      if (other === route || hostKey(other) !== hostKey(route)) return false
      const below = other.path === '/' || goal.startsWith(`${other.path}/`)
      return other.path === goal || (below && other.matching === 'prefix')
    })
    if (met) continue
    reporter.warning([...at, 'to', 'landing'], {
      code: 'landing-nowhere',
      what: `after signing in people go on to ${goal}, where this host has no route`,
      remedy: 'add the route, or correct the path',
    })
  }
}

/** Whether a sign-in can reach the route, and what is said of it the backend. */
function checkIdentity(
  { domain, loginHost }: TableDefinition,
  rows: readonly Row[],
  reporter: Reporter,
): void {
  for (const { route, at } of rows) {
    const name = route.host.kind === 'exact' ? route.host.host : route.host.suffix
    const foreign = name !== domain && !name.endsWith(`.${domain}`)
    if (foreign && asksForSignIn(route)) {
      // RFC 6265 §5.3: a browser keeps the domain's cookie from every other domain.
      reporter.warning([...at, 'host'], {
        code: 'cookie-foreign',
        what: `the session cookie of ${domain} never reaches ${name}: only tokens and networks get in there, whoever signed in at ${loginHost} does not`,
        remedy: `give it a name under ${domain}, or write access: public if it is for everyone`,
      })
    }
    const said = Object.values(route.identityHeaders)
    for (const [header] of route.requestHeaders.set) {
      if (!said.includes(header)) continue
      reporter.error([...at, 'requestHeaders'], {
        code: 'header-reserved',
        what: `${header} is set, and identityHeaders tells by it who asks`,
        remedy: 'remove it here, or give identityHeaders another name',
      })
    }
  }
}

function asksForSignIn({ policy }: Route): boolean {
  const policies = policy.kind === 'rules' ? policy.rules.map((rule) => rule.policy) : [policy]
  return policies.some(({ kind }) => kind === 'signed-in' || kind === 'members')
}

/** What other people on the way can read or forge. */
function checkTransport(
  definition: TableDefinition,
  rows: readonly Row[],
  reporter: Reporter,
): void {
  const plain = new Map<string, { at: Path; ids: string[] }>()
  const note = (target: UpstreamTarget, at: Path, id: string) => {
    if (target.scheme !== 'http' || !isPublicName(target.hostname)) return
    const found = plain.get(target.hostname)
    if (found === undefined) plain.set(target.hostname, { at, ids: [id] })
    else found.ids.push(id)
  }
  for (const { route, at } of rows) {
    if (route.target.kind !== 'upstream') continue
    note(
      route.target,
      route.target.vm === null ? [...at, 'to'] : ['vms', route.target.vm],
      route.id,
    )
    checkTls(route.target, [...at, 'to'], reporter)
  }
  if (definition.fallback !== null) {
    note(definition.fallback, ['fallback'], 'fallback')
    checkFallback(definition.fallback, rows, reporter)
  }
  for (const [hostname, { at, ids }] of plain) {
    const some = ids.slice(0, 3).join(', ')
    const more = ids.length > 3 ? ` and ${ids.length - 3} more` : ''
    reporter.warning(at, {
      code: 'plain-http',
      what: `plain HTTP goes over the internet to ${hostname} (${some}${more}): others can read it, and whoever may dial it can forge Remote-User`,
      remedy:
        'let its firewall admit the gateway alone, and use https or a tunnel such as WireGuard',
    })
  }
}

function checkTls({ tls, hostname }: UpstreamTarget, at: Path, reporter: Reporter): void {
  if (tls === null) return
  if (tls.insecureSkipUpstreamTlsVerify) {
    reporter.warning([...at, 'insecureSkipUpstreamTlsVerify'], {
      code: 'tls-unverified',
      what: 'any certificate is accepted: whoever sits between can read and change everything',
      remedy: 'name its CA with ca, and the name in its certificate with serverName',
    })
  } else if (tls.serverName === null && isIP(hostname) !== 0) {
    reporter.warning(at, {
      code: 'tls-name',
      what: `the certificate must carry the address ${hostname} itself, which few do`,
      remedy: 'write { url: ..., serverName: name in the certificate }',
    })
  }
}

/** Whoever invents a host name reaches the old proxy, and so a backend that does not look at the name. */
function checkFallback(target: UpstreamTarget, rows: readonly Row[], reporter: Reporter): void {
  const shared = rows.filter(
    (row) => keyOf(row.route) === upstreamKey(target) && isPrivate(row.route),
  )
  if (shared.length === 0) return
  reporter.warning(['fallback'], {
    code: 'fallback-shares-upstream',
    what: `everyone can reach ${upstreamKey(target)} by an unknown host name, and so perhaps ${list(shared)}`,
    remedy: 'make sure that the old proxy tells services apart by host name',
  })
}

function isPublicName(hostname: string): boolean {
  if (isIP(hostname) !== 0) return isPublicAddress(hostname)
  return (
    hostname.includes('.') && !/\.(?:internal|local|lan|localhost|home\.arpa|test)$/.test(hostname)
  )
}

function isPrivate(route: Route): boolean {
  return route.policy.kind !== 'public'
}

function keyOf(route: Route): string | null {
  return route.target.kind === 'upstream' ? upstreamKey(route.target) : null
}

function hostKey({ host }: Route): string {
  return host.kind === 'exact' ? host.host : `*.${host.suffix}`
}

function list(rows: readonly Row[]): string {
  return rows.map(({ route }) => `${route.id} (line ${route.line})`).join(', ')
}
