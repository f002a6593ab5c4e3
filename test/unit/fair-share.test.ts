import t from 'tap'
import { createFairShare } from '../../src/proxy/fair-share.ts'

t.test('a client may take more than a quarter only while more than a quarter is free', (t) => {
  const share = createFairShare(8)
  let free = 8
  const take = (client: string) => {
    if (!share.mayTake(client, free)) return false
    share.take(client)
    free -= 1
    return true
  }
  const greedy = Array.from({ length: 8 }, () => take('a'))
  t.strictSame(greedy, [true, true, true, true, true, true, false, false])
  t.ok(take('b'), 'the rest is for others')
  t.ok(take('b'))
  t.equal(free, 0)
  t.end()
})

t.test('what is given back counts no more', (t) => {
  const share = createFairShare(4)
  share.take('a')
  t.notOk(share.mayTake('a', 1))
  share.give('a')
  t.ok(share.mayTake('a', 1))
  share.give('a')
  t.ok(share.mayTake('a', 1), 'giving twice lends nothing')
  t.end()
})
