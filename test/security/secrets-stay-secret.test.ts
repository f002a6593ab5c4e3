// A secret that reaches a message, a dump of the configuration or a list of settings is in the journal for ever.

import { inspect } from 'node:util'
import t from 'tap'
import { readConfig } from '../../src/config.ts'

const secret = 'hunter2-and-more'

function read(env: Record<string, string>, environmentFile = '') {
  return readConfig({
    flags: {},
    env,
    files: {
      read: () => environmentFile,
      kind: (path) => (path.endsWith('.yaml') || path.endsWith('.env') ? 'file' : null),
      mode: () => 0o600,
      list: () => [],
    },
    place: { cwd: '/', checkout: null },
  })
}

t.test('printing a configuration shows no secret', async (t) => {
  const { config } = read({ GATEHOUSE_SECRET_A: secret })
  t.equal(config?.secret('a'), secret, 'though it is there')
  t.notMatch(JSON.stringify(config), secret)
  t.notMatch(inspect(config, { depth: 9, showHidden: true }), secret)
})

t.test('no problem repeats a line of the environment file', async (t) => {
  const lines = [
    `GATEHOUSE_SECRET A=${secret}`,
    `GATEHOUSE_SECRET_B="${secret}`,
    `GATEHOUSE_SECRET_C=${secret}`,
    `GATEHOUSE_SECRET_C=${secret}`,
    `GATEHOUSE_SERCET_D=${secret}`,
    secret,
  ]
  const { config, problems } = read({}, lines.join('\n'))
  t.equal(config, null)
  t.ok(problems.length >= 5)
  t.notMatch(JSON.stringify(problems), secret)
})
