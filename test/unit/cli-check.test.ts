// What `gatehouse check` prints and how it exits.

import { writeFileSync } from 'node:fs'
import t from 'tap'
import { type CheckOptions, check } from '../../src/cli/check.ts'
import { readTable } from '../../src/routes-file/read.ts'
import { writeSnapshot } from '../../src/routes-file/snapshot.ts'
import { configIn, createOutput } from '../fixtures/config.ts'

const good = `version: 1
domain: example.com
routes:
  - { service: Login, host: auth, to: login, access: public }
  - { service: Admin, host: proxy, to: admin, access: { groups: [admin] } }
  - { service: A, host: a, to: 'http://127.0.0.1:3000' }
`
const warned = good.replace('127.0.0.1', '192.0.2.7')
const wrong = `version: 1
domain: example.com
rutes: []
routes:
  - { service: A, host: a, to: nowhere:80 }
  - { service: A, host: 'b c', to: 'http://127.0.0.1:3000', access: everybody }
`

async function run(directory: string, table: string, options: Partial<CheckOptions> = {}) {
  const output = createOutput()
  const config = configIn(directory, table)
  const code = await check({
    config,
    cwd: directory,
    strict: false,
    againstRunning: false,
    asJson: false,
    write: output.write,
    resolve: () => Promise.reject(new Error('no name server here')),
    ...options,
  })
  return { code, text: output.text(), config }
}

t.test('a good table exits with 0 and says how many routes it has', async (t) => {
  const { code, text } = await run(t.testdir(), good)
  t.equal(code, 0)
  t.equal(text, 'routes.yaml: 0 errors, 0 warnings, 3 routes\n')
})

t.test(
  'every error has file, line and column, as compilers print them, and the exit code is 1',
  async (t) => {
    const { code, text } = await run(t.testdir(), wrong)
    t.equal(code, 1)
    const lines = text.trimEnd().split('\n')
    t.ok(lines.length >= 5, text)
    for (const line of lines.slice(0, -1))
      t.match(line, /^routes\.yaml:\d+:\d+: (error|warning): .+; .+$/)
    t.match(lines.at(-1), /^routes\.yaml: [4-9] errors, \d+ warnings?$/)
  },
)

t.test('warnings exit with 0, and with 1 when they are to count', async (t) => {
  const { code, text } = await run(t.testdir(), warned)
  t.equal(code, 0)
  t.match(text, /0 errors, 1 warning,/)
  t.equal((await run(t.testdir(), warned, { strict: true })).code, 1)
})

t.test(
  'a header that names a secret which is not there is a warning with the variable to set',
  async (t) => {
    const headers = 'requestHeaders: { set: { x-token: { secret: api_token } } }'
    const table = good.replace(/ }\n$/, `, ${headers} }\n`)
    const { text } = await run(t.testdir(), table)
    t.match(text, /secret api_token is not configured here; set GATEHOUSE_SECRET_API_TOKEN/)
  },
)

t.test(
  'so are the secrets of machines and alerts, with what goes wrong without them',
  async (t) => {
    const instance = 'instance: ocid1.instance.oc1.eu-frankfurt-1.abc, region: eu-frankfurt-1'
    const vms = `vms: { box: { address: 10.0.0.7, power: { oci: { ${instance} }, busy: { secret: BUSY } } } }`
    const alerts = 'alerts: [{ ntfy: https://ntfy.sh/x, token: { secret: NTFY } }]'
    const { code, text } = await run(
      t.testdir(),
      good.replace('routes:\n', `${vms}\n${alerts}\nroutes:\n`),
    )
    t.equal(code, 0)
    for (const line of [
      /vms\.box\.power\.oci: the secret OCI_KEY is not .*, or the machine cannot be started/,
      /vms\.box\.power\.busy: the secret BUSY is not .*, or the machine cannot say that it is busy/,
      /alerts\[0\]: the secret NTFY is not .*, or ntfy may refuse it/,
    ]) {
      t.match(text, line)
    }
  },
)

t.test('so is the secret of GitHub', async (t) => {
  const token = 'organisationToken: { secret: ORG_TOKEN }'
  const table = good.replace(
    'routes:',
    `login: { github: { clientId: x, users: [a], ${token} } }\nroutes:`,
  )
  const { code, text } = await run(t.testdir(), table)
  t.equal(code, 0)
  t.match(text, /login\.github: the secret GITHUB_CLIENT_SECRET is not configured here/)
  t.match(text, /login\.github: the secret ORG_TOKEN is not configured here/)
})

t.test('--json prints the same as data', async (t) => {
  const { code, text } = await run(t.testdir(), wrong, { asJson: true })
  t.equal(code, 1)
  const report = JSON.parse(text)
  t.match(report, { routes: null, warnings: Number, changes: null, file: /routes\.yaml$/ })
  t.equal(report.problems.length, report.errors + report.warnings)
  t.match(report.problems[0], { line: Number, column: Number, what: String, remedy: String })
})

t.test('against what runs, it says who gains and loses access', async (t) => {
  const directory = t.testdir()
  const { config } = await run(directory, good)
  const before = readTable(good).definition
  if (before === null) throw new Error('the table is good')
  await writeSnapshot(config.snapshotFile, before, 'hash')

  const same = await run(directory, good, { againstRunning: true })
  t.match(same.text, 'nobody gains or loses access')

  const open = good.replace(/ }\n$/, ', access: public, prefix: true }\n')
  const { code, text } = await run(directory, open, { againstRunning: true })
  t.equal(code, 0, 'a change is no mistake')
  t.match(text, /! weaker +.*login → public/)
  t.match(text, /1 change marked !/)
  const asJson = await run(directory, open, { againstRunning: true, asJson: true })
  t.match(JSON.parse(asJson.text).changes, [{ kind: 'weaker', before: /login/, after: /public/ }])
})

t.test('without anything to compare with, it says so and exits as before', async (t) => {
  const nothing = await run(t.testdir(), good, { againstRunning: true })
  t.match(nothing, { code: 0, text: /not compared .* nothing ran here yet/ })
  const broken = await run(t.testdir(), wrong, { againstRunning: true })
  t.match(broken, { code: 1, text: /not compared .* the table has errors/ })
  const damaged = t.testdir({ data: {} })
  const config = configIn(damaged, good)
  writeFileSync(config.snapshotFile, 'rubbish')
  t.match(await run(damaged, good, { againstRunning: true }), {
    code: 0,
    text: /not compared .*delete/,
  })
})

t.test('names are resolved, and one that leads to the metadata service is an error', async (t) => {
  const named = good.replace('127.0.0.1', 'box.example.net')
  const answers = (address: string) => ({ resolve: () => Promise.resolve([address]) })
  const directory = t.testdir()
  t.equal((await run(directory, named, answers('192.0.2.7'))).code, 0)
  const bad = await run(directory, named, answers('169.254.169.254'))
  t.equal(bad.code, 1)
  t.match(bad.text, 'box.example.net resolves to 169.254.169.254')
  const unknown = await run(directory, named)
  t.equal(unknown.code, 0, 'a name server that is down makes no table wrong')
  t.match(unknown.text, 'box.example.net does not resolve now')
})
