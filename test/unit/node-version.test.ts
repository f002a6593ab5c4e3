// Which releases of Node the gateway runs on, by package.json.

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { suits } from '../../src/node-version.ts'

const root = dirname(dirname(import.meta.dirname))
const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

t.test('a release is taken when one of the ranges holds it', async (t) => {
  const range = '>=24.18.1 <25 || >=26.5.1'
  for (const good of ['24.18.1', '24.19.0', '26.5.1', '26.10.0', '27.0.0', '26.6.0-nightly2026'])
    t.ok(suits(good, range), good)
  for (const bad of ['18.20.0', '20.20.2', '24.18.0', '24.9.9', '25.0.0', '25.99.0', '26.5.0'])
    t.notOk(suits(bad, range), bad)
})

t.test(
  'a range in another notation suits nothing, so that package.json cannot outgrow this',
  async (t) => {
    t.notOk(suits('26.10.0', '^26.5.1'))
    t.ok(suits(process.versions.node, engines.node), 'what package.json says can be read')
  },
)
