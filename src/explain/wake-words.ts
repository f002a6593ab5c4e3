// What a request would be to the machine behind its route, should that be asleep: would it start it, would it keep it awake?

import type { UseKind } from '../gate.ts'
import type { Identity, Route, TableDefinition } from '../model.ts'
import { mayWake } from '../wake/who-may-wake.ts'

/** `null`: what the route leads to never sleeps. */
export function wakeWords(
  { target, wake, countsAsUse }: Route,
  identity: Identity | null,
  { vms }: TableDefinition,
): { readonly says: string; readonly details: readonly string[] } | null {
  const id = target.kind === 'upstream' ? target.vm : null
  const vm = vms.find((each) => each.id === id)
  if (vm === undefined || vm.power === null) return null
  const person = { user: identity?.user ?? null, mayWake: identity?.mayWake ?? false }
  const starts = (knownClient: boolean) =>
    kinds.filter(([kind]) => mayWake({ kind, rule: wake, ...person, knownClient }) === 'yes')
  const words = (list: typeof kinds) => list.map(([, name]) => name).join(', ')
  const always = starts(false)
  const known = starts(true).filter((kind) => !always.includes(kind))
  const details = [`wake: ${wake}${wake === 'manual' ? ', the button on the waiting page' : ''}`]
  if (known.length > 0) {
    details.push(`from an address that somebody signed in from within 30 days: ${words(known)}`)
  }
  if (countsAsUse !== 'auto') {
    details.push(
      `countsAsUse: ${countsAsUse === 'never' ? 'nothing here keeps it awake' : 'everything here keeps it awake'}`,
    )
  }
  const asleep =
    always.length === 0
      ? 'this would not start it, whatever the request is'
      : `started by ${words(always)}`
  return { says: `${vm.id} sleeps when nobody uses it; asleep, ${asleep}`, details }
}

const kinds: readonly (readonly [kind: UseKind, name: string])[] = [
  ['navigation', 'a page that is opened'],
  ['change', 'something that is sent or changed'],
  ['script', "a page's own script or picture"],
  ['program', 'a program'],
]
