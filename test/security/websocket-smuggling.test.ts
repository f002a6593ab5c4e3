// The attack: a proxy that believes in a tunnel which the backend never opened passes the bytes behind the handshake
// unchecked: `GET /admin` straight to the backend (0ang3el/websocket-smuggle: an invalid Sec-WebSocket-Version, a 101 forged
// through a status the attacker controls). Pingora CVE-2026-2833: bytes behind any Upgrade were passed on before the answer.
// h2c smuggling (BishopFox): `Upgrade: h2c` opens an HTTP/2 connection behind the checks.

import t from 'tap'
import { cannedBackend } from '../fixtures/backends.ts'
import {
  publicRow,
  recordingBackend,
  request,
  startEdge,
  statuses,
  until,
} from '../fixtures/edge.ts'
import { handshake, held, key, valid } from '../fixtures/held-websocket.ts'

const prey = request('GET /admin')

t.test('bytes behind a handshake that the backend refuses are never a request', async (t) => {
  for (const answer of [
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n\r\n',
  ]) {
    const backend = await cannedBackend(answer, 'keep')
    const edge = await startEdge(t, [publicRow('app', backend.port, 'webSocket: true')])
    const text = await edge.exchange(handshake(...valid) + prey)
    t.equal(statuses(text).length, 1, answer.slice(9, 40))
    t.not(statuses(text)[0], 101)
    for (let i = 0; i < backend.accepted(); i++) {
      t.notMatch(backend.recorded(i).toString(), /admin/)
    }
    await edge.gateway.close()
    await backend.close()
  }
})

t.test('nor behind one that we refuse', async (t) => {
  const backend = await recordingBackend()
  t.teardown(() => backend.close())
  const edge = await startEdge(t, [publicRow('app', backend.port, 'webSocket: true')])
  for (const fields of [
    ['Sec-WebSocket-Version: 1337', `Sec-WebSocket-Key: ${key}`],
    ['Sec-WebSocket-Version: 13'],
    ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: short'],
  ]) {
    t.equal(statuses(await edge.exchange(handshake(...fields) + prey)).length, 1)
  }
  t.equal(backend.requests.length, 0)
})

t.test('an upgrade to h2c or anything else is not passed on, nor what follows it', async (t) => {
  const backend = await recordingBackend()
  t.teardown(() => backend.close())
  const edge = await startEdge(t, [publicRow('app', backend.port, 'webSocket: true')])
  for (const token of ['foo', 'h2c', 'WEBSOCKET, h2c']) {
    const h2c = [
      'Connection: Upgrade, HTTP2-Settings',
      'HTTP2-Settings: AAMAAABk',
      `Upgrade: ${token}`,
    ]
    const text = await edge.exchange(
      `${request('GET /', ...h2c)}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${prey}`,
    )
    t.same(statuses(text), [200], token)
  }
  t.notOk(backend.requests.some(({ head }) => /upgrade|h2c|PRI|admin/i.test(head)))
})

t.test('what a client sends before the 101 waits for it', async (t) => {
  const all = await held(t)
  const client = await all.edge.connect()
  await client.send(handshake(...valid) + prey)
  await until(() => all.heads.length === 1)
  await client.send(prey)
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.notMatch(all.connections[0]?.received().toString(), /admin/)
  await all.connections[0]?.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
  t.equal((await client.response()).status, 403)
  await client.readToEnd()
  t.notMatch(all.connections[0]?.received().toString(), /admin/)
})
