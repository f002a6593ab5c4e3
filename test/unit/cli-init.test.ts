// A configuration directory of one's own.

import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { environmentExample, init } from '../../src/cli/init.ts'
import { parseEnvironmentFile } from '../../src/env-file.ts'
import { createOutput } from '../fixtures/config.ts'

function setUp(t: { testdir: (tree: Record<string, string>) => string }) {
  const cwd = t.testdir({ 'table.yaml': 'version: 1\n', 'schema.json': '{}\n' })
  const output = createOutput()
  const run = (directory: string, isRoot = false) =>
    init({
      directory,
      cwd,
      tableFile: join(cwd, 'table.yaml'),
      schemaFile: join(cwd, 'schema.json'),
      isRoot,
      write: output.write,
    })
  return { cwd, output, run }
}

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

t.test(
  'it makes the directory, the table, a place for keys and a private environment file',
  async (t) => {
    const { cwd, output, run } = setUp(t)
    t.equal(await run('deep/er'), 0)
    const made = join(cwd, 'deep/er')
    t.strictSame(readdirSync(made).sort(), [
      'certs',
      'gatehouse.env',
      'routes.schema.json',
      'routes.yaml',
    ])
    t.equal(readFileSync(join(made, 'routes.yaml'), 'utf8'), 'version: 1\n')
    t.equal(mode(join(made, 'gatehouse.env')), '600')
    t.equal(mode(join(made, 'certs')), '700')
    t.match(output.text(), `gatehouse check --config ${made}`, 'and says what to do next')
    t.notMatch(output.text(), 'chown')
  },
)

t.test('root is told to give the directory to the service', async (t) => {
  const { cwd, output, run } = setUp(t)
  await run('x', true)
  t.match(output.text(), `chown -R gatehouse: ${join(cwd, 'x')}`)
})

t.test('it goes into an empty directory, and beside certificates that are there', async (t) => {
  const { cwd, run } = setUp(t)
  mkdirSync(join(cwd, 'x/certs'), { recursive: true })
  writeFileSync(join(cwd, 'x/certs/a.pem'), 'kept')
  t.equal(await run('x'), 0)
  t.equal(readFileSync(join(cwd, 'x/certs/a.pem'), 'utf8'), 'kept')
})

for (const name of ['routes.yaml', 'gatehouse.env'])
  t.test(`it refuses to overwrite ${name}, and writes nothing at all`, async (t) => {
    const { cwd, run } = setUp(t)
    mkdirSync(join(cwd, 'x'))
    writeFileSync(join(cwd, 'x', name), 'mine')
    await t.rejects(run('x'), { code: 'init-exists', message: new RegExp(name) })
    t.equal(readFileSync(join(cwd, 'x', name), 'utf8'), 'mine')
    t.strictSame(readdirSync(join(cwd, 'x')), [name])
  })

t.test('it does not write through a dangling link', async (t) => {
  const { cwd, run } = setUp(t)
  mkdirSync(join(cwd, 'x'))
  symlinkSync(join(cwd, 'elsewhere'), join(cwd, 'x/gatehouse.env'))
  await t.rejects(run('x'), { code: 'init-exists' })
})

t.test('a directory that cannot be made is an error with a remedy', async (t) => {
  const { run } = setUp(t)
  await t.rejects(run('table.yaml/x'), { code: 'init-failed', remedy: /written by you/ })
})

t.test('the environment file changes nothing until it is edited', async (t) => {
  t.strictSame(parseEnvironmentFile(environmentExample()), { lines: [], malformed: [] })
})
