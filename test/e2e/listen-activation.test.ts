import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { bind } from '../../src/proxy/bind.ts'
import { makeCa } from '../fixtures/certificates.ts'
import { http1 } from '../fixtures/clients.ts'
import { filesOf, until, writeFiles } from '../fixtures/listener.ts'

const host = 'a.gate.test'

/**
 * Stands for systemd: a shell that holds listening sockets, from descriptor 3 on, accepts nothing, and starts a gateway
 * for each line it reads. (A Node process that holds a listening socket would accept from it.)
 */
async function startHolder(t: { teardown(fn: () => void): void }, folder: string, names: string) {
  const servers = await Promise.all(
    names.split(':').map(async () => {
      const server = net.createServer()
      server.listen({ host: '127.0.0.1', port: 0 })
      await once(server, 'listening')
      return server
    }),
  )
  const file = fileURLToPath(new URL('../fixtures/listen-child.ts', import.meta.url))
  const script =
    'while read name; do sh -c \'LISTEN_PID=$$ exec "$@"\' sh "$@" "$name" & done; wait'
  const holder = spawn('/bin/sh', ['-c', script, 'holder', process.execPath, file, folder], {
    stdio: ['pipe', 'pipe', 'inherit', ...servers.map(descriptorOf)],
    env: { ...process.env, LISTEN_FDS: String(servers.length), LISTEN_FDNAMES: names },
  })
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  for (const server of servers) server.close()
  let output = ''
  holder.stdout?.on('data', (chunk) => {
    output += String(chunk)
  })
  const pids: number[] = []
  t.teardown(() => {
    for (const pid of pids) stop(pid, 'SIGKILL')
    holder.kill('SIGKILL')
  })
  return {
    ports,
    /** Resolves with the process id once the gateway listens. */
    start: async (name: string) => {
      const ready = new RegExp(`^${name} ready (\\d+)$`, 'm')
      holder.stdin?.write(`${name}\n`)
      await until(() => ready.test(output), `${name} is ready`)
      const pid = Number(ready.exec(output)?.[1])
      pids.push(pid)
      return pid
    },
    drained: (name: string) => until(() => output.includes(`${name} drained`), `${name} is gone`),
  }
}

function stop(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Ended already.
  }
}

function descriptorOf(server: net.Server): number {
  const fd: unknown = Reflect.get(Object(Reflect.get(server, '_handle')), 'fd')
  if (typeof fd !== 'number') throw new Error('no descriptor: Node calls it something else now')
  return fd
}

async function certificateFolder(t: { testdir(): string }) {
  const ca = await makeCa()
  const folder = join(t.testdir(), 'certs')
  await mkdir(folder)
  await writeFiles(folder, filesOf('a', await ca.issue({ names: [host] })))
  return { ca, folder }
}

t.test('with an inherited socket and a successor a restart shows clients no error', async (t) => {
  const { ca, folder } = await certificateFolder(t)
  const holder = await startHolder(t, folder, 'https')
  const [port = 0] = holder.ports
  const first = await holder.start('first')

  const answers: string[] = []
  const errors: unknown[] = []
  let stopped = false
  // Some clients keep their connections, the others make a new one each time.
  const client = async (agent: https.Agent | undefined) => {
    const request = { host, tls: { ca: ca.certPem } }
    while (!stopped) {
      try {
        // A kept connection may close while a request is on its way; then clients ask again (RFC 9112 §9.3.1).
        const kept = agent === undefined ? request : { ...request, agent }
        const answer = await http1(port, kept).catch((error: unknown) => {
          if (agent === undefined) throw error
          return http1(port, request)
        })
        answers.push(answer.text)
      } catch (error) {
        errors.push(error)
      }
    }
  }
  const agents = Array.from(
    { length: 4 },
    () => new https.Agent({ keepAlive: true, maxSockets: 1 }),
  )
  const clients = [...agents.map((agent) => client(agent)), client(undefined), client(undefined)]
  await until(() => answers.length > 50, 'the first one answers')
  t.ok(answers.every((answer) => answer === 'first'))

  await holder.start('second')
  stop(first, 'SIGTERM')
  await holder.drained('first')
  const after = answers.length
  await until(() => answers.length > after + 50, 'the second one answers')
  stopped = true
  await Promise.all(clients)
  for (const agent of agents) agent.destroy()
  t.same(errors, [])
  t.ok(answers.slice(after).every((answer) => answer === 'second'))
})

t.test('connections that come while nobody serves wait for the next process', async (t) => {
  const { ca, folder } = await certificateFolder(t)
  const holder = await startHolder(t, folder, 'http:https')
  const [plain = 0, secure = 0] = holder.ports
  const early = http1(secure, { host, tls: { ca: ca.certPem } })
  await holder.start('only')
  t.equal((await early).text, 'only')
  t.equal((await http1(plain, { host })).headers.location, `https://${host}/`)
})

t.test('why it cannot listen is said in plain words', async (t) => {
  const taken = net.createServer()
  await bind(taken, { host: '127.0.0.1', port: 0 })
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  await t.rejects(bind(net.createServer(), { host: '127.0.0.1', port }), {
    code: 'port-in-use',
    remedy: /doctor/,
  })
  await t.rejects(bind(net.createServer(), { host: '192.0.2.1', port: 0 }), {
    code: 'address-unavailable',
  })
  await t.rejects(bind(net.createServer(), { fd: 999 }), { code: 'fd-invalid' })
})
