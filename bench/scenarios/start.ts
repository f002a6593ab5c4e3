// From the start of the process to the end of the first answer, with warm caches.

import { openSession } from '../lib/session.ts'
import { rotated, type Scenario } from './scenario.ts'

export const startToFirstAnswer: Scenario = async (run) => {
  for (let round = 0; round < run.rounds; round++) {
    run.say(`start: round ${round + 1} of ${run.rounds}`)
    for (const contestant of rotated(run.contestants, round)) {
      const session = await openSession(contestant, run.place)
      await session.close()
      run.results.add(contestant.name, 'start.ms', session.firstAnswerMs)
      run.results.add(contestant.name, 'start.cpuMs', session.firstAnswerCpuMs)
    }
  }
}
