// One machine's line to its cloud: what was heard last, how well it is heard, and the calls that change something.

import { stackOf } from '../caught.ts'
import type { EventLog } from '../log.ts'
import type { VmProviderSettings } from '../model-machines.ts'
import { createCalls } from './calls.ts'
import type { CloudError, CloudFault, CloudState, VmProvider } from './provider.ts'
import type { VmEvent, VmState } from './vm-state.ts'

export interface CloudLink {
  /** Asks now, unless it is being asked. */
  read(): void
  start(token: string): void
  halt(call: 'soft-stop' | 'stop'): void
  stop(): void
  readonly reading: boolean
  /** Steady clock: when it said something last, or failed to. */
  readonly heardAt: number
  /** Steady clock: when it was seen last. */
  readonly seenAt: number
  /** Why the last reading failed; `null`: it did not. */
  readonly blind: CloudFault | null
  /** Readings that failed in a row. */
  readonly failures: number
  /** Its words at the last failure. */
  readonly detail: string
}

export interface CloudLinkDeps {
  readonly vm: string
  readonly provider: VmProvider
  readonly settings: () => VmProviderSettings
  readonly state: () => VmState
  readonly steady: () => number
  readonly after: (ms: number, run: () => void) => () => void
  readonly log: EventLog
  /** Before a start: resolves when it is on disk that it is wanted, or cannot be. */
  readonly written: () => Promise<void>
  /** The cloud accepted a start. */
  readonly started: () => void
  readonly happened: (event: VmEvent) => void
  /** After every reading, when all has been done about it. */
  readonly looked: () => void
}

const callLimitMs = 120_000

export function createCloudLink(deps: CloudLinkDeps): CloudLink {
  const { vm, provider, state, steady, log } = deps
  let reading = false
  let heardAt = Number.NEGATIVE_INFINITY
  let seenAt = steady()
  let blind: CloudFault | null = null
  let failures = 0
  let detail = ''

  const calls = createCalls({
    after: deps.after,
    limitMs() {
      const settings = deps.settings()
      return settings.kind === 'command'
        ? Math.max(callLimitMs, settings.timeoutMs + 10_000)
        : callLimitMs
    },
    bug: (error) =>
      log.error('vm-call-broken', {
        vm,
        error: stackOf(error),
      }),
  })

  function heard(event: VmEvent): void {
    heardAt = steady()
    deps.happened(event)
  }

  function report(call: string, error: CloudError): void {
    detail = error.detail
    const { fault, status } = error
    log.warn('vm-call-failed', { vm, call, fault, status, detail })
  }

  return {
    read() {
      if (reading) return
      reading = true
      const over = (event: VmEvent) => {
        reading = false
        heard(event)
        deps.looked()
      }
      calls.add({
        wanted: () => true,
        run: () => provider.state(),
        answered(seen: CloudState) {
          if (blind !== null) log.info('vm-seen-again', { vm, state: seen })
          blind = null
          failures = 0
          seenAt = steady()
          over({ kind: 'cloud', reading: seen })
        },
        failed(error) {
          // Once while it lasts.
          if (blind !== error.fault) report('state', error)
          detail = error.detail
          blind = error.fault
          failures += 1
          over({ kind: 'cloud-failed', fault: error.fault })
        },
      })
    },
    start(token) {
      calls.add({
        wanted() {
          const now = state()
          const asking = now.kind === 'starting' && now.acceptedAt === null && !now.looking
          return asking && now.token === token
        },
        async run() {
          await deps.written()
          return provider.start(token)
        },
        answered(seen) {
          log.info('vm-start-accepted', { vm, state: seen })
          deps.started()
          heard({ kind: 'start-accepted', reading: seen })
        },
        failed(error) {
          report('start', error)
          heard({ kind: 'start-failed', fault: error.fault })
        },
      })
    },
    halt(call) {
      calls.add({
        wanted() {
          const now = state()
          return now.kind === 'stopping' && now.callAt === null && now.acceptedAt === null
        },
        run: () => (call === 'stop' ? provider.stop() : provider.softStop()),
        answered(seen) {
          log.info('vm-stop-accepted', { vm, call, state: seen })
          heard({ kind: 'stop-accepted', reading: seen })
        },
        failed(error) {
          report(call, error)
          heard({ kind: 'stop-failed', fault: error.fault })
        },
      })
    },
    stop: calls.stop,
    get reading() {
      return reading
    },
    get heardAt() {
      return heardAt
    },
    get seenAt() {
      return seenAt
    },
    get blind() {
      return blind
    },
    get failures() {
      return failures
    },
    get detail() {
      return detail
    },
  }
}
