// What a person should hear of although he does not look: sent to ntfy and webhooks, bounded, never in anybody's way.

import { ntfyMessage } from './alerts/ntfy.ts'
import type { AlertMessage, Post } from './alerts/post.ts'
import { webhookMessage } from './alerts/webhook.ts'
import type { AlertResult } from './control-machines.ts'
import type { EventLog } from './log.ts'
import type { AlertTarget } from './model-machines.ts'

export interface Alert {
  /** Names the trouble: the same id is the same trouble, and heard of at most once in half an hour. */
  readonly id: string
  readonly level: 'info' | 'warn' | 'critical'
  /** One line. Holds no secret, as the text. */
  readonly title: string
  readonly text: string
  readonly vm?: string
}

export interface SentAlert {
  /** Wall clock, milliseconds, of what it is about. */
  readonly at: number
  readonly words: string
  /** `ntfy at ntfy.sh`. */
  readonly target: string
  /** `null`: it arrived. */
  readonly error: string | null
}

export interface Alerts {
  /** Never throws, never waits. What cannot be delivered is logged. */
  send(alert: Alert): void
  /** Sends a word to every target, once. Never rejects. */
  test(): Promise<readonly AlertResult[]>
  /** What was sent since the start, or could not be; newest first, at most 50. */
  recent(): readonly SentAlert[]
  /** Gives up what waits. Resolves when nothing is under way. */
  stop(): Promise<void>
}

export interface AlertsDeps {
  readonly targets: () => readonly AlertTarget[]
  /** `null`: there is no such secret. */
  readonly secret: (name: string) => string | null
  readonly post: Post
  /** Wall clock, milliseconds since the epoch: when it happened. */
  readonly now: () => number
  /** Milliseconds since some moment, whatever happens to the wall clock. */
  readonly steady: () => number
  /** Runs something later; returns how not to. */
  readonly after: (ms: number, run: () => void) => () => void
  readonly log: EventLog
}

/** The same trouble is not repeated within this, milliseconds. */
const repeatMs = 30 * 60_000
/** Deliveries that wait; one alert is as many as there are targets. */
const maxWaiting = 100
/** After a try that failed; then it is given up. */
const pausesMs = [5_000, 30_000, 120_000]
const timeoutMs = 10_000
const maxTitle = 200
const maxText = 2_000
const maxKnown = 500
const maxSent = 50

interface Delivery {
  readonly target: AlertTarget
  readonly alert: Alert
  readonly at: number
  tries: number
}

export function createAlerts(deps: AlertsDeps): Alerts {
  /** By id: when it was last sent. */
  const known = new Map<string, number>()
  const waiting: Delivery[] = []
  const sent: SentAlert[] = []
  let waitingInAll = 0
  let stopped = false
  let delivering: Promise<void> | null = null
  const resting = new Set<() => void>()

  function send(alert: Alert): void {
    if (stopped) return
    const at = deps.steady()
    const last = known.get(alert.id)
    if (last !== undefined && at - last < repeatMs) return
    known.delete(alert.id)
    known.set(alert.id, at)
    const [oldest] = known.keys()
    if (known.size > maxKnown && oldest !== undefined) known.delete(oldest)
    const { id, level, title } = alert
    deps.log[level === 'critical' ? 'error' : level]('alert', { alert: id, title })
    for (const target of deps.targets()) {
      if (waitingInAll >= maxWaiting) {
        deps.log.warn('alert-dropped', { alert: id, target: nameOf(target) })
        continue
      }
      waitingInAll += 1
      waiting.push({ target, alert, at: deps.now(), tries: 0 })
    }
    delivering ??= deliver()
  }

  async function deliver(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await attempt(next)
    delivering = null
  }

  async function attempt(delivery: Delivery): Promise<void> {
    const { target, alert } = delivery
    // A bug with one of them must not be the end of all alerts.
    const outcome = await deliverOnce(target, alert, delivery.at).catch(faultOfOurs)
    if (outcome.error === null) {
      waitingInAll -= 1
      note(delivery, null)
      return
    }
    const pause = outcome.again ? pausesMs[delivery.tries] : undefined
    if (pause === undefined || stopped) {
      waitingInAll -= 1
      const fields = { alert: alert.id, target: nameOf(target), cause: outcome.error }
      deps.log.error('alert-undelivered', fields)
      note(delivery, outcome.error)
      return
    }
    delivery.tries += 1
    // Others need not wait for a target that is down.
    const resume = () => {
      resting.delete(cancel)
      waiting.push(delivery)
      delivering ??= deliver()
    }
    const cancel = deps.after(pause, resume)
    resting.add(cancel)
  }

  function note({ alert, target, at }: Delivery, error: string | null): void {
    const { title } = trimmed(alert)
    sent.unshift({ at, words: title, target: nameOf(target), error })
    sent.length = Math.min(sent.length, maxSent)
  }

  /** @returns `error: null` when it arrived; `again`: another try may help. */
  async function deliverOnce(
    target: AlertTarget,
    alert: Alert,
    at: number,
  ): Promise<{ readonly error: string | null; readonly again: boolean }> {
    let token: string | null = null
    if (target.token !== null) {
      token = deps.secret(target.token)
      if (token === null) return { error: `the secret ${target.token} is missing`, again: false }
    }
    const message = messageFor(target, trimmed(alert), { at, token })
    const result = await deps.post(message, timeoutMs)
    if (result.kind === 'failed') return { error: result.cause, again: result.again }
    const { status } = result
    if (status >= 200 && status < 300) return { error: null, again: false }
    return { error: `it answered ${status}`, again: status === 429 || status >= 500 }
  }

  return {
    send,
    async test() {
      const at = deps.now()
      const alert: Alert = {
        id: 'test',
        level: 'info',
        title: 'Gatehouse: a test',
        text: 'Alerts arrive here.',
      }
      return Promise.all(
        deps.targets().map(async (target) => {
          const { error } = await deliverOnce(target, alert, at).catch(faultOfOurs)
          return { target: nameOf(target), error }
        }),
      )
    },
    recent: () => [...sent],
    async stop() {
      stopped = true
      for (const cancel of resting) cancel()
      resting.clear()
      waiting.length = 0
      await delivering
    },
  }
}

function faultOfOurs(error: unknown): { readonly error: string; readonly again: boolean } {
  const name = error instanceof Error ? error.name : typeof error
  return { error: `a fault of Gatehouse itself (${name})`, again: false }
}

/** `ntfy at ntfy.sh`: whoever knows more of the address can often write there. */
function nameOf({ kind, url }: AlertTarget): string {
  const host = URL.canParse(url) ? new URL(url).hostname : 'an address that is none'
  return `${kind} at ${host}`
}

function messageFor(
  target: AlertTarget,
  alert: Alert,
  options: { readonly at: number; readonly token: string | null },
): AlertMessage {
  switch (target.kind) {
    case 'ntfy':
      return ntfyMessage(target.url, alert, options.token)
    case 'webhook':
      return webhookMessage(target.url, alert, options)
    default:
      throw new TypeError('unknown target', { cause: target satisfies never })
  }
}

/** Of a bounded length, and the title on one line. */
function trimmed(alert: Alert): Alert {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const title = alert.title.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, maxTitle)
  return { ...alert, title, text: alert.text.slice(0, maxText) }
}
