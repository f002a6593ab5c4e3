// One machine's life against a cloud that does as it is told, in simulated time.

import t from 'tap'
import type { RequestId, UserId } from '../../src/model.ts'
import type { VmPower } from '../../src/model-machines.ts'
import {
  createMachine,
  type Machine,
  type MachineAlert,
  type MachineDeps,
} from '../../src/wake/machine.ts'
import type { CloudState } from '../../src/wake/provider.ts'
import type { WakeReason } from '../../src/wake/vm-state.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'
import {
  createFakeApp,
  createFakeCloud,
  createKeptLog,
  createMemoryJournal,
  poweredVm,
} from '../fixtures/wake-provider.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const diego: WakeReason = {
  kind: 'request',
  request: 'r1' as RequestId,
  user: 'diego' as UserId,
  route: 'photos',
}

/** A machine with one port, and everything around it. */
function house(power: Partial<VmPower> = {}, initial: CloudState = 'stopped') {
  const clock = createFakeClock()
  const cloud = createFakeCloud(clock, initial)
  const app = createFakeApp(clock, cloud)
  const journal = createMemoryJournal()
  const log = createKeptLog()
  const alerts: MachineAlert[] = []
  const world = { inFlight: 0, mayStart: true }
  /** One process's view of the world; `kill` ends it as kill -9 does: nothing it has begun goes on. */
  const build = () => {
    let alive = true
    const never = new Promise<never>(() => {})
    const mortal = <T>(run: () => Promise<T>): Promise<T> => {
      if (!alive) return never
      return run().then(
        (value) => (alive ? value : never),
        (error) => (alive ? Promise.reject(error) : never),
      )
    }
    const { provider } = cloud
    const deps: MachineDeps = {
      definition: poweredVm('flex', power),
      provider: {
        state: () => mortal(() => provider.state()),
        start: (token) => mortal(() => provider.start(token)),
        softStop: () => mortal(() => provider.softStop()),
        stop: () => mortal(() => provider.stop()),
      },
      journal: {
        load: () => mortal(journal.load),
        write: (data) => mortal(() => journal.write(data)),
      },
      probe: app.probe,
      now: clock.now,
      steady: clock.steady,
      after: (ms, run) => clock.after(ms, () => alive && run()),
      random: () => 0.5,
      mayStart: () => world.mayStart,
      inFlight: () => world.inFlight,
      alert: (alert) => void alerts.push(alert),
      log,
    }
    const machine = createMachine(deps)
    machine.watchPort(2283, 'http')
    return {
      machine,
      kill: () => {
        alive = false
      },
    }
  }
  const first = build()
  const { machine } = first
  return {
    clock,
    cloud,
    app,
    journal,
    log,
    alerts,
    world,
    machine,
    troubles: () => alerts.map(({ id }) => id),
    ready: (of: Machine = machine) => clock.until(() => of.isReady(2283)),
    is: (kind: Machine['state']['kind'], of: Machine = machine) =>
      clock.until(() => of.state.kind === kind),
    /** The process is killed, and another one begins after a while. */
    async reborn(downMs = 1_000): Promise<Machine> {
      first.kill()
      await clock.advance(downMs)
      const { machine: again } = build()
      await again.start()
      return again
    },
  }
}

t.test('a wish starts it, its port makes it awake, letting it sleep stops it', async (t) => {
  const { machine, cloud, clock, is, ready } = house()
  await machine.start()
  t.equal(machine.state.kind, 'asleep')
  t.equal(machine.want(diego), 'ok')
  t.equal(machine.state.kind, 'starting')
  t.notOk(machine.isReady(2283))
  await ready()
  t.match(machine.state, { kind: 'awake', startedBy: diego })
  t.equal(cloud.count('start'), 1)
  machine.letSleep('idle')
  t.notOk(machine.isReady(2283))
  await is('asleep')
  t.equal(cloud.state, 'stopped')
  t.equal(cloud.count('soft-stop'), 1)
  t.equal(cloud.count('stop'), 0)
  await clock.advance(24 * hourMs)
  t.equal(cloud.count('start'), 1)
})
