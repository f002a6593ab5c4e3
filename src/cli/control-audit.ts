// What commands do through the gateway that runs, written into the audit log as the admin writes it.

import type { Audit } from '../auth/audit.ts'
import type { ControlDeps } from '../control.ts'
import type { MachineControl, MachineOutcome } from '../control-machines.ts'
import { timeOrNull } from './terminal-text.ts'

/** What a command can change, beside people, whose changes the commands write down themselves. */
export interface Controlled {
  readonly bans: NonNullable<ControlDeps['bans']>
  readonly machines: MachineControl
}

/** The same, and what is done of it is written down; what is refused changes nothing. */
export function auditedControl(
  { bans, machines }: Controlled,
  deps: { readonly audit: Pick<Audit, 'write'> /** Wall clock, milliseconds. */; now(): number },
): Controlled {
  function write(event: string, details: Readonly<Record<string, string | null>>): void {
    const nobody = { user: null, client: null, request: null }
    deps.audit.write({ at: deps.now(), event, actor: 'cli', ...nobody, details })
  }

  function briefOf(vm: string): string | null {
    const report = machines.list().find(({ id }) => id === vm)
    if (report === undefined) return null
    const { state, keptUntil } = report
    return JSON.stringify({ state, keptUntil: timeOrNull(keptUntil) })
  }

  function noted(event: string, vm: string, act: () => MachineOutcome): MachineOutcome {
    const before = briefOf(vm)
    const outcome = act()
    if (outcome.kind === 'done') write(event, { vm, before, after: briefOf(vm) })
    return outcome
  }

  return {
    bans: {
      list: bans.list,
      lift(network) {
        const lifted = bans.lift(network)
        if (lifted) write('ban-lifted', { network })
        return lifted
      },
    },
    machines: {
      list: machines.list,
      traffic: machines.traffic,
      async wake(vm, asked) {
        const before = briefOf(vm)
        const outcome = await machines.wake(vm, asked)
        if (outcome.kind === 'done') write('vm-wake', { vm, before, after: briefOf(vm) })
        return outcome
      },
      sleep: (vm) => noted('vm-sleep', vm, () => machines.sleep(vm)),
      restart: (vm, user) => noted('vm-restart', vm, () => machines.restart(vm, user)),
      keep: (vm, until, user) => noted('vm-keep', vm, () => machines.keep(vm, until, user)),
    },
  }
}
