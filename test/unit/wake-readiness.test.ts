// Does a port answer? Over real sockets.

import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, LookupFunction, Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import t from 'tap'
import { createPorts } from '../../src/wake/ports.ts'
import { createProbe, type ProbeTarget } from '../../src/wake/readiness.ts'
import { makeCa } from '../fixtures/certificates.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'

const loopback: LookupFunction = (_name, options, callback) => {
  if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }])
  else callback(null, '127.0.0.1', 4)
}
const probe = createProbe({ lookup: loopback, forbidden: () => null })

async function listening(t: { teardown(run: () => void): void }, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => void sockets.add(socket))
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

const target = (port: number, over: Partial<ProbeTarget> = {}): ProbeTarget => ({
  address: '127.0.0.1',
  port,
  scheme: 'http',
  readyPath: null,
  ...over,
})

const answering =
  (status: number): RequestListener =>
  (_request, response) => {
    response.writeHead(status).end('x'.repeat(100_000))
  }

t.test('a port that takes a connection, and one that does not', async (t) => {
  const port = await listening(t, createServer())
  t.equal(await probe(target(port)), 'ready')
  t.equal(await probe(target(await unusedPort())), 'refused')
})

t.test('with a path: any answer below 500 is one', async (t) => {
  for (const [status, result] of [
    [200, 'ready'],
    [302, 'ready'],
    [401, 'ready'],
    [404, 'ready'],
    [500, 'failing'],
    [502, 'failing'],
    [503, 'failing'],
  ] as const) {
    const asked: string[] = []
    const port = await listening(
      t,
      createHttpServer((request, response) => {
        asked.push(`${request.method} ${request.url}`)
        answering(status)(request, response)
      }),
    )
    t.equal(await probe(target(port, { readyPath: '/health?deep=1' })), result, `${status}`)
    t.strictSame(asked, ['GET /health?deep=1'])
  }
})

t.test(
  'with a path: nobody there, somebody who hangs up, somebody who speaks otherwise',
  async (t) => {
    t.equal(await probe(target(await unusedPort(), { readyPath: '/' })), 'refused')
    const rude = await listening(
      t,
      createServer((socket) => socket.destroy()),
    )
    t.equal(await probe(target(rude, { readyPath: '/' })), 'failing')
    const ssh = await listening(
      t,
      createServer((socket) => {
        socket.on('error', () => {})
        socket.end('SSH-2.0-OpenSSH_9.9\r\n')
      }),
    )
    t.equal(await probe(target(ssh, { readyPath: '/' })), 'failing')
  },
)

t.test('over TLS the certificate is not judged here', async (t) => {
  const ca = await makeCa()
  const { certPem: cert, keyPem: key } = await ca.issue({ names: ['elsewhere.example'] })
  const port = await listening(t, createHttpsServer({ cert, key }, answering(204)))
  t.equal(await probe(target(port, { scheme: 'https', readyPath: '/' })), 'ready')
  t.equal(await probe(target(port, { scheme: 'https' })), 'ready')
  t.equal(await probe(target(port, { scheme: 'http', readyPath: '/' })), 'failing')
})

t.test('a name is looked up, and an address that must not be dialled is not', async (t) => {
  let connections = 0
  const port = await listening(
    t,
    createServer(() => {
      connections += 1
    }),
  )
  t.equal(await probe(target(port, { address: 'flex.example' })), 'ready')
  const strict = createProbe({
    lookup: (_name, _options, callback) => {
      callback(Object.assign(new Error('no'), { code: 'FORBIDDEN_ADDRESS' }), '', 0)
    },
    forbidden: (address) => (address === '127.0.0.1' ? 'loopback' : null),
  })
  const before = connections
  for (const readyPath of [null, '/']) {
    t.equal(await strict(target(port, { readyPath })), 'forbidden')
    t.equal(await strict(target(port, { readyPath, address: 'flex.example' })), 'forbidden')
  }
  t.equal(connections, before)
})

t.test('a name that nobody knows is silence', async (t) => {
  const lost = createProbe({
    lookup: (_name, _options, callback) => {
      callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), '', 0)
    },
    forbidden: () => null,
  })
  for (const readyPath of [null, '/']) {
    t.equal(await lost(target(80, { address: 'lost.example', readyPath })), 'silent')
  }
})

t.test('nobody waits longer than it makes sense', async (t) => {
  // Questions keep no process alive; this server does.
  const mute = await listening(t, createServer())
  const hasty = { forbidden: () => null, connectMs: 30, answerMs: 30 }
  const nowhere = createProbe({ ...hasty, lookup: () => {} })
  for (const readyPath of [null, '/']) {
    t.equal(await nowhere(target(80, { address: 'slow.example', readyPath })), 'silent')
  }
  const patient = createProbe({ ...hasty, lookup: loopback })
  for (const scheme of ['http', 'https'] as const) {
    t.equal(await patient(target(mute, { scheme, readyPath: '/' })), 'failing')
  }
})

t.test('a question that is not answered yet is not asked again', async (t) => {
  const clock = createFakeClock()
  let asked = 0
  let answer: (result: 'ready') => void = () => {}
  const ready: number[] = []
  const ports = createPorts({
    probe: () => {
      asked += 1
      return new Promise((resolve) => {
        answer = resolve
      })
    },
    target: () => ({ address: '192.0.2.1', readyPath: null }),
    steady: clock.steady,
    after: clock.after,
    changed: (port) => {
      if (port !== null) ready.push(port)
    },
  })
  ports.watch(80, 'http')
  t.equal(asked, 0)
  ports.probing(true)
  await clock.advance(60_000)
  t.equal(asked, 1)
  answer('ready')
  await clock.advance(250)
  t.equal(asked, 2)
  t.notOk(ports.isReady(80))
  answer('ready')
  await clock.settle()
  t.ok(ports.isReady(80))
  t.strictSame(ready, [80])
  await clock.advance(3_600_000)
  t.equal(asked, 2, 'a ready port is left in peace')
  ports.refused(80)
  const late = answer
  ports.probing(false)
  late('ready')
  await clock.settle()
  t.notOk(ports.isReady(80), 'an answer from before it was switched off')
  t.notOk(ports.refused(80))
  t.equal(clock.pending, 0)
})

t.test('a question that cannot be asked is answered: nothing comes from there', async (t) => {
  t.equal(await probe(target(70_000)), 'silent')
  t.equal(await probe(target(80, { readyPath: '/a b' })), 'silent')
})

t.test('whoever does not know how a port speaks does not change it', async (t) => {
  const asked: string[] = []
  const ports = createPorts({
    probe: async ({ port, scheme }) => {
      asked.push(`${scheme} ${port}`)
      return 'silent'
    },
    target: () => ({ address: '192.0.2.1', readyPath: '/' }),
    steady: () => 0,
    after: () => () => {},
    changed: () => {},
  })
  ports.watch(443, 'https')
  ports.watch(443, null)
  ports.watch(8080, null)
  ports.watch(8443, null)
  ports.watch(8443, 'https')
  ports.probing(true)
  t.strictSame(asked, ['https 443', 'http 8080', 'https 8443'])
})

async function unusedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
