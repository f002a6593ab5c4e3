// What the program says of itself on standard error: mistakes, failures, and what it was started with.

import { stackOf } from '../caught.ts'
import type { Config, ConfigProblem } from '../config.ts'
import { GatehouseError } from '../errors.ts'
import type { Running } from './serve-types.ts'

/** `gatehouse: error: --port: is not a flag of serve; did you mean …?`, with a line feed. */
export function problemLine({ severity, where, what, remedy }: ConfigProblem): string {
  return `gatehouse: ${severity}: ${where}: ${what}; ${remedy}\n`
}

/** Why a command failed: with its remedy when that is known, with the stack when it is a bug. */
export function failureText(error: unknown): string {
  if (!(error instanceof GatehouseError)) {
    return `gatehouse: internal error: ${stackOf(error)}\n`
  }
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ''
  // A message that is a list of problems gets its remedy below them.
  const glue = error.message.includes('\n') ? '\n' : '; '
  const remedy = error.remedy === null ? '' : `${glue}${error.remedy}`
  return `gatehouse: error: ${error.message}${cause}${remedy}\n`
}

/** What was chosen, and where from: a setting that was not meant is seen at the first start. */
export function startedText(
  config: Config,
  { https, http, ops }: ReturnType<Running['addresses']>,
  version: string,
): string {
  const port = (bound: number | null) => (bound === null ? 'off' : String(bound))
  const lines = [
    `gatehouse ${version}: https ${port(https)}, http ${port(http)}, ops ${port(ops)}, table ${config.routesFile}`,
  ]
  for (const { option, value, from } of config.chosen) {
    if (from !== 'default') lines.push(`  ${option.padEnd(12)}${value}  (${from})`)
  }
  return `${lines.join('\n')}\n`
}
