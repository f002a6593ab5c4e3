// `gatehouse check`: every problem of the table, compiler-style, and what it would change for whom.

import type { Config } from '../config.ts'
import { GatehouseError } from '../errors.ts'
import type { HeaderEdits, TableDefinition } from '../model.ts'
import { type AccessChange, accessChanges, weakening } from '../routes-file/access-change.ts'
import { formatProblem, type Problem } from '../routes-file/problem.ts'
import { checkResolved } from '../routes-file/resolved.ts'
import { readSnapshot } from '../routes-file/snapshot.ts'
import { loadTable, shortPath } from './load-table.ts'

export interface CheckOptions {
  readonly config: Config
  /** Directory that file names are printed relative to. */
  readonly cwd: string
  /** Warnings fail too. */
  readonly strict: boolean
  /** Compare with the table that runs. */
  readonly againstRunning: boolean
  readonly asJson: boolean
  readonly write: (text: string) => void
  /** Addresses of a backend's name; rejects when there are none. */
  readonly resolve: (name: string) => Promise<readonly string[]>
}

type Comparison =
  | { readonly kind: 'compared'; readonly changes: readonly AccessChange[] }
  /** Not asked for, or there is no good table to compare. */
  | { readonly kind: 'none'; readonly reason: string | null }

/** @returns the exit code: 1 for errors (with `strict`, for warnings too), else 0. */
export async function check(options: CheckOptions): Promise<number> {
  const { config, strict, write } = options
  const { definition, problems: found } = await loadTable(config)
  const problems =
    definition === null
      ? found
      : [
          ...found,
          ...missingSecrets(definition, config),
          ...(await checkResolved(definition, options.resolve)),
        ]
  const errors = problems.filter(({ severity }) => severity === 'error').length
  const warnings = problems.length - errors
  const comparison = await compare(options, definition)
  const failed = errors > 0 || (strict && warnings > 0)

  if (options.asJson) {
    const changes = comparison.kind === 'compared' ? comparison.changes : null
    const routes = definition?.routes.length ?? null
    const report = { file: config.routesFile, routes, errors, warnings, problems, changes }
    write(`${JSON.stringify(report, null, 2)}\n`)
    return failed ? 1 : 0
  }
  const file = shortPath(config.routesFile, options.cwd)
  for (const problem of problems) write(`${formatProblem(file, problem)}\n`)
  const routes = definition === null ? '' : `, ${count(definition.routes.length, 'route')}`
  write(`${file}: ${count(errors, 'error')}, ${count(warnings, 'warning')}${routes}\n`)
  writeComparison(comparison, write)
  return failed ? 1 : 0
}

async function compare(
  { config, againstRunning }: CheckOptions,
  definition: TableDefinition | null,
): Promise<Comparison> {
  if (!againstRunning) return { kind: 'none', reason: null }
  if (definition === null) return { kind: 'none', reason: 'the table has errors' }
  try {
    const snapshot = await readSnapshot(config.snapshotFile)
    if (snapshot !== null) {
      return { kind: 'compared', changes: accessChanges(snapshot.definition, definition) }
    }
    return { kind: 'none', reason: `there is no ${config.snapshotFile}: nothing ran here yet` }
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    return { kind: 'none', reason: `${error.message}; ${error.remedy ?? ''}` }
  }
}

const signs = { weaker: '!', gone: '!', stronger: '+', new: '+' } as const

function writeComparison(comparison: Comparison, write: (text: string) => void): void {
  if (comparison.kind === 'none') {
    if (comparison.reason !== null) write(`not compared with what runs: ${comparison.reason}\n`)
    return
  }
  const { changes } = comparison
  if (changes.length === 0) {
    write('against what runs: nobody gains or loses access\n')
    return
  }
  write('against what runs:\n')
  for (const { kind, sentence } of changes) write(`  ${signs[kind]} ${kind.padEnd(9)}${sentence}\n`)
  const weaker = weakening(changes).length
  if (weaker > 0)
    write(`${count(weaker, 'change')} marked ! let more people in, or take something away\n`)
}

/** A table that names a secret which is not there does not start; but this shell may not be the service's. */
function missingSecrets(definition: TableDefinition, config: Config): Problem[] {
  const problems: Problem[] = []
  const need = (
    name: string,
    place: { readonly line: number; readonly where: string },
    otherwise = 'it will not start',
  ) => {
    if (config.secret(name) !== null) return
    const variable = `GATEHOUSE_SECRET_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`
    problems.push({
      severity: 'warning',
      code: 'secret-missing',
      ...place,
      column: 1,
      what: `the secret ${name} is not configured here`,
      remedy: `set ${variable} for the service, or ${otherwise}`,
    })
  }
  const { github } = definition.login
  for (const name of [github?.clientSecret, github?.organisationToken]) {
    if (name != null) need(name, { line: 1, where: 'login.github' })
  }
  for (const { id, power } of definition.vms) {
    if (power === null) continue
    const { provider, busySecret } = power
    const at = (key: string) => ({ line: 1, where: `vms.${id}.power.${key}` })
    if (provider.kind === 'oci' && provider.configFile === null) {
      for (const name of ociSecrets) need(name, at('oci'), 'the machine cannot be started')
    }
    if (busySecret !== null) need(busySecret, at('busy'), 'the machine cannot say that it is busy')
  }
  for (const [index, { kind, token }] of definition.alerts.entries()) {
    if (token !== null) need(token, { line: 1, where: `alerts[${index}]` }, `${kind} may refuse it`)
  }
  for (const { id, line, requestHeaders, responseHeaders } of definition.routes) {
    for (const name of secretsOf(requestHeaders))
      need(name, { line, where: `${id} (request headers)` })
    for (const name of secretsOf(responseHeaders))
      need(name, { line, where: `${id} (response headers)` })
  }
  return problems
}

/** What the provider asks for when no file has it. */
const ociSecrets = ['OCI_TENANCY', 'OCI_USER', 'OCI_FINGERPRINT', 'OCI_KEY'] as const

function secretsOf(edits: HeaderEdits): string[] {
  return edits.set.flatMap(([, value]) => (typeof value === 'string' ? [] : [value.secret]))
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
