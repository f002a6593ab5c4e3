// Who waits for any machine, for how long, and whether there is room for one more.

import type { Arrival, Waiter } from '../gate.ts'
import type { RequestId, VmId } from '../model.ts'

/** How much may wait. Beyond it nothing is lost but comfort: the client is told to come again. */
export interface HoldLimits {
  /** Requests, in all. Default 200. */
  readonly total: number
  /** Requests for one machine. Default 50. */
  readonly perVm: number
  /** Requests of one session, or of one network for strangers. Default 10. */
  readonly perSession: number
  /** Bodies that have begun to arrive, in all. Default 8 MB. */
  readonly totalBytes: number
  /**
   * What of an unread body can stand in the buffers before it, at most. Default 256 KiB: the window of a stream over HTTP/2;
   * over HTTP/1 it is about 100 kB.
   */
  readonly bytesPerRequest: number
  /** Longest time, milliseconds. Default 85 s: Cloudflare gives up after 100. */
  readonly maxHoldMs: number
}

export const defaultHoldLimits: HoldLimits = {
  total: 200,
  perVm: 50,
  perSession: 10,
  totalBytes: 8_000_000,
  bytesPerRequest: 262_144,
  maxHoldMs: 85_000,
}

/** Somebody who waits. `Place` is what he waits for. */
export interface Entry<Place> {
  readonly waiter: Waiter
  readonly place: Place
  /** Steady clock; of a request that was let through in vain, since it first came. */
  readonly since: number
  readonly deadline: number
  /** Was let through before, and came back. */
  readonly again: boolean
}

export interface WaitingRoom<Place> {
  readonly size: number
  readonly bytes: number
  heldFor(vm: VmId): number
  /** Machines that somebody waits for. */
  byVm(): ReadonlyMap<VmId, number>
  /** When a wait that begins now ends. Who comes back keeps his time: proxies before us count it too. */
  deadlineOf(arrival: Arrival, holdMs: number): number
  /** @returns `null`: no room. */
  enter(waiter: Waiter, place: Place, deadline: number): Entry<Place> | null
  find(waiter: Waiter): Entry<Place> | null
  /** @returns false: was not there any more. */
  leave(entry: Entry<Place>): boolean
  /** Somebody is let through, and may come back should the port refuse him. */
  remember(entry: Entry<Place>): void
  list(): Entry<Place>[]
}

export interface WaitingRoomDeps<Place> {
  readonly limits: HoldLimits
  readonly steady: () => number
  readonly after: (ms: number, run: () => void) => () => void
  readonly timedOut: (entry: Entry<Place>) => void
}

export function createWaitingRoom<Place>(deps: WaitingRoomDeps<Place>): WaitingRoom<Place> {
  const { limits, steady } = deps
  const inside = new Map<Waiter, { readonly entry: Entry<Place>; readonly cancel: () => void }>()
  const vms = new Map<VmId, number>()
  /** By session; strangers by network. */
  const clients = new Map<string, number>()
  /** Who was let through lately: since when he waits, and until when. */
  const passed = new Map<RequestId, { readonly since: number; readonly deadline: number }>()
  let bytes = 0

  function enter(waiter: Waiter, place: Place, deadline: number): Entry<Place> | null {
    const { arrival } = waiter
    const { vm, id } = arrival
    const client = clientOf(arrival)
    const size = bytesOf(arrival)
    if (
      inside.size >= limits.total ||
      (vms.get(vm) ?? 0) >= limits.perVm ||
      (clients.get(client) ?? 0) >= limits.perSession ||
      bytes + size > limits.totalBytes
    ) {
      return null
    }
    const known = passed.get(id)
    passed.delete(id)
    const now = steady()
    const again = known !== undefined
    const entry: Entry<Place> = { waiter, place, since: known?.since ?? now, deadline, again }
    const cancel = deps.after(Math.max(0, deadline - now), () => deps.timedOut(entry))
    inside.set(waiter, { entry, cancel })
    add(vms, vm, 1)
    add(clients, client, 1)
    bytes += size
    return entry
  }

  function leave({ waiter }: Entry<Place>): boolean {
    const found = inside.get(waiter)
    if (found === undefined) return false
    const { arrival } = waiter
    found.cancel()
    inside.delete(waiter)
    add(vms, arrival.vm, -1)
    add(clients, clientOf(arrival), -1)
    bytes -= bytesOf(arrival)
    return true
  }

  function remember({ waiter, since, deadline }: Entry<Place>): void {
    const now = steady()
    for (const [id, one] of passed) {
      if (passed.size < maxPassed && one.deadline > now) break
      passed.delete(id)
    }
    passed.set(waiter.arrival.id, { since, deadline })
  }

  function bytesOf({ declaredBytes }: Arrival): number {
    return Math.min(declaredBytes, limits.bytesPerRequest)
  }

  return {
    get size() {
      return inside.size
    },
    get bytes() {
      return bytes
    },
    heldFor: (vm) => vms.get(vm) ?? 0,
    byVm: () => new Map(vms),
    deadlineOf: (arrival, holdMs) =>
      passed.get(arrival.id)?.deadline ?? steady() + Math.min(holdMs, limits.maxHoldMs),
    enter,
    find: (waiter) => inside.get(waiter)?.entry ?? null,
    leave,
    remember,
    list: () => [...inside.values()].map(({ entry }) => entry),
  }
}

/** So many of those who were let through are remembered. */
const maxPassed = 1_000

function clientOf({ session, network }: Arrival): string {
  return session ?? network
}

function add<Key>(counts: Map<Key, number>, key: Key, change: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + change
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}
