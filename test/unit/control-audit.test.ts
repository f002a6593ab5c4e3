// What commands do through the gateway that runs is in the audit log, as what the admin does is.

import t from 'tap'
import type { AuditEntry } from '../../src/auth/audit.ts'
import { auditedControl } from '../../src/cli/control-audit.ts'
import { createMachineDesk } from '../../src/wake/desk.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'
import { fakeMachine, flex } from '../fixtures/wake-machine.ts'

function house() {
  const clock = createFakeClock()
  const machine = fakeMachine(clock)
  const entries: AuditEntry[] = []
  let keptUntil: number | null = null
  const machines = createMachineDesk({
    machines: () => [machine],
    alwaysOn: () => false,
    heldFor: () => 0,
    sleeper: {
      sleepNow: (each) => each.letSleep('by hand'),
      outlook: () => ({ idleMs: null, sleepsAt: null, keptUntil }),
    },
    leases: {
      keep(_vm, until) {
        keptUntil = until
        return 'ok'
      },
    },
    cost: {
      of: () => ({ month: '2026-11', minutesAwake: 0, money: null }),
      traffic: () => ({ month: '2026-11', bytes: 0, freeBytes: 1 }),
    },
    now: clock.now,
    steady: clock.steady,
    after: clock.after,
  })
  const bans = { list: () => [], lift: (network: string) => network === '192.0.2.7' }
  const audit = { write: (entry: AuditEntry) => void entries.push(entry) }
  return { clock, entries, ...auditedControl({ bans, machines }, { audit, now: clock.now }) }
}

const asked = { wait: false, port: null, signal: new AbortController().signal }

t.test('machines: what was done, with how it was and is', async (t) => {
  const { machines, entries, clock } = house()
  await machines.wake(flex, asked)
  t.match(entries.at(-1), {
    at: clock.now(),
    event: 'vm-wake',
    actor: 'cli',
    user: null,
    details: {
      vm: 'flex',
      before: '{"state":"asleep","keptUntil":null}',
      after: '{"state":"starting","keptUntil":null}',
    },
  })
  machines.keep(flex, Date.parse('2026-11-22T00:00:00Z'))
  t.match(entries.at(-1), { event: 'vm-keep', details: { after: /2026-11-22T00:00:00.000Z/ } })
  machines.restart(flex)
  t.match(entries.at(-1), { event: 'vm-restart' })
  machines.sleep(flex)
  t.match(entries.at(-1), { event: 'vm-sleep', details: { after: /draining/ } })
  t.equal(entries.length, 4)
})

t.test('what is refused changes nothing, so nothing is written', async (t) => {
  const { machines, bans, entries } = house()
  t.match(machines.sleep(flex), { kind: 'refused' })
  t.match(await machines.wake('flux', asked), { kind: 'refused' })
  t.notOk(bans.lift('192.0.2.8'))
  t.strictSame(entries, [])
})

t.test('a ban that is lifted', async (t) => {
  const { bans, entries } = house()
  t.ok(bans.lift('192.0.2.7'))
  t.match(entries, [{ event: 'ban-lifted', actor: 'cli', details: { network: '192.0.2.7' } }])
})
