// Machines that sleep: how they are, what they cost, and what is done with them.

import * as z from 'zod'
import type { MachineOutcome, MachineReport } from '../../control-machines.ts'
import type { Desks } from '../desks/types.ts'
import { operation, type Result } from '../operation.ts'
import { refused } from '../problem.ts'
import { anyId, time, timeOrNull, timeText } from './schemas.ts'

const start = z.strictObject({
  at: time,
  by: z.string(),
  readyMs: z.number().nullable(),
  endedAt: time.nullable(),
  reason: z.string().nullable(),
  cost: z.number().nullable(),
})

const machine = z.strictObject({
  id: z.string(),
  address: z.string(),
  state: z.string().meta({
    description: 'unknown, asleep, starting, booting, awake, draining, stopping, resting or gone',
  }),
  since: time.nullable(),
  wokenBy: z.string().nullable(),
  readyPorts: z.array(z.int()),
  held: z.int().meta({ description: 'requests that wait for it' }),
  idleMs: z.number().nullable(),
  sleepsAt: time.nullable(),
  keptUntil: time.nullable(),
  usualStartMs: z.number().nullable(),
  fault: z.string().nullable(),
  retryAt: time.nullable(),
  timeZone: z.string(),
  cost: z.strictObject({
    month: z.string(),
    minutesAwake: z.number(),
    money: z
      .strictObject({
        currency: z.string(),
        spent: z.number(),
        budget: z.number().nullable(),
        atBudget: z.enum(['warn', 'manual', 'refuse']),
      })
      .nullable(),
  }),
  starts: z.array(start),
})

const machinePath = z.strictObject({ id: anyId })
const refusals = ['not-found', 'machine-refused'] as const
const nobodyLeaves = new AbortController().signal

export const listVms = operation({
  id: 'listVms',
  method: 'GET',
  path: '/api/v1/vms',
  summary: 'Machines with power, their state, their starts and what they cost this month',
  scope: 'vms:read',
  reply: z.strictObject({
    items: z.array(machine),
    next: z.null(),
    traffic: z
      .strictObject({ month: z.string(), bytes: z.number(), freeBytes: z.number() })
      .nullable()
      .meta({ description: 'bytes that the gateway sent to clients this month' }),
  }),
  errors: [],
  audit: null,
  async run({ machines }) {
    const items = (machines?.list() ?? []).map(machineReply)
    const traffic = machines === null ? null : { ...machines.traffic() }
    return { kind: 'done', reply: { items, next: null, traffic } }
  },
})

export const getVm = operation({
  id: 'getVm',
  method: 'GET',
  path: '/api/v1/vms/{id}',
  summary: 'One machine',
  scope: 'vms:read',
  params: machinePath,
  reply: machine,
  errors: ['not-found'],
  audit: null,
  async run(desks, { path }) {
    const found = reportOf(desks, path.id)
    return found === null ? refused('not-found') : { kind: 'done', reply: machineReply(found) }
  },
})

export const getVmTimeline = operation({
  id: 'getVmTimeline',
  method: 'GET',
  path: '/api/v1/vms/{id}/timeline',
  summary: 'The states of the last days, oldest first',
  scope: 'vms:read',
  params: machinePath,
  query: z.strictObject({ days: z.int().min(1).max(31).default(7) }),
  reply: z.strictObject({
    items: z.array(z.strictObject({ from: time, to: time.nullable(), state: z.string() })),
    next: z.null(),
  }),
  errors: ['not-found'],
  audit: null,
  async run(desks, { path, query }) {
    if (desks.machines === null || reportOf(desks, path.id) === null) return refused('not-found')
    const items = desks.machines.timeline(path.id, query.days).map(({ from, to, state }) => ({
      from: timeText(from),
      to: timeOrNull(to),
      state,
    }))
    return { kind: 'done', reply: { items, next: null } }
  },
})

export const wakeVm = operation({
  id: 'wakeVm',
  method: 'POST',
  path: '/api/v1/vms/{id}/wake',
  summary: 'Starts a machine',
  description: 'Answers at once; the state and `events` tell when it is awake.',
  scope: 'vm:wake',
  params: machinePath,
  reply: machine,
  status: 202,
  errors: refusals,
  audit: 'vm-wake',
  async run(desks, { path }, { user }) {
    const asked = { wait: false, port: null, signal: nobodyLeaves, user }
    return acted(desks, path.id, (id) => desks.machines?.wake(id, asked) ?? null)
  },
})

export const sleepVm = operation({
  id: 'sleepVm',
  method: 'POST',
  path: '/api/v1/vms/{id}/sleep',
  summary: 'Puts a machine to sleep now, whoever uses it',
  scope: 'vms:write',
  params: machinePath,
  reply: machine,
  status: 202,
  errors: refusals,
  audit: 'vm-sleep',
  run: (desks, { path }) => acted(desks, path.id, (id) => desks.machines?.sleep(id) ?? null),
})

export const restartVm = operation({
  id: 'restartVm',
  method: 'POST',
  path: '/api/v1/vms/{id}/restart',
  summary: 'Stops a machine that is dead, and starts it',
  scope: 'vms:write',
  params: machinePath,
  reply: machine,
  status: 202,
  errors: refusals,
  audit: 'vm-restart',
  run: (desks, { path }, { user }) =>
    acted(desks, path.id, (id) => desks.machines?.restart(id, user) ?? null),
})

export const keepVm = operation({
  id: 'keepVm',
  method: 'PUT',
  path: '/api/v1/vms/{id}/keep',
  summary: 'Keeps a machine awake until then, and starts it when it sleeps; or no longer',
  scope: 'vms:write',
  params: machinePath,
  body: z.strictObject({
    until: time.nullable().meta({ description: '`null`: it is not kept awake any more' }),
  }),
  reply: machine,
  errors: refusals,
  audit: 'vm-keep',
  async run(desks, { path, body }, { user }) {
    const until = body.until === null ? null : Date.parse(body.until)
    if (until !== null && !(until > desks.now())) {
      const errors = [{ path: 'body.until', message: 'That time has passed.' }]
      return refused('invalid', { errors })
    }
    return acted(desks, path.id, (id) => desks.machines?.keep(id, until, user) ?? null)
  },
})

export const vmOperations = [listVms, getVm, getVmTimeline, wakeVm, sleepVm, restartVm, keepVm]

function reportOf({ machines }: Desks, id: string): MachineReport | null {
  return machines?.list().find((each) => each.id === id) ?? null
}

async function acted(
  desks: Desks,
  id: string,
  act: (id: string) => MachineOutcome | Promise<MachineOutcome> | null,
): Promise<Result<z.input<typeof machine>>> {
  const before = reportOf(desks, id)
  if (before === null) return refused('not-found')
  const outcome = await act(id)
  const after = reportOf(desks, id)
  if (outcome === null || after === null) return refused('not-found')
  if (outcome.kind === 'refused') {
    const { reason, detail, retryAt } = outcome
    return refused('machine-refused', {
      ...(detail === null ? {} : { detail }),
      more: { reason, retryAt: timeOrNull(retryAt) },
    })
  }
  const brief = ({ state, keptUntil }: MachineReport) => ({
    state,
    keptUntil: timeOrNull(keptUntil),
  })
  return {
    kind: 'done',
    reply: machineReply(after),
    changed: { before: brief(before), after: brief(after), details: { vm: id } },
  }
}

export function machineReply(report: MachineReport): z.input<typeof machine> {
  return {
    ...report,
    readyPorts: [...report.readyPorts],
    since: timeOrNull(report.since),
    sleepsAt: timeOrNull(report.sleepsAt),
    keptUntil: timeOrNull(report.keptUntil),
    retryAt: timeOrNull(report.retryAt),
    cost: { ...report.cost, money: report.cost.money === null ? null : { ...report.cost.money } },
    starts: report.starts.map((each) => ({
      ...each,
      at: timeText(each.at),
      endedAt: timeOrNull(each.endedAt),
    })),
  }
}
