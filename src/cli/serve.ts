// `gatehouse serve`: puts the parts together and runs them. The only place where all of them meet.

import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns'
import { mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Application } from '../app.ts'
import { stackOf } from '../caught.ts'
import { monotonicClock, steadyClock } from '../clock.ts'
import type { Config } from '../config.ts'
import { GatehouseError } from '../errors.ts'
import { createFlights } from '../flights.ts'
import { createGateway } from '../gateway.ts'
import { createLimiter } from '../limits.ts'
import type { Host, TableDefinition } from '../model.ts'
import { inheritedSockets } from '../proxy/activation.ts'
import type { Endpoint } from '../proxy/bind.ts'
import { createCertificates } from '../proxy/certificates.ts'
import { compileCidrs } from '../proxy/cidr.ts'
import { clientAddress } from '../proxy/client-address.ts'
import { cloudflareListUrl, createCloudflareRanges } from '../proxy/cloudflare.ts'
import { Http1Exchange } from '../proxy/http1.ts'
import { Http2Exchange } from '../proxy/http2.ts'
import { createListener, type ListenHandlers } from '../proxy/listen.ts'
import { guardedLookup, resolveWithin } from '../proxy/lookup.ts'
import { canonicalRoutePath } from '../proxy/target.ts'
import { createTrust, type Trust } from '../proxy/trust.ts'
import { createUpstreams } from '../proxy/upstreams.ts'
import { createRequestIds } from '../request-id.ts'
import { createRouteActivity } from '../route-activity.ts'
import { acmePath, createRouteTable, type RouteTable } from '../routes.ts'
import { forbiddenAddress } from '../routes-file/addresses.ts'
import { createReloader } from '../routes-file/reload.ts'
import { fetchText } from './fetch-text.ts'
import { readKeyFile } from './key-material.ts'
import { readOriginPullCa } from './origin-pull-file.ts'
import { createOutput } from './serve-output.ts'
import { createPeople, type People } from './serve-people.ts'
import type { Serve, ServeDeps } from './serve-types.ts'
import { createWake } from './serve-wake.ts'
import { createServiceList } from './service-list.ts'
import { uncoveredHosts } from './table-hosts.ts'
import { every } from './timers.ts'
import { undoAtStart } from './undo-at-start.ts'

/** How often deadlines are looked at and the coarse clock moves, milliseconds. */
const sweepMs = 500
/** How often unused connections to backends are forgotten, milliseconds. */
const housekeepingMs = 10_000
/** How long a table waits for the addresses of its names; they are looked at again whenever they are dialled. */
const resolveMs = 2_000
const minuteMs = 60_000
const cloudflareRefreshMs = 24 * 60 * 60 * 1000

export const serve: Serve = async (config, deps) => {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
  const now = monotonicClock(deps.now)
  const output = createOutput(config, deps)
  const { log } = output
  const closers: (() => void)[] = []
  try {
    return await start(config, { ...deps, now, wallNow: deps.now }, { output, closers })
  } catch (error) {
    for (const close of closers) close()
    // What is wrong is said by whoever asked for the start; the log needs to know that there was none.
    log.error('start-failed', { code: error instanceof GatehouseError ? error.code : 'internal' })
    await output.close()
    throw error
  }
}

async function start(
  config: Config,
  deps: ServeDeps & { readonly wallNow: () => number },
  parts: { output: ReturnType<typeof createOutput>; closers: (() => void)[] },
): ReturnType<Serve> {
  const { output, closers } = parts
  const { log, metrics } = output
  const { now } = deps

  // The table, and what changes with it
  const cloudflare = createCloudflareRanges({
    file: join(config.dataDir, 'cloudflare-ips.json'),
    fetchText: () => fetchText(cloudflareListUrl),
  })
  await cloudflare.load()
  let current: { readonly table: RouteTable; readonly trust: Trust } | null = null
  const inForce = () => {
    if (current === null) throw new GatehouseError('not-started', 'no table is in force')
    return current
  }
  // Their visitors get no page and the access log no line, so this is the only place that can say why.
  let covers: ((host: Host) => boolean) | null = null
  let uncovered = ''
  let people: People | null = null
  const warnOfUncovered = () => {
    if (covers === null) return
    const hosts = uncoveredHosts(inForce().table.definition, covers).join(' ')
    if (hosts !== '' && hosts !== uncovered) {
      const remedy = `put a certificate for them into ${config.certsDir}`
      log.warn('hosts-without-certificate', { hosts, remedy })
    }
    uncovered = hosts
  }
  const flights = createFlights(steadyClock())
  let publicPort = config.publicPort ?? config.https?.port ?? 443
  const guarded = guardedLookup(deps.lookup ?? lookup, forbiddenAddress)
  const wake = createWake(config, {
    output,
    flights: flights.list,
    table: () => inForce().table,
    publicPort: () => publicPort,
    lookup: guarded,
    // As it is set: budgets and schedules are about hours that people know.
    now: deps.wallNow,
    random: Math.random,
    environment: deps.environment,
    holdLimits: deps.holdLimits ?? {},
    audit: (entry) => people?.audit(entry),
    isKnownClient: (network) => people?.isKnownClient(network) ?? false,
  })
  closers.push(wake.leave)
  const apply = (definition: TableDefinition) => {
    const { secret } = config
    wake.checkTable(definition)
    const gateFor = wake.gateFor(definition)
    const table = createRouteTable(definition, {
      secret,
      compileCidrs,
      canonicalRoutePath,
      gateFor,
    })
    const trust = createTrust(definition.trustedProxies, cloudflare.includes)
    people?.checkTable(definition)
    if (current !== null) warnOfRestart(current.table.definition, definition, log)
    current = { table, trust }
    warnOfUncovered()
    wake.tableChanged()
    people?.tableChanged()
  }
  const reloader = createReloader({
    file: config.routesFile,
    snapshotFile: config.snapshotFile,
    apply,
    log,
    now: deps.now,
    edition: deps.version,
    resolve: resolveWithin(deps.lookup ?? lookup, resolveMs),
  })
  closers.push(reloader.close)
  await undoAtStart(config, log)
  const first = await reloader.start()

  // Certificates
  const originPullCa = readOriginPullCa(first, config.routesFile)
  const certificates = createCertificates({
    folder: config.certsDir,
    originPullCa,
    now: deps.now,
    onProblem: (problem) => log.warn('certificate-problem', { ...problem }),
    onLoaded: (count) => {
      log.info('certificates-loaded', { count })
      warnOfUncovered()
    },
  })
  covers = certificates.covers
  closers.push(certificates.close)
  await certificates.load()

  // Requests
  people = await createPeople(config, {
    output,
    flights,
    table: () => inForce().table,
    publicPort: () => publicPort,
    admin: loadAdmin,
    services: createServiceList(() => inForce().table, {
      ...{ wake, publicPort: () => publicPort, now: deps.wallNow },
      upstreams: { find: (target) => upstreams.find(target) },
    }),
    machines: wake.desk,
    alerts: wake.alerts,
    // As it is set, back or forth: codes, tokens and assertions are compared with other people's clocks.
    now: deps.wallNow,
  })
  const { identify, identityHeaders, applications } = people
  closers.push(() => void people?.close())
  await people.listen()
  async function loadAdmin(): Promise<Application> {
    const { createAdmin } = await import('./serve-admin.ts')
    if (people === null) throw new GatehouseError('not-started', 'there are no people yet')
    return createAdmin({
      ...deps,
      config,
      now: () => Math.floor(deps.wallNow()),
      table: () => inForce().table,
      publicPort: () => publicPort,
      people: people.forAdmin,
      output,
      certificates,
      reloader,
      upstreams,
      wake,
      activity,
      askPort: wake.askPort,
      randomBytes,
    })
  }
  const limiter = createLimiter()
  const activity = createRouteActivity(output.metrics.requestsByRoute)
  const upstreams = createUpstreams({
    readFile: (path) => readKeyFile(resolve(dirname(config.routesFile), path)),
    lookup: guarded,
  })
  closers.push(upstreams.close)
  const gateway = createGateway({
    table: () => inForce().table,
    wallNow: deps.wallNow,
    identify,
    identityHeaders,
    applications,
    isKnownClient: people.isKnownClient,
    mayWake: (identity) => people?.mayWake(identity, wake.startsOf) ?? false,
    lockdown: people.lockdown.isOn,
    waking: wake.waking,
    clientAddress: (peer, head) => clientAddress(peer, head, inForce().trust),
    limiter,
    get publicPort() {
      return publicPort
    },
    pseudonym: `gatehouse-${randomBytes(4).toString('hex')}`,
    upstreams,
    flights,
    pages: output.pages,
    record(entry) {
      if (entry.route !== null) activity.ended(entry.route, entry.outcome, entry.time)
      output.record(entry)
    },
    metrics,
    log,
    now,
    nextId: createRequestIds(randomBytes(6)),
  })
  const listener = createListener(
    {
      ...endpoints(config, deps),
      publicPort,
      originPullCa,
    },
    listenHandlers(gateway.handle, { output, table: () => inForce().table }),
    {
      certificates,
      isCloudflare: cloudflare.includes,
      isTrustedProxy: (address) => inForce().trust.isTrusted(address),
      now: deps.now,
    },
  )
  closers.push(listener.closeNow)
  await listener.listen()
  const bound = listener.addresses()
  publicPort = config.publicPort ?? bound.https[0]?.port ?? publicPort
  const ops = await output.listen({
    certificates,
    flights,
    listener,
    people: people.shown,
    reloader,
    upstreams,
    wake,
  })
  closers.push(ops.closeNow)
  await wake.start()

  // What goes on by itself
  reloader.watch()
  certificates.watch()
  closers.push(
    every(sweepMs, () => {
      flights.sweep(steadyClock())
      people?.sweep()
    }),
    every(housekeepingMs, () => upstreams.sweep(now())),
    every(minuteMs, activity.minute),
    every(cloudflareRefreshMs, () => void refreshCloudflare()),
  )
  if (first.trustedProxies.kind === 'cloudflare') void refreshCloudflare()

  async function refreshCloudflare(): Promise<void> {
    if (inForce().table.definition.trustedProxies.kind !== 'cloudflare') return
    const outcome = await cloudflare.refresh()
    if (outcome.kind === 'failed') log.info('cloudflare-list-kept', { reason: outcome.reason })
    else if (outcome.kind === 'changed') {
      log.warn('cloudflare-list-changed', {
        added: outcome.added.join(' '),
        removed: outcome.removed.join(' '),
      })
    }
  }

  async function close(): Promise<void> {
    for (const closer of closers.splice(0)) closer()
    await Promise.all([people?.close(), wake.close()])
    await output.close()
  }

  log.info('started', {
    version: deps.version,
    routes: inForce().table.routes.length,
    https: bound.https[0]?.port ?? null,
    http: bound.http[0]?.port ?? null,
    ops: ops.port,
  })
  return {
    addresses: () => ({
      https: bound.https[0]?.port ?? null,
      http: bound.http[0]?.port ?? null,
      ops: ops.port,
    }),
    async reload(reason) {
      await Promise.all([reloader.reload(reason), certificates.reload()])
      if (reason === 'signal') output.reopen()
    },
    async drain() {
      log.info('draining', { flights: flights.size })
      output.draining()
      await people?.leave()
      wake.leave()
      flights.goAway('shutting-down')
      await listener.drain(config.drainMs)
      await close()
    },
    async closeNow() {
      flights.close(() => true, 'shutting-down')
      listener.closeNow()
      await close()
    },
    report: (event, error) => {
      log.error(event, {
        error: stackOf(error),
      })
    },
  }
}

function listenHandlers(
  handle: (exchange: Http1Exchange | Http2Exchange) => void,
  context: { output: ReturnType<typeof createOutput>; table: () => RouteTable },
): ListenHandlers {
  return {
    request(req, res, peer, continueExpected) {
      handle(new Http1Exchange(req, res, peer, { continueExpected, upgrade: null }))
    },
    upgrade(req, socket, head, peer) {
      handle(
        new Http1Exchange(req, null, peer, { continueExpected: false, upgrade: { socket, head } }),
      )
    },
    stream(stream, headers, flags, rawHeaders, peer) {
      handle(new Http2Exchange(stream, headers, peer, { flags, rawHeaders }))
    },
    plain(req, res, peer) {
      if (context.table().acme === null || !req.url?.startsWith(`${acmePath}/`)) return false
      handle(new Http1Exchange(req, res, peer, { continueExpected: false, upgrade: null }))
      return true
    },
    connectionFailure: (event) => context.output.connectionFailure(event),
  }
}

/** Sockets that systemd opened take the place of the configured ones, by their names. */
function endpoints(
  config: Config,
  deps: ServeDeps,
): { readonly https: readonly Endpoint[]; readonly http: readonly Endpoint[] } {
  const inherited = inheritedSockets(deps.activation, deps.pid)
  const fds = (list: readonly number[]) => list.map((fd) => ({ fd }))
  if (inherited.https.length + inherited.http.length > 0) {
    return { https: fds(inherited.https), http: fds(inherited.http) }
  }
  return {
    https: config.https === null ? [] : [config.https],
    http: config.http === null ? [] : [config.http],
  }
}

function warnOfRestart(
  before: TableDefinition,
  after: TableDefinition,
  log: ReturnType<typeof createOutput>['log'],
): void {
  if (before.originPullCaFile !== after.originPullCaFile) {
    log.warn('restart-needed', { what: 'originPull is read at start only' })
  }
}
