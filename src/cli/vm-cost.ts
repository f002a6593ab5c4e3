// `gatehouse vm cost`: hours and money of this month, the gateway's own traffic, and one machine start by start.

import type { MachineReport, MachineStart, OwnTraffic } from '../control-machines.ts'
import { readTraffic } from './machine-answers.ts'
import { type MachineContext, machinesOf } from './machine-gateway.ts'
import { localText, moneyText, refusalText, spanWords } from './machine-text.ts'
import { done, type Outcome } from './outcome.ts'
import { harmless, jsonText, table } from './terminal-text.ts'
import { nearMachine } from './vm.ts'
import { noMachines, plain } from './vm-list.ts'

export async function machineCost(context: MachineContext): Promise<Outcome> {
  const { machines, answer } = await machinesOf(context)
  const traffic = readTraffic(answer)
  const asJson = context.flags.has('json')
  const name = context.operands[0]
  if (name === undefined) {
    if (asJson) return done(jsonText({ machines: machines.map(costOf), traffic }))
    return done((machines.length === 0 ? noMachines : overview(machines)) + trafficText(traffic))
  }
  const machine = machines.find(({ id }) => id === name)
  if (machine === undefined) {
    const refused = { kind: 'refused', reason: 'unknown-vm', detail: null, retryAt: null } as const
    const near = { now: context.now(), timeZone: 'UTC', meant: nearMachine(name, machines) }
    return done('', { error: refusalText(harmless(name, 63), refused, near), code: 1 })
  }
  if (asJson) return done(jsonText({ ...costOf(machine), starts: plain(machine).starts }))
  return done(overview([machine]) + startsText(machine, context.now()))
}

function costOf({ id, cost }: MachineReport) {
  return { vm: id, ...cost }
}

function overview(machines: readonly MachineReport[]): string {
  const rows = machines.map(({ id, cost }) => {
    const { month, minutesAwake, money } = cost
    const used = money?.budget == null ? null : (money.spent / money.budget) * 100
    return [
      harmless(id, 63),
      harmless(month, 7),
      spanWords(minutesAwake * 60_000),
      money === null ? '' : moneyText(money.spent, money.currency),
      money?.budget == null ? '' : moneyText(money.budget, money.currency),
      used === null ? '' : `${Math.floor(used)} %`,
      used === null || money === null ? '' : (budgetWords.get(money.atBudget) ?? ''),
    ]
  })
  return table(['VM', 'MONTH', 'AWAKE', 'SPENT', 'BUDGET', 'USED', 'AT 100 %'], rows)
}

const budgetWords: ReadonlyMap<string, string> = new Map([
  ['warn', 'a warning'],
  ['manual', 'started by hand only'],
  ['refuse', 'not started'],
])

function trafficText(traffic: OwnTraffic | null): string {
  if (traffic === null) return ''
  const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(2)
  const { month, bytes, freeBytes } = traffic
  return `\nThe gateway itself sent ${gigabytes(bytes)} GB in ${harmless(month, 7)}; ${gigabytes(freeBytes)} GB a month are free.\n`
}

/** Newest first. */
function startsText({ starts, timeZone, cost }: MachineReport, now: number): string {
  if (starts.length === 0) return '\nIt was not started yet.\n'
  const rows = starts.map((start) => [
    localText(start.at, timeZone),
    harmless(start.by, 50),
    start.readyMs === null ? '' : spanWords(start.readyMs),
    awakeText(start, now),
    harmless(start.reason ?? '', 40),
    start.cost === null || cost.money === null ? '' : moneyText(start.cost, cost.money.currency),
  ])
  const headings = ['ASKED', 'BY', 'READY AFTER', 'FOR', 'SLEPT BECAUSE', 'COST']
  return `\n${table(headings, rows)}`
}

function awakeText({ at, endedAt }: MachineStart, now: number): string {
  return endedAt === null ? `${spanWords(now - at)}, still` : spanWords(endedAt - at)
}
