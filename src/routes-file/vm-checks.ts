// What can only be seen by comparing machines with each other and with routes.

import type { TableDefinition, UpstreamTarget, VmDefinition } from '../model.ts'
import type { Path, Reporter } from './problem.ts'
import type { Row } from './route.ts'
import { upstreamKey } from './upstream-key.ts'

/** Machines that are one, and targets that go past a machine that sleeps. */
export function checkVms(
  definition: TableDefinition,
  rows: readonly Row[],
  reporter: Reporter,
): void {
  checkTwice(definition.vms, reporter)
  const check = (target: UpstreamTarget, at: Path) =>
    checkBypass(target, at, { vms: definition.vms, reporter })
  for (const { route, at } of rows) {
    if (route.target.kind === 'upstream') check(route.target, [...at, 'to'])
  }
  if (definition.fallback !== null) check(definition.fallback, ['fallback'])
}

/** Each of the two would be put to sleep while the other is in use. */
function checkTwice(vms: readonly VmDefinition[], reporter: Reporter): void {
  const seen = new Map<string, string>()
  for (const { id, power } of vms) {
    if (power === null) continue
    const { provider } = power
    const isOci = provider.kind === 'oci'
    const key = isOci ? provider.instance : JSON.stringify(provider.stop)
    const first = seen.get(key)
    if (first === undefined) {
      seen.set(key, id)
      continue
    }
    reporter.error(['vms', id, 'power', provider.kind, isOci ? 'instance' : 'stop'], {
      code: 'vm-twice',
      what: `is that of ${first} too: each would be put to sleep while the other is in use`,
      remedy: `remove ${id}, and let its routes lead to ${first}`,
    })
  }
}

/** Asleep, such a target is only a time-out; awake, its visitors do not keep it so. */
function checkBypass(
  target: UpstreamTarget,
  at: Path,
  context: { readonly vms: readonly VmDefinition[]; readonly reporter: Reporter },
): void {
  const { vms, reporter } = context
  // Another name for the same address may be another machine behind it, told apart by ports.
  if (target.vm !== null) return
  const key = upstreamKey(target)
  const passed = vms.find(
    ({ power, address }) => power !== null && upstreamKey({ ...target, hostname: address }) === key,
  )
  if (passed === undefined) return
  const named =
    target.scheme === 'https'
      ? `https://${passed.id}:${target.port}`
      : `${passed.id}:${target.port}`
  reporter.warning(at, {
    code: 'vm-bypassed',
    what: `leads to the machine ${passed.id} by its address, and so neither wakes it nor keeps it awake`,
    remedy: `write ${named}`,
  })
}
