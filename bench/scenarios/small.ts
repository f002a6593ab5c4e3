// Small answers over kept connections: CPU per request, rate, latency, and memory idle and busy.

import { http1FullLoad, http1Load, http2Load, type Load } from '../lib/clients.ts'
import { sleep } from '../lib/process.ts'
import type { Session } from '../lib/session.ts'
import { type Run, rotated, type Scenario, withSessions } from './scenario.ts'

type Kind = 'h1' | 'full' | 'h2'

const settleMs = 2000
const sampleMs = 500

export const smallHttp1: Scenario = (run) =>
  withSessions(
    run,
    run.contestants.filter((each) => !each.startOnly),
    async (sessions) => {
      await sleep(settleMs)
      for (const { contestant, memory } of sessions) {
        const { rss, pss } = memory()
        run.results.add(contestant.name, 'idle.rss', rss)
        run.results.add(contestant.name, 'idle.pss', pss)
      }
      await rounds(run, sessions, 'h1', (session, seconds) => http1Load(session.port, seconds))
    },
  )

/** The same, as fast as h2load can ask: how cheap it gets when many requests come at once. */
export const fullHttp1: Scenario = (run) =>
  withSessions(
    run,
    run.contestants.filter((each) => !each.startOnly),
    (sessions) =>
      rounds(run, sessions, 'full', (session, seconds) =>
        http1FullLoad(session.port, seconds, run.place.directory),
      ),
  )

export const smallHttp2: Scenario = (run) =>
  withSessions(
    run,
    run.contestants.filter((each) => !each.startOnly && each.http2),
    (sessions) =>
      rounds(run, sessions, 'h2', (session, seconds) =>
        http2Load(session.port, seconds, run.place.directory),
      ),
  )

async function rounds(
  run: Run,
  sessions: readonly Session[],
  protocol: Kind,
  load: (session: Session, seconds: number) => Promise<Load>,
): Promise<void> {
  // Until the hot code is compiled.
  for (const session of sessions) await load(session, run.seconds)
  for (let round = 0; round < run.rounds; round++) {
    run.say(`small answers, ${protocol}: round ${round + 1} of ${run.rounds}`)
    for (const session of rotated(sessions, round)) await measure(run, session, protocol, load)
  }
}

async function measure(
  run: Run,
  session: Session,
  protocol: Kind,
  load: (session: Session, seconds: number) => Promise<Load>,
): Promise<void> {
  const { name } = session.contestant
  let rss = 0
  let pss = 0
  const sampler = setInterval(() => {
    const memory = session.memory()
    rss = Math.max(rss, memory.rss)
    pss = Math.max(pss, memory.pss)
  }, sampleMs)
  const before = session.cpuNs()
  const { requests, seconds, p50, p99, wrong } = await load(session, run.seconds)
  const cpuNs = session.cpuNs() - before
  clearInterval(sampler)
  if (wrong > 0) run.results.wrong(name, `${wrong} wrong answers of ${requests} (${protocol})`)
  run.results.add(name, `${protocol}.cpuUs`, cpuNs / 1000 / requests)
  run.results.add(name, `${protocol}.perSecond`, requests / seconds)
  if (protocol !== 'full') {
    run.results.add(name, `${protocol}.p50Ms`, p50)
    run.results.add(name, `${protocol}.p99Ms`, p99)
  }
  if (protocol === 'h1') {
    run.results.add(name, 'busy.rss', rss)
    run.results.add(name, 'busy.pss', pss)
  }
}
