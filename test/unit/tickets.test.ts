import t from 'tap'
import { createTicketKeys, ticketKeyBytes, ticketKeyLifetimeMs } from '../../src/proxy/tickets.ts'

t.test('a key lives for a day, then another one is in use', async (t) => {
  let time = 1_000
  let made = 0
  const applied: Buffer[] = []
  const keys = createTicketKeys({
    now: () => time,
    randomBytes: (size) => Buffer.alloc(size, ++made),
    apply: (key) => applied.push(key),
  })
  t.equal(keys.current().length, ticketKeyBytes)
  t.notOk(keys.rotate())
  time += ticketKeyLifetimeMs - 1
  t.notOk(keys.rotate())
  t.equal(applied.length, 0)
  time += 1
  t.ok(keys.rotate())
  t.notOk(keys.rotate())
  t.same(applied, [Buffer.alloc(ticketKeyBytes, 2)])
  t.same(keys.current(), applied[0])
})

t.test('a clock set back does not lengthen a key’s life', async (t) => {
  let time = 10 * ticketKeyLifetimeMs
  const keys = createTicketKeys({ now: () => time, randomBytes: Buffer.alloc, apply: () => {} })
  time = 1
  t.ok(keys.rotate())
})
