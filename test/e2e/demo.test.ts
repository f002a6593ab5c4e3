// `npm run demo` as a visitor meets it: a process of its own, everything over its real ports.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { totpCode } from '../fixtures/authenticator.ts'
import { type ClientTls, h2, http1, rawClient } from '../fixtures/clients.ts'
import { deterministicBytes, deterministicSha256 } from '../fixtures/deterministic-bytes.ts'
import { createPerson, formTo } from '../fixtures/person.ts'
import { openWebSocket, openWebSocketOverH2 } from '../fixtures/web-socket-client.ts'

const entry = fileURLToPath(new URL('../../demo/demo.ts', import.meta.url))

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

interface Demo {
  readonly https: number
  readonly http: number
  readonly ops: number
  readonly tls: ClientTls
  readonly tableFile: string
  output(): string
  /** Resolves when the demo has printed something that matches. */
  printed(pattern: RegExp): Promise<RegExpExecArray>
  /** Sends the signal and resolves with the exit code and the signal that killed it, if one did. */
  stop(signal: NodeJS.Signals): Promise<readonly [number | null, NodeJS.Signals | null]>
}

async function startDemo(t: Test, dataDir: string, args: readonly string[] = []): Promise<Demo> {
  const free = ['--https', '0', '--http', '0', '--ops', '0', '--data', dataDir]
  const child = spawn(process.execPath, [entry, ...free, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const { output, printed, exited } = observe(child)
  await printed(/Ctrl-C stops/)
  const [, https] = await printed(/https:\/\/gatehouse\.localhost:(\d+)\//)
  const [, http] = await printed(/http:\/\/gatehouse\.localhost:(\d+)\//)
  const [, ops] = await printed(/http:\/\/127\.0\.0\.1:(\d+)\/metrics/)
  return {
    https: Number(https),
    http: Number(http),
    ops: Number(ops),
    tls: { ca: readFileSync(join(dataDir, 'ca.pem'), 'utf8') },
    tableFile: join(dataDir, String(https), 'routes.yaml'),
    output,
    printed,
    stop: (signal) => {
      child.kill(signal)
      return exited
    },
  }
}

function observe(child: ChildProcess) {
  let text = ''
  const watchers = new Set<() => void>()
  const take = (chunk: Buffer) => {
    text += chunk.toString()
    for (const watch of watchers) watch()
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  const exited = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('exit', (code, signal) => resolve([code, signal]))
  })
  const printed = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const watch = () => {
        const match = pattern.exec(text)
        if (match === null) return
        watchers.delete(watch)
        resolve(match)
      }
      watchers.add(watch)
      watch()
      void exited.then(([code]) =>
        reject(new Error(`exited with ${code} before ${pattern}:\n${text}`)),
      )
    })
  return { output: () => text, printed, exited }
}

/** A command of the program beside the demo. */
function gatehouse(demo: Demo, line: string): Promise<{ code: number; out: string }> {
  const places = ['--config', demo.tableFile, '--data', dirname(demo.tableFile)]
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...line.split(' '), ...places], (error, out, wrong) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: out + wrong })
    })
  })
}

/** The authenticator's secret, as the page shows it to whoever cannot scan. */
function secretOf(page: string): string {
  const [, spaced = ''] = /((?:[A-Z2-7]{4} ?){8})/.exec(page) ?? []
  return spaced.replaceAll(' ', '')
}

t.test('a visitor finds everything the guide names', async (t) => {
  // Not tap's own directory: its path is longer than an address of a Unix socket may be.
  const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-demo-'))
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }))
  const demo = await startDemo(t, dataDir, ['--boot', '2'])
  const { https, tls } = demo
  const host = (name: string) => `${name}gatehouse.localhost:${https}`
  const get = (name: string, path = '/', headers: Record<string, string> = {}) =>
    http1(https, { host: host(name), path, headers, tls })
  const page = { accept: 'text/html' }
  const html = page

  await t.test('HTTP/1.1', async (t) => {
    const welcome = await get('')
    t.equal(welcome.status, 200)
    t.match(welcome.text, `href="https://echo.${host('')}/"`)
    t.match(welcome.text, `href="https://proxy.${host('')}/"`)
    t.match(welcome.headers['strict-transport-security'], /max-age=31536000/)
    const seen = await get('headers.', '/json', { 'remote-user': 'admin', 'x-mine': 'kept' })
    const { headers } = JSON.parse(seen.text)
    const names = headers.map(([name]: [string]) => name.toLowerCase())
    t.ok(names.includes('x-mine') && names.includes('x-forwarded-for'))
    t.notOk(names.includes('remote-user'))
  })

  await t.test('the plain port leads to HTTPS', async (t) => {
    const plain = await http1(demo.http, { host: 'headers.gatehouse.localhost', path: '/a?b' })
    t.equal(plain.status, 301)
    t.equal(plain.headers.location, `https://headers.${host('')}/a?b`)
  })

  await t.test('HTTP/2, and a WebSocket on one of its streams', async (t) => {
    const client = await h2(https, { ...tls, servername: 'echo.gatehouse.localhost' })
    const answer = await client.request({ host: host('echo.') })
    t.match(answer, { status: 200, text: /echo\.js/ })
    const socket = await openWebSocketOverH2(client, { host: host('echo.'), path: '/socket' })
    t.match(await socket.next(), 'connected')
    socket.send('over HTTP/2')
    t.equal(await socket.next(), 'over HTTP/2')
    socket.close(1000)
    t.match(await socket.closed, { code: 1000 })
    await client.close()
  })

  await t.test('WebSocket over HTTP/1.1', async (t) => {
    const socket = await openWebSocket(https, { host: host('echo.'), path: '/socket', tls })
    t.match(await socket.next(), 'connected')
    socket.send(Buffer.alloc(100_000, 1))
    t.equal((await socket.next()).length, 100_000)
    socket.close(1000)
    t.match(await socket.closed, { code: 1000 })
  })

  await t.test('events arrive one by one', async (t) => {
    const client = await rawClient(https, { ...tls, servername: 'events.gatehouse.localhost' })
    await client.send(`GET /stream?count=2 HTTP/1.1\r\nHost: ${host('events.')}\r\n\r\n`)
    const first = await client.readUntil('\n\n')
    t.match(first.toString(), /^HTTP\/1\.1 200/)
    const event = first.includes('"count":1') ? first : await client.readUntil('"count":1')
    t.notMatch(event.toString(), '"count":2', 'the second is not waited for')
    await client.readUntil('"count":2')
    client.destroy()
  })

  await t.test('upload and download', async (t) => {
    const bytes = 5_000_000
    const body = deterministicBytes(bytes)
    const sent = await http1(https, {
      host: host('upload.'),
      path: '/file',
      method: 'PUT',
      body,
      tls,
    })
    t.same(JSON.parse(sent.text), { bytes, sha256: deterministicSha256(bytes) })
    t.equal((await get('upload.', `/file?bytes=${bytes}`)).body.length, bytes)
  })

  await t.test('what stops at the gate', async (t) => {
    t.equal((await get('private.')).status, 401)
    t.match(await get('private.', '/', page), {
      status: 303,
      headers: { location: new RegExp(`^https://auth\\.${host('')}/\\?rd=`) },
    })
    t.equal((await get('album.', '/photos/1')).status, 401)
    t.equal((await get('nowhere.')).status, 404)
    t.match(await get('album.', '/', page), { status: 200, text: /Album/ })
    t.match(await get('old.', '/x'), {
      status: 302,
      headers: { location: `https://headers.${host('')}/x` },
    })
    t.match(await get('closed.', '/', page), { status: 503, text: /painters/ })
    const statuses = []
    for (let i = 0; i < 5; i++) statuses.push((await get('limited.')).status)
    t.match(statuses, [200, 200, 200])
    t.ok(statuses.includes(429))
  })

  await t.test(
    'the first person enrols by the printed link, and is known everywhere',
    async (t) => {
      const [, link = ''] = await demo.printed(/Sign in {3}(https:\S+\/enrol\/\S+)/)
      const ca = { certPem: String(tls.ca) }
      const person = createPerson({ https, ca })
      const visit = (name: string, path = '/') => person.visit(`https://${name}${host('')}${path}`)
      const invitation = await person.visit(link)
      t.match(invitation, { status: 200, words: /First Person/ })
      const choice = await person.submit(invitation, formTo(invitation, new URL(link).pathname))
      const form = formTo(choice, '/enrol/password')
      const page = await person.submit(choice, form)
      const fields = formTo(page, '/enrol/password')
      const password = 'five words are a password'
      const code = totpCode(secretOf(page.text), Date.now())
      const values = { password, again: password, code }
      t.match(await person.submit(page, fields, values), { status: 200, words: /recovery/i })
      t.match(await visit('private.'), { status: 200, words: /Hello, First Person/ })
      t.match(await visit('family.'), { status: 200, words: /admin,family/ })
      t.equal((await visit('neighbour.')).status, 403)
      t.match(await visit('notes.', '/share/a'), { status: 200 })
      t.match(await get('notes.', '/share/a'), { status: 200, text: /says nothing of who you are/ })
      t.equal((await get('notes.', '/other')).status, 401)
      t.not((await createPerson({ https, ca }).visit(link)).status, 200, 'the link is used up')

      t.match(await get('studio.', '/', html), { status: 200, text: /Studio/ })
      t.match(await get('studio.', '/desk', html), { status: 303 })
      t.match(await gatehouse(demo, 'vm list'), { code: 0, out: /\nstudio +asleep/ })
      t.notMatch(demo.output(), 'machine starts', 'strangers start nothing')
      const waiting = await visit('studio.', '/desk')
      t.match(waiting, { status: 503, headers: { 'cache-control': 'no-store' } })
      t.match(await gatehouse(demo, 'vm wake studio --wait'), { code: 0, out: /studio is ready/ })
      t.match(await visit('studio.', '/desk'), { status: 200, words: /The studio is awake/ })
      t.match(await gatehouse(demo, 'vm list'), { out: /\nstudio +awake .* demo, studio\/desk / })
      t.match(await gatehouse(demo, 'vm sleep studio'), { code: 0 })
      await demo.printed(/machine is off/)
      t.match(await gatehouse(demo, 'vm cost studio'), { code: 0, out: /demo, studio\/desk/ })
    },
  )

  await t.test('what goes wrong is told', async (t) => {
    t.equal((await get('down.')).status, 502)
    t.equal((await get('crash.', '/before')).status, 502)
    t.equal((await get('crash.', '/garbage')).status, 502)
    await t.rejects(get('crash.', '/within'), 'an answer that is cut does not look whole')
    t.match(await get('slow.', '/answer?after=0'), { status: 200, text: /0 seconds/ })
  })

  await t.test('metrics are on the local address', async (t) => {
    const metrics = await http1(demo.ops, { path: '/metrics' })
    t.match(metrics.text, /gatehouse_http_requests_total\{.*route="upload\/"/)
    t.equal((await http1(demo.ops, { path: '/health' })).status, 200)
  })

  await t.test('an edit of the table counts at once', async (t) => {
    const table = readFileSync(demo.tableFile, 'utf8')
    writeFileSync(demo.tableFile, table.replace('The painters are in.', 'The painters are out.'))
    const deadline = Date.now() + 10_000
    let text = ''
    while (!text.includes('painters are out') && Date.now() < deadline) {
      text = (await get('closed.', '/', page)).text
    }
    t.match(text, 'painters are out')
  })

  await t.test('Ctrl-C ends it, streams and all', async (t) => {
    const socket = await openWebSocket(https, { host: host('echo.'), path: '/socket', tls })
    const events = await rawClient(https, { ...tls, servername: 'events.gatehouse.localhost' })
    await events.send(`GET /stream HTTP/1.1\r\nHost: ${host('events.')}\r\n\r\n`)
    await events.readUntil('"count":1')
    const stopped = demo.stop('SIGINT')
    t.match(await socket.closed, { code: 1001 })
    await events.readUntil('0\r\n\r\n')
    t.same(await stopped, [0, null])
    t.match(demo.output(), /Stopped\.\n$/)
    for (const port of [https, demo.http, demo.ops]) {
      await t.rejects(rawClient(port), { code: 'ECONNREFUSED' })
    }
  })
})

t.test('a second start keeps the CA and takes the next port when one is taken', async (t) => {
  const dataDir = join(t.testdir(), 'data')
  const first = await startDemo(t, dataDir)
  t.match(first.output(), 'new, made for this machine')
  const second = await startDemo(t, dataDir, ['--https', String(first.https)])
  t.match(second.output(), `port ${first.https} is taken, so HTTPS is on ${second.https}`)
  t.match(second.output(), 'the one of last time')
  t.equal(second.tls.ca, first.tls.ca)
  // npm passes on what the terminal has sent already: two at once are one key press.
  const stopping = second.stop('SIGINT')
  void second.stop('SIGINT')
  t.same(await stopping, [0, null])
  t.same(await first.stop('SIGTERM'), [0, null])
})
