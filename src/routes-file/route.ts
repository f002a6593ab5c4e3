// One row of `routes:` as a Route.

import type { Host, HostPattern, PrefixRewrite, Route, Target, VmDefinition } from '../model.ts'
import { readHostPattern, readName, shortHost } from './host-pattern.ts'
import { readPolicy } from './policy.ts'
import type { Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import { readPath } from './route-path.ts'
import type { RawRoute } from './schema.ts'
import { readSettings, type Settings, type SettingsDeps } from './settings.ts'
import { readTarget } from './target.ts'

/** A route and what is known of its row; for the checks that compare routes. */
export interface Row {
  readonly route: Route
  /** `['routes', 3]` */
  readonly at: Path
  /** Ids in `sharesUpstreamWith`. */
  readonly acknowledged: readonly string[]
  /** Read and checked by itself, and compared with nothing: it opens and shadows nothing. */
  readonly disabled: boolean
}

export interface RowDeps extends SettingsDeps {
  readonly domain: Host
  readonly vms: ReadonlyMap<string, VmDefinition>
  /** VMs that nobody starts and stops. */
  readonly alwaysOn: ReadonlySet<string>
  readonly defaults: Settings
  readonly reporter: Reporter
}

const defaultMaintenance = 'This service is being worked on.'

/** Reads a row; `null` when host, path or target is wrong, for then there is nothing to compare. */
export function readRow(
  raw: RawRoute,
  at: Path,
  context: { line: number; deps: RowDeps },
): Row | null {
  const { line, deps } = context
  const { domain, reporter } = deps
  const host = readHost(raw, at, deps)
  const path = readRoutePath(raw, at, reporter)
  const target = readTarget(raw.to, [...at, 'to'], deps)
  const policy = readPolicy(raw.access, [...at, 'access'], reporter)
  const settings = readSettings(raw, deps.defaults, { at, deps })
  const prefixRewrite = readRewrite(raw, at, reporter)
  if (target !== null) noteIneffective(raw, at, { target, deps })
  if (host === null || path === null || target === null) return null
  const id = `${shortHost(host, domain)}${path}`
  const app = target.kind === 'app' ? target.app : null
  if (app !== null) checkApp(raw, at, { app, host, path, reporter })
  const service = raw.service ?? id
  const route: Route = {
    id,
    service,
    host,
    path,
    matching: app !== null || (raw.prefix ?? policy.kind !== 'public') ? 'prefix' : 'exact',
    policy,
    target: target.kind === 'landing' ? { ...target, service } : target,
    prefixRewrite,
    ...settings,
    rateLimit: settings.rateLimit ?? rateClass(app === null ? 'general' : 'login', deps),
    wake: settings.wake ?? (policy.kind === 'public' ? 'manual' : 'navigation'),
    maintenance: raw.maintenance === true ? defaultMaintenance : raw.maintenance || null,
    line,
  }
  const acknowledged = readAcknowledged(raw, domain)
  return { route, at, acknowledged, disabled: raw.disabled ?? false }
}

function readHost(raw: RawRoute, at: Path, deps: RowDeps): HostPattern | null {
  const pattern = readHostPattern(raw.host, deps.domain)
  if (pattern !== null) return pattern
  deps.reporter.error([...at, 'host'], {
    code: 'host-invalid',
    what: `${quote(raw.host)} is no host name`,
    remedy: "write a name under the domain (photos), '@', '*', '*.x' or a full name",
  })
  return null
}

function readRoutePath(raw: RawRoute, at: Path, reporter: Reporter): string | null {
  const read = readPath(raw.path ?? '/')
  if ('path' in read) return read.path
  reporter.error([...at, 'path'], read)
  return null
}

function readRewrite(raw: RawRoute, at: Path, reporter: Reporter): PrefixRewrite {
  const value = raw.prefixRewrite
  if (value === undefined || value === 'keep') return { kind: 'keep' }
  if (value === 'strip') return { kind: 'strip' }
  const read = readPath(value.replace)
  if ('path' in read) return { kind: 'replace', with: read.path }
  reporter.error([...at, 'prefixRewrite', 'replace'], read)
  return { kind: 'keep' }
}

function rateClass(name: string, deps: RowDeps): Route['rateLimit'] {
  return deps.classes.get(name) ?? { perSecond: 100, burst: 50 }
}

/** Names are given as ids; `photos` is short for `photos/`. */
function readAcknowledged(raw: RawRoute, domain: Host): readonly string[] {
  return (raw.sharesUpstreamWith ?? []).map((text) => {
    const slash = text.indexOf('/')
    const hostText = slash === -1 ? text : text.slice(0, slash)
    const path = slash === -1 ? '/' : text.slice(slash)
    const name = readName(hostText, domain)
    return `${name === null ? hostText : shortHost({ kind: 'exact', host: name }, domain)}${path}`
  })
}

/** Login and admin pages hold the keys of the house: one host each, with nothing else on it. */
function checkApp(
  raw: RawRoute,
  at: Path,
  found: { app: string; host: HostPattern; path: string; reporter: Reporter },
): void {
  const { app, host, path, reporter } = found
  if (host.kind === 'wildcard' || path !== '/') {
    reporter.error([...at, host.kind === 'wildcard' ? 'host' : 'path'], {
      code: 'app-host',
      what: `to: ${app} needs one host of its own`,
      remedy: 'write a plain host and no path',
    })
  }
  if (raw.prefix === false) {
    reporter.error([...at, 'prefix'], {
      code: 'app-host',
      what: `to: ${app} has pages at paths of its own`,
      remedy: 'remove prefix',
    })
  }
  if (app === 'login' && raw.access !== 'public') {
    reporter.error(raw.access === undefined ? at : [...at, 'access'], {
      code: 'login-closed',
      what: 'asks for a login on the login page: nobody could ever sign in',
      remedy: 'write access: public',
    })
  }
}

const upstreamOnly = [
  'prefixRewrite',
  'upstreamHost',
  'requestHeaders',
  'timeouts',
  'webSocket',
  'sharesUpstreamWith',
  'identityHeaders',
  'parentCookies',
] as const

function noteIneffective(
  raw: RawRoute,
  at: Path,
  context: { readonly target: Target; readonly deps: RowDeps },
): void {
  const { target } = context
  const { alwaysOn, reporter } = context.deps
  const vm = target.kind === 'upstream' ? target.vm : null
  for (const key of ['wake', 'countsAsUse'] as const) {
    if (raw[key] === undefined || (vm !== null && !alwaysOn.has(vm))) continue
    reporter.warning([...at, key], {
      code: 'no-effect',
      what: `has no effect: ${vm === null ? 'the route leads to no VM' : `${vm} has no power, so it never sleeps`}`,
      remedy:
        vm === null ? 'write vm:port in to, or remove this' : 'add power to it, or remove this',
    })
  }
  if (target.kind === 'upstream') return
  for (const key of upstreamOnly) {
    if (raw[key] === undefined) continue
    reporter.warning([...at, key], {
      code: 'no-effect',
      what: 'has no effect: Gatehouse answers this route itself',
      remedy: 'remove it',
    })
  }
}
