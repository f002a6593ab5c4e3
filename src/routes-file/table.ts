// The whole file as a TableDefinition: what the keys at the top mean, then row by row.

import { parseHost } from '../host.ts'
import type { Host, RateLimit, Route, TableDefinition, TrustedProxies } from '../model.ts'
import { readAlerts } from './alerts.ts'
import { nameFault, valueFault } from './header-edits.ts'
import { readName } from './host-pattern.ts'
import { readLogin } from './login.ts'
import type { Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import { type Row, readRow } from './route.ts'
import type { RawFile } from './schema.ts'
import { builtInSettings, readCidrs, readSettings } from './settings.ts'
import { readUpstream } from './upstream.ts'
import { readVms } from './vm.ts'

export interface ReadTable {
  readonly definition: TableDefinition
  readonly rows: readonly Row[]
}

export interface TableContext {
  readonly reporter: Reporter
  /** Line of the row at this position in the file. */
  readonly lineOf: (position: number) => number
  /** Where the rows that are left stand in the file. */
  readonly positions: readonly number[]
  /** VMs from which something was left out. */
  readonly damagedVms: ReadonlySet<string>
}

/** Requests per second and per client before anything is looked up: no person comes near, a flood is cut short. */
const builtInFlood: RateLimit = { perSecond: 300, burst: 600 }
/** People who signed in are known and few: they get ten times the room. */
const builtInSignedInFactor = 10

const builtInClasses: readonly (readonly [string, RateLimit])[] = [
  ['general', { perSecond: 100, burst: 50 }],
  ['login', { perSecond: 10, burst: 20 }],
  ['api', { perSecond: 50, burst: 30 }],
]

const builtInSecurityHeaders: readonly (readonly [string, string])[] = [
  ['strict-transport-security', 'max-age=31536000'],
  ['x-frame-options', 'SAMEORIGIN'],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'strict-origin-when-cross-origin'],
  ['permissions-policy', 'geolocation=(), microphone=(), camera=()'],
]

/** Reads everything that can be read; `null` when the domain is wrong, for no name can be read then. */
export function readTableDefinition(file: RawFile, context: TableContext): ReadTable | null {
  const { reporter, positions, lineOf } = context
  const domain = parseHost(file.domain)
  if (domain === null || /^[\d.]+$/.test(domain)) {
    reporter.error(['domain'], {
      code: 'host-invalid',
      what: `${quote(file.domain)} is no domain name`,
      remedy: 'write the domain of your services, such as example.com',
    })
    return null
  }
  const machines = readVms(file.vms, { damaged: context.damagedVms, reporter })
  const vms = machines.definitions
  const classes = new Map([...builtInClasses, ...Object.entries(file.limits?.classes ?? {})])
  const defaults = readSettings(file.defaults ?? {}, builtInSettings, {
    at: ['defaults'],
    deps: { classes, reporter },
  })
  const deps = { domain, vms, alwaysOn: machines.alwaysOn, classes, defaults, reporter }
  const rows: Row[] = []
  for (const [index, raw] of file.routes.entries()) {
    const position = positions[index] ?? index
    const row = readRow(raw, ['routes', position], { line: lineOf(position), deps })
    if (row !== null) rows.push(row)
  }
  const routes = rows.filter((row) => !row.disabled).map((row) => row.route)
  const fallback =
    file.fallback === undefined ? null : readUpstream(file.fallback, ['fallback'], deps)
  const acmeFallback =
    file.acmeFallback === undefined ? null : readUpstream(file.acmeFallback, ['acmeFallback'], deps)
  const loginHost = readLoginHost(file, { domain, routes, reporter })
  const definition: TableDefinition = {
    version: 1,
    domain,
    loginHost,
    login: readLogin(file.login, { domain, loginHost, reporter }),
    trustedProxies: readTrustedProxies(file, reporter),
    originPullCaFile: file.originPull?.ca ?? null,
    vms: [...vms.values()],
    alerts: readAlerts(file.alerts, reporter),
    routes,
    disabled: rows.filter((row) => row.disabled).map((row) => row.route),
    fallback,
    acmeFallback,
    floodLimit: file.limits?.flood ?? builtInFlood,
    signedInFactor: file.limits?.signedInFactor ?? builtInSignedInFactor,
    onWeakerAccess: file.onWeakerAccess ?? 'alert',
    securityHeaders: readSecurityHeaders(file, reporter),
  }
  return { definition, rows }
}

/** `login.host`, or the only host whose route says `to: login`. */
function readLoginHost(
  file: RawFile,
  context: {
    readonly domain: Host
    readonly routes: readonly Route[]
    readonly reporter: Reporter
  },
): Host {
  const { domain, routes, reporter } = context
  const hosts = routes.flatMap(({ target, host }) =>
    target.kind === 'app' && target.app === 'login' && host.kind === 'exact' ? [host.host] : [],
  )
  const written = file.login?.host
  const wanted = written === undefined ? (hosts[0] ?? null) : readName(written, domain)
  const at: Path = written === undefined ? ['routes'] : ['login', 'host']
  if (wanted === null || !hosts.includes(wanted)) {
    const name = written ?? 'auth'
    reporter.error(at, {
      code: 'login-missing',
      what:
        wanted === null && written !== undefined
          ? `${quote(written)} is no host name`
          : 'no route leads to the login page',
      remedy: `add the route { host: ${name}, to: login, access: public }`,
    })
    return wanted ?? domain
  }
  if (written === undefined && new Set(hosts).size > 1) {
    reporter.error(at, {
      code: 'login-ambiguous',
      what: `several routes lead to the login page (${hosts.join(', ')})`,
      remedy: 'say which one people are sent to: login: { host: auth }',
    })
  }
  // The session cookie is for the domain: a login page elsewhere could not set it (RFC 6265 §5.3).
  if (wanted !== domain && !wanted.endsWith(`.${domain}`)) {
    reporter.error(at, {
      code: 'login-foreign',
      what: `the login page ${wanted} is outside ${domain} and could not sign anybody in there`,
      remedy: 'give the login page a name under the domain',
    })
  }
  return wanted
}

function readTrustedProxies(file: RawFile, reporter: Reporter): TrustedProxies {
  const value = file.trustedProxies
  if (value === undefined || value === 'none') return { kind: 'none' }
  if (value === 'cloudflare') return { kind: 'cloudflare' }
  const at: Path = ['trustedProxies']
  const cidrs = readCidrs(value, at, reporter) ?? []
  for (const [index, cidr] of cidrs.entries()) {
    if (!cidr.endsWith('/0')) continue
    reporter.error([...at, index], {
      code: 'trusts-everyone',
      what: 'trusts everyone: any client could claim any address',
      remedy: 'name the networks of your own proxies',
    })
  }
  return { kind: 'list', cidrs }
}

function readSecurityHeaders(
  file: RawFile,
  reporter: Reporter,
): readonly (readonly [string, string])[] {
  const headers = new Map(builtInSecurityHeaders)
  for (const [name, value] of Object.entries(file.securityHeaders ?? {})) {
    const at: Path = ['securityHeaders', name]
    const fault = nameFault(name, 'response') ?? (value === false ? null : valueFault(value))
    if (fault !== null) reporter.error(at, fault)
    if (value === false) headers.delete(name.toLowerCase())
    else headers.set(name.toLowerCase(), value)
  }
  return [...headers]
}
