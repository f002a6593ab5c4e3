// Puts machines to sleep that nobody needs, keeps those awake that somebody does. Every five seconds, for ever.

import type { Alert } from '../alerts.ts'
import { stackOf } from '../caught.ts'
import type { EventLog } from '../log.ts'
import type { VmId } from '../model.ts'
import type { Busy } from './busy.ts'
import type { Cost } from './cost.ts'
import type { FlightUse, Use } from './idle.ts'
import type { Leases } from './lease.ts'
import type { Machine } from './machine.ts'
import type { Schedule } from './schedule.ts'
import { planSleep, type SleepPlan } from './sleep-plan.ts'
import type { SmallFile } from './small-file.ts'
import { createWatchdog } from './watchdog.ts'

export interface Sleeper {
  /** Reads what an earlier process knew, and begins. Never rejects. */
  start(): Promise<void>
  /** This process ends; machines stay as they are. Resolves when what is known is on disk. */
  stop(): Promise<void>
  /** For `vm sleep`: now, whoever uses it. Ends what keeps it awake; its schedule begins again with its next time. */
  sleepNow(machine: Machine): void
  /**
   * How much under way is worth waiting for before a machine stops: what somebody wants who is known, and what ends by
   * itself. A crawler's download and a forgotten tab's WebSocket would only make it run longer.
   */
  inFlight(vm: VmId): number
  /** What a list shows. */
  outlook(machine: Machine): SleepOutlook
}

/** Wall clock and milliseconds. */
export interface SleepOutlook {
  /** `null`: it does not run. */
  readonly idleMs: number | null
  /** If nobody uses it from now on; `null`: it does not run, or is left alone. */
  readonly sleepsAt: number | null
  readonly keptUntil: number | null
}

export interface SleeperDeps {
  /** Those with power, as the table has them now. */
  readonly machines: () => readonly Machine[]
  /** All that is under way to them. */
  readonly flights: () => readonly FlightUse[]
  readonly use: Pick<Use, 'observe' | 'idleFor' | 'restore'>
  readonly leases: Leases
  readonly schedule: Schedule
  readonly busy: Pick<Busy, 'busyFor' | 'forget'>
  readonly cost: Pick<Cost, 'load' | 'isExhausted' | 'look' | 'flush'>
  /** When machines were last used, for the next process. */
  readonly file: SmallFile
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds since some moment, whatever happens to the wall clock. */
  readonly steady: () => number
  /** Runs something later; returns how not to. */
  readonly after: (ms: number, run: () => void) => () => void
  readonly alert: (alert: Alert) => void
  readonly log: EventLog
}

const lookEveryMs = 5_000
const minuteMs = 60_000
/** After a start, or after we stood still: clients have to come back before anybody can be called idle. */
const graceMs = 2 * minuteMs
/** Longer between two looks: it was we who stood still. */
const standstillMs = minuteMs
/** Between two tries to wake by schedule. */
const wakeAgainMs = 5 * minuteMs

export function createSleeper(deps: SleeperDeps): Sleeper {
  const { use, leases, schedule, busy, cost, now, steady } = deps
  /** Steady: nothing is put to sleep before. */
  let patientUntil = 0
  let lookedAt = 0
  let minuteAt = 0
  let cancel = () => {}
  let phase: 'new' | 'on' | 'ended' = 'new'
  const wakeAt = new Map<VmId, number>()
  const watchdog = createWatchdog({
    machines: deps.machines,
    planOf,
    steady,
    alert: deps.alert,
    log: deps.log,
  })

  function scheduledMs(machine: Machine): number {
    const { id, power } = machine.definition
    const until = schedule.until(power)
    if (until === null || leases.skipsScheduleUntil(id) !== null) return 0
    return until - now()
  }

  function keptMs(id: VmId): number {
    const until = leases.keptUntil(id)
    return until === null ? 0 : until - now()
  }

  function planOf(machine: Machine): SleepPlan {
    const { id, power } = machine.definition
    return planSleep({
      state: machine.state,
      now: steady(),
      idleMs: use.idleFor(id),
      power,
      keptMs: keptMs(id),
      scheduledMs: scheduledMs(machine),
      busyMs: busy.busyFor(id),
      exhausted: cost.isExhausted(machine),
    })
  }

  function carryOut(machine: Machine, at: number): void {
    const { id } = machine.definition
    const plan = planOf(machine)
    switch (plan.kind) {
      case 'sleep':
        if (at < patientUntil) return
        deps.log.info('vm-let-sleep', { vm: id, reason: plan.reason })
        machine.letSleep(plan.reason)
        break
      case 'wake':
        if (at < (wakeAt.get(id) ?? 0)) return
        wakeAt.set(id, at + wakeAgainMs)
        machine.want(
          plan.why === 'schedule' ? { kind: 'schedule' } : { kind: 'person', user: null },
        )
        break
      case 'none':
        // What it said of itself ends with it.
        if (machine.state.kind === 'asleep') busy.forget(id)
        break
      case 'stay':
      case 'left-alone':
        break
      default:
        throw new TypeError('unknown plan', { cause: plan satisfies never })
    }
  }

  function look(): void {
    const at = steady()
    if (at - lookedAt > standstillMs) patientUntil = at + graceMs
    lookedAt = at
    const machines = deps.machines()
    guarded(() => use.observe(machines.length === 0 ? [] : deps.flights()))
    for (const machine of machines) guarded(() => carryOut(machine, at))
    if (at >= minuteAt) {
      minuteAt = at + minuteMs
      guarded(() => cost.look())
      guarded(remember)
      if (at >= patientUntil) guarded(() => watchdog.look())
    }
  }

  /** A bug with one machine must not keep the others awake. */
  function guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      deps.log.error('vm-sleep-failed', { error: stackOf(error) })
    }
  }

  function lookAgain(): void {
    if (phase !== 'on') return
    look()
    cancel = deps.after(lookEveryMs, lookAgain)
  }

  let remembered = ''
  let written: Promise<void> = Promise.resolve()
  /** Or a gateway that falls every ten minutes would keep everything awake. */
  function remember(): void {
    const usedAt: Record<string, number> = {}
    for (const { definition } of deps.machines()) {
      const idleMs = use.idleFor(definition.id)
      // To the minute: this is written to disk.
      if (Number.isFinite(idleMs))
        usedAt[definition.id] = Math.round((now() - idleMs) / minuteMs) * minuteMs
    }
    const text = JSON.stringify(usedAt)
    if (text === remembered) return
    remembered = text
    written = deps.file.write({ usedAt })
  }

  async function load(): Promise<void> {
    await Promise.all([leases.load(), cost.load()])
    const data = await deps.file.read()
    const usedAt: unknown =
      typeof data === 'object' && data !== null ? Reflect.get(data, 'usedAt') : null
    if (typeof usedAt !== 'object' || usedAt === null) return
    for (const [vm, at] of Object.entries(usedAt)) {
      if (typeof at === 'number' && Number.isFinite(at)) use.restore(vm as VmId, now() - at)
    }
  }

  return {
    async start() {
      await load()
      // It may have been stopped while the disk was slow.
      if (phase !== 'new') return
      phase = 'on'
      lookedAt = steady()
      patientUntil = lookedAt + graceMs
      lookAgain()
    },
    async stop() {
      phase = 'ended'
      cancel()
      guarded(remember)
      guarded(() => cost.look())
      await Promise.all([written, leases.flush(), cost.flush()])
    },
    sleepNow(machine) {
      const { id, power } = machine.definition
      leases.keep(id, null)
      leases.skipSchedule(id, schedule.until(power))
      busy.forget(id)
      machine.letSleep('put to sleep by hand')
    },
    inFlight: (vm) =>
      deps
        .flights()
        .filter((flight) => flight.vm === vm && !flight.webSocket && !flight.stream)
        .filter(({ session, counts }) => session !== null || counts === 'always').length,
    outlook(machine) {
      const { id } = machine.definition
      const { state } = machine
      const keptUntil = leases.keptUntil(id)
      const plan = planOf(machine)
      if (state.kind !== 'awake' && state.kind !== 'booting') {
        return { idleMs: null, sleepsAt: null, keptUntil }
      }
      const idleMs = Math.min(use.idleFor(id), steady() - state.since)
      const sleepsAt =
        plan.kind === 'stay' ? now() + plan.forMs : plan.kind === 'sleep' ? now() : null
      return { idleMs, sleepsAt, keptUntil }
    },
  }
}
