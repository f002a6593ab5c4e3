// During a lockdown nobody gets in who is not signed in. Attack: wait for it at a machine that sleeps, where a request is answered
// before it reaches anything: held, by a page, by a stream, by the button. It has to be shut out there as well.

import t from 'tap'
import { writeLockdown } from '../../src/auth/lockdown.ts'
import { http1 } from '../fixtures/clients.ts'
import { openEvents } from '../fixtures/event-stream.ts'
import { signInWithPassword } from '../fixtures/sign-in.ts'
import {
  appHost,
  eventually,
  heldFor,
  startWakeHouse,
  statesIn,
  visitor,
} from '../fixtures/wake-house.ts'

t.test('a lockdown at a machine that sleeps, and while it starts', async (t) => {
  const { gateway, oci } = await startWakeHouse(t, {
    route: 'access: public, prefix: true, wake: known-client',
    behindProxy: true,
    startMs: 600_000,
    people: [{ id: 'diego', password: 'correct horse', totp: true }],
  })
  await eventually(() => statesIn(gateway).at(-1) === 'asleep')
  const set = (on: boolean) =>
    gateway.change(({ settings }) => writeLockdown(settings, { on, by: 'cli', at: Date.now() }))
  const home = '198.51.100.7'
  const tls = { ca: gateway.ca.certPem, servername: appHost }
  const ask = (path: string, method = 'GET') =>
    http1(gateway.https, {
      host: appHost,
      tls,
      path,
      method,
      headers: { 'x-forwarded-for': '203.0.113.9', origin: `https://${appHost}` },
    })
  await set(true)
  for (const [path, method] of [
    ['/', 'GET'],
    ['/', 'POST'],
    ['/.gatehouse/wake/events/', 'GET'],
    ['/.gatehouse/wake/start/', 'POST'],
  ] as const) {
    t.equal((await ask(path, method)).status, 403, `${method} ${path}`)
  }
  t.equal((await visitor(gateway, null, '203.0.113.9').visit(`https://${appHost}`)).status, 403)
  t.equal(oci.count('START'), 0)
  await set(false)

  // His phone waits, known by its network; then its owner locks down, and only he goes on.
  await signInWithPassword(visitor(gateway, null, home), gateway.known('diego'))
  const phone = http1(gateway.https, { host: appHost, tls, headers: { 'x-forwarded-for': home } })
  await eventually(async () => (await heldFor(gateway)) === 1)
  await set(true)
  t.equal((await ask('/')).status, 403)
  t.equal(await heldFor(gateway), 1, 'a network that is known still may')
  const stream = await openEvents(gateway.https, {
    host: appHost,
    path: '/.gatehouse/wake/events/',
    tls,
    headers: { 'x-forwarded-for': '203.0.113.9' },
  })
  stream.close()
  t.equal(stream.status, 403)
  await eventually(() => oci.count('START') === 1)
  phone.catch(() => {})
})
