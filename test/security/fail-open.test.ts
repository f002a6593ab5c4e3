// The attack: make the check itself fail, and see whether the request goes through. authentik CVE-2026-25748 (a malformed
// cookie), CVE-2026-49448 (an empty body); Caddy CVE-2026-27586 (a CA file that cannot be read admits everybody).
// An exception while a request is admitted ends that request with 500; a missing secret or CA file stops the start.

import t from 'tap'
import type { AdmissionDeps } from '../../src/admission.ts'
import { createFlights } from '../../src/flights.ts'
import { createGateway, type GatewayDeps } from '../../src/gateway.ts'
import type { RequestId } from '../../src/model.ts'
import type { Exchange, ExchangeListener } from '../../src/proxy/exchange.ts'
import { publicRow, recordingBackend, request, startEdge, statuses } from '../fixtures/edge.ts'
import { tableText } from '../fixtures/table-text.ts'
import { tableOf } from '../fixtures/tables.ts'

const table = tableOf(
  tableText(['{ host: app, to: box:1000 }', '{ host: open, to: box:1001, access: public }']),
)

/** An exchange that notes what it is answered. */
function asked(host: string): { exchange: Exchange; answers: number[] } {
  const answers: number[] = []
  let listener: ExchangeListener | null = null
  const exchange: Partial<Exchange> & { closed: boolean; begun: boolean } = {
    protocol: 'HTTP/1.1',
    method: 'GET',
    rawTarget: '/',
    rawAuthority: null,
    // Of who shows nothing nobody asks who he is.
    rawHeaders: ['Host', host, 'Cookie', 'a=b'],
    webSocket: false,
    declaredBytes: null,
    bytesIn: 0,
    bytesOut: 0,
    closed: false,
    begun: false,
    peer: {
      address: '192.0.2.1',
      trustedProxy: false,
      cloudflare: false,
      serverName: null,
      clientCertificate: 'unasked',
      tlsVersion: 'TLSv1.3',
      lastAuthority: '',
      lastHost: null,
    },
    listen: (heard) => {
      listener = heard
    },
    answer: (status) => {
      answers.push(status)
      listener?.clientClosed(true)
    },
    abort: () => answers.push(0),
  }
  return { exchange: exchange as Exchange, answers }
}

function gatewayWith(broken: Partial<AdmissionDeps>): {
  handle(e: Exchange): void
  forwarded(): number
  errors: string[]
} {
  let forwarded = 0
  const errors: string[] = []
  const deps: Partial<GatewayDeps> = {
    table: () => table,
    identify: () => null,
    clientAddress: (peer) => peer.address,
    limiter: { take: () => true, size: 0 },
    publicPort: 443,
    pseudonym: 'gatehouse',
    upstreams: {
      get: () => {
        forwarded += 1
        throw new Error('a request was let through')
      },
    } as unknown as GatewayDeps['upstreams'],
    flights: createFlights(0),
    pages: {
      failure: (code: string) => ({
        status: code === 'internal-error' ? 500 : 401,
        headers: [],
        body: Buffer.alloc(0),
      }),
    } as unknown as GatewayDeps['pages'],
    record: () => {},
    metrics: { request: () => {} } as GatewayDeps['metrics'],
    log: { error: (event: string) => errors.push(event) } as unknown as GatewayDeps['log'],
    now: () => 0,
    wallNow: () => 0,
    lockdown: () => false,
    isKnownClient: () => false,
    nextId: () => 'id' as RequestId,
    ...broken,
  }
  const gateway = createGateway(deps as GatewayDeps)
  return { handle: gateway.handle, forwarded: () => forwarded, errors }
}

const bug = () => {
  throw new Error('a bug')
}

t.test('an exception in any step of admission is 500, never a way in', async (t) => {
  for (const [name, broken] of Object.entries({
    identify: { identify: bug },
    clientAddress: { clientAddress: bug },
    limiter: { limiter: { take: bug, size: 0 } },
    wallNow: { wallNow: bug },
  })) {
    const gateway = gatewayWith(broken)
    for (const host of ['app.example.com', 'open.example.com']) {
      const { exchange, answers } = asked(host)
      gateway.handle(exchange)
      t.same(answers, [500], `${name} ${host}`)
    }
    t.equal(gateway.forwarded(), 0)
    t.same(gateway.errors, ['request-crashed', 'request-crashed'])
  }
})

t.test('nor in the one that only strangers come to', async (t) => {
  const gateway = gatewayWith({ lockdown: bug })
  const { exchange, answers } = asked('open.example.com')
  gateway.handle(exchange)
  t.same(answers, [500])
  t.equal(gateway.forwarded(), 0)
})

t.test('without a bug the same stranger is asked to sign in', async (t) => {
  const gateway = gatewayWith({})
  const { exchange, answers } = asked('app.example.com')
  gateway.handle(exchange)
  t.same(answers, [401])
})

t.test('malformed credentials are no credentials (CVE-2026-25748, CVE-2026-49448)', async (t) => {
  const secret = await recordingBackend()
  t.teardown(() => secret.close())
  const edge = await startEdge(t, [`  - { host: app, to: 'http://127.0.0.1:${secret.port}' }`])
  for (const field of [
    'Cookie: __Secure-gatehouse=%00;;=; __Secure-gatehouse="\x80',
    `Cookie: ${'a=b; '.repeat(4000)}`,
    'Cookie: =',
    'Cookie: ;',
    'Authorization: Bearer',
    'Authorization: Basic %%%',
    'Authorization: \xff',
    'Authorization: Negotiate AAAA',
    'Content-Length: 0',
  ]) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const bytes = request(`${method} /`, field, 'Connection: close')
      t.same(statuses(await edge.exchange(bytes)), [401], `${method} ${field.slice(0, 40)}`)
    }
  }
  t.equal(secret.requests.length, 0)
})

t.test('a table whose secret is missing does not start (CVE-2026-27586)', async (t) => {
  const row = publicRow('app', 9, 'requestHeaders: { set: { X-Key: { secret: NOT_THERE } } }')
  await t.rejects(startEdge(t, [row]))
})

t.test('nor does one whose CA for origin pulls cannot be read', async (t) => {
  const settings = 'originPull: { ca: /nowhere/ca.pem }'
  await t.rejects(startEdge(t, [publicRow('app', 9)], { settings }), /ca\.pem/)
})
