// All machines that sleep, by their names: which of them there are follows the table.

import type { EventLog } from '../log.ts'
import type { VmDefinition, VmId } from '../model.ts'
import type { Machine, MachineAlert, PoweredVm } from './machine-types.ts'

export interface Fleet {
  /**
   * The machines of a new table. A name that stays keeps its machine, unless another machine is meant by it now; what is
   * left out is not looked after any more, and stays in the cloud as it is.
   */
  apply(definitions: readonly VmDefinition[]): void
  /** `null`: there is none, or it is always on. */
  machine(id: VmId): Machine | null
  /** In the table's order. */
  list(): readonly Machine[]
  /** Resolves when every machine was looked at, or the cloud could not be asked. Later machines start by themselves. */
  start(): Promise<void>
  /** This process ends; the machines stay as they are. Resolves when their journals are written. */
  stop(): Promise<void>
}

export interface FleetDeps {
  /** Builds a machine that is not started yet. @throws nothing: a provider that cannot work says so in its calls. */
  readonly machineFor: (definition: PoweredVm) => Machine
  readonly alert: (alert: MachineAlert) => void
  readonly log: Pick<EventLog, 'info' | 'warn'>
}

export function createFleet({ machineFor, alert, log }: FleetDeps): Fleet {
  let machines = new Map<VmId, Machine>()
  /** By name: journals of machines that were let go of, until they are written; who comes after them waits. */
  const leaving = new Map<VmId, Promise<void>>()
  let phase: 'new' | 'on' | 'ended' = 'new'

  function apply(definitions: readonly VmDefinition[]): void {
    if (phase === 'ended') return
    const before = machines
    machines = new Map()
    const fresh: Machine[] = []
    for (const definition of definitions) {
      if (!isPowered(definition)) continue
      const { id } = definition
      const known = before.get(id)
      if (known !== undefined && isSame(known.definition, definition)) {
        known.redefine(definition)
        machines.set(id, known)
        continue
      }
      const machine = machineFor(definition)
      machines.set(id, machine)
      fresh.push(machine)
    }
    for (const [id, machine] of before) {
      if (machines.get(id) !== machine) letGo(machine, machines.has(id))
    }
    if (phase === 'on') for (const machine of fresh) void begin(machine)
  }

  function letGo(machine: Machine, replaced: boolean): void {
    const { id } = machine.definition
    const left = Promise.all([leaving.get(id), machine.stop()]).then(() => {
      if (leaving.get(id) === left) leaving.delete(id)
    })
    leaving.set(id, left)
    const state = machine.state.kind
    log.warn('vm-let-go', { vm: id, state, replaced })
    const asleep = state === 'asleep' || state === 'gone'
    const is = asleep
      ? 'It was asleep.'
      : `It was ${state}, and may cost money until it is stopped.`
    alert({
      id: `${id}-let-go`,
      level: asleep ? 'info' : 'warn',
      title: `${id} is not looked after any more`,
      text: `${replaced ? 'Its name means another machine in the table now' : 'It has no power in the table any more'}. The machine in the cloud stays as it is. ${is}`,
      vm: id,
    })
  }

  async function begin(machine: Machine): Promise<void> {
    await leaving.get(machine.definition.id)
    await machine.start()
  }

  return {
    apply,
    machine: (id) => machines.get(id) ?? null,
    list: () => [...machines.values()],
    async start() {
      if (phase !== 'new') return
      phase = 'on'
      await Promise.all([...machines.values()].map(begin))
    },
    async stop() {
      phase = 'ended'
      await Promise.all([...leaving.values(), ...[...machines.values()].map((each) => each.stop())])
    },
  }
}

function isPowered(definition: VmDefinition): definition is PoweredVm {
  return definition.power !== null
}

/** The switch decides which machine it is; its address may change. */
function isSame(one: PoweredVm, other: PoweredVm): boolean {
  return JSON.stringify(one.power.provider) === JSON.stringify(other.power.provider)
}
