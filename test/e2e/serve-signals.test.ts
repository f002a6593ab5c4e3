// `gatehouse serve` as a process: start, signals, and what stays behind. Ports are the system's choice.

import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { closedPort, slowBackend } from '../fixtures/backends.ts'
import { makeCa } from '../fixtures/certificates.ts'

const root = dirname(dirname(import.meta.dirname))
const table = (port: number, more = '') => `version: 1
domain: example.com
trustedProxies: none
routes:
  - { service: Login, host: auth, to: login, access: public }
  - { service: Slow, host: slow, to: 'http://127.0.0.1:${port}', access: public, prefix: true }
${more}`

interface Gateway {
  readonly child: ChildProcess
  readonly directory: string
  readonly port: number
  /** Everything on standard error so far. */
  said(): string
  /** Resolves when standard error matches. */
  says(pattern: RegExp): Promise<void>
  readonly exit: Promise<{ code: number | null; signal: string | null }>
  fetch(path: string): Promise<{ status: number; body: string }>
}

async function startGateway(
  t: Test,
  backendPort: number,
  args: readonly string[] = [],
): Promise<Gateway> {
  const ca = await makeCa()
  const { certPem, keyPem } = await ca.issue({ names: ['*.example.com'] })
  const directory = t.testdir({
    certs: { 'a.pem': certPem + keyPem },
    'routes.yaml': table(backendPort),
  })
  const child = spawn(
    process.execPath,
    [
      join(root, 'src/main.ts'),
      'serve',
      '--config',
      directory,
      '--data',
      join(directory, 'data'),
      '--https',
      '127.0.0.1:0',
      '--http',
      'off',
      '--ops',
      'off',
      ...args,
    ],
    { env: {}, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  t.teardown(() => child.kill('SIGKILL'))
  let all = ''
  const watchers = new Set<() => void>()
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    all += chunk
    for (const watch of watchers) watch()
  })
  const exit = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  const says = async (pattern: RegExp) => {
    const heard = new Promise<void>((resolve) => {
      const watch = () => {
        if (!pattern.test(all)) return
        watchers.delete(watch)
        resolve()
      }
      watchers.add(watch)
      watch()
    })
    const gone = exit.then(({ code }) => {
      if (!pattern.test(all))
        throw new Error(`exited with ${code} without saying ${pattern}: ${all}`)
    })
    await Promise.race([heard, gone])
  }
  await says(/^gatehouse .*https \d+/m)
  const port = Number(/https (\d+)/.exec(all)?.[1])
  const fetch = async (path: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
    const options = {
      host: '127.0.0.1',
      port,
      path,
      servername: 'slow.example.com',
      ca: ca.certPem,
      agent: false as const,
    }
    get({ ...options, headers: { host: 'slow.example.com' } }, (res) => {
      text(res).then((body) => resolve({ status: res.statusCode ?? 0, body }), reject)
    }).once('error', reject)
    return promise
  }
  return { child, directory, port, said: () => all, says, exit, fetch }
}

t.test('SIGTERM lets a request in flight finish, refuses new ones, and exits with 0', async (t) => {
  const backend = await slowBackend()
  t.teardown(() => backend.close())
  const gateway = await startGateway(t, backend.port)
  const inFlight = gateway.fetch('/')
  await backend.arrived(1)
  gateway.child.kill('SIGTERM')
  await gateway.says(/SIGTERM: finishing what is in flight, at most 25 s/)
  backend.release()
  t.match(await inFlight, { status: 200, body: 'slow' })
  t.strictSame(await gateway.exit, { code: 0, signal: null })
  await t.rejects(gateway.fetch('/'), { code: 'ECONNREFUSED' })
})

t.test('at the end of the deadline what is left is cut off, and the exit is 0', async (t) => {
  const backend = await slowBackend()
  t.teardown(() => backend.close())
  const gateway = await startGateway(t, backend.port, ['--drain', '0'])
  const inFlight = gateway.fetch('/').then(
    ({ status }) => status,
    (error: Error) => error,
  )
  await backend.arrived(1)
  gateway.child.kill('SIGTERM')
  t.strictSame(await gateway.exit, { code: 0, signal: null })
  t.not(await inFlight, 200)
})

t.test('SIGHUP takes the edited table over without a restart', async (t) => {
  const backend = await slowBackend()
  t.teardown(() => backend.close())
  const gateway = await startGateway(t, backend.port)
  const file = join(gateway.directory, 'routes.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/to: 'http[^']*'/, 'to: { status: 418 }'))
  gateway.child.kill('SIGHUP')
  await gateway.says(/"event":"routes-loaded","reason":"signal"/)
  t.match(await gateway.fetch('/'), { status: 418 })
  gateway.child.kill('SIGTERM')
  t.match(await gateway.exit, { code: 0 })
})

t.test('a reader of standard output that leaves does not take the gateway along', async (t) => {
  const gateway = await startGateway(t, await closedPort(), ['--log', 'stdout'])
  gateway.child.stdout?.destroy()
  for (let i = 0; i < 3; i++) t.match(await gateway.fetch('/'), { status: 502 })
  gateway.child.kill('SIGTERM')
  t.match(await gateway.exit, { code: 0 })
})

t.test('what it leaves on disk is its own alone, compiled code included', async (t) => {
  const gateway = await startGateway(t, await closedPort())
  t.match(await gateway.fetch('/'), { status: 502 })
  gateway.child.kill('SIGTERM')
  t.match(await gateway.exit, { code: 0 })
  const data = join(gateway.directory, 'data')
  t.ok(readdirSync(join(data, 'cache')).length > 0, 'the second start compiles nothing anew')
  const names = ['.', ...readdirSync(data, { recursive: true, encoding: 'utf8' })]
  const open = names.filter((name) => (statSync(join(data, name)).mode & 0o077) !== 0)
  t.strictSame(open, [])
})

t.test('it says which settings were chosen, and where they come from', async (t) => {
  const gateway = await startGateway(t, await closedPort())
  t.match(gateway.said(), /^ {2}https +127\.0\.0\.1:0 {2}\(--https\)$/m)
  t.match(gateway.said(), `table ${join(gateway.directory, 'routes.yaml')}`)
  gateway.child.kill('SIGTERM')
  await gateway.exit
})
