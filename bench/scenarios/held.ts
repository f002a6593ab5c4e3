// Many connections that do nothing: memory of each. Fresh processes for every value.

import { hold, http1Load } from '../lib/clients.ts'
import { sleep } from '../lib/process.ts'
import { type Scenario, withSessions } from './scenario.ts'

const settleMs = 3000
/** A value needs a start, a thousand handshakes and a wait: fewer rounds than for CPU. */
const maxRounds = 3

export const heldTls: Scenario = held('tls')
export const heldWebSockets: Scenario = held('websocket')

function held(kind: 'tls' | 'websocket'): Scenario {
  return async (run) => {
    const wanted = run.contestants.filter(
      (each) => !each.startOnly && (kind === 'tls' || each.webSocket),
    )
    for (let round = 0; round < Math.min(run.rounds, maxRounds); round++) {
      run.say(`${run.heldConnections} held connections, ${kind}: round ${round + 1}`)
      for (const contestant of wanted) {
        await withSessions(run, [contestant], async ([session]) => {
          if (session === undefined) return
          // The code is loaded and the heap has its usual size before the connections come.
          await http1Load(session.port, 1)
          await sleep(settleMs)
          const before = session.memory().pss
          const holding = await hold(session.port, kind, run.heldConnections)
          await sleep(settleMs)
          const after = session.memory().pss
          if (!(await holding.release())) {
            run.results.wrong(contestant.name, `closed held connections (${kind})`)
          }
          run.results.add(contestant.name, `${kind}.bytes`, (after - before) / run.heldConnections)
        })
      }
    }
  }
}
