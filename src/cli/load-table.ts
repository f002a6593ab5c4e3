// Reads the table a command works on: the file, or why it cannot be used.

import { relative } from 'node:path'
import type { Config } from '../config.ts'
import { GatehouseError } from '../errors.ts'
import type { TableDefinition } from '../model.ts'
import { compileCidrs } from '../proxy/cidr.ts'
import { canonicalRoutePath } from '../proxy/target.ts'
import { createRouteTable, type RouteTable } from '../routes.ts'
import { formatProblem } from '../routes-file/problem.ts'
import { type ReadResult, readTable } from '../routes-file/read.ts'
import { maxTableBytes, readRegularFile } from '../routes-file/read-file.ts'

/**
 * Reads and checks the file.
 *
 * @throws GatehouseError `table-unreadable` when there is no such file.
 */
export async function loadTable(config: Config): Promise<ReadResult> {
  try {
    return readTable(await readRegularFile(config.routesFile, maxTableBytes))
  } catch (cause) {
    throw new GatehouseError('table-unreadable', `cannot read ${config.routesFile}`, {
      remedy: 'name the table by --config',
      cause,
    })
  }
}

/**
 * The table, for commands that can do nothing without a good one.
 *
 * @throws GatehouseError `table-invalid` with every error in its message.
 */
export async function loadGoodTable(config: Config): Promise<TableDefinition> {
  const { definition, problems } = await loadTable(config)
  if (definition !== null) return definition
  const errors = problems.filter(({ severity }) => severity === 'error')
  const lines = errors.map((problem) => `\n${formatProblem(config.routesFile, problem)}`)
  throw new GatehouseError('table-invalid', `the table has errors:${lines.join('')}`, {
    remedy: 'mend these first',
  })
}

/** As `serve` builds it, but a secret that is not configured here stands for itself: nothing is sent. */
export function runtimeTable(definition: TableDefinition, config: Config): RouteTable {
  return createRouteTable(definition, {
    secret: (name) => config.secret(name) ?? '',
    compileCidrs,
    canonicalRoutePath,
  })
}

/** A path as a person at this directory would write it: the shorter of absolute and relative. */
export function shortPath(path: string, cwd: string): string {
  const short = relative(cwd, path)
  return short === '' || short.startsWith('..') || short.length > path.length ? path : short
}
