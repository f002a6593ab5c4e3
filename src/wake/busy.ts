// "I am busy": what a machine itself says, with its own secret. It keeps itself awake with it, and starts nothing.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { VmId } from '../model.ts'

/** One that may say so. */
export interface BusyVm {
  readonly id: VmId
  /** Name of its secret. */
  readonly busySecret: string | null
}

/** What is answered to a signal. `until`: steady clock, milliseconds. */
export type BusyAnswer =
  | { readonly kind: 'taken'; readonly vm: VmId; readonly until: number }
  /** 401: no machine has this secret. */
  | { readonly kind: 'stranger' }
  /** 400. */
  | { readonly kind: 'malformed'; readonly what: string }

export interface Busy {
  /**
   * A POST to `/.gatehouse/wake/busy`.
   *
   * @param authorization the header's value: `Bearer` and the secret (RFC 6750 §2.1).
   * @param body `{"for": 600}`, seconds up to 3600; `"vm"` beside it where several machines share a secret.
   */
  signal(authorization: string | null, body: string): BusyAnswer
  /** How long it is busy yet, milliseconds; 0: it is not. */
  busyFor(vm: VmId): number
  /** What it said does not count any more. */
  forget(vm: VmId): void
}

/** Longest time that one signal counts, seconds. */
export const maxBusySeconds = 3_600
/** Longest body that is read, bytes. */
export const maxBusyBodyBytes = 1_000

export function createBusy(deps: {
  readonly vms: () => readonly BusyVm[]
  /** `null`: there is no such secret. */
  readonly secret: (name: string) => string | null
  readonly steady: () => number
}): Busy {
  const until = new Map<VmId, number>()

  /** All are compared, so that the time taken says nothing of which one it was. */
  function ownersOf(token: string): readonly VmId[] {
    const given = digest(token)
    return deps.vms().flatMap(({ id, busySecret }) => {
      const secret = busySecret === null ? null : deps.secret(busySecret)
      return secret !== null && secret !== '' && timingSafeEqual(given, digest(secret)) ? [id] : []
    })
  }

  return {
    signal(authorization, body) {
      const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
      const owners = token === undefined ? [] : ownersOf(token)
      const [first] = owners
      if (first === undefined) return { kind: 'stranger' }
      const asked = read(body)
      if (typeof asked === 'string') return { kind: 'malformed', what: asked }
      const named = asked.vm === null ? first : owners.find((owner) => owner === asked.vm)
      if (named === undefined) return { kind: 'malformed', what: 'this secret is not of that vm' }
      if (asked.vm === null && owners.length > 1) {
        return { kind: 'malformed', what: 'several machines have this secret: name one as "vm"' }
      }
      const end = deps.steady() + asked.seconds * 1_000
      until.set(named, Math.max(end, until.get(named) ?? end))
      return { kind: 'taken', vm: named, until: until.get(named) ?? end }
    },
    busyFor: (vm) => Math.max(0, (until.get(vm) ?? 0) - deps.steady()),
    forget: (vm) => void until.delete(vm),
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** @returns what is wrong with it, if it is. */
function read(body: string): { readonly seconds: number; readonly vm: string | null } | string {
  if (body.length > maxBusyBodyBytes) return 'the body is too long'
  let data: unknown
  try {
    data = JSON.parse(body)
  } catch {
    return 'the body is no JSON'
  }
  if (typeof data !== 'object' || data === null) return 'the body is no object'
  const seconds: unknown = Reflect.get(data, 'for')
  if (typeof seconds !== 'number' || !(seconds > 0 && seconds <= maxBusySeconds)) {
    return `"for" has to be a number of seconds up to ${maxBusySeconds}`
  }
  const vm: unknown = Reflect.get(data, 'vm')
  if (vm !== undefined && typeof vm !== 'string') return '"vm" has to be a name'
  return { seconds, vm: vm ?? null }
}
