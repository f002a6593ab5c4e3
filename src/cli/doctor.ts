// `gatehouse doctor`: looks at everything around the gateway that can be wrong. Changes nothing, binds nothing.

import { promises as dns } from 'node:dns'
import { networkInterfaces, totalmem } from 'node:os'
import { join } from 'node:path'
import { getHeapStatistics } from 'node:v8'
import type { Config } from '../config.ts'
import { GatehouseError } from '../errors.ts'
import type { TableDefinition } from '../model.ts'
import { createCloudflareRanges } from '../proxy/cloudflare.ts'
import { readSnapshot, type Snapshot } from '../routes-file/snapshot.ts'
import { certificateFindings } from './doctor/certificates.ts'
import { type Finding, fail, ok, warn } from './doctor/finding.ts'
import { nameFindings } from './doctor/names.ts'
import { portFindings } from './doctor/ports.ts'
import { storageFindings } from './doctor/storage.ts'
import { targetFindings } from './doctor/targets.ts'
import { loadTable } from './load-table.ts'

export interface DoctorOptions {
  readonly config: Config
  /** No DNS, no connections. */
  readonly offline: boolean
  /** Seconds for each lookup and connection, as written; `null`: 3. */
  readonly timeout: string | null
  /** `null` where users have no numbers. */
  readonly userId: number | null
  /** What the control group allows; 0 or a huge number: no limit. */
  readonly memoryLimitBytes: number
  readonly now: () => number
  readonly asJson: boolean
  readonly write: (text: string) => void
}

const megabyte = 1024 * 1024
const maxTimeoutSeconds = 60

/**
 * @returns the exit code: 1 when something failed, 0 with warnings.
 * @throws GatehouseError `doctor-timeout` for a timeout that is no number of seconds.
 */
export async function doctor(options: DoctorOptions): Promise<number> {
  const findings = await examine(options, timeoutOf(options.timeout))
  const failed = findings.filter(({ level }) => level === 'fail').length
  const warned = findings.filter(({ level }) => level === 'warn').length
  if (options.asJson) {
    options.write(`${JSON.stringify({ failed, warned, findings }, null, 2)}\n`)
  } else {
    for (const finding of findings) options.write(lineFor(finding))
    options.write(`\n${failed} failed, ${warned} to look at, ${findings.length} looked at\n`)
  }
  return failed > 0 ? 1 : 0
}

async function examine(options: DoctorOptions, timeoutMs: number): Promise<Finding[]> {
  const { config, offline, now, userId } = options
  const table = await tableFindings(config)
  const { definition } = table
  const findings = [
    ...table.findings,
    ...(await portFindings(config)),
    ...(await storageFindings(config, userId)),
    memoryFinding(options.memoryLimitBytes),
  ]
  if (config.https !== null) {
    const facts = { certsDir: config.certsDir, definition, now }
    findings.push(...(await certificateFindings(facts)))
  }
  if (offline || definition === null) {
    const why = offline ? '--offline' : 'there is no good table'
    findings.push(ok('network', `names, targets and clock were left out: ${why}`))
    return findings
  }
  const [names, targets] = await Promise.all([
    namesOf(config, definition, timeoutMs),
    targetFindings(definition, { timeoutMs, now }),
  ])
  return [...findings, ...names, ...targets]
}

/** The file, or else the last good table; both are looked at. */
async function tableFindings(
  config: Config,
): Promise<{ findings: Finding[]; definition: TableDefinition | null }> {
  const findings: Finding[] = []
  let definition: TableDefinition | null = null
  try {
    const read = await loadTable(config)
    definition = read.definition
    const errors = read.problems.filter(({ severity }) => severity === 'error').length
    const warnings = read.problems.length - errors
    const what = `${config.routesFile}: ${definition?.routes.length ?? 0} routes, ${errors} errors, ${warnings} warnings`
    if (errors > 0) findings.push(fail('table', what, '"gatehouse check" names them'))
    else if (warnings > 0) findings.push(warn('table', what, '"gatehouse check" names them'))
    else findings.push(ok('table', what))
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    findings.push(fail('table', error.message, error.remedy ?? 'run "gatehouse init"'))
  }
  let snapshot: Snapshot | null = null
  try {
    snapshot = await readSnapshot(config.snapshotFile)
    findings.push(snapshotFinding(snapshot, definition))
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    findings.push(warn('snapshot', error.message, error.remedy ?? 'delete it'))
  }
  return { findings, definition: definition ?? snapshot?.definition ?? null }
}

function snapshotFinding(snapshot: Snapshot | null, definition: TableDefinition | null): Finding {
  if (snapshot === null) return ok('snapshot', 'no table was served from this data directory yet')
  if (definition === null || JSON.stringify(snapshot.definition) === JSON.stringify(definition)) {
    return ok('snapshot', 'the last good table is kept')
  }
  const remedy =
    '"gatehouse check --against-running" shows the difference; a start or reload takes it over'
  return warn('snapshot', 'the table that ran last differs from the file', remedy)
}

async function namesOf(
  config: Config,
  definition: TableDefinition,
  timeoutMs: number,
): Promise<Finding[]> {
  const cloudflare = createCloudflareRanges({
    file: join(config.dataDir, 'cloudflare-ips.json'),
    fetchText: () => Promise.reject(new Error('doctor does not refresh')),
  })
  await cloudflare.load()
  // Not `dns.lookup`: it asks /etc/hosts too, which visitors do not, and it cannot be bounded in time.
  const resolver = new dns.Resolver({ timeout: timeoutMs, tries: 1 })
  return nameFindings(definition, {
    resolve: async (name) => {
      const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
      const addresses = answers.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
      const [first] = answers
      if (addresses.length === 0 && first.status === 'rejected') throw first.reason
      return addresses
    },
    ownAddresses: Object.values(networkInterfaces()).flatMap(
      (all) => all?.map((i) => i.address) ?? [],
    ),
    isCloudflare: cloudflare.includes,
  })
}

/** Node sizes its heap by the machine, and a heap as large as the machine ends in swapping, not in an error. */
function memoryFinding(limitBytes: number): Finding {
  const total = totalmem()
  const room = limitBytes > 0 ? Math.min(limitBytes, total) : total
  const heap = getHeapStatistics().heap_size_limit
  const what = `${Math.round(room / megabyte)} MB for us, Node's heap may grow to ${Math.round(heap / megabyte)} MB`
  if (heap < room * 0.6) return ok('memory', what)
  const remedy = 'NODE_OPTIONS=--max-old-space-size=256, as the unit in packaging/ has it'
  return warn('memory', what, remedy)
}

function timeoutOf(text: string | null): number {
  if (text === null) return 3000
  const seconds = Number(text)
  if (/^\d{1,2}$/.test(text) && seconds >= 1 && seconds <= maxTimeoutSeconds) return seconds * 1000
  throw new GatehouseError('doctor-timeout', '--timeout is not a number of seconds', {
    remedy: `write 1 to ${maxTimeoutSeconds}`,
  })
}

const marks = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const

function lineFor({ level, about, what, remedy }: Finding): string {
  const line = `${marks[level]}  ${about.padEnd(9)} ${what}\n`
  return remedy === null ? line : `${line}${' '.repeat(16)} → ${remedy}\n`
}
