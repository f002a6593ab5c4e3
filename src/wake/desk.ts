// What a person can ask of machines that sleep, and what he is shown of them: for commands, the API and the admin page.

import type {
  MachineControl,
  MachineOutcome,
  MachineRefusal,
  MachineReport,
  MachineStart,
} from '../control-machines.ts'
import type { UserId, VmId } from '../model.ts'
import type { Cost } from './cost.ts'
import type { StartRecord } from './journal.ts'
import type { Leases } from './lease.ts'
import type { Machine } from './machine.ts'
import type { Sleeper } from './sleeper.ts'
import type { WakeReason } from './vm-state.ts'

/** It was in this state from then to then, wall clock; `to: null`: it still is. */
export interface StateSpan {
  readonly from: number
  readonly to: number | null
  /** `asleep`, `starting`, `awake` or `stopping`. */
  readonly state: string
}

export interface MachineDesk extends MachineControl {
  /** The last days, oldest first, without gaps; empty: there is no machine of this name. */
  timeline(vm: string, days: number): readonly StateSpan[]
}

export interface MachineDeskDeps {
  /** Those with power, in the table's order. */
  readonly machines: () => readonly Machine[]
  /** Is it in the table, but always on? */
  readonly alwaysOn: (vm: string) => boolean
  readonly heldFor: (vm: VmId) => number
  readonly sleeper: Pick<Sleeper, 'sleepNow' | 'outlook'>
  readonly leases: Pick<Leases, 'keep'>
  readonly cost: Pick<Cost, 'of' | 'traffic'>
  /** Wall clock, milliseconds. */
  readonly now: () => number
  /** Milliseconds since some moment, whatever happens to the wall clock. */
  readonly steady: () => number
  readonly after: (ms: number, run: () => void) => () => void
}

const maxStarts = 20
const dayMs = 86_400_000

export function createMachineDesk(deps: MachineDeskDeps): MachineDesk {
  const { now, steady } = deps

  function find(vm: string): Machine | MachineOutcome {
    const machine = deps.machines().find(({ definition }) => definition.id === vm)
    if (machine !== undefined) return machine
    return refused(deps.alwaysOn(vm) ? 'always-on' : 'unknown-vm')
  }

  function report(machine: Machine): MachineReport {
    const { definition, state } = machine
    const { id, address, power } = definition
    const eta = machine.eta()
    const history = machine.history()
    const fault = state.kind === 'resting' ? state.fault : machine.blind
    return {
      id,
      address,
      state: state.kind,
      since: sinceOf(machine),
      wokenBy: wokenBy(machine),
      readyPorts: machine.readyPorts,
      held: deps.heldFor(id),
      ...deps.sleeper.outlook(machine),
      usualStartMs: eta.expectedMs,
      fault,
      retryAt: state.kind === 'resting' ? eta.retryAt : null,
      timeZone: power.timeZone,
      cost: deps.cost.of(machine),
      starts: history.slice(-maxStarts).reverse().map(startOf),
    }
  }

  function sinceOf({ state, history }: Machine): number | null {
    switch (state.kind) {
      case 'asleep':
        return history().at(-1)?.endedAt ?? null
      case 'gone':
        return null
      case 'resting':
        return toWall(state.wantedAt)
      default:
        return toWall(state.since)
    }
  }

  function toWall(at: number): number {
    return Math.round(now() - (steady() - at))
  }

  async function wake(
    vm: string,
    asked: Parameters<MachineControl['wake']>[1],
  ): Promise<MachineOutcome> {
    const machine = find(vm)
    if ('kind' in machine) return machine
    const { wait, port, signal } = asked
    if (port !== null) machine.watchPort(port, null)
    const begun = start(machine, asked.user)
    return begun.kind === 'done' && wait ? untilReady(machine, port, signal) : begun
  }

  /** Ready, or it is clear that it will not be. */
  function untilReady(
    machine: Machine,
    port: number | null,
    signal: AbortSignal,
  ): Promise<MachineOutcome> {
    return new Promise((resolve) => {
      let over = false
      const end = (outcome: MachineOutcome) => {
        if (over) return
        over = true
        unsubscribe()
        cancel()
        signal.removeEventListener('abort', left)
        resolve(outcome)
      }
      const left = () => end(refused('timeout'))
      const look = () => {
        const outcome = outcomeOf(machine, port)
        if (outcome !== null) end(outcome)
      }
      const unsubscribe = machine.subscribe(look)
      const cancel = deps.after(machine.definition.power.startTimeoutMs, left)
      signal.addEventListener('abort', left)
      if (signal.aborted) left()
      look()
    })
  }

  function sleep(vm: string): MachineOutcome {
    const machine = find(vm)
    if ('kind' in machine) return machine
    const { kind } = machine.state
    if (kind === 'gone') return refused('gone')
    if (kind === 'asleep') return refused('not-running')
    deps.sleeper.sleepNow(machine)
    return done
  }

  function restart(vm: string, user?: UserId): MachineOutcome {
    const machine = find(vm)
    if ('kind' in machine) return machine
    if (machine.state.kind === 'asleep') return refused('not-running')
    const result = machine.restart({ kind: 'person', user: user ?? null })
    return result === 'ok' ? done : refused(result)
  }

  function keep(vm: string, until: number | null, user?: UserId): MachineOutcome {
    const machine = find(vm)
    if ('kind' in machine) return machine
    const { kind } = machine.state
    if (kind === 'gone') return refused('gone')
    if (deps.leases.keep(machine.definition.id, until) !== 'ok') return refused('too-long')
    // A promise alone starts nothing; whoever wants it kept awake wants it awake.
    const sleeps = kind === 'asleep' || kind === 'stopping'
    return sleeps && until !== null && until > now() ? start(machine, user) : done
  }

  function start(machine: Machine, user: UserId | undefined): MachineOutcome {
    const result = machine.want({ kind: 'person', user: user ?? null }, { repaired: true })
    return result === 'ok' ? done : refused(result)
  }

  function timeline(vm: string, days: number): readonly StateSpan[] {
    const machine = find(vm)
    if ('kind' in machine) return []
    return spansOf(machine.history(), { from: now() - days * dayMs, now: now() })
  }

  return {
    list: () => deps.machines().map(report),
    traffic: deps.cost.traffic,
    wake,
    sleep,
    restart,
    keep,
    timeline,
  }
}

const done: MachineOutcome = { kind: 'done' }

function refused(
  reason: MachineRefusal,
  detail: string | null = null,
  retryAt: number | null = null,
) {
  return { kind: 'refused', reason, detail, retryAt } satisfies MachineOutcome
}

/** What has become of a start; `null`: it goes on. */
function outcomeOf(machine: Machine, port: number | null): MachineOutcome | null {
  const { state } = machine
  switch (state.kind) {
    case 'awake':
      return port === null || machine.isReady(port) ? done : null
    case 'gone':
      return refused('gone')
    case 'resting':
      return refused('failed', state.fault, machine.eta().retryAt)
    case 'asleep':
      return refused('failed', 'it was put to sleep meanwhile')
    case 'booting':
    case 'draining':
    case 'starting':
    case 'stopping':
    case 'unknown':
      return null
    default:
      return state satisfies never
  }
}

function wokenBy({ state }: Machine): string | null {
  switch (state.kind) {
    case 'starting':
    case 'resting':
      return state.by === null ? null : reasonWords(state.by)
    case 'booting':
    case 'awake':
    case 'draining':
      return state.startedBy === null ? null : reasonWords(state.startedBy)
    case 'unknown':
    case 'asleep':
    case 'stopping':
    case 'gone':
      return null
    default:
      return state satisfies never
  }
}

/** Who wanted a machine, for a list. */
export function reasonWords(by: WakeReason): string {
  switch (by.kind) {
    case 'request':
      return `${by.user ?? 'a known network'}, ${by.route}`
    case 'person':
      return by.user ?? 'the operator'
    case 'schedule':
      return 'its schedule'
    case 'token':
      return `${by.user}, token ${by.token}`
    default:
      return by satisfies never
  }
}

function startOf(record: StartRecord): MachineStart {
  const { by, wantedAt, readyMs, endedAt, stopReason, cost } = record
  return {
    at: wantedAt,
    by: by === null ? 'found running' : reasonWords(by),
    readyMs,
    endedAt,
    reason: stopReason,
    cost,
  }
}

/** What came after what, without gaps. */
function spansOf(
  history: readonly StartRecord[],
  window: { readonly from: number; readonly now: number },
): StateSpan[] {
  const spans: StateSpan[] = []
  let at = window.from
  const add = (to: number | null, state: string) => {
    const end = to === null ? null : Math.min(Math.max(to, at), window.now)
    if (end !== null && end <= at) return
    spans.push({ from: at, to: end, state })
    at = end ?? window.now
  }
  let over = true
  for (const { wantedAt, readyMs, stopMs, endedAt } of history) {
    add(wantedAt, 'asleep')
    if (readyMs !== null) add(wantedAt + readyMs, 'starting')
    over = endedAt !== null
    if (endedAt === null) add(null, readyMs === null ? 'starting' : 'awake')
    else {
      add(endedAt - (stopMs ?? 0), readyMs === null ? 'starting' : 'awake')
      add(endedAt, 'stopping')
    }
  }
  if (over) add(null, 'asleep')
  return spans
}
