import t from 'tap'
import { inheritedSockets } from '../../src/proxy/activation.ts'

const none = { https: [], http: [] }

t.test('without the variables, or for another process, nothing is inherited', async (t) => {
  t.same(inheritedSockets({}, 42), none)
  t.same(inheritedSockets({ LISTEN_FDS: '2', LISTEN_PID: '41' }, 42), none)
  t.same(inheritedSockets({ LISTEN_FDS: '0', LISTEN_PID: '42' }, 42), none)
})

t.test('names decide which socket is which', async (t) => {
  const env = { LISTEN_PID: '42', LISTEN_FDS: '3', LISTEN_FDNAMES: 'http:https:https' }
  t.same(inheritedSockets(env, 42), { https: [4, 5], http: [3] })
})

t.test('without names the first is https and the second http', async (t) => {
  t.same(inheritedSockets({ LISTEN_PID: '42', LISTEN_FDS: '1' }, 42), { https: [3], http: [] })
  t.same(inheritedSockets({ LISTEN_PID: '42', LISTEN_FDS: '2' }, 42), { https: [3], http: [4] })
})

t.test('what makes no sense refuses to start, with a remedy', async (t) => {
  for (const env of [
    { LISTEN_FDS: 'x' },
    { LISTEN_FDS: '-1' },
    { LISTEN_FDS: '3' },
    { LISTEN_FDS: '2', LISTEN_FDNAMES: 'https' },
    { LISTEN_FDS: '1', LISTEN_FDNAMES: 'gatehouse.socket' },
    { LISTEN_FDS: '1e1' },
  ])
    t.throws(
      () => inheritedSockets({ LISTEN_PID: '42', ...env }, 42),
      { code: 'activation-invalid', remedy: /FileDescriptorName/ },
      JSON.stringify(env),
    )
})
