// The import map and the monopolies of ARCHITECTURE.md, checked over every file in src/.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import t from 'tap'
import { codeOnly, hasObjectSpread, importsOf } from './fixtures/source.ts'

type Sources = ReadonlyMap<string, string>

/** A file belongs to the first zone that matches; it may import its own zone and those listed. Types count too. */
const zones: readonly { name: string; files: RegExp; may: readonly string[] }[] = [
  { name: 'main', files: /^main\.ts$/, may: ['*'] },
  { name: 'cli', files: /^cli\//, may: ['*', '!main'] },
  {
    name: 'gateway',
    files:
      /^(gateway|exchanged|admission|flights|recheck|app-call|own-answer|own-path|own-transfer|access-entry|forward-plan|held|use-kind|sign-in-answer)\.ts$/,
    may: ['proxy', 'auth', 'wake', 'core', 'model'],
  },
  // Asks the gateway's own functions, and neither serves nor writes.
  {
    name: 'explain',
    files: /^explain\//,
    may: ['gateway', 'proxy', 'auth', 'wake', 'routes-file', 'core', 'model'],
  },
  { name: 'config', files: /^(config|settings|secrets|env-file)\.ts$/, may: ['core', 'model'] },
  // A rule of the table is compiled and compared by the functions that decide.
  { name: 'routes-file', files: /^routes-file\//, may: ['auth', 'core', 'model'] },
  { name: 'proxy', files: /^proxy\//, may: ['core', 'model'] },
  { name: 'app', files: /^(auth\/app|admin)\//, may: ['auth', 'routes-file', 'core', 'model'] },
  { name: 'auth', files: /^auth\//, may: ['core', 'model'] },
  { name: 'store', files: /^store\//, may: ['auth', 'core', 'model'] },
  { name: 'wake', files: /^wake\//, may: ['core', 'model'] },
  { name: 'model', files: /^model(-machines)?\.ts$/, may: [] },
  // host, errors, routes, limits, log, metrics, pages: what everybody may lean on.
  { name: 'core', files: /^[\w-]+\.ts$|^(pages|alerts)\//, may: ['model'] },
]

/** What only some files may do. `code` is searched without comments and strings, `modules` are imports. */
const monopolies: readonly { what: string; only: RegExp; code?: RegExp; modules?: RegExp }[] = [
  {
    what: 'touches process',
    only: /^main\.ts$/,
    code: /(?<![\w.])process(?![\w:(])|globalThis\s*(?:\.\s*process\b|\[)/,
    modules: /^(node:)?process$/,
  },
  { what: 'writes output', only: /^(main|log|log-file)\.ts$/, code: /(?<![\w.])console\b/ },
  { what: 'names the HTTP client', only: /^proxy\/upstream\.ts$/, modules: /^undici(\/|$)/ },
  { what: 'names Fastify', only: /^(auth\/app|admin)\//, modules: /^@?fastify(\/|-|$)/ },
  { what: 'names a database', only: /store\.ts$/, modules: /^(node:sqlite|ioredis|pg)$/ },
  { what: 'speaks to a cloud', only: /^wake\/providers\//, modules: /^(oci-|@google-cloud\/)/ },
  { what: 'parses YAML', only: /^(routes-file|admin)\//, modules: /^(yaml|zod)(\/|$)/ },
]

/** Files every request passes through: their first line must say so, and other files may. */
const hotPath =
  /^(gateway|routes|host|limits|proxy\/(target|headers|upstream|forward|tunnel|http1|http2|peer|client-address)|auth\/(cookie|identify|policy))\.ts$/
const notOnTheHotPath: readonly [what: string, test: (code: string) => boolean][] = [
  ['async', (code) => /(?<![\w.])(async|await)\b/.test(code)],
  ['new Promise', (code) => /\bnew Promise\b|\bPromise\./.test(code)],
  ['new URL', (code) => /\bnew URL\b/.test(code)],
  ['JSON', (code) => /\bJSON\./.test(code)],
  ['an AbortSignal', (code) => /\bAbort(Signal|Controller)\b/.test(code)],
  ['an object spread', hasObjectSpread],
]
/** Exceptions, each with its reason; one that is no longer needed fails the test too. */
const exceptions: Readonly<Record<string, string>> = {
  'gateway.ts: an object spread':
    'a redirect that keeps the path: an answer of our own, no backend',
  'proxy/cidr.ts: JSON': 'quotes a wrong range in a message, when the table is read',
  'proxy/connections.ts: an object spread': 'copies counters for a scrape of the metrics',
  'proxy/listen-http2.ts: an object spread': 'options of the server, once at start',
  'proxy/http2.ts: an object spread':
    'interim answers; Node takes an object there, and they are rare',
  'proxy/upstream.ts: an object spread': 'options of a connection, never of a request',
  'proxy/upstreams.ts: JSON': 'names a pool once per target; later requests find it in a WeakMap',
}

/** Every breach in the sources (paths relative to src/), one sentence each; empty: the house stands. */
function check(sources: Sources): string[] {
  const problems: string[] = []
  const graph = new Map<string, string[]>()
  for (const [path, text] of sources) {
    const say = (sentence: string) => problems.push(`${path}: ${sentence}`)
    const code = codeOnly(text)
    const zone = zoneOf(path)
    if (zone === null) say('belongs to no zone of the import map')
    const local: string[] = []
    for (const { name, typeOnly } of importsOf(text, code)) {
      if (zone?.name === 'model' && name !== './model-machines.ts')
        say(`imports ${name}; model imports nothing`)
      for (const rule of monopolies)
        if (rule.modules?.test(name) && !rule.only.test(path)) say(`${rule.what} (${name})`)
      if (!name.startsWith('.')) continue
      const target = posix.join(posix.dirname(path), name)
      const to = zoneOf(target)
      if (!typeOnly) local.push(target)
      if (target.startsWith('..')) say(`imports ${name} from outside src`)
      else if (!sources.has(target)) say(`imports ${name}, which does not exist`)
      else if (zone && to && !mayImport(zone, to.name))
        say(`imports ${target}: ${zone.name} ✗ ${to.name}`)
    }
    graph.set(path, local)
    for (const rule of monopolies)
      if (rule.code?.test(code) && !rule.only.test(path)) say(rule.what)
    if (/\bexport\s+default\b/.test(code)) say('has a default export')
    if (/(?:[:<|&,]|\bas|\btype \w+ =)\s*any\b(?!\s*[(:])|(?<!\.)\bany\[\]/.test(code))
      say('has an any')
    const lines = text.split('\n')
    if (lines.length - 1 > 400) say(`has ${lines.length - 1} lines; 400 is the most`)
    const first = (lines[0]?.startsWith('#!') ? lines[1] : lines[0]) ?? ''
    if (!/^\/\/ \S/.test(first)) say('does not say in its first line what it is')
    const hot = first.includes('Hot path.')
    if (hotPath.test(path) && !hot) say('does not begin with "Hot path."')
    for (const [what, test] of notOnTheHotPath)
      if (hot && test(code) && !(`${path}: ${what}` in exceptions))
        say(`has ${what} on the hot path`)
  }
  return [...problems, ...cyclesOf(graph)]
}

const zoneOf = (path: string) => zones.find((zone) => zone.files.test(path)) ?? null

function mayImport(from: (typeof zones)[number], to: string): boolean {
  if (from.name === to) return true
  return !from.may.includes(`!${to}`) && (from.may.includes('*') || from.may.includes(to))
}

function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]) => {
    const at = trail.indexOf(path)
    if (at !== -1) cycles.push(`import cycle: ${[...trail.slice(at), path].join(' → ')}`)
    if (at !== -1 || done.has(path)) return
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return cycles
}

function sourcesBelow(folder: string): Sources {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  return new Map(names.sort().map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

t.test(
  'every file in src keeps to the import map, the monopolies and the hot path rules',
  async (t) => {
    const sources = sourcesBelow(join(dirname(import.meta.dirname), 'src'))
    t.ok(sources.has('model.ts'), 'the sources are there to be read')
    t.strictSame(check(sources), [])
  },
)

t.test('ARCHITECTURE.md has the same import map', async (t) => {
  const text = readFileSync(join(dirname(import.meta.dirname), 'ARCHITECTURE.md'), 'utf8')
  const rows = [...text.matchAll(/^\| \*\*([\w-]+)\*\* \| .* \| (.*) \|$/gm)]
  const told = rows.map(([, name, may]) => `${name}: ${may}`)
  t.strictSame(
    told,
    zones.map(({ name, may }) => `${name}: ${inWords(name, may)}`),
  )
})

/** What everybody may import is not repeated. */
function inWords(name: string, may: readonly string[]): string {
  if (may.includes('*'))
    return may.map((to) => to.replace('*', 'everything').replace('!', 'but ')).join(' ')
  const more = may.filter((to) => to !== 'core' && to !== 'model')
  if (more.length > 0) return more.join(', ')
  return name === 'model' ? 'nothing' : 'nothing more'
}

const head = '// A file for this test.\n'
const hot = '// A file for this test. Hot path.\n'
const house: readonly (readonly [string, string])[] = [
  ['main.ts', `#!/usr/bin/env node\n${head}import './gateway.ts'\nprocess.exitCode = 0\n`],
  [
    'gateway.ts',
    `${hot}import { a } from './proxy/target.ts'\nimport './auth/policy.ts'\nexport { a }\nBuffer.from('pg')\n`,
  ],
  ['model.ts', `${head}export type Any = string\nconst any = (x: Any) => any(x)\n`],
  ['proxy/target.ts', `${hot}export const a = [...'x'] // no process. here, nor JSON.\n`],
  ['proxy/upstream.ts', `${hot}import 'undici'\nconst text = \`process.\${text} async\`\n`],
  ['auth/policy.ts', `${hot}import type { Any } from '../model.ts'\nconst quote = /['\`]/g\n`],
]
const breaches: readonly (readonly [path: string, text: string, problem: string])[] = [
  ['proxy/target.ts', `${hot}import type { P } from '../auth/policy.ts'\n`, 'proxy ✗ auth'],
  ['auth/policy.ts', `${hot}export * from '../proxy/target.ts'\n`, 'auth ✗ proxy'],
  ['wake/waker.ts', `${head}const p = await import('../proxy/target.ts')\n`, 'wake ✗ proxy'],
  ['model.ts', `${head}import 'node:fs'\n`, 'model imports nothing'],
  ['routes.ts', `${hot}import {\n  a,\n} from './gateway.ts'\n`, 'core ✗ gateway'],
  ['admin/api.ts', `${head}import '../gateway.ts'\n`, 'app ✗ gateway'],
  ['gateway.ts', `${hot}import './main.ts'\n`, 'gateway ✗ main'],
  ['gateway.ts', `${hot}import './routes-file/read.ts'\n`, 'which does not exist'],
  ['log.ts', `${head}import '../test/x.ts'\n`, 'from outside src'],
  ['log.ts', `${head}const id = process.pid\n`, 'touches process'],
  ['log.ts', `${head}const id = \`\${process.pid}\`\n`, 'touches process'],
  ['log.ts', `${head}const { env } = globalThis.process\n`, 'touches process'],
  ['log.ts', `${head}import { env } from 'node:process'\n`, 'touches process'],
  ['ops.ts', `${head}console.log('x')\n`, 'writes output'],
  ['proxy/forward.ts', `${hot}import { Pool } from 'undici'\n`, 'names the HTTP client'],
  ['auth/login.ts', `${head}import fastify from 'fastify'\n`, 'names Fastify'],
  ['auth/sessions.ts', `${head}import { DatabaseSync } from 'node:sqlite'\n`, 'names a database'],
  ['wake/idle.ts', `${head}import * as core from 'oci-core'\n`, 'speaks to a cloud'],
  ['routes.ts', `${hot}import { z } from 'zod'\n`, 'parses YAML'],
  ['log.ts', `${head}export default 1\n`, 'has a default export'],
  ['log.ts', `${head}const x: any[] = []\n`, 'has an any'],
  ['log.ts', `${head}const x = new Map<string, any>()\n`, 'has an any'],
  ['log.ts', `${head}const x = 1 as any\n`, 'has an any'],
  ['log.ts', `${head}${'\n'.repeat(400)}`, 'has 401 lines'],
  ['log.ts', 'export const x = 1\n', 'in its first line what it is'],
  ['proxy/headers.ts', head, 'does not begin with "Hot path."'],
  ['proxy/headers.ts', `${hot}async function f() {}\n`, 'has async on the hot path'],
  ['proxy/headers.ts', `${hot}new Promise((r) => r)\n`, 'has new Promise on the hot path'],
  ['proxy/headers.ts', `${hot}new URL('x:')\n`, 'has new URL on the hot path'],
  ['proxy/headers.ts', `${hot}JSON.stringify(1)\n`, 'has JSON on the hot path'],
  ['proxy/headers.ts', `${hot}const x = { a: [1], ...y }\n`, 'has an object spread'],
  ['proxy/headers.ts', `${hot}new AbortController()\n`, 'has an AbortSignal'],
  ['strange/x.ts', head, 'belongs to no zone'],
  ['host.ts', `${hot}import './errors.ts'\n`, 'does not exist'],
  ['proxy/target.ts', `${hot}import './upstream.ts'\nimport './target.ts'\n`, 'import cycle'],
]

t.test('a house without faults passes', async (t) => {
  t.strictSame(check(new Map(house)), [])
})

t.test('each forbidden thing is found', async (t) => {
  for (const [path, text, problem] of breaches) {
    const found = check(new Map([...house, [path, text]]))
    t.ok(
      found.some((line) => line.includes(problem)),
      `${path}: ${problem}`,
      { found },
    )
  }
})
