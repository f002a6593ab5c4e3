// The control socket, with real sockets: who is told, who is refused, what a dead gateway leaves behind.

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { askGateway } from '../../src/cli/control-client.ts'
import { type ControlDeps, controlPath, createControl } from '../../src/control.ts'
import { GatehouseError } from '../../src/errors.ts'

/** Not tap's own directory: its path is longer than an address of a Unix socket may be. */
function directory(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'gatehouse-control-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function start(t: Test, path: string, deps: Partial<ControlDeps> = {}) {
  const events: string[] = []
  const note = (level: string) => (event: string) => void events.push(`${level} ${event}`)
  const control = createControl({
    path,
    onPeopleChanged: async () => {},
    loginOrigin: () => 'https://auth.example.com:8443',
    log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
    ...deps,
  })
  await control.listen()
  t.teardown(() => control.close())
  return { control, events }
}

t.test('a command hears back only when the change is in force', async (t) => {
  const path = controlPath(directory(t))
  let release = () => {}
  let asked = () => {}
  const wasAsked = new Promise<void>((resolve) => {
    asked = resolve
  })
  await start(t, path, {
    onPeopleChanged: () =>
      new Promise((resolve) => {
        release = resolve
        asked()
      }),
  })
  let answered = false
  const answer = askGateway(path, { do: 'people-changed' }).then((outcome) => {
    answered = true
    return outcome
  })
  await wasAsked
  t.equal(answered, false)
  release()
  t.match(await answer, { kind: 'done', loginOrigin: 'https://auth.example.com:8443' })
})

t.test('only the owner can open the socket, and it is gone after close', async (t) => {
  const path = controlPath(directory(t))
  const { control } = await start(t, path)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.match(await askGateway(path, { do: 'hello' }), { kind: 'done' })
  await control.close()
  t.throws(() => statSync(path), { code: 'ENOENT' })
  t.same(await askGateway(path, { do: 'hello' }), { kind: 'absent' })
})

t.test('a second gateway on the same directory is refused, and the first goes on', async (t) => {
  const path = controlPath(directory(t))
  await start(t, path)
  await t.rejects(start(t, path), { code: 'already-running', remedy: /--data/ })
  t.match(await askGateway(path, { do: 'hello' }), { kind: 'done' })
})

t.test('a socket that a killed gateway left behind is replaced', async (t) => {
  const path = controlPath(directory(t))
  // A file that nobody listens on stands for it: connecting is refused as it is there.
  writeFileSync(path, '')
  t.same(await askGateway(path, { do: 'hello' }), { kind: 'absent' })
  await start(t, path)
  t.match(await askGateway(path, { do: 'hello' }), { kind: 'done' })
})

t.test('a handler that fails is told as a failure, with its code and no more', async (t) => {
  const path = controlPath(directory(t))
  const { events } = await start(t, path, {
    onPeopleChanged: () => Promise.reject(new GatehouseError('store-unavailable', 'disk /secret')),
  })
  t.same(await askGateway(path, { do: 'people-changed' }), {
    kind: 'failed',
    reason: 'store-unavailable',
    late: false,
  })
  t.same(events, ['error control-failed'])
})

t.test('bans are listed and lifted through it', async (t) => {
  const path = controlPath(directory(t))
  const bans = [{ network: '192.0.2.7', until: 5 }]
  await start(t, path, {
    bans: { list: () => bans, lift: (network) => network === '192.0.2.7' },
  })
  t.match(await askGateway(path, { do: 'bans' }), { kind: 'done', bans })
  t.match(await askGateway(path, { do: 'lift-ban', network: '192.0.2.7' }), { lifted: true })
  t.match(await askGateway(path, { do: 'lift-ban', network: '192.0.2.8' }), { lifted: false })
})

t.test('nonsense is answered, endless nonsense too', async (t) => {
  const path = controlPath(directory(t))
  await start(t, path)
  const say = (text: string) =>
    new Promise<string>((resolve) => {
      let answer = ''
      const socket = connect(path, () => socket.write(text))
      socket.on('data', (chunk) => {
        answer += chunk
      })
      socket.on('close', () => resolve(answer))
      socket.on('error', () => {})
    })
  const refused = '{"ok":false,"error":"not understood"}\n'
  for (const text of ['\n', '{"do":"rm"}\n', 'null\n', '{"do":"lift-ban"}\n', 'x'.repeat(5000)]) {
    t.equal(await say(text), refused, text.slice(0, 20))
  }
})

t.test('a gateway that hangs up, or answers nonsense, is no success', async (t) => {
  for (const answer of ['', 'x\n', '{}\n', '[]\n', '{"ok":"yes"}\n']) {
    const path = controlPath(directory(t))
    const server = createServer((socket) => {
      socket.on('data', () => socket.end(answer))
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    t.teardown(() => server.close())
    t.match(await askGateway(path, { do: 'people-changed' }), { kind: 'failed' }, answer)
  }
})

t.test('a path too long for a socket is logged, and the gateway starts', async (t) => {
  const { events } = await start(t, join(directory(t), 'x'.repeat(120)))
  t.same(events, ['warn control-unavailable'])
})
