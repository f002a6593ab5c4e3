// What was promised, and whether it is kept. Pure.

import type { Metric, Results } from './results.ts'
import { median, pairedRatio } from './statistics.ts'

export interface Verdict {
  readonly goal: string
  /** As measured, with its unit. */
  readonly measured: string
  readonly atMost: string
  readonly aim: string
  readonly verdict: 'aim reached' | 'pass' | 'MISS' | 'reported'
}

interface RatioGoal {
  readonly goal: string
  readonly metric: Metric
  readonly against: string
  /** Of the other side; default: the same. */
  readonly otherMetric?: Metric
  /** Both metrics were measured in the same rounds of one process. */
  readonly paired?: boolean
  /** `null`: only reported. */
  readonly atMost: number | null
  readonly aim: number
}

const cpu = 'CPU per request, HTTP/1.1, against'
const ratioGoals: readonly RatioGoal[] = [
  { goal: `${cpu} bare`, metric: 'h1.cpuUs', against: 'bare', atMost: 1.25, aim: 1.1 },
  { goal: `${cpu} http-proxy`, metric: 'h1.cpuUs', against: 'http-proxy', atMost: 0.6, aim: 0.5 },
  {
    goal: `${cpu} @fastify/http-proxy`,
    metric: 'h1.cpuUs',
    against: 'fastify-http-proxy',
    atMost: 0.7,
    aim: 0.6,
  },
  { goal: `${cpu} Caddy`, metric: 'h1.cpuUs', against: 'caddy', atMost: 1, aim: 0.85 },
  {
    goal: `${cpu} nginx + auth_request`,
    metric: 'h1.cpuUs',
    against: 'nginx-auth',
    atMost: null,
    aim: 1,
  },
  {
    goal: 'CPU per request, HTTP/2 against our own HTTP/1.1',
    metric: 'h2.cpuUs',
    against: 'ours',
    otherMetric: 'h1.cpuUs',
    atMost: 1.3,
    aim: 1.1,
  },
  {
    goal: 'CPU per GB down, against bare',
    metric: 'down.cpuPerGB',
    against: 'bare',
    atMost: 1.1,
    aim: 1,
  },
  {
    goal: 'CPU per GB up, against bare',
    metric: 'up.cpuPerGB',
    against: 'bare',
    atMost: 1.1,
    aim: 1,
  },
  {
    goal: 'memory per idle TLS connection, against bare',
    metric: 'tls.bytes',
    against: 'bare',
    atMost: 1.1,
    aim: 1,
  },
  {
    goal: 'memory per WebSocket, against bare',
    metric: 'websocket.bytes',
    against: 'bare',
    atMost: 1.6,
    aim: 1.3,
  },
  {
    goal: 'start to first answer, against a bare HTTPS server',
    metric: 'start.ms',
    against: 'bare-https',
    atMost: 3,
    aim: 2,
  },
  {
    goal: 'CPU per request of somebody signed in, against a public one',
    metric: 'auth.cpuUs',
    against: 'ours',
    otherMetric: 'auth.publicCpuUs',
    paired: true,
    atMost: 1.05,
    aim: 1.02,
  },
  {
    goal: 'p99 of others while 50 passwords a second are guessed, against its normal',
    metric: 'guess.p99Ms',
    against: 'ours',
    otherMetric: 'guess.calmP99Ms',
    paired: true,
    atMost: 2,
    aim: 1.5,
  },
]

const sizeGoals: readonly {
  readonly goal: string
  readonly metric: Metric
  readonly divisor: number
  readonly atMost: number
  readonly aim: number | null
}[] = [
  { goal: 'memory idle (RSS)', metric: 'idle.rss', divisor: 1e6, atMost: 95, aim: 80 },
  {
    goal: 'memory, 50 busy connections (RSS)',
    metric: 'busy.rss',
    divisor: 1e6,
    atMost: 160,
    aim: 130,
  },
  {
    goal: 'memory at the second start, after every way to sign in was used (RSS)',
    metric: 'signedIn.rss',
    divisor: 1e6,
    atMost: 130,
    aim: 105,
  },
  // ±10 MB: from the least to the most it may be twenty.
  {
    goal: 'client reads 10 kB/s: memory range',
    metric: 'slow.rangeMB',
    divisor: 1,
    atMost: 20,
    aim: null,
  },
  {
    goal: 'backend stalls an upload: memory range',
    metric: 'stall.rangeMB',
    divisor: 1,
    atMost: 20,
    aim: null,
  },
]

/** One line for each goal that was measured. */
export function verdicts(results: Results): readonly Verdict[] {
  const lines: Verdict[] = []
  for (const goal of ratioGoals) {
    const ours = results.values('ours', goal.metric)
    const theirs = results.values(goal.against, goal.otherMetric ?? goal.metric)
    if (ours.length === 0 || theirs.length === 0) continue
    // Rounds of two metrics were usually not measured side by side, so there are no pairs.
    const paired = goal.otherMetric === undefined || goal.paired === true
    const ratio = paired ? pairedRatio(ours, theirs) : median(ours) / median(theirs)
    lines.push({
      goal: goal.goal,
      measured: `${ratio.toFixed(2)} ×`,
      atMost: goal.atMost === null ? 'reported' : `${goal.atMost} ×`,
      aim: `${goal.aim} ×`,
      verdict: judge(ratio, goal.atMost, goal.aim),
    })
  }
  for (const goal of sizeGoals) {
    const ours = results.values('ours', goal.metric)
    if (ours.length === 0) continue
    const value = median(ours) / goal.divisor
    lines.push({
      goal: goal.goal,
      measured: `${value.toFixed(0)} MB`,
      atMost: `${goal.atMost} MB`,
      aim: goal.aim === null ? '' : `${goal.aim} MB`,
      verdict: judge(value, goal.atMost, goal.aim),
    })
  }
  return lines
}

function judge(value: number, atMost: number | null, aim: number | null): Verdict['verdict'] {
  if (aim !== null && value <= aim) return 'aim reached'
  if (atMost === null) return 'reported'
  return value <= atMost ? 'pass' : 'MISS'
}
