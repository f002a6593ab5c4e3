// "I am busy": who may say so, what is taken of it, how long it counts.

import t from 'tap'
import type { VmId } from '../../src/model.ts'
import { type BusyVm, createBusy } from '../../src/wake/busy.ts'

const flex = 'flex' as VmId
const other = 'other' as VmId

function house(
  vms: readonly BusyVm[] = [
    { id: flex, busySecret: 'FLEX' },
    { id: other, busySecret: 'OTHER' },
    { id: 'mute' as VmId, busySecret: null },
  ],
) {
  const clock = { at: 1_000 }
  const secrets: Record<string, string> = { FLEX: 'f-secret', OTHER: 'o-secret', EMPTY: '' }
  const busy = createBusy({
    vms: () => vms,
    secret: (name) => secrets[name] ?? null,
    steady: () => clock.at,
  })
  return { clock, busy, secrets }
}

t.test('a machine with its secret is busy for as long as it says', async (t) => {
  const { clock, busy } = house()
  t.match(busy.signal('Bearer f-secret', '{"for":600}'), { kind: 'taken', vm: flex })
  t.equal(busy.busyFor(flex), 600_000)
  t.equal(busy.busyFor(other), 0, 'and no other is')
  clock.at += 599_999
  t.equal(busy.busyFor(flex), 1)
  clock.at += 1
  t.equal(busy.busyFor(flex), 0)
})

t.test('a shorter word does not end a longer one', async (t) => {
  const { busy } = house()
  busy.signal('Bearer f-secret', '{"for":600}')
  busy.signal('bearer f-secret', '{"for":60}')
  t.equal(busy.busyFor(flex), 600_000)
})

t.test('nobody else is believed', async (t) => {
  const { busy } = house([
    { id: flex, busySecret: 'FLEX' },
    { id: other, busySecret: 'EMPTY' },
    { id: 'm' as VmId, busySecret: 'MISSING' },
  ])
  for (const authorization of [
    null,
    '',
    'Bearer',
    'Bearer ',
    'Bearer f-secre',
    'Bearer f-secrets',
    'Bearer F-SECRET',
    'Basic f-secret',
    'f-secret',
    'Bearer f-secret, x',
    'Bearer null',
  ]) {
    const answer = busy.signal(authorization, '{"for":600}')
    t.equal(answer.kind, 'stranger', String(authorization))
  }
  t.equal(busy.busyFor(flex), 0)
})

t.test('what makes no sense changes nothing', async (t) => {
  const { busy } = house()
  for (const body of [
    '',
    'for=600',
    '[]',
    'null',
    '{}',
    '{"for":"600"}',
    '{"for":0}',
    '{"for":-1}',
    '{"for":3601}',
    '{"for":1e999}',
    '{"for":600,"vm":7}',
    '{"for":600,"vm":"other"}',
    `{"for":600,"x":"${'x'.repeat(1_000)}"}`,
  ]) {
    const answer = busy.signal('Bearer f-secret', body)
    t.equal(answer.kind, 'malformed', body.slice(0, 40))
    t.notMatch(JSON.stringify(answer), 'secret"', 'nothing of the secret is said')
  }
  t.equal(busy.busyFor(flex), 0)
  t.equal(busy.busyFor(other), 0, 'not of another machine either')
})

t.test('machines that share a secret say which one they are', async (t) => {
  const { busy } = house([
    { id: flex, busySecret: 'FLEX' },
    { id: other, busySecret: 'FLEX' },
  ])
  t.equal(busy.signal('Bearer f-secret', '{"for":600}').kind, 'malformed')
  t.match(busy.signal('Bearer f-secret', '{"for":600,"vm":"other"}'), { vm: other })
  t.equal(busy.busyFor(flex), 0)
  t.equal(busy.busyFor(other), 600_000)
})

t.test('a secret that changes counts at once', async (t) => {
  const { busy, secrets } = house()
  secrets.FLEX = 'new'
  t.equal(busy.signal('Bearer f-secret', '{"for":600}').kind, 'stranger')
  t.equal(busy.signal('Bearer new', '{"for":600}').kind, 'taken')
})

t.test('it can be made to count no more', async (t) => {
  const { busy } = house()
  busy.signal('Bearer f-secret', '{"for":3600}')
  busy.forget(flex)
  t.equal(busy.busyFor(flex), 0)
})
