// `gatehouse vm list`: the machines that sleep, and what is known of them now.

import type { MachineCost, MachineReport, MachineStart } from '../control-machines.ts'
import { type MachineContext, machinesOf } from './machine-gateway.ts'
import { clockText, moneyText, spanWords, stateText, troubleText } from './machine-text.ts'
import { done, type Outcome } from './outcome.ts'
import { harmless, jsonText, table, timeOrNull } from './terminal-text.ts'

/** Without a gateway that runs there is nothing to list. */
export async function listMachines(context: MachineContext): Promise<Outcome> {
  const { machines } = await machinesOf(context)
  if (context.flags.has('json')) return done(jsonText(machines.map(plain)))
  if (machines.length === 0) return done(noMachines)
  const now = context.now()
  const rows = machines.map((machine) => [
    harmless(machine.id, 63),
    stateText(machine),
    machine.since === null ? '' : spanWords(now - machine.since),
    harmless(machine.wokenBy ?? '', 50),
    machine.idleMs === null ? '' : spanWords(machine.idleMs),
    sleepText(machine, now),
    machine.held === 0 ? '' : String(machine.held),
    monthText(machine.cost),
  ])
  const headings = ['VM', 'STATE', 'FOR', 'WOKEN BY', 'IDLE', 'SLEEPS', 'WAITING', 'THIS MONTH']
  const troubles = machines.flatMap((machine) => troubleText(machine, now) ?? [])
  const error = troubles.map((text) => `gatehouse: warning: ${text}\n`).join('')
  return done(table(headings, rows), { error })
}

export const noMachines = 'No machine of the table sleeps: none has power.\n'

function sleepText({ keptUntil, sleepsAt, timeZone }: MachineReport, now: number): string {
  if (keptUntil !== null) return `kept until ${clockText(keptUntil, now, timeZone)}`
  return sleepsAt === null ? '' : `at ${clockText(sleepsAt, now, timeZone)}`
}

/** `4 h 12 min, 0.03 USD of 6.50`. */
export function monthText({ minutesAwake, money }: MachineCost): string {
  const time = spanWords(minutesAwake * 60_000)
  if (money === null) return time
  const budget = money.budget === null ? '' : ` of ${money.budget.toFixed(2)}`
  return `${time}, ${moneyText(money.spent, money.currency)}${budget}`
}

/** As JSON output has it: times in RFC 3339. */
export function plain(machine: MachineReport) {
  return {
    ...machine,
    since: timeOrNull(machine.since),
    sleepsAt: timeOrNull(machine.sleepsAt),
    keptUntil: timeOrNull(machine.keptUntil),
    retryAt: timeOrNull(machine.retryAt),
    starts: machine.starts.map(plainStart),
  }
}

function plainStart(start: MachineStart) {
  return { ...start, at: timeOrNull(start.at), endedAt: timeOrNull(start.endedAt) }
}
