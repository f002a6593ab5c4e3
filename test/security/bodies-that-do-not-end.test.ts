// Our own applications read a request's body whole before they answer. Attack: send bodies that do not end, as many at a time as a
// connection takes, so that what they hold fills a machine of 1 GB; or be refused in the middle of one over HTTP/2, and keep what was
// sent and the stream. What is kept is bounded in all and for one client, whoever is signed in finds room meanwhile, and what was
// refused is let go of.

import t from 'tap'
import { createBodyRoom } from '../../src/body-room.ts'
import { h2, http1 } from '../fixtures/clients.ts'
import { startGateway, testDomain } from '../fixtures/gateway.ts'
import { startGatewayChild } from '../fixtures/gateway-child.ts'
import { openUpload } from '../fixtures/unfinished-upload.ts'

const routes = `
  - { host: app, to: 'http://127.0.0.1:9', access: public, prefix: true }
`
const auth = `auth.${testDomain}`
const app = `app.${testDomain}`

t.test('a stranger keeps two megabytes of it, and the login page answers others', async (t) => {
  const gateway = await startGateway({ routes, behindProxy: true })
  t.teardown(() => gateway.close())
  const from = (address: string) => ({ 'x-forwarded-for': address })
  const uploads = await Promise.all(
    Array.from({ length: 20 }, () =>
      openUpload(gateway, auth, { path: '/password', bytes: 250_000, headers: from('192.0.2.1') }),
    ),
  )
  t.teardown(() => {
    for (const upload of uploads) upload.close()
  })
  const refused = () => uploads.filter(({ status }) => status() === 429).length
  for (let i = 0; refused() < 12 && i < 200; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.equal(refused(), 12, 'eight of them fit')
  const other = await http1(gateway.https, {
    host: auth,
    path: '/password',
    method: 'POST',
    tls: { ca: gateway.ca.certPem },
    headers: {
      ...from('192.0.2.2'),
      'content-type': 'application/x-www-form-urlencoded',
      'transfer-encoding': 'chunked',
    },
    body: 'user=diego&password=x',
  })
  t.notMatch(String(other.status), /429|5\d\d/)
  for (const upload of uploads) upload.close()
})

t.test('about machines hardly anything is read', async (t) => {
  const gateway = await startGateway({ routes })
  t.teardown(() => gateway.close())
  const client = await h2(gateway.https, { ca: gateway.ca.certPem, servername: app })
  t.teardown(() => client.close())
  const big = 'x'.repeat(2_000)
  for (const path of ['/.gatehouse/wake/busy', '/.gatehouse/wake/start/']) {
    const headers = { origin: `https://${app}` }
    const asked = await client.request({ method: 'POST', path, body: big, headers })
    t.equal(asked.status, 413, path)
  }
})

t.test('over HTTP/2 a refused body is let go of, and so is its stream', async (t) => {
  const gateway = await startGatewayChild(t, { routes })
  const before = await gateway.memory()
  // One connection takes 100 streams at a time: a stream that stays would be missing afterwards.
  const statuses: number[] = []
  const uploads = []
  for (let i = 0; i < 250; i++) {
    const upload = await openUpload(gateway, app, {
      path: '/.gatehouse/wake/busy',
      bytes: 200_000,
      session: uploads[0],
    })
    uploads.push(upload)
    statuses.push(await upload.answered)
  }
  t.same(new Set(statuses), new Set([413]))
  const after = await gateway.memory()
  t.ok(after.live - before.live < 8_000_000, `${after.live - before.live} bytes are kept`)
  uploads[0]?.close()
})

t.test('the room: for one client, for all, and apart for people', (t) => {
  const room = createBodyRoom({ total: 100, perClient: 40 })
  const one = room.enter('a', true)
  t.ok(one.take(40))
  t.notOk(room.enter('a', true).take(1), 'of his network, whichever request')
  t.ok(room.enter('b', true).take(40))
  t.notOk(room.enter('c', true).take(21))
  t.ok(room.enter('a', false).take(40), 'people have room of their own')
  one.leave()
  one.leave()
  t.ok(room.enter('c', true).take(40))
  t.notOk(room.enter('d', true).take(40), 'leaving twice frees it once')
  t.end()
})
