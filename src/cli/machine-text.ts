// Machines in words: their states, what ails them, spans of time, money.

import type { MachineOutcome, MachineReport } from '../control-machines.ts'
import { harmless } from './terminal-text.ts'

/** `starting`, `booting`: it was asked for. What the state alone leaves open is in brackets. */
export function stateText(machine: MachineReport): string {
  const { state, fault, keptUntil } = machine
  if (fault !== null) return `${state} (${harmless(fault, 20)})`
  return keptUntil !== null && state === 'awake' ? 'awake (kept)' : state
}

/** `45 s`, `12 min`, `4 h 12 min`, `3 d 4 h`; rounded down. @param ms below 0 counts as 0. */
export function spanWords(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  const [count, unit, rest] =
    hours < 48
      ? [hours, 'h', `${minutes % 60} min`]
      : [Math.floor(hours / 24), 'd', `${hours % 24} h`]
  return rest.startsWith('0 ') ? `${count} ${unit}` : `${count} ${unit} ${rest}`
}

/** `18:00`, on another day `2026-11-30 18:00`; in that time zone. */
export function clockText(at: number, now: number, timeZone: string): string {
  const there = localText(at, timeZone)
  return there.slice(0, 10) === localText(now, timeZone).slice(0, 10) ? there.slice(11) : there
}

/** `2026-11-30 18:00`, as clocks there show it; UTC when the zone is not known here. */
export function localText(at: number, timeZone: string): string {
  // Sweden writes dates as ISO 8601 does.
  return formatter(timeZone).format(at)
}

function formatter(timeZone: string): Intl.DateTimeFormat {
  const options = { dateStyle: 'short', timeStyle: 'short' } as const
  try {
    return new Intl.DateTimeFormat('sv', { ...options, timeZone })
  } catch {
    return new Intl.DateTimeFormat('sv', { ...options, timeZone: 'UTC' })
  }
}

/** `0.42 EUR`; a fraction of a cent is not hidden: `0.0013 EUR`, `<0.0001 EUR`. */
export function moneyText(amount: number, currency: string): string {
  if (amount > 0 && amount < 0.0001) return `<0.0001 ${harmless(currency, 3)}`
  const digits = amount !== 0 && Math.abs(amount) < 0.1 ? 4 : 2
  return `${amount.toFixed(digits)} ${harmless(currency, 3)}`
}

/** What a machine ails from, for whoever looks after it; `null`: nothing. */
export function troubleText(machine: MachineReport, now: number): string | null {
  const { id, fault, retryAt, timeZone } = machine
  if (fault === null) return null
  const known = faultWords.get(fault) ?? harmless(fault, 40)
  const next = retryAt === null ? '' : `; next try at ${clockText(retryAt, now, timeZone)}`
  return `${harmless(id, 63)}: ${known}${next}`
}

const faultWords: ReadonlyMap<string, string> = new Map([
  ['capacity', 'the cloud has no room for it now'],
  ['throttled', 'the cloud was asked too often'],
  ['conflict', 'the cloud says it is in another state than thought'],
  ['denied', 'the cloud does not let the gateway control it: look at key, policy and instance'],
  ['clock', "the gateway's clock is off, and the cloud believes nothing it signs"],
  ['unavailable', 'the cloud does not answer'],
  ['invalid', 'the cloud says something that is not understood'],
])

/** Why a command did nothing, and what helps. */
export function refusalText(
  vm: string,
  outcome: MachineOutcome & { readonly kind: 'refused' },
  near: { readonly now: number; readonly timeZone: string; readonly meant: string | null },
): string {
  const { reason, detail, retryAt } = outcome
  const words = refusalWords[reason]?.(vm, near.meant) ?? `${vm}: ${harmless(reason, 40)}`
  const more = detail === null ? '' : ` (${harmless(detail)})`
  const next = retryAt === null ? '' : `; again at ${clockText(retryAt, near.now, near.timeZone)}`
  return `gatehouse: error: ${words}${more}${next}\n`
}

type Refusal = (MachineOutcome & { readonly kind: 'refused' })['reason']

const refusalWords: Readonly<
  Record<Refusal, ((vm: string, meant: string | null) => string) | undefined>
> = {
  'unknown-vm': (vm, meant) =>
    meant === null
      ? `no machine ${vm} sleeps; "gatehouse vm list" shows those that do`
      : `there is no machine ${vm}; did you mean ${meant}?`,
  'always-on': (vm) => `${vm} has no power in the table, so it is always on`,
  'too-many-starts': (vm) =>
    `${vm} was started as often as startsPerHour in the table allows; something wakes it again and again`,
  budget: (vm) =>
    `the budget of this month for ${vm} is used up; raise budget in the table, or change atBudget`,
  gone: (vm) => `the cloud does not know ${vm} any more; correct its instance in the table`,
  failed: (vm) => `${vm} could not be started`,
  timeout: (vm) => `${vm} did not get ready in time; "gatehouse vm list" shows how far it is`,
  'not-running': (vm) => `${vm} does not run`,
  'too-long': (vm) => `${vm} may not be kept awake for so long`,
}
