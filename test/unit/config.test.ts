// Flags, environment, environment file, defaults: who beats whom, and what is said when something is wrong.

import t from 'tap'
import {
  type ConfigFiles,
  type ConfigSources,
  options,
  readConfig,
  variableOf,
} from '../../src/config.ts'

type Tree = Readonly<Record<string, string | { text: string; mode: number }>>

/** A file system in an object; a path that ends in `/` is a directory. */
function filesOf(tree: Tree): ConfigFiles {
  const entry = (path: string) => tree[path]
  return {
    read: (path) => {
      const found = entry(path)
      if (found === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
      return typeof found === 'string' ? found : found.text
    },
    kind: (path) => (path in tree ? 'file' : `${path}/` in tree ? 'directory' : null),
    mode: (path) => {
      const found = entry(path)
      return found === undefined ? null : typeof found === 'string' ? 0o600 : found.mode
    },
    list: (path) =>
      Object.keys(tree)
        .filter((name) => name.startsWith(`${path}/`) && name !== `${path}/`)
        .map((name) => name.slice(path.length + 1)),
  }
}

const installed: Tree = { '/etc/gatehouse/': '', '/etc/gatehouse/routes.yaml': '' }

function read(given: Partial<Omit<ConfigSources, 'files'>> & { tree?: Tree }) {
  return readConfig({
    flags: given.flags ?? {},
    env: given.env ?? {},
    files: filesOf(given.tree ?? installed),
    place: given.place ?? { cwd: '/home/me', checkout: null },
  })
}

t.test(
  'an installed gateway finds its table, certificates and data where packages put them',
  async (t) => {
    const { config, problems } = read({})
    t.strictSame(problems, [])
    t.match(config, {
      routesFile: '/etc/gatehouse/routes.yaml',
      certsDir: '/etc/gatehouse/certs',
      dataDir: '/var/lib/gatehouse',
      snapshotFile: '/var/lib/gatehouse/routes.snapshot.json',
      https: { host: null, port: 443 },
      http: { host: null, port: 80 },
      publicPort: null,
      ops: { host: '127.0.0.1', port: 9180 },
      log: { kind: 'file', path: '/var/lib/gatehouse/log/access.log' },
      logLevel: 'info',
      drainMs: 25_000,
    })
  },
)

t.test('a checkout uses its own table, its own certificates and ./data', async (t) => {
  const { config } = read({
    place: { cwd: '/somewhere', checkout: '/src/gatehouse' },
    tree: { '/src/gatehouse/src/routes.yaml': '', ...installed },
  })
  t.match(config, {
    routesFile: '/src/gatehouse/src/routes.yaml',
    certsDir: '/src/gatehouse/certs',
    dataDir: '/src/gatehouse/data',
  })
})

t.test('certificates are looked for beside a table that was named', async (t) => {
  const { config } = read({
    flags: { config: 'mine' },
    tree: { '/home/me/mine/': '', '/home/me/mine/routes.yaml': '' },
    place: { cwd: '/home/me', checkout: '/src/gatehouse' },
  })
  t.match(config, { routesFile: '/home/me/mine/routes.yaml', certsDir: '/home/me/mine/certs' })
})

t.test('--config takes the file as well as its directory', async (t) => {
  const tree = { '/home/me/other.yaml': '' }
  t.equal(read({ flags: { config: 'other.yaml' }, tree }).config?.routesFile, '/home/me/other.yaml')
})

t.test("systemd's StateDirectory is the default for data", async (t) => {
  const { config } = read({ env: { STATE_DIRECTORY: '/var/lib/edge:/var/lib/more' } })
  t.equal(config?.dataDir, '/var/lib/edge')
})

t.test(
  'a flag beats the environment, the environment beats the file, the file beats the default',
  async (t) => {
    const tree = {
      ...installed,
      '/etc/gatehouse/gatehouse.env': 'GATEHOUSE_HTTPS=3\nGATEHOUSE_HTTP=3\nGATEHOUSE_DRAIN=3\n',
    }
    const { config } = read({
      flags: { https: '1' },
      env: { GATEHOUSE_HTTPS: '2', GATEHOUSE_HTTP: '2' },
      tree,
    })
    t.equal(config?.https?.port, 1)
    t.equal(config?.http?.port, 2)
    t.equal(config?.drainMs, 3000)
    const from = new Map(config?.chosen.map((each) => [each.option, each.from]))
    t.equal(from.get('https'), '--https')
    t.equal(from.get('http'), 'GATEHOUSE_HTTP')
    t.equal(from.get('drain'), '/etc/gatehouse/gatehouse.env:3')
    t.equal(from.get('certs'), 'default')
  },
)

t.test('every setting has a flag and a variable that do the same', async (t) => {
  const values: Readonly<Record<string, string>> = {
    config: '/x/routes.yaml',
    data: '/x/data',
    certs: '/x/certs',
    https: '[::1]:8443',
    http: 'off',
    'public-port': '444',
    ops: '[::1]:9999',
    log: 'stdout',
    'log-level': 'debug',
    drain: '0',
    'env-file': '/x/e',
  }
  const tree = { ...installed, '/x/routes.yaml': '', '/x/certs/': '', '/x/e': '' }
  for (const { name } of options) {
    const text = values[name] ?? ''
    const byFlag = read({ flags: { [name]: text }, tree })
    const byVariable = read({ env: { [variableOf(name)]: text }, tree })
    t.strictSame(byFlag.problems, [], name)
    t.strictSame(
      { ...byVariable.config, secret: null, chosen: null },
      { ...byFlag.config, secret: null, chosen: null },
      name,
    )
    t.equal(byFlag.config?.chosen.find((each) => each.option === name)?.value, text, name)
  }
})

t.test('an empty variable is one that is not set', async (t) => {
  t.equal(read({ env: { GATEHOUSE_HTTPS: '' } }).config?.https?.port, 443)
})

t.test('every problem is reported at once, each with its place and a remedy', async (t) => {
  const { config, problems } = read({
    flags: { https: 'yes', 'public-port': '0', ops: '0.0.0.0:9180', certs: '/nowhere' },
    env: { GATEHOUSE_LOG_LEVEL: 'loud', GATEHOUSE_DRAIN: '-1' },
    tree: {},
  })
  t.equal(config, null)
  const places = problems.map(({ where }) => where)
  for (const place of [
    '--https',
    '--public-port',
    '--ops',
    '--certs',
    'GATEHOUSE_LOG_LEVEL',
    'GATEHOUSE_DRAIN',
  ])
    t.ok(places.includes(place), place)
  for (const { what, remedy } of problems) t.ok(what !== '' && remedy !== '', what)
  const port = read({ flags: { ops: '9280' } }).problems
  t.match(port, [{ where: '--ops', remedy: 'write 127.0.0.1:9280 or off' }])
})

t.test('a missing table is an error that says how to make one', async (t) => {
  const { problems } = read({ tree: {} })
  t.match(problems, [{ severity: 'error', remedy: /gatehouse init \/etc\/gatehouse/ }])
})

t.test('a missing table is only a warning while the last good one is kept', async (t) => {
  const { config, problems } = read({ tree: { '/var/lib/gatehouse/routes.snapshot.json': '' } })
  t.ok(config)
  t.match(problems, [{ severity: 'warning', what: /there is no table/ }])
})

t.test('two listeners cannot share a port', async (t) => {
  const { problems } = read({ flags: { https: '8443', http: '127.0.0.1:8443' } })
  t.match(problems, [{ where: '--http', what: /same port as --https/ }])
  t.strictSame(
    read({ flags: { https: '0', http: '0' } }).problems,
    [],
    'but any free port is no port',
  )
})

t.test(
  'a mistyped variable in the environment is a warning, because others write there too',
  async (t) => {
    const { config, problems } = read({
      env: { GATEHOUSE_HTPS: '8443', GATEHOUSE_PORT: 'tcp://10.0.0.1' },
    })
    t.ok(config)
    t.match(problems, [
      { severity: 'warning', where: 'GATEHOUSE_HTPS', remedy: 'did you mean GATEHOUSE_HTTPS?' },
      { severity: 'warning', where: 'GATEHOUSE_PORT' },
    ])
  },
)

t.test('a mistyped variable in our own file is an error', async (t) => {
  const tree = {
    ...installed,
    '/etc/gatehouse/gatehouse.env': '# x\nGATEHOUSE_HTPS=8443\nHTTPS=1\n',
  }
  const { config, problems } = read({ tree })
  t.equal(config, null)
  t.match(problems, [
    { where: '/etc/gatehouse/gatehouse.env:2', remedy: 'did you mean GATEHOUSE_HTTPS?' },
    { where: '/etc/gatehouse/gatehouse.env:3', what: /HTTPS is not a variable/ },
  ])
})

t.test('the environment file cannot name itself, nor the table it was found beside', async (t) => {
  const tree = {
    ...installed,
    '/etc/gatehouse/gatehouse.env': 'GATEHOUSE_ENV_FILE=/x\nGATEHOUSE_CONFIG=/y\n',
  }
  t.match(read({ tree }).problems, [{ what: /ENV_FILE cannot stand/ }, { what: /comes too late/ }])
})

t.test('an environment file that was named and is not there is an error', async (t) => {
  t.match(read({ flags: { 'env-file': '/nowhere' } }).problems, [
    { where: '--env-file', what: /ENOENT/ },
  ])
})

t.test('a configuration is frozen all the way down', async (t) => {
  const { config } = read({})
  t.ok(Object.isFrozen(config))
  for (const part of [
    config?.https,
    config?.log,
    config?.chosen,
    config?.chosen[0],
    config?.secretNames,
  ])
    t.ok(Object.isFrozen(part))
})

t.test(
  'a secret comes from a variable, a file, the environment file, or a credential of systemd',
  async (t) => {
    const tree = {
      ...installed,
      '/run/b': 'from-file\n',
      '/etc/gatehouse/gatehouse.env': 'GATEHOUSE_SECRET_C=from-env-file\n',
      '/run/credentials/smtp-password': 'from-credentials\r\n',
    }
    const { config, problems } = read({
      env: {
        GATEHOUSE_SECRET_A: 'from-env',
        GATEHOUSE_SECRET_B_FILE: '/run/b',
        CREDENTIALS_DIRECTORY: '/run/credentials',
      },
      tree,
    })
    t.strictSame(problems, [])
    t.equal(config?.secret('A'), 'from-env')
    t.equal(config?.secret('b'), 'from-file', 'without the line feed an editor put there')
    t.equal(config?.secret('c'), 'from-env-file')
    t.equal(config?.secret('smtp-password'), 'from-credentials')
    t.equal(config?.secret('SMTP_PASSWORD'), 'from-credentials')
    t.equal(config?.secret('d'), null)
    t.strictSame(config?.secretNames, ['A', 'B', 'C', 'SMTP_PASSWORD'])
  },
)

t.test('the environment beats the environment file for secrets too', async (t) => {
  const tree = { ...installed, '/etc/gatehouse/gatehouse.env': 'GATEHOUSE_SECRET_A=old\n' }
  t.equal(read({ env: { GATEHOUSE_SECRET_A: 'new' }, tree }).config?.secret('a'), 'new')
})

t.test(
  'a secret given twice in one place, an empty one and an unreadable file are errors',
  async (t) => {
    const { problems } = read({
      env: {
        GATEHOUSE_SECRET_A: 'one',
        GATEHOUSE_SECRET_A_FILE: '/run/a',
        GATEHOUSE_SECRET_B_FILE: '/run/b',
        GATEHOUSE_SECRET_C_FILE: '/nowhere',
      },
      tree: { ...installed, '/run/a': 'two', '/run/b': '\n' },
    })
    t.match(problems, [{ what: /a second time/ }, { what: /empty/ }, { what: /ENOENT/ }])
  },
)

t.test('an environment file with secrets that others can read is a warning', async (t) => {
  const env = { text: 'GATEHOUSE_SECRET_A=x\n', mode: 0o644 }
  const { problems } = read({ tree: { ...installed, '/etc/gatehouse/gatehouse.env': env } })
  t.match(problems, [{ severity: 'warning', remedy: 'chmod 600 /etc/gatehouse/gatehouse.env' }])
})
