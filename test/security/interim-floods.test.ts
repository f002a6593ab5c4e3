// The attack: a backend answers with 103 after 103 and never with anything else, to a client that does not read. Interim
// answers go out at once and nothing holds them back, so the gateway kept them all: a gigabyte in six seconds. And each
// one counted as a sign of life, so the deadline for the answer never came.

import t from 'tap'
import { rawBackend } from '../fixtures/backends.ts'
import { appHost, publicRow, startEdge, until } from '../fixtures/edge.ts'

const hint = `HTTP/1.1 103 Early Hints\r\nLink: ${'a'.repeat(500)}\r\n\r\n`

t.test('a backend that only hints is an invalid backend', async (t) => {
  let closed = 0
  const backend = await rawBackend(async (connection) => {
    connection.socket.on('close', () => {
      closed += 1
    })
    await connection.readUntil('\r\n\r\n')
    for (let i = 0; i < 2_000 && !connection.socket.destroyed; i++) await connection.send(hint)
  })
  t.teardown(() => backend.close())
  const edge = await startEdge(t, [publicRow(appHost, backend.port)])

  const answer = await edge.exchange(
    `GET / HTTP/1.1\r\nHost: ${appHost}\r\nConnection: close\r\n\r\n`,
  )
  t.equal(answer.match(/HTTP\/1\.1 103/g)?.length, 32)
  t.match(answer, /HTTP\/1\.1 502 /)

  const client = await edge.h2()
  const over2 = await client.request({ host: appHost })
  t.equal(over2.status, 502)
  t.equal(over2.interim.length, 32)
  await until(() => closed === 2, 'its connections are closed')
})
