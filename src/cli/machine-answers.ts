// What the gateway says of machines, read from its JSON: an older or newer gateway may say it otherwise.

import type { AlertResult, MachineOutcome, MachineReport, OwnTraffic } from '../control-machines.ts'

/** To `vms`. `null`: it is not what this program understands. */
export function readMachines(answer: object): readonly MachineReport[] | null {
  const value = 'machines' in answer ? answer.machines : null
  return fits(value, [machine]) ? (value as readonly MachineReport[]) : null
}

/** `null`: it is not said. */
export function readTraffic(answer: object): OwnTraffic | null {
  const value = 'traffic' in answer ? answer.traffic : null
  return fits(value, traffic) ? (value as OwnTraffic) : null
}

/** To a request that does something with one machine. */
export function readOutcome(answer: object): MachineOutcome | null {
  const value = 'outcome' in answer ? answer.outcome : null
  if (fits(value, { kind: 'string' }) && Reflect.get(Object(value), 'kind') === 'done') {
    return { kind: 'done' }
  }
  return fits(value, refused) ? (value as MachineOutcome) : null
}

/** To `alert-test`. */
export function readAlertResults(answer: object): readonly AlertResult[] | null {
  const value = 'alerts' in answer ? answer.alerts : null
  return fits(value, [alert]) ? (value as readonly AlertResult[]) : null
}

/** `?`: or null. A list of one: any number of these. */
type Shape =
  | 'string'
  | 'number'
  | 'string?'
  | 'number?'
  | readonly [Shape]
  | { readonly [key: string]: Shape }
  | { readonly orNull: { readonly [key: string]: Shape } }

const start: Shape = {
  at: 'number',
  by: 'string',
  readyMs: 'number?',
  endedAt: 'number?',
  reason: 'string?',
  cost: 'number?',
}

const cost: Shape = {
  month: 'string',
  minutesAwake: 'number',
  money: {
    orNull: { currency: 'string', spent: 'number', budget: 'number?', atBudget: 'string' },
  },
}

const machine: Shape = {
  id: 'string',
  address: 'string',
  state: 'string',
  since: 'number?',
  wokenBy: 'string?',
  readyPorts: ['number'],
  held: 'number',
  idleMs: 'number?',
  sleepsAt: 'number?',
  keptUntil: 'number?',
  usualStartMs: 'number?',
  fault: 'string?',
  retryAt: 'number?',
  timeZone: 'string',
  cost,
  starts: [start],
}

const traffic: Shape = { month: 'string', bytes: 'number', freeBytes: 'number' }
const refused: Shape = { kind: 'string', reason: 'string', detail: 'string?', retryAt: 'number?' }
const alert: Shape = { target: 'string', error: 'string?' }

function fits(value: unknown, shape: Shape): boolean {
  if (typeof shape === 'string') {
    const [type, orNull] = shape.endsWith('?') ? [shape.slice(0, -1), true] : [shape, false]
    return typeof value === type || (orNull && value === null)
  }
  if (isList(shape)) return Array.isArray(value) && value.every((each) => fits(each, shape[0]))
  if ('orNull' in shape && typeof shape.orNull === 'object') {
    return value === null || fits(value, shape.orNull)
  }
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(shape).every(([key, each]) => fits(Reflect.get(value, key), each))
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape)
}
