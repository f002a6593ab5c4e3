// The script by which a machine says that it is busy: run by a real shell, with made-up processes and a made-up Syncthing.

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { createBusy } from '../../src/wake/busy.ts'

const root = dirname(dirname(import.meta.dirname))
const folder = join(root, 'packaging/keep-awake')
const script = join(folder, 'gatehouse-keep-awake')
const secret = 's3cr"et\\x'

interface Heard {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A machine with these processes and this load; and what is told to the gateway and asked of Syncthing. */
async function house(t: Test, facts: { readonly processes?: string; readonly load?: string } = {}) {
  const home = mkdtempSync(join(tmpdir(), 'keep-awake-'))
  const heard: Heard[] = []
  const answers = { status: 204, syncthing: '' }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    heard.push({ url: request.url ?? '', headers: request.headers, body })
    const isSyncthing = request.url?.startsWith('/rest/') ?? false
    response.writeHead(isSyncthing ? 200 : answers.status)
    response.end(isSyncthing ? answers.syncthing : '')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  for (const name of ['bin', 'dev/pts', 'proc', 'state'])
    mkdirSync(join(home, name), { recursive: true })
  writeFileSync(join(home, 'processes'), facts.processes ?? '/sbin/init\n')
  writeFileSync(join(home, 'bin/ps'), `#!/bin/sh\ncat ${join(home, 'processes')}\n`)
  chmodSync(join(home, 'bin/ps'), 0o755)
  writeFileSync(join(home, 'proc/loadavg'), facts.load ?? '3.00 0.20 0.10 1/200 1234\n')
  writeFileSync(join(home, 'secret'), `${secret}\n`)
  writeFileSync(join(home, 'key'), 'syncthing-key\n')
  const origin = `http://127.0.0.1:${port}`
  const env: Record<string, string> = {
    PATH: `${join(home, 'bin')}:/usr/local/bin:/usr/bin:/bin`,
    KEEP_AWAKE_URL: `${origin}/.gatehouse/wake/busy`,
    KEEP_AWAKE_SECRET_FILE: join(home, 'secret'),
    KEEP_AWAKE_SYNCTHING_KEY_FILE: join(home, 'key'),
    KEEP_AWAKE_STATE: join(home, 'state'),
    KEEP_AWAKE_PROC: join(home, 'proc'),
    KEEP_AWAKE_DEV: join(home, 'dev'),
  }
  /** @param idleMinutes since something was typed there. */
  const terminal = (name: string, idleMinutes: number) => {
    const path = join(home, 'dev', name)
    writeFileSync(path, '')
    utimesSync(path, new Date(Date.now() - idleMinutes * 60_000), new Date())
  }
  return { home, heard, answers, origin, env, terminal }
}

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

function run(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile('/bin/sh', [script, ...args], { env, timeout: 30_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 99), out, err })
    })
  })
}

t.test('an idle machine says nothing', async (t) => {
  const { env, heard } = await house(t)
  t.strictSame(await run(env), { code: 0, out: '', err: '' })
  t.strictSame(heard, [])
  t.match(await run(env, '--why'), { code: 0, out: 'not busy\n' })
})

t.test('somebody who types in a terminal keeps it awake, and one who left does not', async (t) => {
  const processes = 'sshd: /usr/sbin/sshd -D [listener]\nsshd: diego@pts/3\nsshd: diego [priv]\n'
  const { env, heard, terminal } = await house(t, { processes })
  terminal('pts/3', 45)
  t.match(await run(env), { code: 0, out: '' })
  t.equal(heard.length, 0)
  terminal('pts/3', 12)
  t.match(await run(env), { code: 0, out: 'ssh: pts/3, used 12 min ago\n' })
  t.match(heard, [{ url: '/.gatehouse/wake/busy', body: '{"for":300}' }])
  t.match(await run({ ...env, KEEP_AWAKE_SSH_IDLE_MINUTES: '0' }), { out: '' })
})

t.test('what it says is what the gateway understands', async (t) => {
  const { env, heard } = await house(t, { load: '0.10 2.50 0.10 1/200 1234\n' })
  t.match(await run({ ...env, KEEP_AWAKE_SECONDS: '600' }), {
    code: 0,
    out: 'load: 2.50 over five minutes\n',
  })
  const [{ headers, body }] = heard as [Heard]
  const id = 'flex' as never
  const busy = createBusy({
    vms: () => [{ id, busySecret: 'X' }],
    secret: () => secret,
    steady: () => 0,
  })
  t.match(busy.signal(headers.authorization ?? null, body), { kind: 'taken' })
  t.equal(busy.busyFor(id), 600_000)
})

t.test('sessions without a terminal count, of old and new sshd', async (t) => {
  for (const processes of ['sshd: diego@notty\n', 'sshd-session: diego@notty\n']) {
    const { env, heard } = await house(t, { processes })
    t.match(await run(env), { code: 0, out: 'ssh: a session without a terminal\n' })
    t.match(await run({ ...env, KEEP_AWAKE_SSH_TRANSFERS: 'no' }), { code: 0, out: '' })
    t.equal(heard.length, 1)
  }
})

t.test('load counts above its limit, and not at all with none', async (t) => {
  const { env, heard } = await house(t, { load: '9.00 1.01 0.10 1/200 1234\n' })
  await run(env)
  t.equal(heard.length, 1)
  await run({ ...env, KEEP_AWAKE_LOAD_ABOVE: '1.01' })
  await run({ ...env, KEEP_AWAKE_LOAD_ABOVE: '0' })
  t.equal(heard.length, 1)
})

t.test('Syncthing counts by what it moved since the last look', async (t) => {
  const { env, heard, answers, origin } = await house(t)
  const total = (inBytes: number, outBytes: number) =>
    JSON.stringify(
      {
        connections: { A: { inBytesTotal: 7, outBytesTotal: 8 } },
        total: { at: '2026-11-21', inBytesTotal: inBytes, outBytesTotal: outBytes },
      },
      null,
      2,
    )
  const busy = async (inBytes: number, outBytes: number) => {
    answers.syncthing = total(inBytes, outBytes)
    const { code, out, err } = await run({ ...env, KEEP_AWAKE_SYNCTHING: origin })
    t.strictSame([code, err], [0, ''])
    return out
  }
  t.equal(await busy(5_000_000_000, 1_000), '', 'the first look knows nothing')
  t.equal(await busy(5_000_400_000, 500_000), '', 'a little is talk')
  t.equal(await busy(5_001_000_000, 900_000), 'syncthing: 1000000 bytes\n')
  t.equal(await busy(100, 100), '', 'it began anew')
  t.equal(await busy(2_000_100, 100), 'syncthing: 2000000 bytes\n')
  const asked = heard.filter(({ url }) => url === '/rest/system/connections')
  t.equal(asked.length, 5)
  t.equal(asked[0]?.headers['x-api-key'], 'syncthing-key')
  t.notOk(asked[0]?.headers.authorization, 'and does not hear the other secret')
})

t.test('a Syncthing that is down hides no other reason', async (t) => {
  const { env, heard, answers, origin } = await house(t, { processes: 'sshd: diego@notty\n' })
  const ended = await run({ ...env, KEEP_AWAKE_SYNCTHING: 'http://127.0.0.1:1' })
  t.match(ended, { code: 0, out: /without a terminal/ })
  t.equal(heard.length, 1)
  answers.syncthing = 'Forbidden'
  const odd = await run({ ...env, KEEP_AWAKE_SYNCTHING: origin })
  t.match(odd, { code: 0, out: /without a terminal/, err: /not understood/ })
  const keyless = {
    ...env,
    KEEP_AWAKE_SYNCTHING: origin,
    KEEP_AWAKE_SYNCTHING_KEY_FILE: '/nowhere',
  }
  t.match(await run(keyless), { code: 0, out: /without a terminal/, err: /cannot read/ })
})

t.test(
  'a gateway that refuses, or follows elsewhere, is a failure that the journal shows',
  async (t) => {
    for (const status of [401, 400, 500]) {
      const { env, answers } = await house(t, { processes: 'sshd: diego@notty\n' })
      answers.status = status
      t.match(await run(env), { code: 1, err: /did not take it/ }, String(status))
    }
  },
)

t.test('no secret among arguments, in output, or in the open', async (t) => {
  const { env, home } = await house(t, { processes: 'sshd: diego@notty\n' })
  writeFileSync(
    join(home, 'bin/curl'),
    `#!/bin/sh\necho "$@" > ${join(home, 'arguments')}\ncat > /dev/null\n`,
  )
  chmodSync(join(home, 'bin/curl'), 0o755)
  const { out, err } = await run(env)
  const text = readFileSync(join(home, 'arguments'), 'utf8')
  t.notMatch(`${text}${out}${err}`, 's3cr')
  t.match(text, '--proto =http')
  for (const url of [
    'http://cloud.example.com/.gatehouse/wake/busy',
    'http://127.0.0.1.example.com/busy',
    'ftp://127.0.0.1/busy',
  ]) {
    writeFileSync(join(home, 'arguments'), '')
    t.match(await run({ ...env, KEEP_AWAKE_URL: url }), { code: 1 }, url)
    t.equal(readFileSync(join(home, 'arguments'), 'utf8'), '', url)
  }
  await run({ ...env, KEEP_AWAKE_URL: 'https://cloud.example.com/.gatehouse/wake/busy' })
  t.match(readFileSync(join(home, 'arguments'), 'utf8'), '--proto =https ')
})

t.test('what is missing is said', async (t) => {
  const { env, home } = await house(t, { processes: 'sshd: diego@notty\n' })
  const { KEEP_AWAKE_URL: _, ...without } = env
  t.match(await run(without), { code: 1, err: /KEEP_AWAKE_URL is not set/ })
  const ended = await run({ ...env, KEEP_AWAKE_SECRET_FILE: join(home, 'nowhere') })
  t.match(ended, { code: 1, err: /cannot read/ })
})

t.test('script, units, example and guide agree', async (t) => {
  const source = readFileSync(script, 'utf8')
  const known = new Set([...source.matchAll(/\$\{(KEEP_AWAKE_\w+)/g)].map(([, name]) => name))
  const example = readFileSync(join(folder, 'keep-awake.conf'), 'utf8')
  const guide = readFileSync(join(root, 'docs/keep-awake.md'), 'utf8')
  for (const [text, where] of [
    [example, 'the example'],
    [guide, 'the guide'],
  ] as const)
    for (const [name] of text.matchAll(/KEEP_AWAKE_[A-Z_]+/g))
      t.ok(known.has(name), `${where}: ${name}`)
  for (const [, name = '', value = ''] of example.matchAll(/^#(KEEP_AWAKE_\w+)=(.*)$/gm)) {
    const [, builtIn = ''] = new RegExp(`\\{${name}:-([^}$]*)\\}`).exec(source) ?? []
    if (builtIn !== '') t.equal(value, builtIn, `${name} without it`)
  }
  const service = readFileSync(join(folder, 'gatehouse-keep-awake.service'), 'utf8')
  t.match(service, 'ExecStart=/usr/local/bin/gatehouse-keep-awake\n')
  for (const [, path = ''] of service.matchAll(/(\/etc\/gatehouse-keep-awake\/\S+)/g)) {
    t.ok(guide.includes(path) || source.includes(path.split('/').at(-1) ?? '?'), path)
  }
  for (const name of [
    'gatehouse-keep-awake.service',
    'gatehouse-keep-awake.timer',
    'keep-awake.conf',
  ])
    t.ok(guide.includes(name) && existsSync(join(folder, name)), name)
})
