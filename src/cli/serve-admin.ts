// The admin application of a running gateway: what it may know and do, gathered. Loaded when somebody opens it.

import { statfs } from 'node:fs/promises'
import { createAdminApp } from '../admin/app.ts'
import type { AdminContext } from '../admin/context.ts'
import type { Application } from '../app.ts'
import type { Config } from '../config.ts'
import type { RateLimit, TableDefinition } from '../model.ts'
import type { Certificates } from '../proxy/certificates.ts'
import type { Upstreams } from '../proxy/upstreams.ts'
import type { RouteActivity } from '../route-activity.ts'
import type { RouteTable } from '../routes.ts'
import type { Reloader } from '../routes-file/reload.ts'
import { type AdminRoutesDeps, createAdminRoutes } from './admin-routes.ts'
import { listed } from './doctor/finding.ts'
import { clockSkews, middleOf } from './doctor/targets.ts'
import type { Output } from './serve-output.ts'
import type { AdminPeople } from './serve-people.ts'
import type { ServeDeps } from './serve-types.ts'
import type { Wake } from './serve-wake.ts'
import { mayAdminister } from './table-places.ts'
import { targetState } from './target-state.ts'
import { every } from './timers.ts'

export interface AdminParts
  extends Pick<
    ServeDeps,
    'environment' | 'memoryUsage' | 'nodeVersion' | 'startedAt' | 'undoMs' | 'version'
  > {
  readonly config: Config
  readonly table: () => RouteTable
  readonly publicPort: () => number
  readonly people: AdminPeople
  readonly output: Output
  readonly certificates: Certificates
  readonly reloader: Pick<Reloader, 'counters' | 'reload'>
  readonly upstreams: Pick<Upstreams, 'find'>
  readonly wake: Wake
  readonly activity: Pick<RouteActivity, 'lastError' | 'lastHour'>
  /** Asks a backend whether it answers, within the rules for addresses. */
  readonly askPort: AdminRoutesDeps['askPort']
  /** Wall clock, whole milliseconds. */
  readonly now: () => number
  readonly randomBytes: (size: number) => Buffer
}

/** A page waits for it. */
const clockMs = 500

export function createAdmin(parts: AdminParts): Application {
  const { people, table, wake, certificates, output, config, now } = parts
  const definition = () => table().definition
  const context: AdminContext = {
    users: people.users,
    sessions: people.sessions,
    tokens: people.tokens,
    audit: people.audit,
    settings: people.settings,
    peopleChanged: people.changed,
    mayAdminister: (user) => mayAdminister(table(), user),
    entrances: people.entrances,
    login: () => definition().login,
    loginHost: () => definition().loginHost,
    publicPort: parts.publicPort,
    isRouted: (host) => host !== definition().loginHost && table().knows(host),
    routes: createAdminRoutes({
      ...parts,
      user: people.sessions.user,
      undone: (by) =>
        people.audit.write({
          at: now(),
          event: 'routes-undone',
          actor: 'gateway',
          user: null,
          client: null,
          request: null,
          details: { by },
        }),
      log: output.log,
    }),
    activityOf: (id) => ({
      lastHour: parts.activity.lastHour(id),
      lastError: parts.activity.lastError(id),
    }),
    targetState: (id) => targetState(table(), id, parts),
    machines: () => (definition().vms.some(({ power }) => power !== null) ? wake.desk : null),
    certificates: {
      status: certificates.status,
      problems: certificates.problems,
      lastReloadAt: certificates.changedAt,
      reload: certificates.reload,
    },
    bans: {
      list: () => people.bans.list().map((ban) => ({ ...ban, why: 'too many failed sign-ins' })),
      lift: people.bans.lift,
    },
    lockdown: people.lockdown,
    health: output.health,
    metrics: output.metrics.render,
    async report() {
      const { rss, heapUsed } = parts.memoryUsage()
      return {
        version: parts.version,
        node: parts.nodeVersion,
        startedAt: parts.startedAt,
        memory: { residentBytes: rss, heapUsedBytes: heapUsed },
        disk: await diskOf(config.dataDir),
        clockOffMs: await clockOff(parts),
        problems: problemsOf(parts),
        limits: limitsOf(definition()),
        alerts: wake.alerts.recent(),
      }
    },
    now,
    every,
    randomBytes: parts.randomBytes,
    log: output.log,
    version: parts.version,
  }
  return createAdminApp(context)
}

async function diskOf(folder: string): Promise<{ freeBytes: number; totalBytes: number } | null> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  } catch {
    // Somewhere else it would be an error; here it is a gap in a page about how things are.
    return null
  }
}

/** Backends that answered lately, and no machine that may sleep: nothing is woken to ask for the time. */
async function clockOff({ table, upstreams, now }: AdminParts): Promise<number | null> {
  const targets = table().routes.flatMap(({ upstream, gate }) => {
    if (upstream === null || gate !== null) return []
    return upstreams.find(upstream)?.state().failingSince === null ? [upstream] : []
  })
  return middleOf(await clockSkews(targets, { now, timeoutMs: clockMs }))
}

/** What a person should look at, in sentences. */
function problemsOf({ reloader, certificates }: AdminParts): string[] {
  const { problems, heldChanges } = reloader.counters()
  const said = problems
    .filter(({ severity }) => severity === 'error')
    .map(({ line, what, remedy }) => `routes.yaml line ${line}: ${what}; ${remedy}`)
  if (heldChanges.length > 0) {
    said.push(`routes.yaml would weaken access in ${heldChanges.length} places, and is held back.`)
  }
  for (const { file, what, remedy } of certificates.problems()) {
    said.push(`Certificate ${file}: ${what}; ${remedy}`)
  }
  return said
}

/** Services of one limit that are named; of more, nobody reads the names. */
const mostNamed = 8

function limitsOf(definition: TableDefinition): { name: string; words: string }[] {
  const words = ({ perSecond, burst }: RateLimit) => `${perSecond} a second, ${burst} at once`
  const services = new Map<string, Set<string>>()
  for (const { rateLimit, service } of definition.routes) {
    const rate = words(rateLimit)
    services.set(rate, (services.get(rate) ?? new Set()).add(service))
  }
  const fewestFirst = [...services].toSorted(([, a], [, b]) => a.size - b.size)
  const nameOf = (names: ReadonlySet<string>, isLast: boolean) =>
    isLast && names.size > mostNamed ? 'everything else' : listed([...names])
  return [
    { name: 'before anything', words: words(definition.floodLimit) },
    ...fewestFirst.map(([rate, names], index) => ({
      name: nameOf(names, index === fewestFirst.length - 1),
      words: rate,
    })),
    {
      name: 'people who are signed in',
      words: `${definition.signedInFactor} times as much, counted per session`,
    },
  ]
}
