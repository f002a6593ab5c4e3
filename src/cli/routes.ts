// `gatehouse routes`: the table in the order in which requests are matched with it.

import type { Config } from '../config.ts'
import type { Route } from '../model.ts'
import { isComplete, ruleWords, wordsFor } from '../routes-file/access-words.ts'
import { hostWords, matchingOrder, pathWords, targetWords } from '../routes-file/route-words.ts'
import { loadGoodTable } from './load-table.ts'

export interface RoutesOptions {
  readonly config: Config
  readonly asJson: boolean
  readonly write: (text: string) => void
}

/** @returns the exit code, 0. Throws what `loadGoodTable` throws. */
export async function routes({ config, asJson, write }: RoutesOptions): Promise<number> {
  const definition = await loadGoodTable(config)
  const ordered = matchingOrder(definition)
  if (asJson) {
    write(`${JSON.stringify({ ...definition, routes: ordered }, null, 2)}\n`)
    return 0
  }
  const rows = ordered.map((route) => ({
    host: hostWords(route.host),
    path: pathWords(route),
    who: route.policy.kind === 'rules' ? 'by rules' : wordsFor(route.policy),
    rules: rulesOf(route),
    target: targetWords(route.target),
    notes: notesOf(route).join(', '),
  }))
  const width = (key: 'path' | 'who' | 'target') =>
    Math.max(0, ...rows.map((r) => r[key].length)) + 2
  const [pathWidth, whoWidth, targetWidth] = [width('path'), width('who'), width('target')]
  let host: string | null = null
  for (const row of rows) {
    if (row.host !== host) write(`${host === null ? '' : '\n'}${row.host}\n`)
    host = row.host
    const line = `  ${row.path.padEnd(pathWidth)}${row.who.padEnd(whoWidth)}${row.target.padEnd(targetWidth)}${row.notes}`
    write(`${line.trimEnd()}\n`)
    for (const rule of row.rules) write(`    ${rule}\n`)
  }
  for (const { id, line } of definition.disabled) write(`\nswitched off: ${id} (line ${line})\n`)
  const rest = definition.fallback === null ? '404' : targetWords(definition.fallback)
  write(`\neverything else: ${rest}\n${ordered.length} routes in ${config.routesFile}\n`)
  return 0
}

/** In the order in which they are asked. */
function rulesOf({ policy }: Route): readonly string[] {
  if (policy.kind !== 'rules') return []
  const rules = policy.rules.map((rule, index) => `${index + 1}. ${ruleWords(rule)}`)
  return isComplete(policy.rules) ? rules : [...rules, 'else nobody']
}

/** What sets a route apart from the usual one. */
function notesOf(route: Route): string[] {
  const notes: string[] = []
  if (route.maintenance !== null) notes.push('MAINTENANCE')
  if (
    route.target.kind === 'upstream' &&
    route.target.tls?.insecureSkipUpstreamTlsVerify === true
  ) {
    notes.push('CERTIFICATE NOT CHECKED')
  }
  if (route.webSocket) notes.push('WebSocket')
  if (route.cloudflareOnly) notes.push('Cloudflare only')
  if (route.clients.allow.length + route.clients.deny.length > 0) notes.push('by client address')
  for (const { cidr, user } of route.networks) notes.push(`${cidr} is ${user}`)
  if (route.parentCookies) notes.push('cookies for the whole domain')
  if (route.prefixRewrite.kind === 'strip') notes.push('prefix stripped')
  if (route.prefixRewrite.kind === 'replace') notes.push(`prefix → ${route.prefixRewrite.with}`)
  return notes
}
