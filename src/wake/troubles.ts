// What is wrong with one machine, told once while it lasts and again when it lasts long.

import type { MachineAlert } from './machine-types.ts'
import type { VmTrouble } from './vm-state.ts'

export interface Troubles {
  /**
   * @param of `reading`: it was met when the cloud was asked, and ends when that succeeds.
   * @param detail the cloud's own words; `''`: none.
   */
  raise(trouble: VmTrouble, of: 'reading' | 'machine', detail: string): void
  /** The cloud has answered. */
  readable(): void
  /** It is where it should be. */
  over(where: 'awake' | 'asleep'): void
}

export interface TroublesDeps {
  readonly vm: string
  readonly steady: () => number
  readonly alert: (alert: MachineAlert) => void
}

interface Words {
  readonly level: MachineAlert['level']
  readonly title: string
  readonly text: string
}

const hourMs = 3_600_000

export function createTroubles({ vm, steady, alert }: TroublesDeps): Troubles {
  const told = new Map<string, number>()

  function clear(of: 'reading' | 'machine', keep: ReadonlySet<VmTrouble> = none): void {
    for (const key of [...told.keys()]) {
      const [where, trouble] = key.split(' ')
      if (where === of && ![...keep].some((each) => each === trouble)) told.delete(key)
    }
  }

  return {
    raise(trouble, of, detail) {
      const key = `${of} ${trouble}`
      const { level, title, text } = words[trouble]
      const before = told.get(key)
      // Money runs, or nothing works: once is not enough.
      const again = level === 'critical' ? hourMs : 6 * hourMs
      if (before !== undefined && steady() - before < again) return
      told.set(key, steady())
      const said = detail === '' ? '' : ` The cloud says: ${detail}`
      alert({ id: `${vm}-${trouble}`, level, title: `${vm} ${title}`, text: text + said, vm })
    },
    readable: () => clear('reading'),
    over(where) {
      const stopped = where === 'asleep' && told.has('machine stop-failing')
      clear('machine', where === 'awake' ? stillThere : none)
      if (!stopped) return
      const text = 'It is seen stopped; what was said of its stop is over.'
      alert({ id: `${vm}-stopped`, level: 'info', title: `${vm} has stopped`, text, vm })
    },
  }
}

const none: ReadonlySet<VmTrouble> = new Set()
/** A machine that could not be stopped is awake again when somebody wants it; it may still not stop. */
const stillThere: ReadonlySet<VmTrouble> = new Set(['stop-failing'])

const words: Readonly<Record<VmTrouble, Words>> = {
  capacity: {
    level: 'warn',
    title: 'cannot start: no free host',
    text: 'The cloud has no room for it now. It is tried again, every ten minutes at the latest, as long as somebody waits.',
  },
  denied: {
    level: 'critical',
    title: 'cannot be controlled',
    text: 'The cloud refuses our calls: key, policy or the id of the machine are wrong. Until that is repaired it can neither be started nor stopped.',
  },
  clock: {
    level: 'critical',
    title: 'cannot be controlled: the clock is off',
    text: 'The cloud refuses our signatures because the clock of the gateway differs from its own. Set the clock (NTP).',
  },
  invalid: {
    level: 'critical',
    title: 'cannot be controlled',
    text: 'The cloud answers something that is not understood.',
  },
  unavailable: {
    level: 'warn',
    title: 'cannot be reached in the cloud',
    text: 'The cloud does not answer, or refuses to for now. It is asked again.',
  },
  'start-slow': {
    level: 'warn',
    title: 'takes too long to start',
    text: 'The cloud accepted the start, and still does not run it.',
  },
  'start-undone': {
    level: 'warn',
    title: 'fell back while starting',
    text: 'The cloud accepted the start, and then stopped the machine again. It is tried again.',
  },
  'app-silent': {
    level: 'warn',
    title: 'runs, and nothing on it answers',
    text: 'None of its ports took a connection in time. It goes on costing money until it is put to sleep. Look at its console, or restart it.',
  },
  'stop-failing': {
    level: 'critical',
    title: 'does not stop',
    text: 'It is to sleep and still runs, and costs money. It is tried again for ever; look at the console of the cloud.',
  },
  gone: {
    level: 'critical',
    title: 'does not exist any more',
    text: 'The cloud does not know the machine. Take it out of the table, or correct its id.',
  },
}
