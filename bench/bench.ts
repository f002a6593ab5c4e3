// `npm run bench`: all contestants through all scenarios, then one table. Method and results: README.md.
// Never a timed test: it fails only when a contestant answers wrongly.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Contestant, contestants, packageVersion, toolVersion } from './contestants.ts'
import { mistakes } from './lib/correct.ts'
import { openPlace } from './lib/place.ts'
import { goalTable, resultTable } from './lib/report.ts'
import { createResults, type Results } from './lib/results.ts'
import type { Session } from './lib/session.ts'
import { bulk } from './scenarios/bulk.ts'
import { slowDownload, stalledUpload } from './scenarios/crawl.ts'
import { heldTls, heldWebSockets } from './scenarios/held.ts'
import { type Run, type Scenario, withSessions } from './scenarios/scenario.ts'
import { authenticated, guessing, signedInMemory } from './scenarios/signed-in.ts'
import { fullHttp1, smallHttp1, smallHttp2 } from './scenarios/small.ts'
import { startToFirstAnswer } from './scenarios/start.ts'

const scenarios: Readonly<Record<string, Scenario>> = {
  'small-h1': smallHttp1,
  'full-h1': fullHttp1,
  'small-h2': smallHttp2,
  bulk,
  tls: heldTls,
  websocket: heldWebSockets,
  slow: slowDownload,
  stall: stalledUpload,
  start: startToFirstAnswer,
  authenticated,
  'signed-in-memory': signedInMemory,
  guessing,
}

/** Ours, Node's and undici's are named apart. */
const unversioned = new Set(['ours', 'bare', 'bare-https', 'nginx-auth'])

const usage = `npm run bench -- [options]
  --only ours,bare          contestants: ${contestants.map((each) => each.name).join(' ')}
  --scenario small-h1,bulk  scenarios: ${Object.keys(scenarios).join(' ')}
  --quick                   three short rounds: to see that it works, not to compare
  --rounds <n>              default 7
  --seconds <n>             of load per contestant and round; default 3
  --save                    writes bench/results/<date>.json and the tables in bench/README.md
`

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    scenario: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    save: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (options.help) {
  process.stdout.write(usage)
} else {
  process.exitCode = await bench()
}

async function bench(): Promise<number> {
  if (process.platform !== 'linux') {
    say('CPU and memory are read from /proc: this needs Linux.')
    return 0
  }
  const named = choice(
    options.only,
    contestants.map((each) => each.name),
  )
  const chosen = choice(options.scenario, Object.keys(scenarios))
  const installed = contestants.filter((each) => named.includes(each.name) && isInstalled(each))
  const results = createResults()
  const place = await openPlace()
  try {
    const run: Run = {
      place,
      contestants: installed,
      results,
      rounds: Number(options.rounds ?? (options.quick ? 3 : 7)),
      seconds: Number(options.seconds ?? (options.quick ? 1 : 3)),
      watchSeconds: options.quick ? 8 : 60,
      bulkBytes: options.quick ? 64_000_000 : 256_000_000,
      heldConnections: options.quick ? 200 : 1000,
      say,
    }
    const right = { ...run, contestants: await check(run) }
    for (const name of chosen) await runScenario(name, right)
  } finally {
    await place.close()
  }
  const names = installed.map((each) => each.name)
  const tables = `${environment(installed)}\n\n${resultTable(results, names)}\n\n${goalTable(results)}`
  process.stdout.write(`\n${tables}\n`)
  if (options.save) save(tables, results, installed)
  for (const each of results.mistakes) say(`WRONG: ${each}`)
  return results.mistakes.length > 0 ? 1 : 0
}

/**
 * Those who answer rightly; the others are not measured. Also each contestant's first start: what is measured later is
 * the second, with warm caches.
 */
async function check(run: Run): Promise<readonly Contestant[]> {
  const right: Contestant[] = []
  for (const contestant of run.contestants) {
    const found: string[] = []
    const look = async ([session]: readonly Session[]) => {
      if (session !== undefined && !contestant.startOnly) found.push(...(await mistakes(session)))
    }
    try {
      await withSessions(run, [contestant], look)
    } catch (error) {
      found.push(error instanceof Error ? error.message : String(error))
    }
    for (const mistake of found) run.results.wrong(contestant.name, mistake)
    if (found.length === 0) right.push(contestant)
    say(`${contestant.name}: ${found.length === 0 ? 'answers rightly' : found.join('; ')}`)
  }
  return right
}

async function runScenario(name: string, run: Run): Promise<void> {
  const needsH2load = name === 'small-h2' || name === 'full-h1'
  if (needsH2load && toolVersion('h2load', '--version', /(\d\S*)/) === null) {
    say(`${name}: h2load is not installed, left out`)
    return
  }
  await scenarios[name]?.(run)
}

function choice(list: string | undefined, all: readonly string[]): readonly string[] {
  if (list === undefined) return all
  const wanted = list.split(',')
  const unknown = wanted.filter((each) => !all.includes(each))
  if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}\n${usage}`)
  return wanted
}

function isInstalled(contestant: Contestant): boolean {
  const isThere = contestant.version() !== null
  if (!isThere) say(`${contestant.name}: not installed, left out`)
  return isThere
}

function versionsOf(installed: readonly Contestant[]): Readonly<Record<string, string | null>> {
  return {
    node: process.versions.node,
    undici: packageVersion('undici'),
    autocannon: packageVersion('autocannon'),
    h2load: toolVersion('h2load', '--version', /nghttp2\/(\S+)/),
    ...Object.fromEntries(installed.map((each) => [each.name, each.version()])),
  }
}

function environment(installed: readonly Contestant[]): string {
  const [first] = cpus()
  const machine = `${cpus().length} × ${first?.model.trim() ?? 'unknown CPU'}, ${(totalmem() / 1e9).toFixed(0)} GB, Linux ${release()}`
  const versions = Object.entries(versionsOf(installed))
    .filter(([name, version]) => version !== null && !unversioned.has(name))
    .map(([name, version]) => `${name} ${version}`)
  return `${new Date().toISOString().slice(0, 10)} · ${machine}\n${versions.join(' · ')}`
}

function save(tables: string, results: Results, installed: readonly Contestant[]): void {
  const date = new Date().toISOString().slice(0, 10)
  const directory = join(import.meta.dirname, 'results')
  mkdirSync(directory, { recursive: true })
  const run = { date, environment: environment(installed), rounds: results }
  writeFileSync(join(directory, `${date}.json`), `${JSON.stringify(run, rounded, 1)}\n`)
  const readme = join(import.meta.dirname, 'README.md')
  const text = readFileSync(readme, 'utf8')
  const begin = '<!-- results -->'
  const end = '<!-- /results -->'
  const before = text.slice(0, text.indexOf(begin) + begin.length)
  const after = text.slice(text.indexOf(end))
  writeFileSync(readme, `${before}\n${tables}\n${after}`)
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
