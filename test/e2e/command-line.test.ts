// The program as a shell starts it: exit codes, where it writes, and what it loads.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { commands } from '../../src/cli/commands.ts'

const root = dirname(dirname(import.meta.dirname))
const main = join(root, 'src/main.ts')

function start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [main, ...args], { cwd: root, env: { ...env } })
}

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const child = start(args, env)
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [out, error] = await Promise.all([
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
  ])
  return { code: await ended, out, error }
}

t.test('version and help go to standard output and exit with 0', async (t) => {
  t.match(await run(['version']), { code: 0, out: /^gatehouse \d+\.\d+\.\d+ \(Node /, error: '' })
  t.match(await run(['help']), { code: 0, out: /Usage: gatehouse/, error: '' })
})

t.test(
  'nothing at all, a mistyped command and a wrong setting exit with 2 and explain themselves',
  async (t) => {
    t.match(await run([]), { code: 2, out: '', error: /Usage: gatehouse/ })
    t.match(await run(['chek']), { code: 2, out: '', error: /did you mean check\?/ })
    const wrong = await run(['serve', '--https', 'yes'], { GATEHOUSE_DRAIN: 'long' })
    t.match(wrong, {
      code: 2,
      out: '',
      error: /--https: "yes" [\s\S]*GATEHOUSE_DRAIN: "long"[\s\S]*2 mistakes/,
    })
  },
)

t.test("the owner's own table passes check", async (t) => {
  t.match(await run(['check']), {
    code: 0,
    out: /src\/routes\.yaml: 0 errors, \d+ warnings, \d+ routes/,
  })
})

t.test(
  'a wrong table exits with 1, and commands that need a good one say why on standard error',
  async (t) => {
    const directory = t.testdir({ 'routes.yaml': 'version: 2\n' })
    t.match(await run(['check', directory]), { code: 1, out: /error: version/, error: '' })
    t.match(await run(['routes', '--config', directory]), {
      code: 1,
      out: '',
      error: /error: version/,
    })
  },
)

t.test('init makes a directory that check accepts', async (t) => {
  const directory = join(t.testdir({}), 'etc')
  t.match(await run(['init', directory]), {
    code: 0,
    out: /Next:[\s\S]*serve[\s\S]*user add <name> --admin/,
  })
  t.match(await run(['check', directory]), { code: 0 })
  t.match(await run(['init', directory]), { code: 1, error: /already there/ })
})

t.test('a warning about a variable does not stop a command', async (t) => {
  const { code, error } = await run(['check'], { GATEHOUSE_HTPS: '1' })
  t.equal(code, 0)
  t.match(error, 'did you mean GATEHOUSE_HTTPS?')
})

t.test('a reader that leaves early is no crash', async (t) => {
  const child = start(['routes', '--json'])
  child.stdout?.destroy()
  const [error, code] = await Promise.all([
    child.stderr === null ? '' : text(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ])
  t.equal(error, '')
  t.equal(code, 0)
})

t.test('serve that cannot start says why and what to do, and exits with 1', async (t) => {
  const directory = t.testdir({ 'routes.yaml': 'version: 2\n', certs: {} })
  const { code, error } = await run([
    'serve',
    '--config',
    directory,
    '--data',
    join(directory, 'data'),
    '--https',
    '0',
    '--http',
    'off',
    '--ops',
    'off',
  ])
  t.equal(code, 1)
  t.match(error, /^gatehouse: error: .+\n.*routes\.yaml:1:1[\s\S]*\n.*gatehouse check/m)
})

t.test('a data directory that cannot be made is said so', async (t) => {
  const directory = t.testdir({ file: '' })
  const { code, error } = await run(['serve', '--data', join(directory, 'file', 'data')])
  t.equal(code, 1)
  t.match(error, /cannot make the data directory .* name another one by --data/)
})

/** Prints every module as it is loaded. */
const loadLogger = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  import { writeSync } from 'node:fs'
  registerHooks({ load(url, context, next) { writeSync(2, 'LOADED ' + url + '\\n'); return next(url, context) } })
`)}`

async function loadedBy(args: readonly string[]): Promise<string[]> {
  const { error } = await run(args, { NODE_OPTIONS: `--import=${loadLogger}` })
  return [...error.matchAll(/^LOADED file:\/\/(.+)$/gm)].map(([, path]) => path ?? '')
}

t.test('a command loads no other command', async (t) => {
  const own: readonly string[] = commands.map(
    ({ name }) => `/src/cli/${name.split(' ')[0] ?? name}.ts`,
  )
  const loaded = await loadedBy(['version'])
  t.ok(loaded.includes(main))
  t.notOk(
    loaded.some(
      // Ours, not what the test runner puts into every process for its coverage.
      (path) =>
        own.includes(path.slice(root.length)) || /node_modules\/(undici|yaml|zod)\//.test(path),
    ),
  )
})

t.test(
  'serve loads neither the commands nor, for a table it has seen before, YAML and zod',
  async (t) => {
    const directory = t.testdir({ certs: {}, data: {} })
    mkdirSync(join(directory, 'etc'))
    writeFileSync(
      join(directory, 'etc/routes.yaml'),
      'version: 1\ndomain: example.com\nroutes:\n  - { service: Login, host: auth, to: login, access: public }\n',
    )
    // Without certificates it loads the table, and then stops by itself.
    const args = [
      'serve',
      '--config',
      join(directory, 'etc'),
      '--data',
      join(directory, 'data'),
      '--certs',
      join(directory, 'certs'),
    ]
    await loadedBy(args)
    const loaded = await loadedBy(args)
    t.ok(loaded.some((path) => path.endsWith('/src/cli/serve.ts')))
    const unwanted =
      /\/node_modules\/(yaml|zod)\/|\/src\/routes-file\/(read|schema)\.ts|\/src\/cli\/(init|check|explain|routes|doctor|help|people|user|session|token|audit|backup|restore)\.ts/
    t.strictSame(
      loaded.filter((path) => unwanted.test(path)),
      [],
    )
  },
)
