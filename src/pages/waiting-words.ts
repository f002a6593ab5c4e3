// What somebody who waits for a machine is told: the words for each step of a start and for each way it can fail.

/** What can be said of a machine to somebody who waits for a service on it. Plain data. */
export type WaitingStatus =
  /** The service answers. */
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'waking'
      readonly step: WaitingStep
      /** Since it was wanted. */
      readonly elapsedMs: number
      /** From wanted to ready, as a rule; `null`: it was never started yet. */
      readonly expectedMs: number | null
    }
  /** It runs, perhaps; the cloud has not said so yet. */
  | { readonly kind: 'looking' }
  | { readonly kind: 'asleep' }
  | { readonly kind: 'falling-asleep' }
  /** A start failed. */
  | {
      readonly kind: 'resting'
      readonly fault: WaitingFault
      /** What to call the cloud; `null`: it has no name. */
      readonly cloud: string | null
      /** Wall clock, milliseconds; `null`: nothing is planned. */
      readonly retryAt: number | null
      /** IANA, for a time of day that is shown without a script. */
      readonly timeZone: string
    }
  /** It may not be started now. */
  | { readonly kind: 'refused'; readonly why: 'budget' | 'too-many-starts' }
  | { readonly kind: 'gone' }

export type WaitingStep =
  | 'stopping-first'
  | 'asking'
  | 'starting'
  | 'booting'
  | 'waiting-for-service'

/** The names of `CloudFault`, which this file may not import. */
export type WaitingFault =
  | 'capacity'
  | 'throttled'
  | 'conflict'
  | 'denied'
  | 'clock'
  | 'unavailable'
  | 'invalid'

/** What a page shows, and what its script puts in its place when it changes. All of it is plain text. */
export interface WaitingWords {
  readonly heading: string
  readonly lead: string
  /** How long it takes; `null`: nobody knows, or it does not matter. */
  readonly expectation: string | null
  /** Trouble; `null`: none. */
  readonly note: string | null
  /** Which of `stepNames` is under way; `null`: none, no start is. 4: all are done. */
  readonly step: number | null
  /** Wall clock of the next try; `null`: none is planned, or none is needed. */
  readonly retryAt: number | null
}

/** The way from asleep to the service, as it is shown. */
export const stepNames: readonly string[] = [
  'The cloud is asked',
  'The machine starts',
  'Its system boots',
  'The service answers',
]

/** @param service display name of the route. */
export function waitingWords(status: WaitingStatus, service: string): WaitingWords {
  switch (status.kind) {
    case 'ready':
      return words(`${service} is ready`, 'It opens now.', { step: stepNames.length })
    case 'waking': {
      const { step } = status
      return words(`${service} is waking up`, stepLeads[step], {
        step: stepNumbers[step],
        expectation: expectationOf(status),
      })
    }
    case 'looking':
      return words(`Looking for ${service}`, 'The gateway asks whether its machine runs.')
    case 'asleep':
      return words(`${service} is asleep`, 'Its machine sleeps while nobody needs it.')
    case 'falling-asleep':
      return words(
        `${service} is falling asleep`,
        'Nobody has needed its machine, and it shuts down right now.',
      )
    case 'resting':
      return words(`${service} could not be woken yet`, restLead(status), {
        note: faultNotes[status.fault](status.cloud ?? 'The cloud'),
        retryAt: status.retryAt,
      })
    case 'refused':
      return words(`${service} stays asleep`, 'Its machine may not be started now.', {
        note: refusalNotes[status.why],
      })
    case 'gone':
      return words(
        `The machine of ${service} is gone`,
        'It does not exist any more. Whoever runs this site has to look at it.',
      )
    default:
      return status satisfies never
  }
}

const stepNumbers: Readonly<Record<WaitingStep, number>> = {
  'stopping-first': 0,
  asking: 0,
  starting: 1,
  booting: 2,
  'waiting-for-service': 3,
}

const stepLeads: Readonly<Record<WaitingStep, string>> = {
  'stopping-first': 'Its machine was just shutting down. It starts again as soon as it is off.',
  asking: 'Its machine was asleep. The cloud is being asked to start it.',
  starting: 'Its machine was asleep. The cloud is starting it.',
  booting: 'Its machine runs, and its system is coming up.',
  'waiting-for-service': 'Its machine is up. The service itself does not answer yet.',
}

const faultNotes: Readonly<Record<WaitingFault, (cloud: string) => string>> = {
  capacity: (cloud) => `${cloud} has no free host for it now. That is not unusual, and it passes.`,
  throttled: (cloud) => `${cloud} asks to be asked less often.`,
  conflict: (cloud) => `${cloud} is busy with this machine already.`,
  denied: (cloud) =>
    `${cloud} does not let the gateway start this machine. Whoever runs this site has to look at the key and its rights.`,
  clock: (cloud) =>
    `${cloud} finds that the gateway's clock is wrong. Whoever runs this site has to set it.`,
  unavailable: (cloud) => `${cloud} cannot be reached, or does not work right now.`,
  invalid: (cloud) =>
    `${cloud} gave an answer that nobody understands. Whoever runs this site has to look at it.`,
}

const refusalNotes = {
  budget:
    'What this machine may cost in a month is used up. Whoever runs this site can allow more.',
  'too-many-starts':
    'It was started very often within the last hour, and gets a rest. Please try again later.',
} as const

function restLead({ retryAt }: { readonly retryAt: number | null }): string {
  return retryAt === null
    ? 'Starting its machine failed.'
    : 'Starting its machine failed. It is tried again by itself.'
}

function expectationOf(status: Extract<WaitingStatus, { kind: 'waking' }>): string | null {
  const { expectedMs, elapsedMs } = status
  if (expectedMs === null) return 'It takes a minute or two.'
  if (elapsedMs > expectedMs * 1.5 + 5_000) return 'It takes longer than usual.'
  return `It usually takes about ${spanOf(expectedMs)}.`
}

/** Rounded so that nobody takes it for a promise: to 5 seconds, from 100 seconds on to minutes. */
export function spanOf(ms: number): string {
  const seconds = Math.max(5, Math.round(ms / 5_000) * 5)
  if (seconds < 100) return `${seconds} seconds`
  const minutes = Math.round(ms / 60_000)
  return `${minutes} minutes`
}

function words(
  heading: string,
  lead: string,
  more: Partial<Omit<WaitingWords, 'heading' | 'lead'>> = {},
): WaitingWords {
  const { expectation = null, note = null, step = null, retryAt = null } = more
  return { heading, lead, expectation, note, step, retryAt }
}
