// The people of a running gateway: database, sessions, tokens, the login application, and what keeps them in step.

import { randomBytes } from 'node:crypto'
import type { Asking } from '../admission.ts'
import type { Alerts } from '../alerts.ts'
import type { Application, Applications } from '../app.ts'
import { type AdminEntrances, createAdminEntrances } from '../auth/admin-entrances.ts'
import type { ServiceList } from '../auth/app/services.ts'
import { createAssertion } from '../auth/assertion.ts'
import type { AuditEntry } from '../auth/audit.ts'
import { createIdentify, type Identified } from '../auth/identify.ts'
import { createKnownClients } from '../auth/known-clients.ts'
import { type Lockdown, noLockdown, readLockdown, writeLockdown } from '../auth/lockdown.ts'
import { createSessions, type Sessions } from '../auth/sessions.ts'
import { mayWakeNow, utcDayStart } from '../auth/token-wake.ts'
import { createTokens, type Tokens, tokenIdOf } from '../auth/tokens.ts'
import { steadyClock } from '../clock.ts'
import type { Config } from '../config.ts'
import { controlPath, createControl } from '../control.ts'
import type { MachineControl } from '../control-machines.ts'
import { GatehouseError } from '../errors.ts'
import type { Flights } from '../flights.ts'
import type { Host, Identity, IdentityHeaderNames, SessionRef, TableDefinition } from '../model.ts'
import { createRecheck, endsWith } from '../recheck.ts'
import type { RouteTable } from '../routes.ts'
import { originOf } from '../sign-in-url.ts'
import { openStoreIn, type Store } from '../store/sqlite-store.ts'
import { auditedControl } from './control-audit.ts'
import { firstStartAdvice } from './first-start.ts'
import type { LoginParts } from './serve-login.ts'
import type { Output, OutputParts } from './serve-output.ts'
import type { ServeDeps } from './serve-types.ts'
import { isAdminHost, mayAdminister, placesOf } from './table-places.ts'
import { every } from './timers.ts'

export interface People {
  identify(asking: Asking, now: number): Identified
  identityHeaders(identity: Identity, names: IdentityHeaderNames, host: Host): readonly string[]
  readonly applications: Applications
  /** Whether somebody signed in from that network within 30 days. */
  isKnownClient(network: string): boolean
  audit(entry: AuditEntry): void
  /**
   * Whether this identity may start machines, at this moment.
   *
   * @param startsOf machines that a token has started since then.
   */
  mayWake(identity: Identity, startsOf: (token: string, since: number) => number): boolean
  /** Only people who are signed in, and known networks, are let in. */
  readonly lockdown: {
    isOn(): boolean
    get(): Lockdown
    /** @throws GatehouseError `store-unavailable`: nothing has changed. */
    set(on: boolean, by: string): Promise<void>
  }
  /**
   * Before a table comes into force.
   *
   * @throws GatehouseError `relying-party-changed`: passkeys would stop working; `secret-missing`.
   */
  checkTable(definition: TableDefinition): void
  /** A table came into force: what it no longer allows ends. */
  tableChanged(): void
  /** Ends what has expired. Twice a second. */
  sweep(): void
  /** Commands can reach us from here on. */
  listen(): Promise<void>
  /** Commands cannot reach us any more, and the next gateway can have their socket. */
  leave(): Promise<void>
  /** Writes what was kept back and lets go of the database. */
  close(): Promise<void>
  readonly shown: OutputParts['people']
  /** What the admin application needs of people. */
  readonly forAdmin: AdminPeople
}

export interface AdminPeople {
  readonly users: Store['users']
  readonly sessions: Sessions
  readonly tokens: Tokens
  readonly audit: Store['audit']
  readonly settings: Store['settings']
  /** Reads everybody from the store again. @throws GatehouseError `store-unavailable`. */
  changed(): Promise<void>
  readonly entrances: AdminEntrances
  readonly bans: LoginParts['bans']
  readonly lockdown: Pick<People['lockdown'], 'get' | 'set'>
}

export interface PeopleDeps extends Pick<ServeDeps, 'now'> {
  readonly output: Output
  readonly flights: Flights
  readonly table: () => RouteTable
  readonly publicPort: () => number
  readonly services: ServiceList
  /** Loads the admin application. */
  readonly admin: () => Promise<Application>
  /** What commands can ask of machines, and of those who hear alerts. */
  readonly machines: MachineControl
  readonly alerts: Pick<Alerts, 'test'>
}

/** A request waits no longer for another process that writes; a command waits longer. */
const busyMs = 250
/** How often what was seen, used and audited is written. */
const flushMs = 30_000
const auditFlushMs = 1_000
/** How often we look whether a command changed the database without reaching us. */
const pollMs = 1_000

/** @throws GatehouseError of the store, or `relying-party-changed`: then the gateway must not start. */
export async function createPeople(config: Config, deps: PeopleDeps): Promise<People> {
  const { log } = deps.output
  const { dataDir, secret } = config
  const store = await openStoreIn({ dataDir, secret, log, busyMs })
  try {
    return await begin(config, deps, store)
  } catch (error) {
    await store.close().catch(() => {})
    throw error
  }
}

async function begin(config: Config, deps: PeopleDeps, store: Store): Promise<People> {
  const { output, flights, table } = deps
  // Whole milliseconds: what is kept of times goes into a database.
  const now = () => Math.floor(deps.now())
  const { log } = output
  const login = () => table().definition.login
  const loginHost = () => table().definition.loginHost
  const counts = { ok: 0, failed: 0 }
  const audit: Store['audit'] = {
    ...store.audit,
    write(entry: AuditEntry) {
      if (entry.event === 'sign-in') counts.ok += 1
      else if (entry.event === 'sign-in-failed') counts.failed += 1
      store.audit.write(entry)
    },
  }

  const recheck = createRecheck({
    table,
    flights,
    identityOf: (ref, place, at) => identity.identityOf(ref, place, at),
    isShut: (network) => lockdown.on && !knownClients.has(network, now()),
    now,
    log,
  })
  const sessions: Sessions = createSessions({
    store: store.sessions,
    users: store.users,
    limits: () => login().sessions,
    now,
    steady: steadyClock,
    onEnded: (refs, reason) => endFlights(new Set(refs), reason),
    onChanged: () => void recheck(),
    log,
  })
  const tokens = createTokens({
    store: store.tokens,
    user: sessions.user,
    now,
    onEnded: (refs, reason) => endFlights(new Set(refs), reason),
    log,
  })
  const knownClients = createKnownClients({ settings: store.settings, now, log })
  const assertion = await createAssertion({
    settings: store.settings,
    issuer: () => originOf(loginHost(), deps.publicPort()),
    origin: (host) => originOf(host, deps.publicPort()),
    sessionOf: sessions.byRef,
    now,
    randomBytes,
    log,
  })
  const identity = createIdentify({ sessions, tokens, user: sessions.user, loginHost })

  function identify(asking: Asking, at: number): Identified {
    const { head, exchange, host, target, client, pathToken, route } = asking
    return identity.identify(
      {
        cookie: head.cookie,
        authorization: head.authorization,
        tokenHeader: head.token,
        pathToken,
        host,
        method: exchange.method,
        path: target.path,
        alternatives: target.alternatives,
        application: route.definition.target.kind === 'app' ? route.definition.target.app : null,
        client,
        networks: route.networks,
      },
      at,
    )
  }

  function endFlights(refs: ReadonlySet<SessionRef>, reason: string): void {
    const closed = flights.close((flight) => endsWith(flight, refs), 'session-ended')
    log.info('sessions-ended', { count: refs.size, reason, closed })
  }

  let relyingParties: readonly string[] = []
  let lockdown = noLockdown
  async function load(): Promise<void> {
    await sessions.load()
    await tokens.load()
    relyingParties = await store.users.relyingParties()
    lockdown = await readLockdown(store.settings)
    recheck()
  }

  function checkTable(definition: TableDefinition): void {
    const { relyingParty, dangerouslyAbandonPasskeys, github } = definition.login
    for (const name of [github?.clientSecret, github?.organisationToken]) {
      if (name == null || config.secret(name) !== null) continue
      throw new GatehouseError(
        'secret-missing',
        `signing in with GitHub needs the secret ${name}, which is not configured`,
        { remedy: `set GATEHOUSE_SECRET_${name} or GATEHOUSE_SECRET_${name}_FILE` },
      )
    }
    const others = relyingParties.filter((each) => each !== relyingParty)
    if (others.length === 0 || dangerouslyAbandonPasskeys) return
    throw new GatehouseError(
      'relying-party-changed',
      `there are passkeys for ${others.join(', ')}, and the login page is now for ${relyingParty}: they would stop working`,
      {
        remedy: `write login: { passkeys: { relyingParty: ${others[0]} } }, or dangerouslyAbandonOthers: true and enrol anew`,
      },
    )
  }

  await Promise.all([load(), knownClients.load()])
  checkTable(table().definition)
  const advice = firstStartAdvice(await store.users.users(), config)
  if (advice !== null) log.warn('no-users', { advice })

  const entrances = createAdminEntrances({ now, randomBytes })
  const banList: LoginParts['bans'] = {
    list: () => bans?.list() ?? [],
    lift: (network) => bans?.lift(network) ?? false,
  }
  const lockdownSwitch: People['lockdown'] = {
    isOn: () => lockdown.on,
    get: () => lockdown,
    async set(on, by) {
      lockdown = await writeLockdown(store.settings, { on, by, at: now() })
      if (on) recheck()
    },
  }

  // The login page and what only it needs is loaded when somebody opens it.
  let loginParts: Promise<LoginParts> | null = null
  let bans: LoginParts['bans'] | null = null
  async function loadLogin(): Promise<LoginParts> {
    const { createLogin } = await import('./serve-login.ts')
    const parts = createLogin({
      users: store.users,
      sessions,
      tokens,
      audit,
      settings: store.settings,
      knownClients,
      isKnownClient: (network) => knownClients.has(network, now()),
      assertion,
      login,
      domain: () => table().definition.domain,
      loginHost,
      publicPort: deps.publicPort,
      ...placesOf(table, deps.publicPort),
      services: deps.services,
      adminDoor: {
        entrances,
        isAdminHost: (host) => isAdminHost(table(), host),
        mayAdminister: (user) => mayAdminister(table(), user),
      },
      secret: config.secret,
      ...{ now, log, randomBytes },
    })
    bans = parts.bans
    return parts
  }
  function loginOnce(): Promise<LoginParts> {
    loginParts ??= loadLogin().catch((error: unknown) => {
      loginParts = null
      throw error
    })
    return loginParts
  }
  const applications: Applications = {
    login: { handle: async (request) => (await loginOnce()).application.handle(request) },
    admin: { handle: async (request) => (await adminOnce()).handle(request) },
  }
  let admin: Promise<Application> | null = null
  function adminOnce(): Promise<Application> {
    admin ??= deps.admin().catch((error: unknown) => {
      admin = null
      throw error
    })
    return admin
  }
  /** Membership elsewhere is looked after even when nobody opens the login page. */
  async function watchMembership(): Promise<void> {
    // A table that no longer offers it has people inside who came that way.
    const cameThatWay = sessions.list().some(({ record }) => record.account !== null)
    if (login().github === null && !cameThatWay) return
    try {
      const { membership } = await loginOnce()
      membership.start()
    } catch (error) {
      log.error('membership-unwatched', { error: String(error) })
    }
  }

  // What goes on by itself
  let seen = store.changes()
  const control = createControl({
    path: controlPath(config.dataDir),
    onPeopleChanged: load,
    loginOrigin: () => originOf(loginHost(), deps.publicPort()),
    ...auditedControl({ bans: banList, machines: deps.machines }, { audit, now }),
    alerts: deps.alerts,
    log,
  })
  async function flush(): Promise<void> {
    await Promise.all([sessions.flush(), tokens.flush(), knownClients.flush()])
  }
  async function poll(): Promise<void> {
    const current = store.changes()
    if (current === seen) return
    seen = current
    await load().catch((error: unknown) => log.error('people-not-read', { error: String(error) }))
  }
  const timers = [
    every(flushMs, () => void flush()),
    every(auditFlushMs, () => void store.audit.flush()),
    every(pollMs, () => void poll()),
  ]

  return {
    identify,
    identityHeaders: (who, names, host) => assertion.identityHeaders(who, names, host, now()),
    applications,
    isKnownClient: (network) => knownClients.has(network, now()),
    audit: (entry) => audit.write(entry),
    mayWake(who, startsOf) {
      if (!who.mayWake || who.via !== 'token') return who.mayWake
      const id = tokenIdOf(who.session)
      const wake = id === null ? null : (tokens.byId(id)?.record.wake ?? null)
      if (id === null || wake === null) return false
      return mayWakeNow(wake, { now: now(), startsToday: startsOf(id, utcDayStart(now())) })
    },
    lockdown: lockdownSwitch,
    checkTable,
    tableChanged() {
      recheck()
      void watchMembership()
    },
    sweep() {
      sessions.sweep()
      tokens.sweep()
    },
    async listen() {
      await control.listen()
      await watchMembership()
    },
    leave: control.close,
    async close() {
      for (const end of timers) end()
      await control.close()
      const parts = loginParts === null ? null : await loginParts.catch(() => null)
      await parts?.membership.stop()
      await flush()
      await store.close()
    },
    forAdmin: {
      users: store.users,
      sessions,
      tokens,
      audit,
      settings: store.settings,
      changed: load,
      entrances,
      bans: banList,
      lockdown: lockdownSwitch,
    },
    shown: {
      bans: () => bans?.list().length ?? 0,
      counts: () => ({
        sessions: sessions.size,
        tokens: tokens.size,
        signIns: counts,
        storeFailing: store.failing(),
      }),
    },
  }
}
