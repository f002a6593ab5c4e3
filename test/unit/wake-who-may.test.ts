// Whose visit starts a machine: rule × kind × who, every combination written down.

import t from 'tap'
import type { UseKind } from '../../src/gate.ts'
import type { UserId, WakeRule } from '../../src/model.ts'
import { mayPress, mayWake } from '../../src/wake/who-may-wake.ts'

const diego = 'diego' as UserId
/** Who comes. `home`: a network that somebody signed in from lately. */
const people = {
  owner: { user: diego, mayWake: true, knownClient: false },
  'owner at home': { user: diego, mayWake: true, knownClient: true },
  guest: { user: diego, mayWake: false, knownClient: false },
  'guest at home': { user: diego, mayWake: false, knownClient: true },
  stranger: { user: null, mayWake: false, knownClient: false },
  'stranger at home': { user: null, mayWake: false, knownClient: true },
  // An identity is needed for a right; this cannot be, and must not wake.
  'right without a name': { user: null, mayWake: true, knownClient: false },
} as const
type Who = keyof typeof people

const kinds: readonly UseKind[] = ['navigation', 'change', 'script', 'program', 'incidental']
const owners: readonly Who[] = ['owner', 'owner at home']
/** All that wake; whatever is not here does not. */
const table: Readonly<Record<WakeRule, Readonly<Record<UseKind, readonly Who[]>>>> = {
  navigation: { navigation: owners, change: owners, script: [], program: [], incidental: [] },
  any: { navigation: owners, change: owners, script: owners, program: owners, incidental: [] },
  'known-client': {
    navigation: [...owners, 'stranger at home'],
    change: [...owners, 'stranger at home'],
    script: [...owners, 'stranger at home'],
    program: [...owners, 'stranger at home'],
    incidental: [],
  },
  manual: { navigation: [], change: [], script: [], program: [], incidental: [] },
  never: { navigation: [], change: [], script: [], program: [], incidental: [] },
}

for (const [rule, byKind] of Object.entries(table)) {
  t.test(`wake: ${rule}`, async (t) => {
    for (const kind of kinds) {
      const waking = Object.entries(people)
        .filter(([, who]) => mayWake({ ...who, kind, rule: rule as WakeRule }) === 'yes')
        .map(([name]) => name)
      t.strictSame(waking, byKind[kind], kind)
    }
  })
}

t.test('the button is for people who may start machines, but for "never"', async (t) => {
  const may = (rule: WakeRule) =>
    Object.entries(people)
      .filter(([, who]) => mayPress({ ...who, rule }))
      .map(([name]) => name)
  for (const rule of ['navigation', 'any', 'known-client', 'manual'] as const) {
    t.strictSame(may(rule), owners, rule)
  }
  t.strictSame(may('never'), [])
})
