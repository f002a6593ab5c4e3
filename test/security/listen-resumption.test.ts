// A resumed TLS session skips certificates: the server's (so SNI is not looked at) and the client's (so nobody is
// asked again). A ticket earned under one client CA, or under one server name, must not open another.

import { once } from 'node:events'
import tls from 'node:tls'
import t from 'tap'
import { makeCa } from '../fixtures/certificates.ts'
import { startListener, until } from '../fixtures/listener.ts'

interface Visit {
  readonly reused: boolean
  readonly session: Buffer | null
  readonly answer: string
}

/** One request over HTTP/1.1, with the session that the server gave for a next time. */
async function visit(port: number, options: tls.ConnectionOptions): Promise<Visit> {
  let session: Buffer | null = null
  let answer = ''
  const socket = tls.connect({ port, host: '127.0.0.1', ...options })
  socket.on('session', (given) => {
    session = given
  })
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1')
  })
  try {
    await once(socket, 'secureConnect')
    const reused = socket.isSessionReused()
    socket.write(`GET / HTTP/1.1\r\nHost: a.gate.test\r\nConnection: close\r\n\r\n`)
    await once(socket, 'close')
    return { reused, session, answer }
  } catch (error) {
    return { reused: false, session, answer: String(Reflect.get(Object(error), 'code')) }
  }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`${version}: a session is resumed where no client certificate is asked for`, async (t) => {
    const { https, ca, listener } = await startListener(t)
    const options = { ca: ca.certPem, servername: 'a.gate.test', maxVersion: version }
    const first = await visit(https, options)
    t.notOk(first.reused)
    t.ok(first.session, 'the server gave a ticket')
    if (first.session === null) return
    const second = await visit(https, { ...options, session: first.session })
    t.ok(second.reused)
    t.match(second.answer, /^HTTP\/1\.1 200/)
    t.match(listener.stats(), { handshakes: 2, resumed: 1 })
  })

  t.test(`${version}: a day later the ticket is worth nothing`, async (t) => {
    let time = Date.now()
    const { https, ca } = await startListener(t, {
      now: () => time,
      listen: { timeouts: { checkMs: 20 } },
    })
    const options = { ca: ca.certPem, servername: 'a.gate.test', maxVersion: version }
    const { session } = await visit(https, options)
    if (session === null) throw new Error('no ticket')
    time += 24 * 60 * 60 * 1000
    // The rotation comes with the listener's next look around.
    let last = await visit(https, { ...options, session })
    for (let i = 0; last.reused && i < 100; i++) last = await visit(https, { ...options, session })
    t.notOk(last.reused)
    t.match(last.answer, /^HTTP\/1\.1 200/)
  })

  t.test(`${version}: no session is resumed where a client certificate is asked for`, async (t) => {
    const clients = await makeCa('Pulls')
    const { certPem, keyPem } = await clients.issue({ names: ['pull.test'], client: true })
    const { https, ca, peers, listener } = await startListener(t, {
      listen: { originPullCa: clients.certPem },
    })
    const options = { ca: ca.certPem, servername: 'a.gate.test', maxVersion: version }
    const identified = { ...options, cert: certPem, key: keyPem }
    const first = await visit(https, identified)
    t.match(first.answer, /^HTTP\/1\.1 200/)
    const session = first.session
    if (session !== null) {
      const second = await visit(https, { ...options, session })
      t.notOk(second.reused)
      const third = await visit(https, { ...identified, session })
      t.notOk(third.reused)
      t.same(
        peers.map((peer) => peer.clientCertificate),
        ['valid', 'absent', 'valid'],
      )
    }
    t.equal(listener.stats().resumed, 0)
  })
}

t.test('TLSv1.3: a session does not carry over to a server name we do not have', async (t) => {
  const { https, ca, peers, failures } = await startListener(t)
  const { session } = await visit(https, { ca: ca.certPem, servername: 'a.gate.test' })
  if (session === null) throw new Error('no ticket')
  const before = peers.length
  for (const servername of ['foreign.test', '']) {
    const checkServerIdentity = () => undefined
    const foreign = await visit(https, { ca: ca.certPem, servername, checkServerIdentity, session })
    t.notMatch(foreign.answer, /200/)
  }
  t.equal(peers.length, before)
  await until(() => failures.length === 2, 'both refusals are reported')
})

t.test('TLSv1.3: a session resumed under another name of ours counts for that name', async (t) => {
  const { https, ca, peers } = await startListener(t)
  const { session } = await visit(https, { ca: ca.certPem, servername: 'a.gate.test' })
  if (session === null) throw new Error('no ticket')
  const other = await visit(https, { ca: ca.certPem, servername: 'b.gate.test', session })
  t.match(other.answer, /200/)
  t.equal(peers.at(-1)?.serverName, 'b.gate.test')
})

t.test(
  'TLSv1.2: a resumed session has no server name: exception, Node does not tell it',
  async (t) => {
    const { https, ca, peers } = await startListener(t)
    const options = { ca: ca.certPem, servername: 'a.gate.test', maxVersion: 'TLSv1.2' } as const
    const { session } = await visit(https, options)
    if (session === null) throw new Error('no ticket')
    t.match((await visit(https, { ...options, session })).answer, /200/)
    t.same(
      peers.map((peer) => peer.serverName),
      ['a.gate.test', null],
    )
  },
)
