// The machines of a running gateway: who starts them, who waits for them, who puts them to sleep, and who hears of it.

import type { LookupFunction } from 'node:net'
import { join } from 'node:path'
import { createPost } from '../alerts/post.ts'
import { type Alerts, createAlerts } from '../alerts.ts'
import type { AuditEntry } from '../auth/audit.ts'
import { steadyClock } from '../clock.ts'
import type { Config } from '../config.ts'
import { GatehouseError } from '../errors.ts'
import type { Flight } from '../flights.ts'
import type { Gate, Waking } from '../gate.ts'
import type { MachineFacts } from '../metric-machines.ts'
import type { TableDefinition, UpstreamTarget } from '../model.ts'
import type { RouteTable } from '../routes.ts'
import { forbiddenAddress } from '../routes-file/addresses.ts'
import { isOngoing, useKindOf, userOfMachine } from '../use-kind.ts'
import { createBusy } from '../wake/busy.ts'
import { createCost } from '../wake/cost.ts'
import { createMachineDesk, type MachineDesk, reasonWords } from '../wake/desk.ts'
import { createFleet } from '../wake/fleet.ts'
import { createGates } from '../wake/hold.ts'
import { createUse, type FlightUse } from '../wake/idle.ts'
import { createJournal } from '../wake/journal.ts'
import { createLeases } from '../wake/lease.ts'
import { createMachine } from '../wake/machine.ts'
import { createProvider } from '../wake/providers/create.ts'
import { createProbe, type Probe } from '../wake/readiness.ts'
import { createSchedule } from '../wake/schedule.ts'
import { createSleeper } from '../wake/sleeper.ts'
import { createSmallFile } from '../wake/small-file.ts'
import { followTrail, type TrailEntry } from '../wake/trail.ts'
import type { Output } from './serve-output.ts'
import type { ServeDeps } from './serve-types.ts'
import { after } from './timers.ts'
import { createWakePages } from './wake-pages.ts'

export interface Wake {
  /** For a table that is being made; it changes nothing. */
  gateFor(definition: TableDefinition): (target: UpstreamTarget) => Gate | null
  /**
   * Before a table comes into force.
   *
   * @throws GatehouseError `secret-missing`.
   */
  checkTable(definition: TableDefinition): void
  /** A table came into force: its machines are looked after from now on. */
  tableChanged(): void
  readonly waking: Waking
  readonly desk: MachineDesk
  readonly alerts: Alerts
  /** Does that port answer? */
  readonly askPort: Probe
  readonly stats: () => WakeStats
  /** For metrics. */
  readonly facts: () => MachineFacts
  /** Machines that a token has started since then, wall clock. */
  startsOf(token: string, since: number): number
  /** Looks at every machine and begins. Does not wait for clouds. */
  start(): Promise<void>
  /** Whoever waits is sent away. */
  leave(): void
  /** Machines stay as they are; what is known of them is on disk when it resolves. */
  close(): Promise<void>
}

export interface WakeStats {
  readonly held: number
  readonly heldBytes: number
}

export interface WakeDeps extends Pick<ServeDeps, 'environment' | 'now' | 'holdLimits'> {
  readonly output: Output
  readonly flights: () => readonly Flight[]
  readonly table: () => RouteTable
  readonly publicPort: () => number
  /** As backends' names are looked up: fails for what must not be dialled. */
  readonly lookup: LookupFunction
  readonly random: () => number
  readonly audit: (entry: AuditEntry) => void
  /** Whether somebody signed in from there within 30 days. */
  readonly isKnownClient: (network: string) => boolean
}

export function createWake(config: Config, deps: WakeDeps): Wake {
  const { output, table, now } = deps
  const { log } = output
  const { dataDir, secret } = config
  const steady = steadyClock
  const definition = () => table().definition
  const file = (name: string) => createSmallFile(join(dataDir, 'vms', name), { log })

  const alerts = createAlerts({
    targets: () => definition().alerts,
    secret,
    post: createPost(),
    now,
    steady,
    after,
    log,
  })
  const probe = createProbe({ lookup: deps.lookup, forbidden: forbiddenAddress })
  const use = createUse({
    steady,
    rules: (vm) => fleet.machine(vm)?.definition.power ?? null,
  })
  const cost = createCost({
    machines: () => fleet.list(),
    sentBytes: output.metrics.sentBytes,
    file: file('.traffic.json'),
    now,
    alert: alerts.send,
  })
  const fleet = createFleet({
    machineFor(powered) {
      const { id, power } = powered
      const machine = createMachine({
        definition: powered,
        provider: createProvider(power.provider, {
          vm: id,
          secret,
          now,
          after,
          log,
          environment: deps.environment,
        }),
        journal: createJournal({ file: join(dataDir, 'vms', `${id}.json`), log }),
        probe,
        now,
        steady,
        after,
        random: deps.random,
        mayStart: (by) => cost.mayStart(id, by),
        inFlight: () => sleeper.inFlight(id),
        alert: alerts.send,
        log,
      })
      followTrail(machine, {
        since: now(),
        tell: (entry) => deps.audit(auditEntryOf(entry, now())),
      })
      return machine
    },
    alert: alerts.send,
    log,
  })
  const waits = new Map<string, { readonly vm: string; readonly result: string; count: number }>()
  const gates = createGates({
    machine: fleet.machine,
    limits: deps.holdLimits ?? {},
    use,
    steady,
    now,
    after,
    log,
    waited(vm, result) {
      const key = `${vm} ${result}`
      const wait = waits.get(key) ?? { vm, result, count: 0 }
      wait.count += 1
      waits.set(key, wait)
    },
  })
  const leases = createLeases({ file: file('.leases.json'), now })
  const schedule = createSchedule({ now })
  const busy = createBusy({
    vms: () =>
      fleet.list().map(({ definition: { id, power } }) => ({ id, busySecret: power.busySecret })),
    secret,
    steady,
  })
  const sleeper = createSleeper({
    machines: fleet.list,
    flights: () => deps.flights().flatMap((flight) => useOf(flight, deps.isKnownClient)),
    use,
    leases,
    schedule,
    busy,
    cost,
    file: file('.used.json'),
    now,
    steady,
    after,
    alert: alerts.send,
    log,
  })
  const desk = createMachineDesk({
    machines: fleet.list,
    alwaysOn: (vm) => definition().vms.some(({ id, power }) => id === vm && power === null),
    heldFor: (vm) => gates.stats().byVm.get(vm) ?? 0,
    sleeper,
    leases,
    cost,
    now,
    steady,
    after,
  })

  const waking = createWakePages({
    machine: fleet.machine,
    gates,
    busy,
    use,
    definition,
    publicPort: deps.publicPort,
    pages: output.pages,
    after,
    log,
  })

  return {
    gateFor(made) {
      const powered = new Set(made.vms.flatMap(({ id, power }) => (power === null ? [] : [id])))
      return ({ vm, port, scheme }) =>
        vm === null || !powered.has(vm) ? null : gates.gateFor(vm, port, scheme)
    },
    checkTable(made) {
      for (const { what, name } of secretsOf(made)) {
        if (secret(name) !== null) continue
        throw new GatehouseError(
          'secret-missing',
          `${what} needs the secret ${name}, which is not configured`,
          { remedy: `set GATEHOUSE_SECRET_${name} or GATEHOUSE_SECRET_${name}_FILE` },
        )
      }
    },
    tableChanged() {
      fleet.apply(definition().vms)
      gates.refresh()
    },
    waking,
    desk,
    alerts,
    askPort: probe,
    stats: gates.stats,
    facts: () => ({
      machines: desk.list(),
      traffic: desk.traffic(),
      waits: [...waits.values()],
    }),
    startsOf: (token, since) =>
      fleet
        .list()
        .flatMap((machine) => machine.history())
        .filter(
          ({ by, wantedAt }) => by?.kind === 'token' && by.token === token && wantedAt >= since,
        ).length,
    async start() {
      await sleeper.start()
      // Clouds may take their time; doors stay shut until they have spoken.
      void fleet.start()
    },
    leave: gates.stop,
    async close() {
      gates.stop()
      await Promise.all([sleeper.stop(), fleet.stop(), alerts.stop()])
    },
  }
}

/** What a table needs that is not written in it. */
function secretsOf({ vms, alerts }: TableDefinition): { what: string; name: string }[] {
  const busy = vms.flatMap(({ id, power }) =>
    power?.busySecret == null ? [] : [{ what: `the busy signal of ${id}`, name: power.busySecret }],
  )
  const told = alerts.flatMap(({ token, kind }) =>
    token === null ? [] : [{ what: `an alert by ${kind}`, name: token }],
  )
  return [...busy, ...told]
}

function auditEntryOf({ event, vm, record }: TrailEntry, at: number): AuditEntry {
  const { by, readyMs, awakeMs, stopReason, cost, currency, fault } = record
  const person = by !== null && by.kind !== 'schedule' ? by.user : null
  const woken = event === 'vm-woken'
  return {
    at,
    event,
    // Who pressed a button or opened a page is the actor; nobody asked the gateway to let it sleep.
    actor: woken && person !== null ? person : 'gateway',
    user: person,
    client: null,
    request: by?.kind === 'request' ? by.request : null,
    details: {
      vm,
      by: by === null ? 'found running' : reasonWords(by),
      ...(woken
        ? { readyMs }
        : {
            reason: stopReason,
            fault,
            awakeMinutes: Math.round(awakeMs / 60_000),
            cost: cost === null ? null : Math.round(cost * 1e4) / 1e4,
            currency,
          }),
    },
  }
}

/** A flight as the counting of use sees it. */
function useOf(flight: Flight, isKnownClient: (network: string) => boolean): FlightUse[] {
  const { route, vm, request, session, transfer } = flight
  const { exchange, head, identity } = request
  const moved = flight.moved()
  if (route?.gate == null || vm === null || head === null || moved === null || transfer === null) {
    return []
  }
  return [
    {
      id: flight.id,
      vm,
      kind: useKindOf(exchange, head, identity),
      session: userOfMachine(
        { session, network: request.network },
        route.definition.wake,
        isKnownClient,
      ),
      counts: route.definition.countsAsUse,
      webSocket: exchange.webSocket,
      stream: isOngoing(request) && !exchange.webSocket,
      bytesFromClient: moved.fromClient,
      bytesToClient: moved.toClient,
      lastByteAt: transfer.lastByteAt,
    },
  ]
}
