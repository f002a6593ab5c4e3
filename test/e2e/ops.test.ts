// The local port over real sockets: health, metrics, and who may ask.

import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { createMetrics } from '../../src/metrics.ts'
import { createOpsServer, type Health, type OpsOptions } from '../../src/ops.ts'
import { readExposition } from '../fixtures/exposition-reader.ts'

const well: Health = { status: 'ok', version: '1.2.3', uptimeSeconds: 5, checks: [] }

async function start(
  t: { teardown(what: () => Promise<void>): void },
  deps: { health?: () => Health; render?: () => Promise<string> } = {},
) {
  const metrics = deps.render === undefined ? createMetrics() : { render: deps.render }
  const server = await createOpsServer(
    { host: '127.0.0.1', port: 0 },
    { metrics, health: deps.health ?? (() => well) },
  )
  t.teardown(server.close)
  return server
}

async function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
) {
  const req = request({ host: '127.0.0.1', port, path, agent: false, ...options })
  req.end(options.body)
  const [res] = await once(req, 'response')
  let body = ''
  res.setEncoding('utf8')
  for await (const chunk of res) body += chunk
  return { status: res.statusCode, headers: res.headers, body }
}

t.test('GET /health is JSON, and a watchdog needs the status alone', async (t) => {
  let status: Health['status'] = 'ok'
  const { port } = await start(t, { health: () => ({ ...well, status }) })
  const answer = await ask(port, '/health')
  t.equal(answer.status, 200)
  t.match(answer.headers, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  t.strictSame(JSON.parse(answer.body), well)
  status = 'degraded'
  t.equal((await ask(port, '/health')).status, 200, 'degraded still takes traffic')
  status = 'draining'
  t.equal((await ask(port, '/health')).status, 503)
})

t.test('GET /metrics is what Prometheus reads', async (t) => {
  const { port } = await start(t)
  const answer = await ask(port, '/metrics?x=1')
  t.equal(answer.status, 200)
  t.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  t.ok(readExposition(answer.body).has('nodejs_eventloop_utilization'))
})

t.test('HEAD has the headers and no body', async (t) => {
  const { port } = await start(t)
  const answer = await ask(port, '/health', { method: 'HEAD' })
  t.equal(answer.status, 200)
  t.ok(Number(answer.headers['content-length']) > 10)
  t.equal(answer.body, '')
})

t.test('other paths and methods are refused', async (t) => {
  const { port } = await start(t)
  t.equal((await ask(port, '/')).status, 404)
  t.equal((await ask(port, '/metrics/x')).status, 404)
  const post = await ask(port, '/health', { method: 'POST', body: 'x'.repeat(100_000) })
  t.equal(post.status, 405)
  t.match(post.headers, { allow: 'GET, HEAD', connection: 'close' })
})

t.test(
  'a name that is not of this machine is refused: a page in a browser may be asking',
  async (t) => {
    const { port } = await start(t)
    const status = async (host: string) =>
      (await ask(port, '/metrics', { headers: { host } })).status
    for (const host of ['127.0.0.1', `localhost:${port}`, '[::1]:9180', '127.8.9.1', 'LOCALHOST']) {
      t.equal(await status(host), 200, host)
    }
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1.evil.example',
      '192.0.2.1',
      'localhost.evil.example',
    ]) {
      t.equal(await status(host), 421, host)
    }
  },
)

t.test('an address that others can reach is refused, unless asked for by its name', async (t) => {
  const deps = { metrics: createMetrics(), health: () => well }
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.com', '', '127.0.0.1.example.com']) {
    await t.rejects(createOpsServer({ host, port: 0 }, deps), { code: 'ops-not-local' }, host)
  }
  const options: OpsOptions = { host: '0.0.0.0', port: 0, dangerouslyServeOpsToTheNetwork: true }
  const server = await createOpsServer(options, deps)
  t.teardown(server.close)
  t.equal((await ask(server.port, '/health', { headers: { host: 'gw.example' } })).status, 200)
})

t.test('a port in use is a coded error with a remedy', async (t) => {
  const { port } = await start(t)
  const deps = { metrics: createMetrics(), health: () => well }
  await t.rejects(createOpsServer({ host: '127.0.0.1', port }, deps), {
    code: 'listen-failed',
    remedy: /--ops/,
  })
})

t.test('headers over 8 kB end the connection with 431', async (t) => {
  const { port } = await start(t)
  const answer = await ask(port, '/health', { headers: { x: 'y'.repeat(9000) } })
  t.equal(answer.status, 431)
})

t.test('a scrape that fails ends its connection and nothing else', async (t) => {
  const { port } = await start(t, { render: () => Promise.reject(new Error('broken')) })
  await t.rejects(ask(port, '/metrics'), { code: 'ECONNRESET' })
  t.equal((await ask(port, '/health')).status, 200)
})

t.test('close does not wait for connections that are kept', async (t) => {
  const server = await start(t)
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await once(socket, 'data')
  await server.close()
  if (!socket.destroyed) await once(socket, 'close')
  t.pass('closed')
})
