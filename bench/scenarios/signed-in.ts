// People: what a request costs when somebody is signed in, what signing in leaves in memory, and whether guesses disturb others.

import { type Guesses, guessPasswords, http1Load } from '../lib/clients.ts'
import { type House, openHouse, privateHost } from '../lib/house.ts'
import { sleep } from '../lib/process.ts'
import type { Session } from '../lib/session.ts'
import { type Run, type Scenario, withSessions } from './scenario.ts'

const settleMs = 2000
const guessesPerSecond = 50
/** Traffic that a machine of two cores carries easily, beside the load client and the backend. */
const calm = { connections: 10, rate: 300 }

/** The same answers from a public and from a private host of one process, in turns. */
export const authenticated: Scenario = (run) =>
  withHouse(run, async (house, session) => {
    const { name } = session.contestant
    const ways = [
      { metric: 'auth.publicCpuUs', load: {} },
      { metric: 'auth.cpuUs', load: { host: privateHost, cookie: house.cookie } },
    ] as const
    for (const { load } of ways) await http1Load(session.port, run.seconds, load)
    for (let round = 0; round < run.rounds; round++) {
      run.say(`signed in or not: round ${round + 1} of ${run.rounds}`)
      for (const { metric, load } of round % 2 === 0 ? ways : ways.toReversed()) {
        const before = session.cpuNs()
        const { requests, wrong } = await http1Load(session.port, run.seconds, load)
        const cpuNs = session.cpuNs() - before
        if (wrong > 0) run.results.wrong(name, `${wrong} wrong answers of ${requests} (${metric})`)
        run.results.add(name, metric, cpuNs / 1000 / requests)
      }
    }
  })

/** The first start fills the compile cache and signs in once by each way; the second is measured. */
export const signedInMemory: Scenario = async (run) => {
  const house = await openHouse(run.place)
  try {
    for (const start of ['first', 'second']) {
      run.say(`every way to sign in: ${start} start`)
      await withSessions(run, [house.contestant], async ([session]) => {
        if (session === undefined) return
        await sleep(settleMs)
        await house.signInByEveryWay(session.port)
        if (start === 'first') return
        await sleep(settleMs)
        const { rss, pss } = session.memory()
        run.results.add('ours', 'signedIn.rss', rss)
        run.results.add('ours', 'signedIn.pss', pss)
      })
    }
  } finally {
    await house.close()
  }
}

/** Others' p99 without and with guesses, in turns, in one process. */
export const guessing: Scenario = (run) =>
  withHouse(run, async (house, session) => {
    const load = { ...calm, host: privateHost, cookie: house.cookie }
    await http1Load(session.port, run.seconds, load)
    for (let round = 0; round < run.rounds; round++) {
      run.say(`guesses: round ${round + 1} of ${run.rounds}`)
      const quiet = await http1Load(session.port, run.seconds, load)
      run.results.add('ours', 'guess.calmP99Ms', quiet.p99)
      const [disturbed, guesses] = await Promise.all([
        http1Load(session.port, run.seconds, load),
        guessPasswords(session.port, run.seconds, guessesPerSecond),
      ])
      run.results.add('ours', 'guess.p99Ms', disturbed.p99)
      run.results.add('ours', 'guess.perSecond', guesses.wrong / run.seconds)
      judge(run, guesses, quiet.wrong + disturbed.wrong)
    }
  })

function judge(run: Run, guesses: Guesses, wrong: number): void {
  if (wrong > 0) run.results.wrong('ours', `${wrong} wrong answers while passwords were guessed`)
  if (guesses.other > 0) run.results.wrong('ours', `${guesses.other} guesses were not refused`)
  if (guesses.sent < (guessesPerSecond * run.seconds) / 2)
    run.results.wrong('ours', 'hardly any guess was sent')
}

async function withHouse(
  run: Run,
  work: (house: House, session: Session) => Promise<void>,
): Promise<void> {
  if (!run.contestants.some(({ name }) => name === 'ours')) return
  const house = await openHouse(run.place)
  try {
    await withSessions(run, [house.contestant], async ([session]) => {
      if (session !== undefined) await work(house, session)
    })
  } finally {
    await house.close()
  }
}
