// Calls to the cloud about one machine: one after the other, each bounded in time.

import { CloudError, type CloudState } from './provider.ts'

/** One call, and what becomes of it. */
export interface Call {
  /** Asked when its turn comes: it may be pointless by then. */
  readonly wanted: () => boolean
  /** Rejects with CloudError, or a bug. */
  readonly run: () => Promise<CloudState>
  readonly answered: (state: CloudState) => void
  readonly failed: (error: CloudError) => void
}

export interface Calls {
  add(call: Call): void
  /** Makes no more calls and hears no more answers. */
  stop(): void
}

export interface CallsDeps {
  readonly after: (ms: number, run: () => void) => () => void
  /** Providers keep their own limits; one that does not must not stop the machine from being stopped. */
  readonly limitMs: () => number
  /** Something that is no CloudError was thrown. */
  readonly bug: (error: unknown) => void
}

/**
 * In turn, so that a reading is never older than the call before it, and a stop never overtakes the start that it is
 * to undo.
 */
export function createCalls({ after, limitMs, bug }: CallsDeps): Calls {
  const waiting: Call[] = []
  let busy = false
  let stopped = false

  function proceed(): void {
    while (!busy && !stopped) {
      const call = waiting.shift()
      if (call === undefined) return
      if (call.wanted()) make(call)
    }
  }

  function make(call: Call): void {
    busy = true
    let open = true
    const end = (report: () => void) => {
      if (!open) return
      open = false
      cancel()
      busy = false
      if (stopped) return
      try {
        report()
      } finally {
        proceed()
      }
    }
    const cancel = after(limitMs(), () => {
      end(() => call.failed(new CloudError('unavailable', 'no answer in time')))
    })
    const fail = (error: unknown) => end(() => call.failed(asCloudError(error)))
    try {
      call.run().then((state) => end(() => call.answered(state)), fail)
    } catch (error) {
      fail(error)
    }
  }

  function asCloudError(error: unknown): CloudError {
    if (error instanceof CloudError) return error
    bug(error)
    return new CloudError('invalid', 'an error of our own', null, error)
  }

  return {
    add(call) {
      if (stopped) return
      waiting.push(call)
      proceed()
    },
    stop() {
      stopped = true
      waiting.length = 0
    },
  }
}
