// Looks for machines that run and should not, and for those that nobody can see any more: what everything else may have missed.

import type { Alert } from '../alerts.ts'
import type { EventLog } from '../log.ts'
import type { VmId } from '../model.ts'
import type { Machine } from './machine.ts'
import type { SleepPlan, StayReason } from './sleep-plan.ts'

export interface Watchdog {
  /** Once a minute. */
  look(): void
}

export interface WatchdogDeps {
  readonly machines: () => readonly Machine[]
  readonly planOf: (machine: Machine) => SleepPlan
  /** Milliseconds since some moment, whatever happens to the wall clock. */
  readonly steady: () => number
  readonly alert: (alert: Alert) => void
  readonly log: EventLog
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
/** Told to sleep again, when nothing has come of it. */
const againMs = 5 * minuteMs
/** The cloud says nothing of a machine that may run. Later than the machine's own word for it, should that be missing. */
const blindMs = 45 * minuteMs
/** On top of what draining and a soft stop may take. */
const stopSlackMs = 15 * minuteMs
/** Kept awake by nothing but its own word. */
const busyAloneMs = 6 * hourMs
const dayMs = 24 * hourMs

interface Watched {
  /** Since when the plan has been to sleep, the cloud unseen, its own word all there is; steady; `null`: it is not so. */
  sleepDueAt: number | null
  blindAt: number | null
  busyAt: number | null
  foundTold: boolean
  /** Days awake that were spoken of. */
  daysTold: number
}

export function createWatchdog(deps: WatchdogDeps): Watchdog {
  const all = new Map<VmId, Watched>()

  function watch(machine: Machine, at: number): void {
    const { state, definition } = machine
    const { id, power } = definition
    const watched = all.get(id) ?? {
      sleepDueAt: null,
      blindAt: null,
      busyAt: null,
      foundTold: false,
      daysTold: 0,
    }
    all.set(id, watched)
    const tell = (name: string, alert: Omit<Alert, 'id' | 'vm'>) =>
      deps.alert({ id: `${name}:${id}`, vm: id, ...alert })
    const plan = deps.planOf(machine)

    watched.sleepDueAt = plan.kind === 'sleep' ? (watched.sleepDueAt ?? at) : null
    if (plan.kind === 'sleep' && at - (watched.sleepDueAt ?? at) >= againMs) {
      watched.sleepDueAt = at
      deps.log.warn('vm-runs-unwanted', { vm: id, state: state.kind })
      machine.letSleep(plan.reason)
    }

    const mayRun = state.kind !== 'asleep' && state.kind !== 'gone'
    watched.blindAt = machine.blind !== null && mayRun ? (watched.blindAt ?? at) : null
    if (watched.blindAt !== null && at - watched.blindAt >= blindMs) {
      tell('blind', {
        level: 'critical',
        title: `${id}: nobody can see whether it runs`,
        text: `The cloud has not answered for ${minutes(at - watched.blindAt)} (${machine.blind}). It may cost money.`,
      })
    }

    if (state.kind === 'stopping' && at - state.since > power.softStopMs + stopSlackMs) {
      tell('not-stopping', {
        level: 'critical',
        title: `${id}: it does not stop`,
        text: `Being stopped for ${minutes(at - state.since)}, and it still runs. It costs money.`,
      })
    }

    const stays: StayReason | null = plan.kind === 'stay' ? plan.why : null
    watched.busyAt = stays === 'busy' ? (watched.busyAt ?? at) : null
    if (watched.busyAt !== null && at - watched.busyAt >= busyAloneMs) {
      watched.busyAt = at
      tell('busy-alone', {
        level: 'warn',
        title: `${id}: only its own word keeps it awake`,
        text: `Nobody has used it for ${minutes(busyAloneMs)}, but it says that it is busy.`,
      })
    }

    if (state.kind === 'awake' || state.kind === 'booting') {
      const days = Math.floor((at - state.since) / dayMs)
      if (days > watched.daysTold) {
        tell('awake-long', {
          level: 'info',
          title: `${id}: awake for ${days === 1 ? 'a day' : `${days} days`}`,
          text: stays === null ? 'It was found running.' : `Because of: ${stays}.`,
        })
      }
      watched.daysTold = days
      if (state.startedBy !== null) watched.foundTold = false
      else if (!watched.foundTold) {
        watched.foundTold = true
        tell('found-running', {
          level: power.foundRunning === 'adopt' ? 'info' : 'warn',
          title: `${id}: found running`,
          text: `Nobody here started it. ${found[power.foundRunning]}`,
        })
      }
    } else watched.foundTold = false
  }

  return {
    look() {
      const at = deps.steady()
      const machines = deps.machines()
      const ids = new Set(machines.map(({ definition }) => definition.id))
      for (const id of all.keys()) if (!ids.has(id)) all.delete(id)
      for (const machine of machines) watch(machine, at)
    },
  }
}

const found = {
  adopt: 'It sleeps when nobody has used it for a while.',
  ignore: 'It is left alone, and costs money.',
  stop: 'It is stopped unless somebody uses it.',
} as const

function minutes(ms: number): string {
  const count = Math.round(ms / minuteMs)
  return count < 120 ? `${count} minutes` : `${Math.round(count / 60)} hours`
}
