// `gatehouse explain <url>`: what would happen to a request, and why, on the terminal.

import type { Config } from '../config.ts'
import { explainRequest, quoted } from '../explain/explain.ts'
import type { ExplainRequest } from '../explain/request.ts'
import { loadGoodTable, runtimeTable } from './load-table.ts'

export interface ExplainOptions {
  readonly config: Config
  readonly request: ExplainRequest
  readonly asJson: boolean
  readonly write: (text: string) => void
}

/** @returns the exit code, 0: a refusal is an answer too. Throws what `loadGoodTable` throws. */
export async function explain({ config, request, asJson, write }: ExplainOptions): Promise<number> {
  const definition = await loadGoodTable(config)
  const table = runtimeTable(definition, config)
  const publicPort = config.publicPort ?? config.https?.port ?? 443
  const explanation = explainRequest(table, request, publicPort === 0 ? 443 : publicPort)
  if (asJson) {
    write(`${JSON.stringify({ url: request.url, ...explanation }, null, 2)}\n`)
    return 0
  }
  write(`${request.method} ${quoted(request.url)}${request.webSocket ? ' (WebSocket)' : ''}\n\n`)
  for (const { step, says, details } of explanation.steps) {
    write(`  ${step.padEnd(10)}${says}\n`)
    for (const detail of details) write(`  ${' '.repeat(10)}${detail}\n`)
  }
  write(`\n${explanation.verdict}\n`)
  return 0
}
