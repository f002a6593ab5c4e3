// The scripts of the login host: addresses of their content, immutable, complete, and right by their types.

import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { build } from '../../scripts/build.ts'
import { scriptTags } from '../../src/auth/app/assets.ts'
import { startLogin } from '../fixtures/login-app.ts'

const root = dirname(dirname(import.meta.dirname))
const names = ['sign-in.js', 'register.js', 'approve.js', 'account.js'] as const

function addressesIn(text: string): string[] {
  return [...text.matchAll(/\/assets\/[\w.-]+\.js/g)].map(([address]) => address)
}

t.test(
  'each script is served under a name that its content decides, and may be kept for ever',
  async (t) => {
    const login = await startLogin(t)
    const visitor = login.visitor()
    for (const name of names) {
      const tags = scriptTags(name)
      t.match(tags, `<script type="module" src="/assets/${name.slice(0, -3)}.`)
      for (const address of addressesIn(tags)) {
        const answer = await visitor.ask(address)
        t.equal(answer.status, 200, address)
        t.match(answer.headers, {
          'content-type': 'text/javascript; charset=utf-8',
          'cache-control': 'public, max-age=31536000, immutable',
          'x-content-type-options': 'nosniff',
        })
        const hash = createHash('sha256').update(answer.text).digest('base64url').slice(0, 16)
        t.match(address, `.${hash}.js`)
        for (const imported of addressesIn(answer.text)) {
          t.match(tags, imported, 'what a script imports is asked for at once')
        }
        t.notMatch(answer.text, /from\s*'\.\//, 'no import under a name that never changes')
        t.strictSame(answer.setCookies, [])
      }
    }
  },
)

t.test('nothing else is served', async (t) => {
  const login = await startLogin(t)
  const visitor = login.visitor()
  const [, known = ''] = addressesIn(scriptTags('sign-in.js'))
  for (const path of [
    '/assets/',
    '/assets/sign-in.js',
    known.replace(/\.[\w-]{16}\./, '.AAAAAAAAAAAAAAAA.'),
    '/assets/..%2fassets.ts',
    '/assets/__proto__',
    `${known}/x`,
  ]) {
    const answer = await visitor.ask(path)
    t.equal(answer.status, 404, path)
    t.equal(answer.headers['cache-control'], 'no-store')
  }
  t.equal((await visitor.ask(known, { method: 'HEAD' })).status, 200)
})

t.test('a page with a script names no other origin and runs nothing inline', async (t) => {
  const login = await startLogin(t)
  const page = await login.visitor().ask('/')
  const policy = page.headers['content-security-policy'] ?? ''
  t.match(policy, "script-src 'self'")
  t.notMatch(policy, /unsafe|https?:.*script/)
  t.notMatch(page.text, /<script(?![^>]* src=)/)
  t.notMatch(page.text, / (?:style|on[a-z]+)=/)
})

t.test('the built release finds them too', async (t) => {
  const folder = t.testdir({})
  build(join(root, 'src'), join(folder, 'dist'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const module = pathToFileURL(join(folder, 'dist/auth/app/assets.js')).href
  const program = `import { scriptTags } from '${module}'; process.stdout.write(scriptTags('sign-in.js'))`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  })
  t.equal(output, scriptTags('sign-in.js'))
})

t.test('the scripts hold to their types, in a browser’s world', async (t) => {
  const scripts = join(root, 'src/auth/app/client')
  const files = readdirSync(scripts).map((name) => join(scripts, name))
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--allowJs',
    '--checkJs',
    '--strict',
    '--skipLibCheck',
    '--noUncheckedIndexedAccess',
    ...['--noUncheckedSideEffectImports', 'false'],
    ...['--target', 'es2024'],
    ...['--lib', 'es2024,dom,dom.iterable'],
    ...['--module', 'nodenext'],
  ]
  const tsc = join(root, 'node_modules/.bin/tsc')
  // Without what the runner puts into a child's environment: the compiler would take it for its own.
  const command = ['-i', process.execPath, tsc, ...options, ...files]
  const { stdout, status } = spawnSync('/usr/bin/env', command, { encoding: 'utf8' })
  t.strictSame({ stdout, status }, { stdout: '', status: 0 })
})
