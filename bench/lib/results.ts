// The numbers of a run: one list per contestant and metric, one value per round.

export const metrics = [
  'h1.cpuUs',
  'h1.perSecond',
  'h1.p50Ms',
  'h1.p99Ms',
  'full.cpuUs',
  'full.perSecond',
  'h2.cpuUs',
  'h2.perSecond',
  'h2.p50Ms',
  'h2.p99Ms',
  'down.cpuPerGB',
  'up.cpuPerGB',
  'idle.rss',
  'idle.pss',
  'busy.rss',
  'busy.pss',
  'tls.bytes',
  'websocket.bytes',
  'slow.rangeMB',
  'stall.rangeMB',
  'start.ms',
  'start.cpuMs',
  'auth.cpuUs',
  'auth.publicCpuUs',
  'signedIn.rss',
  'signedIn.pss',
  'guess.p99Ms',
  'guess.calmP99Ms',
  'guess.perSecond',
] as const

export type Metric = (typeof metrics)[number]

export interface Results {
  add(contestant: string, metric: Metric, value: number): void
  /** In the order of rounds; empty when it was not measured. */
  values(contestant: string, metric: Metric): readonly number[]
  /** A contestant answered wrongly while it was measured. */
  wrong(contestant: string, what: string): void
  readonly mistakes: readonly string[]
  toJSON(): Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>
}

export function createResults(): Results {
  const all = new Map<string, Map<Metric, number[]>>()
  const mistakes: string[] = []
  return {
    add: (contestant, metric, value) => {
      let own = all.get(contestant)
      if (own === undefined) {
        own = new Map()
        all.set(contestant, own)
      }
      const list = own.get(metric)
      if (list === undefined) own.set(metric, [value])
      else list.push(value)
    },
    values: (contestant, metric) => all.get(contestant)?.get(metric) ?? [],
    wrong: (contestant, what) => mistakes.push(`${contestant}: ${what}`),
    mistakes,
    toJSON: () =>
      Object.fromEntries([...all].map(([name, own]) => [name, Object.fromEntries(own)])),
  }
}
