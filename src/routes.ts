// The route table as requests see it: match(host, path). Hot path.

import { GatehouseError } from './errors.ts'
import type { Gate } from './gate.ts'
import type {
  CanonicalPath,
  HeaderEdits,
  Host,
  Policy,
  RateLimit,
  Route,
  TableDefinition,
  UpstreamTarget,
  UserId,
} from './model.ts'
import { foldPath } from './path-case.ts'

/** Header edits with their secrets filled in. */
export interface RuntimeHeaderEdits {
  /** Flat list: name, value, name, value. Names are lower-case. */
  readonly set: readonly string[]
  /** Names taken away before `set` is applied; includes the names that are set. Lower-case. */
  readonly remove: ReadonlySet<string>
}

/** An address range that counts as a person. */
export interface RuntimeNetwork {
  readonly includes: (address: string) => boolean
  readonly cidr: string
  readonly user: UserId
  readonly mayWake: boolean
}

/** A route made ready: everything that can be computed before a request is. */
export interface RuntimeRoute {
  readonly definition: Route
  readonly id: string
  readonly policy: Policy
  /** Position in the table: index of per-route counters. */
  readonly index: number
  /** `null` when there is nothing to edit, which is the usual case. */
  readonly requestEdits: RuntimeHeaderEdits | null
  readonly responseEdits: RuntimeHeaderEdits | null
  /** `null`: every client address is welcome. */
  readonly clientAllowed: ((address: string) => boolean) | null
  /** Addresses that count as a person; `null`: none do. */
  readonly networks: readonly RuntimeNetwork[] | null
  /** TLS to the backend carries the visitor's server name: a fallback's, in front of another proxy. */
  readonly keepServerName: boolean
  readonly limit: RateLimit
  /** Prefix of this limit's buckets: routes of one rate share them, as the classes of product limits do. */
  readonly limitKey: string
  /** `limit` with the room a signed-in person has. */
  readonly signedInLimit: RateLimit
  /** The door of a machine that sleeps; `null`: one that is always on. */
  readonly gate: Gate | null
  /** Where forwarded requests go; `null` for routes that Gatehouse answers itself. */
  readonly upstream: UpstreamTarget | null
}

export interface RouteTable {
  readonly definition: TableDefinition
  readonly routes: readonly RuntimeRoute[]
  /** Takes what no route takes, while a move is under way; `null`: unknown is refused. */
  readonly fallback: RuntimeRoute | null
  /** Takes certificate challenges on the plain port, while a move is under way; `null`: nobody does. */
  readonly acme: RuntimeRoute | null
  /**
   * The route for a request: exact host before wildcard (longest suffix first), then the longest path,
   * on segment borders.
   *
   * @returns `null`: no route, or one that is switched off. A table without a matching route refuses; there is no implicit default.
   */
  match(host: Host, path: CanonicalPath): RuntimeRoute | null
  /**
   * Whether a private route guards this path for a backend that does not tell upper from lower case, as Express by
   * default and IIS do not: `/ADMIN` beside a private `/admin`.
   *
   * @param matched the public route that takes the path as it is spelt.
   */
  guardsIgnoringCase(host: Host, path: CanonicalPath, matched: RuntimeRoute): boolean
  /** Whether any route is for this host, those that are switched off included. */
  knows(host: Host): boolean
}

export interface RouteTableDeps {
  /** Value of a secret, or `null` when it is not there. */
  readonly secret: (name: string) => string | null
  /** Compiles CIDR lists to a membership test. */
  readonly compileCidrs: (cidrs: readonly string[]) => (address: string) => boolean
  /** The door of a machine that sleeps when nobody needs it; absent: none does. */
  readonly gateFor?: (target: UpstreamTarget) => Gate | null
  /** A route's path in the spelling that request targets are read in. */
  readonly canonicalRoutePath: (path: string) => CanonicalPath
}

interface Entry {
  readonly path: string
  readonly foldedPath: string
  readonly exact: boolean
  /** `null`: the place of a route that is switched off. */
  readonly route: RuntimeRoute | null
}

/**
 * Builds a table from a checked definition.
 *
 * @throws GatehouseError `secret-missing` when a header value names a secret that is not configured.
 */
export function createRouteTable(definition: TableDefinition, deps: RouteTableDeps): RouteTable {
  const routes = definition.routes.map((route, index) =>
    prepare({ route, index, signedInFactor: definition.signedInFactor }, deps),
  )
  const exact = new Map<string, Entry[]>()
  const wildcard = new Map<string, Entry[]>()
  let anyFolded = false
  const add = ({ host, path, matching }: Route, route: RuntimeRoute | null): void => {
    const hosts = host.kind === 'exact' ? exact : wildcard
    const name = host.kind === 'exact' ? host.host : host.suffix
    const entries = hosts.get(name) ?? []
    const canonical = deps.canonicalRoutePath(path)
    const foldedPath = foldPath(canonical)
    anyFolded ||= foldedPath !== canonical
    entries.push({ path: canonical, foldedPath, exact: matching === 'exact', route })
    hosts.set(name, entries)
  }
  for (const route of routes) add(route.definition, route)
  for (const route of definition.disabled) add(route, null)
  // Longest first; an exact match of the same path is looked at before the prefix.
  const order = (a: Entry, b: Entry) =>
    b.path.length - a.path.length || Number(b.exact) - Number(a.exact)
  for (const entries of exact.values()) entries.sort(order)
  for (const entries of wildcard.values()) entries.sort(order)

  function match(host: Host, path: CanonicalPath): RuntimeRoute | null {
    const entries = entriesOf(host)
    return entries === undefined ? null : find(entries, path)
  }

  function guardsIgnoringCase(host: Host, path: CanonicalPath, matched: RuntimeRoute): boolean {
    const folded = foldPath(path)
    if (folded === path && !anyFolded) return false
    let length = 0
    let guarded = false
    let both = false
    for (const { foldedPath, exact: whole, route } of entriesOf(host) ?? []) {
      if (foldedPath.length < length || !covers(foldedPath, whole, folded)) continue
      if (foldedPath.length > length) {
        length = foldedPath.length
        guarded = false
        both = false
      }
      // A table that has both spellings means both.
      if (route === matched) both = true
      else if (route?.policy.kind !== 'public') guarded = true
    }
    return guarded && !both
  }

  /** A host with routes of its own never falls through to a wildcard: what was meant to be closed stays closed. */
  function entriesOf(host: string): readonly Entry[] | undefined {
    const own = exact.get(host)
    if (own !== undefined || wildcard.size === 0) return own
    let dot = host.indexOf('.')
    while (dot !== -1) {
      const entries = wildcard.get(host.slice(dot + 1))
      if (entries !== undefined) return entries
      dot = host.indexOf('.', dot + 1)
    }
    return undefined
  }

  const ours = (
    target: UpstreamTarget | null,
    row: { id: string; path: string; index: number },
  ): RuntimeRoute | null => {
    if (target === null) return null
    const route = passingRoute(target, row, definition)
    return prepare({ route, index: row.index, signedInFactor: definition.signedInFactor }, deps)
  }
  const { fallback, acmeFallback } = definition
  return {
    definition,
    routes,
    fallback: ours(fallback, { id: fallbackId, path: '/', index: routes.length }),
    acme: ours(acmeFallback, { id: '*acme', path: acmePath, index: routes.length + 1 }),
    match,
    guardsIgnoringCase,
    knows: (host) => entriesOf(host) !== undefined,
  }
}

const fallbackId = '*fallback'
/** RFC 8555 §8.3. */
export const acmePath = '/.well-known/acme-challenge'

/** The old proxy behind us does its own sign-in, so nothing is asked here and nothing is changed. */
function passingRoute(
  target: UpstreamTarget,
  row: { id: string; path: string },
  definition: TableDefinition,
): Route {
  return {
    id: row.id,
    service: row.id.slice(1),
    host: { kind: 'wildcard', suffix: definition.domain },
    path: row.path,
    matching: 'prefix',
    policy: { kind: 'public' },
    target,
    prefixRewrite: { kind: 'keep' },
    upstreamHost: { kind: 'keep' },
    requestHeaders: { set: [], remove: [] },
    responseHeaders: { set: [], remove: [] },
    timeouts: { connectMs: 5_000, headersMs: 60_000, idleMs: 600_000 },
    maxBodyBytes: null,
    clients: { allow: [], deny: [] },
    rateLimit: definition.floodLimit,
    webSocket: true,
    encodedSlashes: true,
    cloudflareOnly: false,
    allowedOrigins: [],
    networks: [],
    identityHeaders: { user: null, name: null, email: null, groups: null, assertion: null },
    parentCookies: true,
    wake: 'never',
    countsAsUse: 'auto',
    maintenance: null,
    line: 0,
  }
}

function find(entries: readonly Entry[], path: string): RuntimeRoute | null {
  for (const entry of entries) if (covers(entry.path, entry.exact, path)) return entry.route
  return null
}

/** `/api` covers `/api/x`, not `/apiary`; `/` covers everything. */
function covers(prefix: string, exact: boolean, path: string): boolean {
  if (path.length === prefix.length) return path === prefix
  if (exact || path.length < prefix.length || !path.startsWith(prefix)) return false
  return prefix.length === 1 || path.charCodeAt(prefix.length) === 0x2f
}

function prepare(
  row: { route: Route; index: number; signedInFactor: number },
  deps: RouteTableDeps,
): RuntimeRoute {
  const { route, index, signedInFactor } = row
  const { allow, deny } = route.clients
  return {
    definition: route,
    id: route.id,
    policy: route.policy,
    index,
    requestEdits: prepareEdits(route, withoutForgedIdentity(route), deps),
    responseEdits: prepareEdits(route, route.responseHeaders, deps),
    networks:
      route.networks.length === 0
        ? null
        : route.networks.map(({ cidr, user, mayWake }) => ({
            includes: deps.compileCidrs([cidr]),
            cidr,
            user,
            mayWake,
          })),
    clientAllowed:
      allow.length === 0 && deny.length === 0
        ? null
        : clientTest(
            allow.length === 0 ? null : deps.compileCidrs(allow),
            deny.length === 0 ? null : deps.compileCidrs(deny),
          ),
    limit: route.rateLimit,
    limitKey: `${route.rateLimit.perSecond}/${route.rateLimit.burst} `,
    signedInLimit: {
      perSecond: route.rateLimit.perSecond * signedInFactor,
      burst: route.rateLimit.burst * signedInFactor,
    },
    keepServerName: route.id === fallbackId,
    gate: route.target.kind === 'upstream' ? (deps.gateFor?.(route.target) ?? null) : null,
    upstream: route.target.kind === 'upstream' ? route.target : null,
  }
}

function clientTest(
  allowed: ((address: string) => boolean) | null,
  denied: ((address: string) => boolean) | null,
): (address: string) => boolean {
  return (address) => {
    if (denied?.(address)) return false
    return allowed === null || allowed(address)
  }
}

/**
 * What names a person to this backend must come from us alone. `Remote-…` and the like are stripped from every request
 * (proxy/header-names.ts); a name of the route's own choice is stripped here.
 */
function withoutForgedIdentity(route: Route): HeaderEdits {
  const { user, name, email, groups, assertion } = route.identityHeaders
  const remove = [...route.requestHeaders.remove]
  for (const header of [user, name, email, groups, assertion]) {
    if (header === null || header.startsWith('remote-') || header.startsWith('x-gatehouse-'))
      continue
    remove.push(header)
  }
  return { set: route.requestHeaders.set, remove }
}

function prepareEdits(
  route: Route,
  edits: HeaderEdits,
  deps: RouteTableDeps,
): RuntimeHeaderEdits | null {
  if (edits.set.length === 0 && edits.remove.length === 0) return null
  const set: string[] = []
  const remove = new Set(edits.remove)
  for (const [name, value] of edits.set) {
    remove.add(name)
    set.push(name, typeof value === 'string' ? value : secretValue(route, name, value.secret, deps))
  }
  return { set, remove }
}

function secretValue(route: Route, header: string, name: string, deps: RouteTableDeps): string {
  const value = deps.secret(name)
  if (value !== null) return value
  throw new GatehouseError(
    'secret-missing',
    `route ${route.id} (line ${route.line}) sets the header ${header} from the secret ${name}, which is not configured`,
    { remedy: `set GATEHOUSE_SECRET_${name} or GATEHOUSE_SECRET_${name}_FILE` },
  )
}
