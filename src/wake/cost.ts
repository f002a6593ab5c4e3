// What machines cost this month, what their budget allows, and what the gateway itself sends. Estimates: the bill is the cloud's.

import type { Alert } from '../alerts.ts'
import type { MachineCost, OwnTraffic } from '../control-machines.ts'
import type { VmId } from '../model.ts'
import type { Machine } from './machine.ts'
import { monthOf } from './months.ts'
import type { SmallFile } from './small-file.ts'
import type { WakeReason } from './vm-state.ts'

/** `near`: 80 % of the budget are used up; `over`: all of it. Without a price or a budget it is always `ok`. */
export type BudgetState = 'ok' | 'near' | 'over'

export type CostedMachine = Pick<Machine, 'definition' | 'awakeMinutes'>

export interface Cost {
  /** Reads what an earlier process counted and said. Never rejects. */
  load(): Promise<void>
  /** This calendar month. */
  of(machine: CostedMachine): MachineCost
  budget(machine: CostedMachine): BudgetState
  /** The budget is used up, and the table says more than `warn`: then only a person keeps it awake. */
  isExhausted(machine: CostedMachine): boolean
  /** Whether the budget allows a start. A machine that is not known may start: it has no price. */
  mayStart(vm: VmId, by: WakeReason): boolean
  traffic(): OwnTraffic
  /** Counts what was sent and says what has to be said. Once a minute. */
  look(): void
  /** Resolves when all of it is on disk, or cannot be. */
  flush(): Promise<void>
}

export interface CostDeps {
  readonly machines: () => readonly CostedMachine[]
  /** Bytes sent to clients since this process began; never goes back. */
  readonly sentBytes: () => number
  readonly file: SmallFile
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  readonly alert: (alert: Alert) => void
}

/** What Google gives for nothing each month, to most of the world. */
export const freeTrafficBytes = 1_000_000_000
const nearShare = 0.8
/** Months of traffic that are kept, and things that were said. */
const keptMonths = 24
const keptWords = 200

export function createCost(deps: CostDeps): Cost {
  const sent = new Map<string, number>()
  /** What was said, so that a restart does not say it again. */
  const told = new Set<string>()
  let counted = deps.sentBytes()
  let written: Promise<void> = Promise.resolve()

  function of({ definition, awakeMinutes }: CostedMachine): MachineCost {
    const { cost, timeZone } = definition.power
    const month = monthOf(deps.now(), timeZone)
    const minutesAwake = awakeMinutes()[month] ?? 0
    if (cost === null) return { month, minutesAwake, money: null }
    const { currency, budget, atBudget, perHour } = cost
    return {
      month,
      minutesAwake,
      money: { currency, budget, atBudget, spent: moneyFor(minutesAwake, perHour) },
    }
  }

  function isExhausted(machine: CostedMachine): boolean {
    const { cost } = machine.definition.power
    if (cost === null || cost.budget === null || cost.atBudget === 'warn') return false
    return stateOf(of(machine)) === 'over'
  }

  function mayStart(vm: VmId, by: WakeReason): boolean {
    const machine = deps.machines().find(({ definition }) => definition.id === vm)
    if (machine === undefined || !isExhausted(machine)) return true
    return machine.definition.power.cost?.atBudget === 'manual' && by.kind === 'person'
  }

  /** What it is billed by is a month of the cloud's own zone; this is near enough. */
  function ownMonth(): string {
    return monthOf(deps.now(), 'UTC')
  }

  function traffic(): OwnTraffic {
    const month = ownMonth()
    const bytes = (sent.get(month) ?? 0) + deps.sentBytes() - counted
    return { month, bytes, freeBytes: freeTrafficBytes }
  }

  /** Says something once, ever. */
  function tell(key: string, alert: Alert): void {
    if (told.has(key)) return
    told.add(key)
    deps.alert(alert)
  }

  function tellOfBudget(machine: CostedMachine): void {
    const cost = of(machine)
    const state = stateOf(cost)
    const { money, month } = cost
    if (state === 'ok' || money === null || money.budget === null) return
    const { id } = machine.definition
    const figures = `${money.spent.toFixed(2)} of ${money.budget.toFixed(2)} ${money.currency} in ${month}`
    tell(`${id} ${month} ${state}`, {
      id: `budget:${id}:${state}`,
      level: state === 'over' ? 'critical' : 'warn',
      title: state === 'over' ? `${id}: the budget is used up` : `${id}: 80 % of the budget`,
      text: state === 'over' ? `${figures}. ${consequences[money.atBudget]}` : figures,
      vm: id,
    })
  }

  function tellOfTraffic({ month, bytes, freeBytes }: OwnTraffic): void {
    if (bytes < nearShare * freeBytes) return
    const over = bytes >= freeBytes
    const text = `${(bytes / 1e9).toFixed(2)} of ${freeBytes / 1e9} GB in ${month}`
    tell(`traffic ${month} ${over ? 'over' : 'near'}`, {
      id: `traffic:${over ? 'over' : 'near'}`,
      level: 'warn',
      title: over ? 'The free traffic is used up' : '80 % of the free traffic',
      text,
    })
  }

  function look(): void {
    const before = told.size
    const total = deps.sentBytes()
    const moved = total - counted
    counted = total
    const month = ownMonth()
    sent.set(month, (sent.get(month) ?? 0) + moved)
    for (const old of [...sent.keys()].sort().slice(0, -keptMonths)) sent.delete(old)
    for (const machine of deps.machines()) tellOfBudget(machine)
    tellOfTraffic(traffic())
    if (moved === 0 && told.size === before) return
    const recent = [...told].slice(-keptWords)
    written = deps.file.write({ sentBytes: Object.fromEntries(sent), told: recent })
  }

  return {
    async load() {
      const data = await deps.file.read()
      if (typeof data !== 'object' || data === null) return
      for (const [month, bytes] of Object.entries(Reflect.get(data, 'sentBytes') ?? {})) {
        if (typeof bytes === 'number' && bytes >= 0) sent.set(month, bytes + (sent.get(month) ?? 0))
      }
      const keys: unknown = Reflect.get(data, 'told')
      if (Array.isArray(keys)) for (const key of keys) if (typeof key === 'string') told.add(key)
    },
    of,
    budget: (machine) => stateOf(of(machine)),
    isExhausted,
    mayStart,
    traffic,
    look,
    flush: () => written,
  }
}

const consequences = {
  warn: 'It goes on as before.',
  manual: 'Until the month ends only "gatehouse vm wake" and the button start it.',
  refuse: 'Until the month ends nothing starts it.',
} as const

/** @param perHour price, in the currency that comes back. */
export function moneyFor(minutes: number, perHour: number): number {
  return (minutes / 60) * perHour
}

function stateOf({ money }: MachineCost): BudgetState {
  if (money === null || money.budget === null) return 'ok'
  if (money.spent >= money.budget) return 'over'
  return money.spent >= nearShare * money.budget ? 'near' : 'ok'
}
