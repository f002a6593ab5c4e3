// The tables, as Markdown that also reads well in a terminal. Pure.

import { verdicts } from './goals.ts'
import type { Metric, Results } from './results.ts'
import { median, pairedRatio, quartiles } from './statistics.ts'

interface Row {
  readonly title: string
  readonly metric: Metric
  readonly divisor: number
  readonly digits: number
  /** Show the ratio to the bare loop. */
  readonly ratio: boolean
}

const row = (title: string, metric: Metric, divisor = 1, digits = 1, ratio = true): Row => ({
  title,
  metric,
  divisor,
  digits,
  ratio,
})

const rows: readonly Row[] = [
  row('HTTP/1.1: CPU µs/request', 'h1.cpuUs'),
  row('HTTP/1.1: requests/s', 'h1.perSecond', 1, 0, false),
  row('HTTP/1.1: p50 ms', 'h1.p50Ms', 1, 2, false),
  row('HTTP/1.1: p99 ms', 'h1.p99Ms', 1, 2, false),
  row('HTTP/1.1, full load: CPU µs/request', 'full.cpuUs'),
  row('HTTP/1.1, full load: requests/s', 'full.perSecond', 1, 0, false),
  row('HTTP/2: CPU µs/request', 'h2.cpuUs'),
  row('HTTP/2: requests/s', 'h2.perSecond', 1, 0, false),
  row('HTTP/2: p50 ms', 'h2.p50Ms', 1, 2, false),
  row('HTTP/2: p99 ms', 'h2.p99Ms', 1, 2, false),
  row('download: CPU s/GB', 'down.cpuPerGB', 1, 2),
  row('upload: CPU s/GB', 'up.cpuPerGB', 1, 2),
  row('idle: RSS MB', 'idle.rss', 1e6, 0),
  row('idle: PSS MB', 'idle.pss', 1e6, 0, false),
  row('50 busy connections: RSS MB', 'busy.rss', 1e6, 0),
  row('50 busy connections: PSS MB', 'busy.pss', 1e6, 0, false),
  row('per idle TLS connection: kB', 'tls.bytes', 1e3, 0),
  row('per WebSocket: kB', 'websocket.bytes', 1e3, 0),
  row('slow client: memory range MB', 'slow.rangeMB', 1, 1, false),
  row('stalled upload: memory range MB', 'stall.rangeMB', 1, 1, false),
  row('start to first answer: ms', 'start.ms', 1, 0),
  row('start to first answer: CPU ms', 'start.cpuMs', 1, 0),
  row('public: CPU µs/request', 'auth.publicCpuUs', 1, 1, false),
  row('signed in: CPU µs/request', 'auth.cpuUs', 1, 1, false),
  row('every way to sign in used: RSS MB', 'signedIn.rss', 1e6, 0, false),
  row('every way to sign in used: PSS MB', 'signedIn.pss', 1e6, 0, false),
  row('nobody guesses: p99 ms', 'guess.calmP99Ms', 1, 2, false),
  row('50 guesses a second: p99 ms', 'guess.p99Ms', 1, 2, false),
  row('of them looked at, a second', 'guess.perSecond', 1, 0, false),
]

/** Medians, the middle half in brackets, the ratio to the bare loop; one column per contestant. */
export function resultTable(results: Results, contestants: readonly string[]): string {
  const present = contestants.filter((name) =>
    rows.some((each) => results.values(name, each.metric).length > 0),
  )
  const head = ['', ...present]
  const body = rows
    .filter((each) => present.some((name) => results.values(name, each.metric).length > 0))
    .map((each) => [each.title, ...present.map((name) => cell(results, name, each))])
  return markdown([head, ...body])
}

function cell(results: Results, name: string, { metric, divisor, digits, ratio }: Row): string {
  const values = results.values(name, metric)
  if (values.length === 0) return '–'
  const show = (value: number) => (value / divisor).toFixed(digits)
  let text = show(median(values))
  if (values.length > 2) {
    const [low, high] = quartiles(values)
    text += ` [${show(low)}–${show(high)}]`
  }
  const bare = results.values('bare', metric)
  if (ratio && name !== 'bare' && bare.length > 0) {
    text += ` ${pairedRatio(values, bare).toFixed(2)}×`
  }
  return text
}

export function goalTable(results: Results): string {
  const lines = verdicts(results).map((each) => [
    each.goal,
    each.measured,
    each.atMost,
    each.aim,
    each.verdict,
  ])
  return lines.length === 0
    ? 'No goal was measured.'
    : markdown([['goal', 'measured', 'at most', 'aim', 'verdict'], ...lines])
}

function markdown(lines: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const line of lines) {
    line.forEach((text, column) => {
      widths[column] = Math.max(widths[column] ?? 3, text.length)
    })
  }
  const draw = (line: readonly string[]) =>
    `| ${line.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = lines
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [draw(head), rule, ...body.map(draw)].join('\n')
}
