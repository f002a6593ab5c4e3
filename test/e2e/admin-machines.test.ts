// A machine that sleeps, by the API of a gateway that runs: seen, woken, kept, put to sleep; the cloud and the service are real.

import t from 'tap'
import { adminHost, openAdmin, program, textAt, valueAt } from '../fixtures/admin-visitor.ts'
import { openEvents } from '../fixtures/event-stream.ts'
import { testDomain } from '../fixtures/gateway.ts'
import { eventually, startWakeHouse, visitor } from '../fixtures/wake-house.ts'

const vm = '/api/v1/vms/flex'
const app = `https://app.${testDomain}/`
const tokens = ['vm:wake', 'vms:read', 'vms:write', 'routes:write'].map((scope) => ({
  label: scope,
  scopes: [scope],
}))

t.test('it is listed, woken, kept awake and put to sleep over the API', async (t) => {
  const { gateway, oci, service } = await startWakeHouse(t, {
    people: [{ id: 'diego', groups: ['admin'], tokens }, { id: 'ana' }],
  })
  const wakes = program(gateway, gateway.known('diego').tokens['vm:wake'] ?? '')
  const reads = program(gateway, gateway.known('diego').tokens['vms:read'] ?? '')
  const writes = program(gateway, gateway.known('diego').tokens['vms:write'] ?? '')
  const other = program(gateway, gateway.known('diego').tokens['routes:write'] ?? '')
  const state = async () => textAt(await reads.call('GET', vm), 'state')
  await eventually(async () => (await state()) === 'asleep', 'asleep')

  for (const [who, name] of [
    [reads, 'reads'],
    [other, 'routes'],
  ] as const) {
    t.equal((await who.call('POST', `${vm}/wake`)).status, 403, name)
  }
  t.equal((await wakes.call('GET', vm)).status, 403, 'who may wake it need not see it')
  t.equal((await wakes.call('POST', `${vm}/sleep`)).status, 403)
  t.equal((await wakes.call('POST', '/api/v1/vms/nobody/wake')).status, 404)
  t.equal(oci.count('START'), 0, 'nothing of that started anything')

  const stream = await openEvents(gateway.https, {
    host: adminHost,
    path: '/api/v1/events',
    tls: { ca: gateway.ca.certPem },
    headers: { 'x-gatehouse-token': gateway.known('diego').tokens['vms:read'] ?? '' },
  })
  const woken = await wakes.call('POST', `${vm}/wake`)
  t.equal(woken.status, 202, woken.text)
  await eventually(async () => (await state()) === 'awake', 'awake')
  t.equal(oci.count('START'), 1)
  t.equal(service.up, true)
  await eventually(() => stream.text().includes('"state":"awake"'), 'told as it happened')
  t.match(stream.text(), '"state":"asleep"')
  t.notMatch(stream.text(), 'event: routes')
  stream.close()
  t.equal((await visitor(gateway, 'ana').request(app)).status, 200)

  const until = new Date(Date.now() + 3_600_000).toISOString()
  const kept = await writes.call('PUT', `${vm}/keep`, { body: { until } })
  t.match(kept.json, { keptUntil: until })
  const past = { body: { until: new Date(Date.now() - 1000).toISOString() } }
  t.equal((await writes.call('PUT', `${vm}/keep`, past)).status, 422)
  const free = await writes.call('PUT', `${vm}/keep`, { body: { until: null } })
  t.match(free.json, { keptUntil: null })

  const asleep = await writes.call('POST', `${vm}/sleep`)
  t.equal(asleep.status, 202, asleep.text)
  await eventually(async () => (await state()) === 'asleep', 'asleep again')
  t.equal(service.up, false)
  const listed = await reads.call('GET', '/api/v1/vms')
  t.match(valueAt(listed, 'items', 0), {
    id: 'flex',
    address: '127.0.0.1',
    starts: [{ by: /diego/, endedAt: String, reason: String }],
    cost: { minutesAwake: Number },
  })
  const timeline = await reads.call('GET', `${vm}/timeline?days=1`)
  t.match(JSON.stringify(valueAt(timeline, 'items')), /awake[\s\S]*asleep/)

  const entries = await gateway.change(({ audit }) => audit.list({ limit: 100 }))
  const acts = entries.filter(({ event }) => event.startsWith('vm-')).map(({ event }) => event)
  t.same(acts.sort(), ['vm-keep', 'vm-keep', 'vm-sleep', 'vm-wake', 'vm-woken'])
  const wake = entries.find(({ event }) => event === 'vm-wake')
  t.match(wake, { actor: 'diego', details: { vm: 'flex', before: /asleep/, after: String } })
})

t.test('what cannot be done is said, and a route’s row says how its machine is', async (t) => {
  const { gateway } = await startWakeHouse(t, { power: 'sleepAfter: 1h, startsPerHour: 1' })
  const admin = await openAdmin(gateway, 'diego')
  const state = async () => textAt(await admin.call('GET', vm), 'state')
  const target = async () =>
    textAt(await admin.call('GET', '/api/v1/routes/app~1'), 'activity', 'target', 'state')
  await eventually(async () => (await state()) === 'asleep', 'asleep')
  t.equal(await target(), 'asleep')
  t.equal((await admin.call('POST', `${vm}/wake`)).status, 202)
  t.equal(await target(), 'waking')
  await eventually(async () => (await state()) === 'awake', 'awake')
  t.equal((await visitor(gateway, 'diego').request(app)).status, 200)
  t.equal(await target(), 'answering')
  t.equal((await admin.call('POST', `${vm}/sleep`)).status, 202)
  await eventually(async () => (await state()) === 'asleep', 'asleep again')
  const refused = await admin.call('POST', `${vm}/wake`)
  t.equal(refused.status, 409, refused.text)
  t.match(refused.json, { code: 'machine-refused', reason: String })
})
