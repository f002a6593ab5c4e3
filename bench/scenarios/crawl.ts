// A client that hardly reads and a backend that does not read: memory must stay flat.

import { crawl } from '../lib/clients.ts'
import { sleep } from '../lib/process.ts'
import type { Session } from '../lib/session.ts'
import { megabyte, type Scenario, withSessions } from './scenario.ts'

const transferBytes = 1_000_000_000
/** Buffers fill at the beginning; what is watched comes after. */
const settleMs = 3000
const sampleMs = 1000

export const slowDownload: Scenario = watched('slow-download', 'slow.rangeMB')
export const stalledUpload: Scenario = watched('stalled-upload', 'stall.rangeMB')

function watched(
  kind: 'slow-download' | 'stalled-upload',
  metric: 'slow.rangeMB' | 'stall.rangeMB',
): Scenario {
  return (run) =>
    withSessions(
      run,
      run.contestants.filter((each) => !each.startOnly),
      async (sessions) => {
        run.say(`${kind}: ${run.watchSeconds} s, all contestants at once`)
        await Promise.all(
          sessions.map(async (session) => {
            const client = crawl(session.port, kind, transferBytes)
            await sleep(settleMs)
            const range = await rangeOfMemory(session, run.watchSeconds)
            const wasKept = await client.release()
            if (!wasKept) run.results.wrong(session.contestant.name, `cut a ${kind}`)
            run.results.add(session.contestant.name, metric, range / megabyte)
          }),
        )
      },
    )
}

/** Largest minus smallest, bytes. */
async function rangeOfMemory(session: Session, seconds: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  let most = 0
  for (let i = 0; i < seconds; i++) {
    const { rss } = session.memory()
    least = Math.min(least, rss)
    most = Math.max(most, rss)
    await sleep(sampleMs)
  }
  return most - least
}
