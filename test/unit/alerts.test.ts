// What a person should hear of: over real connections, to targets that answer, fail, hang and lie.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { createPost, type Post, type PostResult } from '../../src/alerts/post.ts'
import { type Alert, type AlertsDeps, createAlerts } from '../../src/alerts.ts'
import type { AlertTarget } from '../../src/model-machines.ts'
import { makeCa } from '../fixtures/certificates.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'
import { createKeptLog } from '../fixtures/wake-provider.ts'

const minute = 60_000
const alert: Alert = {
  id: 'stop-failing:flex',
  level: 'critical',
  title: 'flex: it does not stop',
  text: 'Being stopped for 20 minutes.',
  vm: 'flex',
}
const ntfy: AlertTarget = { kind: 'ntfy', url: 'https://ntfy.example/topic-x1', token: 'NTFY' }
const hook: AlertTarget = { kind: 'webhook', url: 'https://hooks.example/key-y2', token: null }

interface Heard {
  readonly request: IncomingMessage
  readonly body: string
}

/** A target on this machine. */
async function target(t: Test, answer: (response: ServerResponse, heard: Heard) => void) {
  const heard: Heard[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const one = { request, body }
    heard.push(one)
    answer(response, one)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { heard, url: `http://127.0.0.1:${port}` }
}

const ok = (response: ServerResponse) => void response.end('{}')

function house(targets: readonly AlertTarget[], changes: Partial<AlertsDeps> = {}) {
  const clock = createFakeClock()
  const log = createKeptLog()
  const secrets: Record<string, string> = { NTFY: 'tk_s3cr3t', HOOK: 'hook-s3cr3t' }
  const alerts = createAlerts({
    targets: () => targets,
    secret: (name) => secrets[name] ?? null,
    post: createPost(),
    now: clock.now,
    steady: clock.steady,
    after: clock.after,
    log,
    ...changes,
  })
  return { clock, log, alerts, secrets }
}

/** A target that answers what it is told to, and what it was asked. */
function scripted(answers: readonly (number | PostResult)[]): Post & {
  readonly messages: Parameters<Post>[0][]
} {
  const messages: Parameters<Post>[0][] = []
  const post: Post = async (message) => {
    const answer = answers[messages.length] ?? 200
    messages.push(message)
    return typeof answer === 'number' ? { kind: 'answered', status: answer } : answer
  }
  return Object.assign(post, { messages })
}

t.test('ntfy hears title, text, priority and token', async (t) => {
  const { heard, url } = await target(t, ok)
  const { alerts } = house([{ kind: 'ntfy', url: `${url}/topic`, token: 'NTFY' }])
  alerts.send(alert)
  await t.resolves(until(() => heard.length === 1))
  t.match(heard[0]?.request, {
    method: 'POST',
    url: '/topic',
    headers: {
      title: 'flex: it does not stop',
      priority: '5',
      tags: 'rotating_light',
      authorization: 'Bearer tk_s3cr3t',
    },
  })
  t.equal(heard[0]?.body, 'Being stopped for 20 minutes.')
})

t.test('a bug in one delivery is said, and the next alert goes out', async (t) => {
  let broken = true
  const heard: string[] = []
  const { alerts, log, clock } = house([hook], {
    async post({ body }) {
      if (broken) throw new TypeError('a bug')
      heard.push(body)
      return { kind: 'answered', status: 200 }
    },
  })
  alerts.send({ ...alert, id: 'a' })
  await clock.settle()
  t.match(log.events.at(-1), { event: 'alert-undelivered', level: 'error' })
  t.match(await alerts.test(), [{ error: /fault of Gatehouse/ }])
  broken = false
  alerts.send({ ...alert, id: 'b' })
  await clock.settle()
  t.equal(heard.length, 1)
})

t.test('a webhook hears JSON', async (t) => {
  const { heard, url } = await target(t, ok)
  const { alerts, clock } = house([{ kind: 'webhook', url: `${url}/x?k=1`, token: 'HOOK' }])
  alerts.send(alert)
  await until(() => heard.length === 1)
  t.match(heard[0]?.request, {
    url: '/x?k=1',
    headers: { 'content-type': 'application/json', authorization: 'Bearer hook-s3cr3t' },
  })
  t.strictSame(JSON.parse(heard[0]?.body ?? ''), {
    source: 'gatehouse',
    ...alert,
    time: new Date(clock.now()).toISOString(),
  })
})

t.test(
  'a title in any language fits a header, and no line of it becomes another header',
  async (t) => {
    const { heard, url } = await target(t, ok)
    const { alerts } = house([{ kind: 'ntfy', url: `${url}/topic`, token: null }])
    alerts.send({ ...alert, id: 'a', title: 'läuft\r\nx-evil: 1' })
    await until(() => heard.length === 1)
    const title = String(heard[0]?.request.headers.title)
    t.match(title, /^=\?UTF-8\?B\?[\w+/=]+\?=$/)
    t.equal(Buffer.from(title.slice(10, -2), 'base64').toString(), 'läuft x-evil: 1')
    t.notOk(heard[0]?.request.headers['x-evil'])
  },
)

t.test('the same trouble is heard of once in half an hour, another at once', async (t) => {
  const post = scripted([])
  const { alerts, clock } = house([ntfy], { post })
  alerts.send(alert)
  alerts.send({ ...alert, title: 'again' })
  alerts.send({ ...alert, id: 'budget:flex' })
  await clock.advance(29 * minute)
  alerts.send(alert)
  await clock.settle()
  t.equal(post.messages.length, 2)
  await clock.advance(minute)
  alerts.send(alert)
  await clock.settle()
  t.equal(post.messages.length, 3)
})

t.test('what fails is tried three times more, with longer and longer pauses', async (t) => {
  const post = scripted([503, { kind: 'failed', cause: 'ECONNREFUSED', again: true }, 429, 200])
  const { alerts, clock, log } = house([ntfy], { post })
  alerts.send(alert)
  await clock.advance(4_900)
  t.equal(post.messages.length, 1)
  await clock.advance(200)
  t.equal(post.messages.length, 2)
  await clock.advance(30_000)
  t.equal(post.messages.length, 3)
  await clock.advance(120_000)
  t.equal(post.messages.length, 4)
  await clock.advance(60 * minute)
  t.equal(post.messages.length, 4)
  t.notOk(log.events.some(({ event }) => event === 'alert-undelivered'))
})

t.test('after that it is given up, and logged without address or token', async (t) => {
  const post = scripted([500, 500, 500, 500, 500])
  const { alerts, clock, log } = house([ntfy], { post })
  alerts.send(alert)
  await clock.advance(60 * minute)
  t.equal(post.messages.length, 4)
  t.match(log.events.at(-1), {
    level: 'error',
    event: 'alert-undelivered',
    fields: { alert: alert.id, target: 'ntfy at ntfy.example', cause: 'it answered 500' },
  })
  t.notMatch(JSON.stringify(log.events), /topic-x1|s3cr3t/)
})

t.test('an answer that says no is not asked again', async (t) => {
  for (const status of [301, 307, 400, 401, 403, 404]) {
    const post = scripted([status])
    const { alerts, clock } = house([ntfy], { post })
    alerts.send(alert)
    await clock.advance(60 * minute)
    t.equal(post.messages.length, 1, String(status))
  }
})

t.test('a target that is down keeps no other waiting', async (t) => {
  const asked: string[] = []
  const post: Post = async ({ url }) => {
    asked.push(new URL(url).hostname)
    return url === ntfy.url
      ? { kind: 'failed', cause: 'ECONNREFUSED', again: true }
      : { kind: 'answered', status: 204 }
  }
  const { alerts, clock } = house([ntfy, hook], { post })
  alerts.send(alert)
  await clock.settle()
  t.strictSame(asked, ['ntfy.example', 'hooks.example'])
})

t.test('a flood is bounded, and what is dropped is logged', async (t) => {
  const post: Post = () => new Promise(() => {})
  const { alerts, log } = house([ntfy, hook], { post })
  for (let i = 0; i < 1_000; i++) alerts.send({ ...alert, id: `a${i}` })
  t.equal(log.events.filter(({ event }) => event === 'alert-dropped').length, 1_900)
})

t.test('room is made again when things were delivered or given up', async (t) => {
  const post = scripted(Array.from({ length: 400 }, () => 500))
  const { alerts, clock, log } = house([ntfy], { post })
  for (let i = 0; i < 100; i++) alerts.send({ ...alert, id: `a${i}` })
  await clock.advance(60 * minute)
  t.equal(post.messages.length, 400)
  alerts.send({ ...alert, id: 'one more' })
  await clock.settle()
  t.equal(post.messages.length, 401)
  t.notOk(log.events.some(({ event }) => event === 'alert-dropped'))
})

t.test('a missing secret is named, and nothing is sent without it', async (t) => {
  const post = scripted([])
  const { alerts, clock, log, secrets } = house([ntfy], { post })
  delete secrets.NTFY
  alerts.send(alert)
  await clock.settle()
  t.equal(post.messages.length, 0)
  t.match(log.events.at(-1), { fields: { cause: 'the secret NTFY is missing' } })
})

t.test('a test asks every target once and says how each did', async (t) => {
  const post = scripted([200, 403])
  const { alerts } = house([ntfy, hook], { post })
  t.strictSame(await alerts.test(), [
    { target: 'ntfy at ntfy.example', error: null },
    { target: 'webhook at hooks.example', error: 'it answered 403' },
  ])
  t.strictSame(await house([]).alerts.test(), [])
})

t.test('without targets an alert is a line in the log', async (t) => {
  const { alerts, log } = house([])
  alerts.send(alert)
  alerts.send({ ...alert, id: 'i', level: 'info' })
  t.match(log.events, [
    { level: 'error', event: 'alert', fields: { title: alert.title } },
    { level: 'info' },
  ])
})

t.test('stopped, nothing is under way and nothing begins', async (t) => {
  const post = scripted([500])
  const { alerts, clock } = house([ntfy], { post })
  alerts.send(alert)
  await clock.settle()
  await alerts.stop()
  alerts.send({ ...alert, id: 'late' })
  await clock.advance(60 * minute)
  t.equal(post.messages.length, 1)
  t.equal(clock.pending, 0)
})

t.test('the connection: only https, and http on this machine', async (t) => {
  const post = createPost()
  for (const url of [
    'http://ntfy.example/x',
    'http://10.0.0.5/x',
    'http://127.0.0.1.example.com/x',
    'http://user:word@127.0.0.1/x',
    'https://user:word@ntfy.example/x',
    'ftp://127.0.0.1/x',
    'file:///etc/passwd',
    'nonsense',
  ]) {
    const result = await post({ url, headers: {}, body: '' }, 1_000)
    t.strictSame(
      result,
      { kind: 'failed', cause: 'only https addresses are told anything', again: false },
      url,
    )
  }
})

t.test(
  'the connection: nothing is told to somebody with a certificate nobody vouches for',
  async (t) => {
    const ca = await makeCa()
    const { certPem, keyPem } = await ca.issue({ names: ['localhost'] })
    let requests = 0
    const server = createTlsServer({ cert: certPem, key: keyPem }, (_, response) => {
      requests += 1
      response.end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    const { port } = server.address() as AddressInfo
    const message = { url: `https://localhost:${port}/x`, headers: {}, body: 'x' }
    t.match(await createPost()(message, 5_000), { kind: 'failed', cause: /CERT|VERIFY|SIGNED/ })
    t.equal(requests, 0)
    t.match(await createPost({ ca: ca.certPem })(message, 5_000), { status: 200 })
  },
)

t.test('the connection: a redirect is an answer, and no token goes on from it', async (t) => {
  const other = await target(t, ok)
  const { heard, url } = await target(t, (response) => {
    response.writeHead(307, { location: other.url }).end()
  })
  const headers = { authorization: 'Bearer tk' }
  t.match(await createPost()({ url, headers, body: 'x' }, 5_000), { status: 307 })
  t.equal(heard.length, 1)
  t.equal(other.heard.length, 0)
})

t.test('the connection: a target that hangs ends in time', async (t) => {
  const { url } = await target(t, () => {})
  const result = await createPost()({ url, headers: {}, body: 'x' }, 50)
  t.strictSame(result, { kind: 'failed', cause: 'it did not answer in time', again: true })
})

t.test('the connection: an answer without end is not read', async (t) => {
  let closed = false
  const { url } = await target(t, (response) => {
    response.writeHead(200)
    response.on('close', () => {
      closed = true
    })
    response.write('x'.repeat(1_000_000))
  })
  t.match(await createPost()({ url, headers: {}, body: 'x' }, 5_000), { status: 200 })
  await until(() => closed)
})

t.test('the connection: one that is refused or cut says so by its code', async (t) => {
  const { url } = await target(t, (response) => void response.destroy())
  t.strictSame(await createPost()({ url, headers: {}, body: 'x' }, 5_000), {
    kind: 'failed',
    cause: 'ECONNRESET',
    again: true,
  })
  const closed = createServer()
  closed.listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  t.match(await createPost()({ url: `http://127.0.0.1:${port}/`, headers: {}, body: '' }, 5_000), {
    cause: 'ECONNREFUSED',
  })
})

t.test('the connection: a token that no header can carry is not said', async (t) => {
  const { url } = await target(t, ok)
  const headers = { authorization: 'Bearer s3c\nr3t' }
  const result = await createPost()({ url, headers, body: '' }, 5_000)
  t.match(result, { kind: 'failed', cause: 'ERR_INVALID_CHAR', again: false })
})

/** Sockets take their time. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}
