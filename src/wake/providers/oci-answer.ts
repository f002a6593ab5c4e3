// What Oracle Cloud's answers mean: the state of an instance, or which fault. Reads only, asks nothing.

import { CloudError, type CloudFault, type CloudState } from '../provider.ts'

/** An answer that was read to its end. */
export interface OciAnswer {
  readonly status: number
  /** The header `Date`; `null`: none. */
  readonly date: string | null
  /** `opc-request-id`. */
  readonly requestId: string | null
  readonly text: string
}

/**
 * The state of the instance in an answer to GetInstance or InstanceAction.
 *
 * @throws CloudError `invalid`: not an instance, another one than asked for, or a state that did not exist in 2026.
 */
export function readInstance(text: string, instance: string): CloudState {
  const { id, lifecycleState } = jsonObject(text)
  if (typeof id !== 'string' || typeof lifecycleState !== 'string') {
    throw new CloudError('invalid', 'the answer is no instance', 200)
  }
  if (id !== instance) throw new CloudError('invalid', 'the answer is about another instance', 200)
  const state = states.get(lifecycleState)
  if (state !== undefined) return state
  throw new CloudError('invalid', 'the instance is in a state that nobody here knows', 200)
}

/** What an answer that is no success means, and in the cloud's own words. */
export function ociFault(
  answer: OciAnswer,
  now: number,
): { readonly fault: CloudFault; readonly detail: string } {
  const body = jsonObject(answer.text)
  const code = typeof body.code === 'string' ? body.code : null
  const message = typeof body.message === 'string' ? body.message : ''
  const said = `${answer.status} ${code ?? 'without a code'}: ${message}`
  if (answer.status !== 401) {
    return { fault: faultOf(answer.status, code, message), detail: said }
  }
  // A signature is good for five minutes before and after, and a wrong clock gets the same answer as a wrong key.
  const aheadMs = answer.date === null ? Number.NaN : now - Date.parse(answer.date)
  if (Math.abs(aheadMs) < clockToleranceMs || Number.isNaN(aheadMs)) {
    return { fault: 'denied', detail: said }
  }
  const seconds = Math.round(Math.abs(aheadMs) / 1000)
  const way = aheadMs > 0 ? 'ahead of' : 'behind'
  return { fault: 'clock', detail: `our clock is ${seconds} s ${way} the cloud's; ${said}` }
}

function faultOf(status: number, code: string | null, message: string): CloudFault {
  // Oracle has no code of its own for this: a host that is full is InternalError with these words. Taken for any
  // other 500 it would be tried every few seconds instead of minutes, and nobody would be told why.
  if (status >= 500 && /out of (?:host )?capacity/i.test(message)) return 'capacity'
  if (code !== null && /^(?:OutOf(?:Host)?Capacity|LimitExceeded|QuotaExceeded)$/.test(code)) {
    return 'capacity'
  }
  if (status === 409 || status === 412) return 'conflict'
  if (status === 429) return 'throttled'
  if (status === 408 || status >= 500) return 'unavailable'
  // 404 is also what is said to somebody who lacks the permission.
  if (status >= 400 && status <= 404) return 'denied'
  return 'invalid'
}

const clockToleranceMs = 270_000

/** `lifecycleState` of an Instance. */
const states: ReadonlyMap<string, CloudState> = new Map([
  ['STOPPED', 'stopped'],
  ['STARTING', 'starting'],
  ['PROVISIONING', 'starting'],
  ['RUNNING', 'running'],
  ['STOPPING', 'stopping'],
  ['MOVING', 'moving'],
  // It is shut down for that, and comes back by itself.
  ['CREATING_IMAGE', 'moving'],
  ['TERMINATING', 'gone'],
  ['TERMINATED', 'gone'],
])

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
