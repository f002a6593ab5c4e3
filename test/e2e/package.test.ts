// What `npm pack` makes and `npm install --global` brings: a command on plain Node, and nothing it does not need.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { makeCa } from '../fixtures/certificates.ts'

const run = promisify(execFile)
const root = dirname(dirname(import.meta.dirname))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const folder = t.testdir({})
const prefix = join(folder, 'prefix')
/** The Node that runs this test, and no `node_modules/.bin`: as on a machine that never saw the sources. */
const plainPath = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`
const env = {
  PATH: plainPath,
  HOME: process.env.HOME ?? folder,
  // Types in a release would be an accident: with this Node refuses to erase them.
  NODE_OPTIONS: '--no-strip-types',
}
const gatehouse = (...args: string[]) => run(join(prefix, 'bin/gatehouse'), args, { env })

t.test('the package holds the program and its papers, no sources and no keys', async (t) => {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: root,
  })
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('[\n')))
  const paths: string[] = files.map((file: { path: string }) => file.path).sort()
  for (const path of [
    'LICENSE',
    'CHANGELOG.md',
    'dist/main.js',
    'dist/routes.yaml',
    'packaging/README.md',
    'packaging/systemd/gatehouse.service',
  ])
    t.ok(paths.includes(path), path)
  t.strictSame(
    paths.filter((path) => /\.ts$|\.(pem|key|crt|env\.local)$|^(src|test|demo|bench)\//.test(path)),
    [],
  )
  const { stdout: listing } = await run('tar', ['-tvzf', join(folder, filename)])
  t.match(listing, /^-rwxr-xr-x .* package\/dist\/main\.js$/m, 'main.js is executable')
  await run(
    'npm',
    [
      'install',
      '--global',
      '--prefix',
      prefix,
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      join(folder, filename),
    ],
    { env: { ...env, NODE_OPTIONS: '' } },
  )
})

t.test('it brings its dependencies and no development tools', async (t) => {
  const installed = join(prefix, 'lib/node_modules/gatehouse/node_modules')
  for (const name of Object.keys(manifest.dependencies))
    t.ok(existsSync(join(installed, name)), name)
  const names = readdirSync(installed)
  for (const name of ['node', 'tap', 'typescript', '@biomejs', '@types'])
    t.notOk(names.includes(name), `no ${name}`)
})

t.test('the command runs on plain Node and knows its version', async (t) => {
  const { stdout, stderr } = await gatehouse('--version')
  t.match(stdout, manifest.version)
  t.equal(stderr, '', 'without a warning')
})

t.test(
  'it makes a configuration of its own from the table it carries, and accepts it',
  async (t) => {
    const etc = join(folder, 'etc')
    await gatehouse('init', etc)
    t.ok(existsSync(join(etc, 'routes.yaml')))
    await t.resolves(gatehouse('check', '--config', etc), 'every warning but no error')
    const { stdout } = await gatehouse('routes', '--config', etc)
    t.match(stdout, 'photos')
  },
)

t.test('the installed gateway answers, and ends well when it is told to', async (t) => {
  const etc = join(folder, 'etc')
  const table = readFileSync(join(etc, 'routes.yaml'), 'utf8')
  // Or it would ask Cloudflare for its list of addresses.
  writeFileSync(
    join(etc, 'routes.yaml'),
    table.replace(/^trustedProxies: \w+/m, 'trustedProxies: none'),
  )
  const ca = await makeCa()
  const leaf = await ca.issue({ names: ['diegonmarcos.com', '*.diegonmarcos.com'] })
  writeFileSync(join(etc, 'certs/site.crt'), leaf.certPem)
  writeFileSync(join(etc, 'certs/site.key'), leaf.keyPem, { mode: 0o600 })
  const args = ['serve', '--config', etc, '--data', join(folder, 'data'), '--ops', 'off']
  const listen = ['--https', '127.0.0.1:0', '--http', 'off']
  const child = spawn(join(prefix, 'bin/gatehouse'), [...args, ...listen], { env })
  t.teardown(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  let said = ''
  const port = await new Promise<number>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      const match = /https (\d+),/.exec(said)
      if (match) resolve(Number(match[1]))
    })
    child.on('exit', (code) => reject(new Error(`exit ${code}: ${said}`)))
  })
  const host = 'photos.diegonmarcos.com'
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(
      { host: '127.0.0.1', port, servername: host, headers: { host }, ca: ca.certPem },
      resolve,
    ).on('error', reject)
  })
  answer.resume()
  t.equal(answer.statusCode, 200, 'a landing page, which needs no backend')
  child.kill('SIGTERM')
  t.strictSame(await exited, [0, null], said)
})
