// Closed to visitors, and what visitors had opened before. Attack: be there already, with a WebSocket or a stream of a public service
// that goes on for days, when somebody notices and closes the house. What strangers have under way ends with it, however it is
// closed; what people have who are signed in, and known networks, goes on.

import t from 'tap'
import { writeLockdown } from '../../src/auth/lockdown.ts'
import { openAdmin } from '../fixtures/admin-visitor.ts'
import { webSocketBackend } from '../fixtures/backends.ts'
import { publicRow } from '../fixtures/edge.ts'
import { startGateway, testDomain } from '../fixtures/gateway.ts'
import { visitor } from '../fixtures/wake-house.ts'

const sockets = await webSocketBackend()
t.teardown(() => sockets.close())
const chat = `https://chat.${testDomain}/`

async function house(t: { teardown(run: () => unknown): unknown }) {
  const gateway = await startGateway({
    routes: publicRow('chat', sockets.port, 'webSocket: true'),
    behindProxy: true,
    people: [{ id: 'diego', groups: ['admin'] }],
  })
  t.teardown(() => gateway.close())
  const open = async (id: string | null, address: string) => {
    const socket = await visitor(gateway, id, address).webSocket(chat)
    let closed = false
    void socket.closed.then(() => {
      closed = true
    })
    t.teardown(() => socket.destroy())
    return { socket, isClosed: () => closed }
  }
  return { gateway, open }
}

async function within(ms: number, holds: () => boolean): Promise<boolean> {
  for (const deadline = Date.now() + ms; Date.now() < deadline; ) {
    if (holds()) return true
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return holds()
}

t.test('closed by a command: strangers are cut off, the person is not', async (t) => {
  const { gateway, open } = await house(t)
  const stranger = await open(null, '192.0.2.1')
  const person = await open('diego', '192.0.2.2')
  await gateway.change(({ settings }) =>
    writeLockdown(settings, { on: true, by: 'cli', at: Date.now() }),
  )
  t.ok(await within(2_000, stranger.isClosed))
  t.notOk(person.isClosed())
})

t.test('closed at the admin page: just so', async (t) => {
  const { gateway, open } = await house(t)
  const stranger = await open(null, '192.0.2.1')
  const person = await open('diego', '192.0.2.2')
  const admin = await openAdmin(gateway, 'diego')
  const put = await admin.call('PUT', '/api/v1/lockdown', { body: { on: true } })
  t.equal(put.status, 200, put.text)
  t.ok(await within(2_000, stranger.isClosed))
  t.notOk(person.isClosed())
})

t.test('whose network is known goes on', async (t) => {
  const now = Date.now()
  const { gateway } = await house(t)
  await gateway.stop()
  await gateway
    .change(({ settings }) => settings.set('known-clients', JSON.stringify([['192.0.2.9', now]])))
    .catch(() => {})
  const again = await startGateway({
    directory: gateway.directory,
    keepTable: true,
    routes: '- {}',
    behindProxy: true,
  })
  t.teardown(() => again.stop())
  const known = await visitor(again, null, '192.0.2.9').webSocket(chat)
  const stranger = await visitor(again, null, '192.0.2.10').webSocket(chat)
  const closed = { known: false, stranger: false }
  void known.closed.then(() => {
    closed.known = true
  })
  void stranger.closed.then(() => {
    closed.stranger = true
  })
  t.teardown(() => known.destroy())
  await again.change(({ settings }) =>
    writeLockdown(settings, { on: true, by: 'cli', at: Date.now() }),
  )
  t.ok(await within(2_000, () => closed.stranger))
  t.notOk(closed.known)
})
