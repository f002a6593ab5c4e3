// A journal as text, and back: everything is looked at, because a half-written file must not start a machine.

import type { Intent, JournalData, StartRecord } from './journal.ts'
import type { CloudFault } from './provider.ts'
import type { WakeReason } from './vm-state.ts'

/** Raise it when the meaning of a field changes. */
const format = 1

export function writeJournal(data: JournalData): string {
  return `${JSON.stringify({ format, ...data })}\n`
}

/** @throws Error naming the first field that is not as written. */
export function readJournal(text: string): JournalData {
  const top = fields(JSON.parse(text), 'the file')
  if (top.format !== format) throw new Error(`format is ${String(top.format)}, not ${format}`)
  return {
    intent: intent(top.intent),
    history: list(top.history, 'history').map(record),
    minutes: minutes(top.minutes),
    countedAt: orNull(top.countedAt, 'countedAt', number),
  }
}

type Fields = Readonly<Record<string, unknown>>

function intent(value: unknown): Intent {
  const { kind, ...rest } = fields(value, 'intent')
  switch (kind) {
    case 'asleep':
      return { kind }
    case 'awake':
      return { kind, by: orNull(rest.by, 'intent.by', reason), at: number(rest.at, 'intent.at') }
    case 'stopping':
      return {
        kind,
        reason: text(rest.reason, 'intent.reason'),
        at: number(rest.at, 'intent.at'),
        thenBy: orNull(rest.thenBy, 'intent.thenBy', reason),
      }
    case 'starting':
      return {
        kind,
        by: reason(rest.by, 'intent.by'),
        at: number(rest.at, 'intent.at'),
        token: orNull(rest.token, 'intent.token', text),
        rest: orNull(rest.rest, 'intent.rest', restOf),
      }
    default:
      throw wrong('intent.kind')
  }
}

function restOf(value: unknown, name: string) {
  const rest = fields(value, name)
  return {
    fault: fault(rest.fault, `${name}.fault`),
    until: number(rest.until, `${name}.until`),
    attempts: number(rest.attempts, `${name}.attempts`),
  }
}

function record(value: unknown, index: number): StartRecord {
  const name = `history[${index}]`
  const of = fields(value, name)
  const ms = (key: string) => orNull(of[key], `${name}.${key}`, number)
  return {
    by: orNull(of.by, `${name}.by`, reason),
    wantedAt: number(of.wantedAt, `${name}.wantedAt`),
    acceptedMs: ms('acceptedMs'),
    runningMs: ms('runningMs'),
    readyMs: ms('readyMs'),
    attempts: number(of.attempts, `${name}.attempts`),
    fault: orNull(of.fault, `${name}.fault`, fault),
    stopReason: orNull(of.stopReason, `${name}.stopReason`, text),
    stopMs: ms('stopMs'),
    endedAt: ms('endedAt'),
    awakeMs: number(of.awakeMs, `${name}.awakeMs`),
    cost: ms('cost'),
    currency: orNull(of.currency, `${name}.currency`, text),
  }
}

/** The ids in it were checked when they came; here they are only shown again. */
function reason(value: unknown, name: string): WakeReason {
  const of = fields(value, name)
  switch (of.kind) {
    case 'request':
      return {
        kind: of.kind,
        request: text(of.request, `${name}.request`) as Extract<
          WakeReason,
          { kind: 'request' }
        >['request'],
        user: orNull(of.user, `${name}.user`, user),
        route: text(of.route, `${name}.route`),
      }
    case 'person':
      return { kind: of.kind, user: orNull(of.user, `${name}.user`, user) }
    case 'schedule':
      return { kind: of.kind }
    case 'token':
      return {
        kind: of.kind,
        user: user(of.user, `${name}.user`),
        token: text(of.token, `${name}.token`),
      }
    default:
      throw wrong(`${name}.kind`)
  }
}

function user(value: unknown, name: string) {
  return text(value, name) as Extract<WakeReason, { kind: 'token' }>['user']
}

function minutes(value: unknown): Record<string, number> {
  const months: Record<string, number> = {}
  for (const [month, count] of Object.entries(fields(value, 'minutes'))) {
    if (!/^\d{4}-\d{2}$/.test(month)) throw wrong('minutes')
    months[month] = number(count, `minutes.${month}`)
  }
  return months
}

const faults: readonly CloudFault[] = [
  'capacity',
  'throttled',
  'conflict',
  'denied',
  'clock',
  'unavailable',
  'invalid',
]

function fault(value: unknown, name: string): CloudFault {
  const known = faults.find((each) => each === value)
  if (known === undefined) throw wrong(name)
  return known
}

function orNull<T>(value: unknown, name: string, read: (value: unknown, name: string) => T) {
  return value === null ? null : read(value, name)
}

function number(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw wrong(name)
  return value
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value.length > 1_000) throw wrong(name)
  return value
}

function list(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(name)
  return value
}

function fields(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name)
  return value as Fields
}

function wrong(name: string): Error {
  return new Error(`${name} is not what is written there`)
}
