import net from 'node:net'
import t from 'tap'
import { type Connection, createConnections } from '../../src/proxy/connections.ts'

const limits = { total: 6, perNetwork: 2, reservedForCloudflare: 2 }

function book() {
  let time = 0
  const connections = createConnections(limits, { now: () => time })
  const open = (address: string, more: { cloudflare?: boolean; uncounted?: boolean } = {}) =>
    connections.admit(new net.Socket(), {
      address,
      cloudflare: more.cloudflare ?? false,
      trustedProxy: false,
      uncounted: more.uncounted ?? false,
    })
  const opened = (...args: Parameters<typeof open>): Connection => {
    const connection = open(...args)
    if (typeof connection === 'string') throw new Error(connection)
    return connection
  }
  return {
    connections,
    open,
    opened,
    tick: () => {
      time += 1
    },
  }
}

t.test('an address may have so many connections, and gets room back when one closes', async (t) => {
  const { open, opened, connections } = book()
  const first = opened('192.0.2.1')
  opened('192.0.2.1')
  t.equal(open('192.0.2.1'), 'per-network')
  t.type(open('192.0.2.2'), 'object')
  connections.release(first)
  connections.release(first)
  t.type(open('192.0.2.1'), 'object')
  t.equal(open('192.0.2.1'), 'per-network')
  t.match(connections.stats(), { refused: { 'per-network': 2 } })
})

t.test('an IPv6 /64 is one party', async (t) => {
  const { open, opened } = book()
  opened('2001:db8:1:2::1')
  opened('2001:db8:1:2:ffff:ffff:ffff:ffff')
  t.equal(open('2001:db8:1:2:3::4'), 'per-network')
  t.type(open('2001:db8:1:3::1'), 'object')
})

t.test('Cloudflare and loopback are not counted per address', async (t) => {
  const { open } = book()
  for (let i = 0; i < 3; i++) t.type(open('198.41.128.1', { cloudflare: true }), 'object')
  for (let i = 0; i < 3; i++) t.type(open('127.0.0.1', { uncounted: true }), 'object')
})

t.test(
  'with no idle connection to close the next one is refused, and handshakes are not idle',
  async (t) => {
    const { open, opened, connections } = book()
    for (let i = 0; i < 4; i++) opened(`192.0.2.${i}`)
    t.equal(open('192.0.2.9'), 'total', 'two slots are Cloudflare’s')
    t.type(open('198.41.128.1', { cloudflare: true }), 'object')
    t.type(open('198.41.128.1', { cloudflare: true }), 'object')
    t.equal(open('198.41.128.1', { cloudflare: true }), 'total')
    t.match(connections.stats(), { open: { handshake: 6 }, cloudflare: 2, refused: { total: 2 } })
  },
)

t.test('the oldest idle one makes room; a stranger before one of Cloudflare’s', async (t) => {
  const { open, opened, connections, tick } = book()
  const cloudflare = opened('198.41.128.1', { cloudflare: true })
  connections.ready(cloudflare, 'http1')
  const strangers = [0, 1, 2, 3].map((i) => {
    tick()
    const connection = opened(`192.0.2.${i}`)
    connections.ready(connection, 'http1')
    return connection
  })
  const [first, second] = strangers
  if (first === undefined || second === undefined) throw new Error('two at least')
  connections.begin(first)
  connections.end(first)
  opened('198.41.128.2', { cloudflare: true })
  t.equal(connections.stats().evicted, 0, 'six fit')
  opened('198.41.128.3', { cloudflare: true })
  t.ok(second.released, 'idle for longest')
  t.notOk(first.released, 'was used since')
  t.notOk(cloudflare.released)
  t.match(connections.stats(), { evicted: 1, idle: 4 })
  connections.release(second)
  t.match(
    connections.stats(),
    { open: { http1: 4, handshake: 2 } },
    'its close event changes nothing',
  )
  for (let i = 0; i < 3; i++) t.type(open('198.41.128.4', { cloudflare: true }), 'object')
  t.equal(connections.stats().evicted, 4)
  t.notOk(cloudflare.released)
  t.type(open('198.41.128.4', { cloudflare: true }), 'object')
  t.ok(cloudflare.released, 'then Cloudflare’s own oldest')
})

t.test('a connection with something in flight is never idle', async (t) => {
  const { opened, connections } = book()
  const connection = opened('192.0.2.1')
  connections.ready(connection, 'http2')
  t.equal(connections.stats().idle, 1)
  connections.begin(connection)
  connections.begin(connection)
  t.equal(connections.stats().idle, 0)
  connections.end(connection)
  t.equal(connections.stats().idle, 0)
  connections.end(connection)
  t.equal(connections.stats().idle, 1)
  connections.begin(connection)
  connections.release(connection)
  connections.end(connection)
  t.match(
    connections.stats(),
    { idle: 0, open: { http2: 0 } },
    'ending after the close adds nothing',
  )
  t.equal(connections.size, 0)
})

t.test('when nothing is idle, a handshake that stalls makes room', async (t) => {
  const { open, opened, connections, tick } = book()
  const first = opened('192.0.2.1')
  tick()
  for (let i = 2; i < 5; i++) opened(`192.0.2.${i}`)
  t.equal(open('192.0.2.9'), 'total')
  for (let i = 0; i < 1999; i++) tick()
  t.type(open('192.0.2.9'), 'object')
  t.ok(first.released)
  t.equal(open('192.0.2.10'), 'total', 'the others have a millisecond left')
  t.match(connections.stats(), { open: { handshake: 4 }, idle: 0 })
})
