// Which pools are kept: one per target, and no more server names of a fallback than fit.

import { lookup } from 'node:dns'
import t from 'tap'
import type { Timeouts, UpstreamTarget } from '../../src/model.ts'
import { createUpstreams } from '../../src/proxy/upstreams.ts'

const timeouts: Timeouts = { connectMs: 1_000, headersMs: 1_000, idleMs: 1_000 }

function target(port: number): UpstreamTarget {
  return { kind: 'upstream', scheme: 'http', hostname: '127.0.0.1', port, vm: null, tls: null }
}

function upstreams() {
  const made = createUpstreams({ readFile: () => Buffer.alloc(0), lookup })
  t.teardown(made.close)
  return made
}

t.test(
  'a target keeps its pool over a reload, which brings new objects that say the same',
  async (t) => {
    const { get, list } = upstreams()
    t.equal(get(target(1), timeouts, null), get(target(1), timeouts, null))
    t.not(get(target(2), timeouts, null), get(target(1), timeouts, null))
    t.equal(list().length, 2)
  },
)

t.test('server names that visitors invent do not add up to pools without end', async (t) => {
  const { get, list } = upstreams()
  const fallback = target(1)
  for (let i = 0; i < 1_000; i++) get(fallback, timeouts, `name${i}.example.com`)
  t.ok(list().length <= 200, `${list().length} pools`)
  t.equal(get(fallback, timeouts, 'name999.example.com'), list().at(-1), 'the newest is there')
})

t.test('a target without requests is forgotten, and made anew when it is asked for', async (t) => {
  const { get, list, sweep } = upstreams()
  const one = target(1)
  const pool = get(one, timeouts, null)
  sweep(599_000)
  t.equal(list().length, 1)
  sweep(601_000)
  t.equal(list().length, 0)
  t.not(get(one, timeouts, null), pool)
})
