// `gatehouse vm wake | sleep | restart | keep`: what a person at the gateway's own machine does with another.

import type { MachineOutcome, MachineReport, MachineRequest } from '../control-machines.ts'
import { GatehouseError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { readOutcome } from './machine-answers.ts'
import { asked, type MachineContext, machinesOf, understood } from './machine-gateway.ts'
import { clockText, localText, refusalText, spanWords, stateText } from './machine-text.ts'
import { done, mistaken, type Outcome } from './outcome.ts'
import { createFlagReader } from './people-flags.ts'
import { harmless, jsonText } from './terminal-text.ts'
import { parseUntil } from './until.ts'
import { plain } from './vm-list.ts'

/** Longest `--timeout`, milliseconds. */
const longestWaitMs = 24 * 3_600_000

/** With `--wait` it returns when the machine is ready, or it is clear that it will not be. */
export async function wakeMachine(context: MachineContext): Promise<Outcome> {
  const flags = createFlagReader(context.flags)
  const wait = flags.has('wait')
  const port = flags.count('port', { min: 1, max: 65_535 })
  const timeoutMs = flags.span('timeout', { defaultMs: Infinity, maxMs: longestWaitMs })
  for (const name of ['port', 'timeout']) {
    if (flags.has(name) && !wait) flags.fail(`--${name}`, 'is about waiting', 'add --wait')
  }
  if (flags.problems.length > 0) return mistaken(...flags.problems)
  const vm = context.operands[0] ?? ''
  const begun = context.now()
  const request = { do: 'vm-wake', vm, wait, port } as const
  const outcome = await command(context, request, wait ? timeoutMs : undefined).catch(tooLate)
  const took = spanWords(context.now() - begun)
  return told(context, outcome, (shown) => (wait ? `${shown} is ready (after ${took}).` : null))
}

export async function letMachineSleep(context: MachineContext): Promise<Outcome> {
  const vm = context.operands[0] ?? ''
  return told(context, await command(context, { do: 'vm-sleep', vm }), () => null)
}

export async function restartMachine(context: MachineContext): Promise<Outcome> {
  const vm = context.operands[0] ?? ''
  return told(context, await command(context, { do: 'vm-restart', vm }), () => null)
}

export async function keepMachine(context: MachineContext): Promise<Outcome> {
  const flags = createFlagReader(context.flags)
  const text = flags.text('until')
  const off = flags.has('off')
  if ((text === null) === !off) {
    flags.fail('vm keep', 'needs one of --until and --off', 'write for example --until 18:00')
    return mistaken(...flags.problems)
  }
  const vm = context.operands[0] ?? ''
  const { machines } = await machinesOf(context)
  const timeZone = machines.find(({ id }) => id === vm)?.timeZone ?? 'UTC'
  const now = context.now()
  const until = text === null ? null : parseUntil(text, now, timeZone)
  if (text !== null && until === null) {
    const what = `${JSON.stringify(text)} is no time, or has passed`
    flags.fail('--until', what, 'write 18:00, 2026-11-30T18:00, or a time from now such as 2h')
    return mistaken(...flags.problems)
  }
  const outcome = await command(context, { do: 'vm-keep', vm, until })
  return told(context, outcome, (shown) =>
    until === null
      ? `${shown} is not kept awake any more.`
      : `${shown} is kept awake until ${localText(until, timeZone)} (${timeZone}).`,
  )
}

/** Which machine a name may stand for that none has. */
export function nearMachine(name: string, machines: readonly MachineReport[]): string | null {
  return nearest(
    name,
    machines.map(({ id }) => id),
  )
}

type Doing = Exclude<MachineRequest, { do: 'vms' | 'alert-test' }>

/** @throws GatehouseError as `asked`. */
async function command(
  context: MachineContext,
  request: Doing,
  answerMs?: number,
): Promise<MachineOutcome> {
  return understood(readOutcome(await asked(context, request, answerMs)))
}

/** The wait is over, the start goes on. */
function tooLate(error: unknown): MachineOutcome {
  if (!(error instanceof GatehouseError) || error.code !== 'control-late') throw error
  return { kind: 'refused', reason: 'timeout', detail: null, retryAt: null }
}

/**
 * What became of it, and how the machine is now.
 *
 * @param sentence of what was done; `null`: its state says it.
 */
async function told(
  context: MachineContext,
  outcome: MachineOutcome,
  sentence: (shown: string) => string | null,
): Promise<Outcome> {
  const vm = context.operands[0] ?? ''
  const shown = harmless(vm, 63)
  const { machines } = await machinesOf(context)
  const machine = machines.find(({ id }) => id === vm) ?? null
  const code = outcome.kind === 'done' ? 0 : 1
  if (context.flags.has('json')) {
    const said = outcome.kind === 'done' ? { outcome: 'done' } : { outcome: outcome.reason }
    const details =
      outcome.kind === 'done' ? {} : { detail: outcome.detail, retryAt: timeOf(outcome.retryAt) }
    const json = { vm, ...said, ...details, machine: machine === null ? null : plain(machine) }
    return done(jsonText(json), { code })
  }
  if (outcome.kind === 'refused') {
    const timeZone = machine?.timeZone ?? 'UTC'
    const meant = nearMachine(vm, machines)
    return done('', {
      error: refusalText(shown, outcome, { now: context.now(), timeZone, meant }),
      code,
    })
  }
  return done(`${sentence(shown) ?? nowText(shown, machine, context.now())}\n`)
}

function timeOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}

/** `box is starting; usually ready after 47 s.` */
function nowText(shown: string, machine: MachineReport | null, now: number): string {
  if (machine === null) return `${shown}: done.`
  const { state, usualStartMs, retryAt, timeZone } = machine
  const coming = state === 'starting' || state === 'booting'
  if (retryAt !== null) {
    return `${shown} is ${stateText(machine)}; next try at ${clockText(retryAt, now, timeZone)}.`
  }
  return coming && usualStartMs !== null
    ? `${shown} is ${stateText(machine)}; usually ready after ${spanWords(usualStartMs)}.`
    : `${shown} is ${stateText(machine)}.`
}
