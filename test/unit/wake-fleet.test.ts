// Which machines there are follows the table.

import t from 'tap'
import type { VmDefinition, VmId } from '../../src/model.ts'
import { createFleet } from '../../src/wake/fleet.ts'
import { createMachine, type MachineAlert, type PoweredVm } from '../../src/wake/machine.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'
import {
  createFakeApp,
  createFakeCloud,
  createKeptLog,
  createMemoryJournal,
  poweredVm,
  testPower,
} from '../fixtures/wake-provider.ts'

const flex = 'flex' as VmId
const big = 'big' as VmId

function house() {
  const clock = createFakeClock()
  const log = createKeptLog()
  const alerts: MachineAlert[] = []
  const journals = new Map<string, ReturnType<typeof createMemoryJournal>>()
  const clouds = new Map<string, ReturnType<typeof createFakeCloud>>()
  const built: string[] = []
  const journalOf = (id: string) => {
    const journal = journals.get(id) ?? createMemoryJournal()
    journals.set(id, journal)
    return journal
  }
  /** One machine per switch, as in a real cloud. */
  const cloudOf = (definition: PoweredVm) => {
    const key = JSON.stringify(definition.power.provider)
    const cloud = clouds.get(key) ?? createFakeCloud(clock)
    clouds.set(key, cloud)
    return cloud
  }
  const fleet = createFleet({
    machineFor(definition) {
      built.push(definition.id)
      const cloud = cloudOf(definition)
      const machine = createMachine({
        definition,
        provider: cloud.provider,
        journal: journalOf(definition.id),
        probe: createFakeApp(clock, cloud).probe,
        now: clock.now,
        steady: clock.steady,
        after: clock.after,
        random: () => 0.5,
        mayStart: () => true,
        inFlight: () => 0,
        alert: (alert) => void alerts.push(alert),
        log,
      })
      machine.watchPort(80, 'http')
      return machine
    },
    alert: (alert) => void alerts.push(alert),
    log,
  })
  return { clock, fleet, alerts, log, built, journalOf, cloudOf }
}

const alwaysOn: VmDefinition = { id: 'always' as VmId, address: '192.0.2.1', power: null }
const otherSwitch = {
  ...testPower.provider,
  start: ['start', 'another'],
} as PoweredVm['power']['provider']

t.test('machines by name, in the order of the table; one that is always on is none', async (t) => {
  const { fleet } = house()
  fleet.apply([poweredVm('flex'), alwaysOn, poweredVm('big')])
  t.strictSame(
    fleet.list().map(({ definition }) => definition.id),
    ['flex', 'big'],
  )
  t.equal(fleet.machine(flex)?.definition.id, 'flex')
  t.equal(fleet.machine(alwaysOn.id), null)
  t.equal(fleet.machine('nobody' as VmId), null)
})

t.test('start looks at all of them, and later ones start by themselves', async (t) => {
  const { fleet, clock } = house()
  fleet.apply([poweredVm('flex')])
  t.equal(fleet.machine(flex)?.state.kind, 'unknown')
  await fleet.start()
  t.equal(fleet.machine(flex)?.state.kind, 'asleep')
  fleet.apply([poweredVm('flex'), poweredVm('big')])
  await clock.settle()
  t.equal(fleet.machine(big)?.state.kind, 'asleep')
})

t.test('a name that stays keeps its machine, awake as it is, with its new settings', async (t) => {
  const { fleet, clock, built, alerts } = house()
  fleet.apply([poweredVm('flex')])
  await fleet.start()
  const machine = fleet.machine(flex)
  machine?.want({ kind: 'schedule' })
  await clock.advance(60_000)
  fleet.apply([alwaysOn, { ...poweredVm('flex', { idleMs: 77 }), address: '192.0.2.50' }])
  t.equal(fleet.machine(flex), machine)
  t.match(machine?.definition, { address: '192.0.2.50', power: { idleMs: 77 } })
  t.equal(machine?.state.kind, 'awake')
  t.strictSame(built, ['flex'])
  t.strictSame(alerts, [])
})

t.test('what is left out is let go of: told, left as it is, asked no more', async (t) => {
  const { fleet, clock, alerts, log, cloudOf } = house()
  fleet.apply([poweredVm('flex')])
  await fleet.start()
  fleet.machine(flex)?.want({ kind: 'schedule' })
  await clock.advance(60_000)
  const cloud = cloudOf(poweredVm('flex'))
  fleet.apply([{ ...alwaysOn, id: flex }])
  t.equal(fleet.machine(flex), null)
  t.match(alerts, [{ id: 'flex-let-go', level: 'warn', vm: 'flex', text: /was awake/ }])
  t.ok(log.events.some(({ event }) => event === 'vm-let-go'))
  const { length } = cloud.calls
  await clock.advance(24 * 3_600_000)
  t.equal(cloud.calls.length, length)
  t.equal(cloud.state, 'running')
})

t.test('one that was asleep is let go of without alarm', async (t) => {
  const { fleet, alerts } = house()
  fleet.apply([poweredVm('flex')])
  await fleet.start()
  fleet.apply([])
  t.match(alerts, [{ level: 'info' }])
})

t.test(
  'another switch is another machine, which begins when the first one’s journal is written',
  async (t) => {
    const { fleet, clock, journalOf, built } = house()
    fleet.apply([poweredVm('flex')])
    await fleet.start()
    const first = fleet.machine(flex)
    first?.want({ kind: 'schedule' })
    await clock.advance(60_000)
    const journal = journalOf('flex')
    const order: string[] = []
    const { load, write } = journal
    journal.write = async (data) => {
      await clock.settle()
      order.push('write')
      return write(data)
    }
    journal.load = () => {
      order.push('load')
      return load()
    }
    fleet.apply([poweredVm('flex', { provider: otherSwitch })])
    const second = fleet.machine(flex)
    t.not(second, first)
    await clock.advance(1_000)
    t.strictSame(order.slice(0, 2), ['write', 'load'])
    t.strictSame(built, ['flex', 'flex'])
    t.equal(second?.state.kind, 'asleep')
  },
)

t.test('the end: journals are written, nothing is applied any more', async (t) => {
  const { fleet, clock, journalOf, cloudOf } = house()
  fleet.apply([poweredVm('flex')])
  await fleet.start()
  fleet.machine(flex)?.want({ kind: 'schedule' })
  await clock.advance(60_000)
  await fleet.stop()
  t.match(journalOf('flex').data.intent, { kind: 'awake' })
  const { length } = cloudOf(poweredVm('flex')).calls
  fleet.apply([])
  t.not(fleet.machine(flex), null)
  await clock.advance(3_600_000)
  t.equal(cloudOf(poweredVm('flex')).calls.length, length)
  t.equal(clock.pending, 0)
})
