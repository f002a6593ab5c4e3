// One large transfer at a time: CPU per gigabyte.

import { bulkLoad } from '../lib/clients.ts'
import { rotated, type Scenario, withSessions } from './scenario.ts'

const gigabyte = 1_000_000_000

export const bulk: Scenario = (run) =>
  withSessions(
    run,
    run.contestants.filter((each) => !each.startOnly),
    async (sessions) => {
      for (const session of sessions) {
        await bulkLoad(session.port, 'down', run.bulkBytes / 4)
        await bulkLoad(session.port, 'up', run.bulkBytes / 4)
      }
      for (let round = 0; round < run.rounds; round++) {
        run.say(`bulk: round ${round + 1} of ${run.rounds}`)
        for (const direction of ['down', 'up'] as const) {
          for (const session of rotated(sessions, round)) {
            const { name } = session.contestant
            const before = session.cpuNs()
            const { wrong } = await bulkLoad(session.port, direction, run.bulkBytes)
            const cpuSeconds = (session.cpuNs() - before) / 1e9
            if (wrong > 0) run.results.wrong(name, `a ${direction}load did not arrive whole`)
            run.results.add(name, `${direction}.cpuPerGB`, (cpuSeconds * gigabyte) / run.bulkBytes)
          }
        }
      }
    },
  )
