// What a running gateway shows Prometheus: every promised series is there before anything has happened.

import t from 'tap'
import { echoBackend } from '../fixtures/backends.ts'
import { http1 } from '../fixtures/clients.ts'
import { readExposition } from '../fixtures/exposition-reader.ts'
import { startGateway, testDomain } from '../fixtures/gateway.ts'

const backend = await echoBackend()
const gateway = await startGateway({
  // The same backend twice, with time-outs that need a pool each.
  routes: `
  - { host: a, to: '${backend.origin}', access: public, timeouts: { connect: 1s } }
  - { host: b, to: '${backend.origin}', access: public, timeouts: { connect: 2s } }
`,
})
t.teardown(async () => {
  await gateway.close()
  await backend.close()
})

async function scrape() {
  const { text } = await http1(gateway.ops ?? 0, { path: '/metrics' })
  return { text, families: readExposition(text) }
}

t.test('series that alerts are written against are there from the first scrape', async (t) => {
  const { text } = await scrape()
  for (const name of [
    'gatehouse_http_requests_in_flight',
    'gatehouse_held_requests',
    'gatehouse_bans',
    'gatehouse_config_reloads_total',
    'gatehouse_config_last_reload_success_timestamp_seconds',
    'gatehouse_tls_certificate_not_after_seconds',
    'gatehouse_connections',
    'gatehouse_log_lines_dropped_total',
  ]) {
    t.match(text, `\n# TYPE ${name} `, name)
  }
})

t.test('two routes to one backend do not make a scrape that Prometheus refuses', async (t) => {
  const tls = { ca: gateway.ca.certPem }
  for (const name of ['a', 'b']) {
    t.equal((await http1(gateway.https, { host: `${name}.${testDomain}`, tls })).status, 200)
  }
  const { text } = await scrape()
  const samples = text.split('\n').filter((line) => line.startsWith('gatehouse_upstream_up{'))
  t.equal(
    samples.length,
    1,
    'the strict reader above refuses repeated samples, and this counts them',
  )
})
