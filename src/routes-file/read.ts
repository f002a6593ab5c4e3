// The text of routes.yaml as a checked table, or all its problems. Pure: no file, no network, no clock.

import type { TableDefinition } from '../model.ts'
import { checkTable } from './checks.ts'
import {
  type Fault,
  formatPath,
  type Path,
  type Problem,
  type Reporter,
  sortProblems,
} from './problem.ts'
import { readShape } from './shape.ts'
import { readTableDefinition } from './table.ts'
import { readYamlText, type YamlText } from './yaml-text.ts'

export interface ReadResult {
  /** `null` if and only if there is an error among the problems. */
  readonly definition: TableDefinition | null
  /** Errors first, then warnings, each by place. */
  readonly problems: readonly Problem[]
}

/** Reads a table. Never throws; every problem of the text is reported at once. */
export function readTable(text: string): ReadResult {
  const yaml = readYamlText(text)
  const problems: Problem[] = [...yaml.problems]
  const definition = yaml.usable ? readData(yaml, problems) : null
  const failed = problems.some((p) => p.severity === 'error')
  return { definition: failed ? null : definition, problems: sortProblems(problems) }
}

function readData(yaml: YamlText, problems: Problem[]): TableDefinition | null {
  const reporter = createReporter(yaml, problems)
  const { file, damaged, damagedVms, positions } = readShape(yaml.data, reporter)
  if (file === null) return null
  const lineOf = (position: number) => yaml.locate(['routes', position], 'value').line
  const table = readTableDefinition(file, { reporter, lineOf, positions, damagedVms })
  if (table === null) return null
  checkTable(table, { reporter, damaged })
  return table.definition
}

function createReporter(yaml: YamlText, problems: Problem[]): Reporter {
  function add(severity: Problem['severity'], path: Path, fault: Fault): void {
    const where = formatPath(path)
    // Names nobody, because what it names was not understood: said once is enough.
    if (fault.code.endsWith('-nobody') && problems.some((p) => p.where.startsWith(where))) return
    // What is wrong with a key as such is shown at the key, everything else at the value.
    const atKey = fault.code === 'unknown-key' || fault.code.startsWith('header-')
    const place = yaml.locate(path, atKey ? 'key' : 'value')
    problems.push({ severity, ...place, where, ...fault })
  }
  return {
    error: (path, fault) => add('error', path, fault),
    warning: (path, fault) => add('warning', path, fault),
  }
}
