// The doors of machines that sleep: what becomes of a request whose machine does not answer, and who is let through when.

import type { FailureCode } from '../errors.ts'
import type { Arrival, Gate, Passing, Reception, Waiter } from '../gate.ts'
import type { EventLog } from '../log.ts'
import type { VmId } from '../model.ts'
import type { Refusal } from './events.ts'
import type { Machine, WantResult } from './machine.ts'
import { comesAnyway, holdMsOf, restSeconds, restsBeyond } from './outlook.ts'
import { createLine, createRamp, type Line, type Ramp } from './release.ts'
import type { WakeReason } from './vm-state.ts'
import {
  createWaitingRoom,
  defaultHoldLimits,
  type Entry,
  type HoldLimits,
} from './waiting-room.ts'
import { mayWake } from './who-may-wake.ts'

/** How a wait ended. `cancelled`: the client left; `refused`: the machine does not come. */
export type HoldResult = 'ready' | 'timeout' | 'cancelled' | 'refused'

export interface GatesDeps {
  /** The machine of that name; `null`: it is always on, or not in the table any more. */
  readonly machine: (id: VmId) => Machine | null
  readonly limits?: Partial<HoldLimits>
  readonly use: { passes(vm: VmId, passing: Passing): void }
  /** Milliseconds since some moment, whatever happens to the wall clock. */
  readonly steady: () => number
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  /** Runs something later; returns how not to. */
  readonly after: (ms: number, run: () => void) => () => void
  readonly log: Pick<EventLog, 'warn'>
  /** Somebody's wait has ended; for metrics. */
  readonly waited?: (vm: VmId, result: HoldResult, ms: number) => void
}

export interface HoldStats {
  readonly held: number
  readonly heldBytes: number
  /** Machines that somebody waits for. */
  readonly byVm: ReadonlyMap<VmId, number>
}

export interface Gates {
  /** The door of that port: the same object for ever. Open where there is no machine to wait for. */
  gateFor(vm: VmId, port: number, scheme: 'http' | 'https'): Gate
  /** The machines changed: every door looks for its own anew. Call it once they are those of the new table. */
  refresh(): void
  /** A wish that is no request to be held: somebody who may has pressed the button. */
  want(vm: VmId, by: WakeReason): WantResult
  /** Why the last wish for it was refused; `null`: it was not. */
  refusal(vm: VmId): Refusal | null
  stats(): HoldStats
  /** Everybody who waits is sent away with `shutting-down`, and nobody is held any more. */
  stop(): void
}

interface Door extends Gate {
  open: boolean
  scheme: 'http' | 'https'
  readonly house: House
  readonly line: Line<Entry<Door>>
  readonly ramp: Ramp
}

/** One machine and its doors. */
interface House {
  readonly vm: VmId
  readonly doors: Map<number, Door>
  machine: Machine | null
  unsubscribe: () => void
  refusal: Refusal | null
  cancelSettle: (() => void) | null
  /** When it was last said that there is no room; steady clock. */
  fullSaidAt: number
  /** When a port of the machine was lost that had answered, steady clock; Infinity: none since it was last at rest. */
  lostAt: number
  /** The stop under way, or the last one, is ours. */
  ourStop: boolean
}

export function createGates(deps: GatesDeps): Gates {
  const limits: HoldLimits = { ...defaultHoldLimits, ...deps.limits }
  const houses = new Map<VmId, House>()
  const room = createWaitingRoom<Door>({
    limits,
    steady: deps.steady,
    after: deps.after,
    timedOut(entry) {
      const { house, port } = entry.place
      const rest = house.machine === null ? null : restSeconds(house.machine, port, deps.now())
      giveUp(entry, 'timeout', { code: 'waking', rest })
    },
  })
  let stopped = false

  // Doors and their machines

  function gateFor(vm: VmId, port: number, scheme: 'http' | 'https'): Gate {
    const house = houseOf(vm)
    const door = house.doors.get(port) ?? createDoor(house, port, scheme)
    door.scheme = scheme
    house.machine?.watchPort(port, scheme)
    sync(door)
    return door
  }

  function createDoor(house: House, port: number, scheme: 'http' | 'https'): Door {
    const { vm } = house
    const { use } = deps
    const door: Door = {
      vm,
      port,
      scheme,
      house,
      line: createLine(),
      ramp: createRamp({
        after: deps.after,
        letOne: () => letOne(door),
        done: () => sync(door),
      }),
      open: false,
      passes: (passing) => use.passes(vm, passing),
      arrive: (waiter) => arrive(door, waiter),
      leave(waiter) {
        const entry = room.find(waiter)
        if (entry !== null) end(entry, 'cancelled')
      },
      refused() {
        house.lostAt = Math.min(house.lostAt, deps.steady())
        house.machine?.portRefused(port)
        sync(door)
      },
    }
    house.doors.set(port, door)
    return door
  }

  function houseOf(vm: VmId): House {
    let house = houses.get(vm)
    if (house === undefined) {
      house = {
        vm,
        doors: new Map(),
        machine: null,
        unsubscribe: () => {},
        refusal: null,
        cancelSettle: null,
        fullSaidAt: Number.NEGATIVE_INFINITY,
        lostAt: Number.POSITIVE_INFINITY,
        ourStop: false,
      }
      houses.set(vm, house)
    }
    attach(house)
    return house
  }

  function attach(house: House): void {
    if (stopped) return
    const machine = deps.machine(house.vm)
    if (machine === house.machine) return
    house.unsubscribe()
    house.machine = machine
    house.refusal = null
    house.unsubscribe = machine?.subscribe(() => changed(house)) ?? (() => {})
    for (const { port, scheme } of house.doors.values()) machine?.watchPort(port, scheme)
  }

  function refresh(): void {
    for (const house of houses.values()) {
      attach(house)
      changed(house)
    }
  }

  function changed(house: House): void {
    const state = house.machine?.state ?? null
    if (state?.kind !== 'asleep') house.refusal = null
    if (state?.kind === 'stopping') house.ourStop = state.by === 'us'
    else if (state?.kind === 'starting') {
      house.ourStop = false
      house.lostAt = Number.POSITIVE_INFINITY
    }
    for (const door of house.doors.values()) sync(door)
    if (house.cancelSettle !== null || room.heldFor(house.vm) === 0) return
    // Not at once: the machine may be in the middle of something, and on its way into another state.
    house.cancelSettle = deps.after(0, () => {
      house.cancelSettle = null
      settle(house)
    })
  }

  /** Open, closed, or letting those through who waited. */
  function sync(door: Door): void {
    const { machine } = door.house
    if (stopped || (machine !== null && !machine.isReady(door.port))) {
      door.ramp.stop()
      door.open = false
    } else if (door.line.size > 0) {
      // Whoever comes now stands in line too, or the fresh machine would be swamped after all.
      door.open = false
      door.ramp.begin()
    } else {
      door.ramp.stop()
      door.open = true
    }
  }

  // Arriving

  function arrive(door: Door, waiter: Waiter): Reception {
    const { arrival } = waiter
    const { machine } = door.house
    if (stopped) return refuse('shutting-down', null)
    if (machine === null || machine.isReady(door.port)) return hold(door, waiter)
    if (mayWake(arrival) === 'yes') return wish(door, machine, waiter)
    if (machine.state.kind === 'gone') return refuse('machine-gone', null)
    const rest = comesAnyway(machine) ? restSeconds(machine, door.port, deps.now()) : null
    if (arrival.page) return { kind: 'page', waking: false, retryAfterSeconds: rest }
    // What a person's open page asks for wakes nothing; but while the machine comes it may wait like everything else.
    const mayWait = rest !== null && arrival.user !== null && arrival.kind !== 'incidental'
    return mayWait ? hold(door, waiter) : refuse('asleep', rest)
  }

  function wish(door: Door, machine: Machine, waiter: Waiter): Reception {
    const { page } = waiter.arrival
    const { house } = door
    const result = want(house, machine, reasonOf(waiter.arrival))
    if (result === 'gone') return refuse('machine-gone', null)
    if (result !== 'ok') {
      return page
        ? { kind: 'page', waking: false, retryAfterSeconds: null }
        : refuse('wake-refused', null)
    }
    // A page at once; but not where the machine was on its way to sleep and is back already.
    if (page && !machine.isReady(door.port)) {
      const rest = restSeconds(machine, door.port, deps.now())
      return { kind: 'page', waking: true, retryAfterSeconds: rest }
    }
    return hold(door, waiter)
  }

  function want(house: House, machine: Machine, by: WakeReason): WantResult {
    const result = machine.want(by)
    house.refusal = result === 'budget' || result === 'too-many-starts' ? result : null
    return result
  }

  /** Takes a place in the line, if there is one, and if it makes sense to wait. */
  function hold(door: Door, waiter: Waiter): Reception {
    const { arrival } = waiter
    const { port, house } = door
    const { machine } = house
    const holdMs = machine === null ? limits.maxHoldMs : holdMsOf(machine, deps.steady())
    const deadline = room.deadlineOf(arrival, holdMs)
    if (machine !== null && restsBeyond(machine, deadline)) {
      return refuse('wake-refused', restSeconds(machine, port, deps.now()))
    }
    const entry = room.enter(waiter, door, deadline)
    if (entry === null) return full(door, arrival)
    door.line.add(entry, { kind: arrival.kind, again: entry.again })
    sync(door)
    return held
  }

  function full(door: Door, { page }: Arrival): Reception {
    const { house, port } = door
    const { machine, vm } = house
    const now = deps.steady()
    if (now - house.fullSaidAt > minuteMs) {
      house.fullSaidAt = now
      const { size, bytes } = room
      deps.log.warn('hold-full', { vm, held: size, heldForVm: room.heldFor(vm), heldBytes: bytes })
    }
    const soon = machine === null || machine.isReady(port)
    const rest = soon ? crowdSeconds : restSeconds(machine, port, deps.now())
    return page
      ? { kind: 'page', waking: true, retryAfterSeconds: rest }
      : refuse('hold-full', rest)
  }

  // Leaving

  /** @returns false: it was over before. */
  function end(entry: Entry<Door>, result: HoldResult): boolean {
    if (!room.leave(entry)) return false
    const door = entry.place
    door.line.remove(entry)
    deps.waited?.(door.vm, result, deps.steady() - entry.since)
    return true
  }

  function giveUp(
    entry: Entry<Door>,
    result: HoldResult,
    why: { readonly code: FailureCode; readonly rest: number | null },
  ): void {
    if (end(entry, result)) entry.waiter.giveUp(why.code, why.rest)
  }

  /** @returns false: nobody is left now. */
  function letOne(door: Door): boolean {
    const entry = door.line.next()
    if (entry === null) return false
    room.remember(entry)
    end(entry, 'ready')
    // Who is let through looks at the door once more, before this returns.
    door.open = true
    entry.waiter.release()
    if (door.ramp.running) door.open = false
    return door.line.size > 0
  }

  /**
   * It was thought awake, and somebody had stopped it elsewhere: who came after that wants it started. Who waited for it
   * before does not: whoever stops it means it.
   */
  function wantAgain(house: House, machine: Machine): void {
    if (house.ourStop || machine.state.kind === 'gone' || comesAnyway(machine)) return
    for (const door of house.doors.values()) {
      for (const { waiter, since } of door.line.list()) {
        if (since < house.lostAt || mayWake(waiter.arrival) === 'no') continue
        if (want(house, machine, reasonOf(waiter.arrival)) === 'ok') return
      }
    }
  }

  /** The machine does not come, or not in time: whoever waits for it is told. */
  function settle(house: House): void {
    const { machine } = house
    if (machine === null) return
    wantAgain(house, machine)
    for (const door of house.doors.values()) {
      for (const entry of door.line.list()) {
        if (machine.state.kind === 'gone') {
          giveUp(entry, 'refused', { code: 'machine-gone', rest: null })
        } else if (!comesAnyway(machine)) {
          giveUp(entry, 'refused', { code: 'asleep', rest: null })
        } else if (restsBeyond(machine, entry.deadline)) {
          const rest = restSeconds(machine, door.port, deps.now())
          giveUp(entry, 'refused', { code: 'wake-refused', rest })
        }
      }
    }
  }

  function stop(): void {
    stopped = true
    for (const entry of room.list()) {
      giveUp(entry, 'refused', { code: 'shutting-down', rest: null })
    }
    for (const house of houses.values()) {
      house.unsubscribe()
      house.unsubscribe = () => {}
      house.cancelSettle?.()
      house.cancelSettle = null
      for (const door of house.doors.values()) sync(door)
    }
  }

  return {
    gateFor,
    refresh,
    want(vm, by) {
      const house = houseOf(vm)
      return house.machine === null ? 'ok' : want(house, house.machine, by)
    },
    refusal: (vm) => houses.get(vm)?.refusal ?? null,
    stats: () => ({ held: room.size, heldBytes: room.bytes, byVm: room.byVm() }),
    stop,
  }
}

const held: Reception = { kind: 'held' }
const minuteMs = 60_000
/** For whom there was no room while the line moves. */
const crowdSeconds = 2

function refuse(code: FailureCode, retryAfterSeconds: number | null): Reception {
  return { kind: 'refuse', code, retryAfterSeconds }
}

/** Who wants it. */
function reasonOf({ id, user, token, routeId }: Arrival): WakeReason {
  if (user !== null && token !== null) return { kind: 'token', user, token }
  return { kind: 'request', request: id, user, route: routeId }
}
