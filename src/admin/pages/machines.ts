// Machines that sleep: how each is, its last days as a picture, what it costs, and what can be done with it.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { timeElement } from '../../auth/app/account-time.ts'
import { fieldOf } from '../../auth/app/forms.ts'
import { type Html, html } from '../../auth/app/html.ts'
import type { MachineCost, MachineReport, MachineStart } from '../../control-machines.ts'
import { keepVm, restartVm, sleepVm, wakeVm } from '../api/vms.ts'
import type { MachinesDesk } from '../desks/types.ts'
import { sentForm } from './asked.ts'
import { buttonForm, csrfField, facts, select, state } from './controls.ts'
import { goOn, page } from './layout.ts'
import { refusePage } from './refusal.ts'
import { timeline } from './timeline.ts'
import { clockTime, counted, moneyWords, sizeWords, spanWords } from './words.ts'

const days = 7
const hourMs = 3_600_000

/** `GET /machines`; `POST /machines` with `vm` and `do`. */
export function registerMachines(app: FastifyInstance): void {
  app.get('/machines', async (_request, reply) => {
    const { machines } = app.admin.desks
    const list = machines?.list() ?? []
    return page(reply, {
      title: 'Machines',
      section: 'machines',
      lead:
        list.length === 0
          ? null
          : 'They sleep when nobody uses them, and wake for whoever may wake them.',
      changes: list.length > 0,
      body:
        machines === null || list.length === 0
          ? html`<p>No machine of the file has <code>power:</code>, so all of them are always on. <a href="/file">The file</a> says which there are.</p>`
          : html`${list.map((each) => machineView(reply, each, machines))}${traffic(machines)}`,
      scripts: ['live.js'],
    })
  })

  app.post('/machines', async (request, reply) => {
    const form = sentForm(request)
    const path = { id: fieldOf(form, 'vm', 1024) }
    const who = { actor: request.caller.actor, request: request.caller.from.id }
    const { perform, desks } = app.admin
    const hours = Number(fieldOf(form, 'hours', 4))
    const until = hours > 0 ? new Date(desks.now() + hours * hourMs).toISOString() : null
    const act = fieldOf(form, 'do')
    const [result, done] =
      act === 'wake'
        ? [await perform(wakeVm, { path }, who), 'machine-waking']
        : act === 'sleep'
          ? [await perform(sleepVm, { path }, who), 'machine-sleeping']
          : act === 'restart'
            ? [await perform(restartVm, { path }, who), 'machine-restarting']
            : [
                await perform(keepVm, { path, body: { until } }, who),
                until === null ? 'machine-let-go' : 'machine-kept',
              ]
    return result.kind === 'refused' ? refusePage(reply, result) : goOn(reply, '/machines', done)
  })
}

function machineView(reply: FastifyReply, machine: MachineReport, desk: MachinesDesk): Html {
  const { request, server } = reply
  const now = server.admin.desks.now()
  const { id, address, timeZone } = machine
  const picture = timeline({ spans: desk.timeline(id, days), now, days, timeZone })
  return html`<section class="machine" aria-labelledby="vm-${id}" data-vm="${id}"><div class="row between"><h2 id="vm-${id}">${id} <small class="meta mono">${address}</small></h2><p class="big" data-vm-state>${machineState(machine.state)}</p></div>${facts(
    [
      ['Since', machine.since === null ? null : timeElement(machine.since, now)],
      ['Woken by', machine.wokenBy],
      ['Trouble', machine.fault === null ? null : state('bad', faultWords(machine, now))],
      ['Waiting for it', machine.held === 0 ? null : counted(machine.held, 'request')],
      ['Answers on', machine.readyPorts.length === 0 ? null : machine.readyPorts.join(', ')],
      ['Not used for', machine.idleMs === null ? null : spanWords(machine.idleMs)],
      ['Sleeps', machine.sleepsAt === null ? null : timeElement(machine.sleepsAt, now)],
      ['Kept awake until', machine.keptUntil === null ? null : clockTime(machine.keptUntil)],
      [
        'A start takes',
        machine.usualStartMs === null
          ? 'not known yet'
          : `usually ${spanWords(machine.usualStartMs)}`,
      ],
      ['This month', costWords(machine.cost)],
    ],
  )}${picture}${actions(request, machine)}${startList(machine.starts, now, machine.cost)}</section>`
}

/** Words for a state, with the shape that goes with it. */
export function machineState(name: MachineReport['state']): Html {
  const [look, words, busy] = states[name]
  return state(look, words, { busy })
}

const states = {
  unknown: ['none', 'not known yet', true],
  asleep: ['sleep', 'asleep', false],
  starting: ['warn', 'starting', true],
  booting: ['warn', 'booting', true],
  awake: ['good', 'awake', false],
  draining: ['good', 'going to sleep', true],
  stopping: ['sleep', 'falling asleep', true],
  resting: ['bad', 'could not be started', false],
  gone: ['bad', 'gone: the cloud does not know it', false],
} as const satisfies Record<MachineReport['state'], readonly unknown[]>

function faultWords({ fault, retryAt }: MachineReport, now: number): Html {
  return html`${fault ?? ''}${retryAt !== null && html`, tried again ${timeElement(retryAt, now)}`}`
}

function costWords({ minutesAwake, money }: MachineCost): Html {
  const awake = spanWords(minutesAwake * 60_000)
  if (money === null) return html`awake for ${awake}`
  const { spent, budget, currency, atBudget } = money
  if (budget === null) return html`${moneyWords(spent, currency)}, awake for ${awake}`
  const share = budget === 0 ? 100 : Math.round((spent / budget) * 100)
  return html`${moneyWords(spent, currency)} of ${moneyWords(budget, currency)} (${share} %), awake for ${awake}<meter min="0" max="100" low="80" high="100" optimum="0" value="${Math.min(100, share)}">${share} %</meter><small>${budgetWords[atBudget]}</small>`
}

const budgetWords = {
  warn: 'At the budget you are warned; it goes on.',
  manual: 'At the budget only a person starts it, by hand.',
  refuse: 'At the budget nothing starts it any more.',
} as const

function actions(request: FastifyRequest, { id, state: now, keptUntil }: MachineReport): Html {
  const act = (label: string, what: string, look: 'strong' | 'quiet' | 'danger' = 'quiet') =>
    buttonForm(request, {
      action: '/machines',
      fields: { vm: id, do: what },
      label,
      about: id,
      look,
    })
  const runs = now === 'awake' || now === 'booting' || now === 'starting' || now === 'draining'
  return html`<div class="row actions">${runs ? act('Let it sleep', 'sleep') : act('Wake it', 'wake', 'strong')}<form class="row inline" method="post" action="/machines">${csrfField(request)}<input type="hidden" name="vm" value="${id}"><input type="hidden" name="do" value="keep">${select(
    {
      name: 'hours',
      id: `hours-${id}`,
      label: 'Keep it awake for',
      value: '2',
      choices: ['1', '2', '4', '8', '24'].map((value) => ({
        value,
        label: counted(Number(value), 'hour'),
      })),
    },
  )}<button class="button small quiet">Keep<span class="hidden"> ${id} awake</span></button></form>${keptUntil !== null && act('Let it go', 'keep')}${runs && act('Restart', 'restart', 'danger')}</div>`
}

function startList(starts: readonly MachineStart[], now: number, cost: MachineCost): Html | null {
  if (starts.length === 0) return null
  const currency = cost.money?.currency ?? null
  const rows = starts
    .slice(0, 10)
    .map(
      (each) =>
        html`<tr><th scope="row">${timeElement(each.at, now)}</th><td data-label="By">${each.by}</td><td data-label="Ready after">${each.readyMs === null ? 'nothing answered' : spanWords(each.readyMs)}</td><td data-label="Ended">${each.endedAt === null ? 'still awake' : html`after ${spanWords(each.endedAt - each.at)}${each.reason !== null && `, ${each.reason}`}`}</td><td class="num" data-label="Cost">${each.cost === null || currency === null ? '' : moneyWords(each.cost, currency)}</td></tr>`,
    )
  return html`<details class="fold"><summary>Its last starts</summary><table class="table"><caption class="hidden">Starts, newest first</caption><thead><tr><th scope="col">When</th><th scope="col">By</th><th scope="col">Ready after</th><th scope="col">Ended</th><th scope="col" class="num">Cost</th></tr></thead><tbody>${rows}</tbody></table></details>`
}

function traffic(desk: MachinesDesk): Html {
  const { bytes, freeBytes } = desk.traffic()
  const share = freeBytes === 0 ? 100 : Math.round((bytes / freeBytes) * 100)
  return html`<section class="slender" aria-labelledby="traffic"><h2 id="traffic">The gateway’s own traffic</h2><p>${sizeWords(bytes)} sent to clients this month; ${sizeWords(freeBytes)} are free.</p><meter aria-labelledby="traffic" min="0" max="100" low="80" high="100" optimum="0" value="${Math.min(100, share)}">${share} %</meter></section>`
}
