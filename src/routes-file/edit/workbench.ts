// Studies texts in a thread that stays while it is used: YAML and schema libraries are no weight on the gateway.

import { Worker } from 'node:worker_threads'
import { GatehouseError } from '../../errors.ts'
import type { StudiedChange, StudiedFile, StudyRequest } from './study.ts'

export interface Workbench {
  /** @throws GatehouseError `reader-failed` when the thread fails or takes too long. */
  file(request: Extract<StudyRequest, { kind: 'file' }>): Promise<StudiedFile>
  change(request: Extract<StudyRequest, { kind: 'change' }>): Promise<StudiedChange>
  close(): void
}

/** A minute of typing is one thread; afterwards its memory is given back. Milliseconds. */
const restMs = 30_000
/** Studying takes a fraction of a second. Milliseconds. */
const deadlineMs = 30_000
/** Somebody's typing cannot pile up work. */
const maxWaiting = 20

export function createWorkbench(deps: {
  /** Runs something once, later; the timer keeps no process alive. @returns takes it back. */
  readonly after: (ms: number, run: () => void) => () => void
}): Workbench {
  let worker: Worker | null = null
  let count = 0
  let cancelRest: (() => void) | null = null
  const waiting = new Map<number, { done(result: unknown): void; fail(): void }>()

  function start(): Worker {
    const fresh = new Worker(new URL('./workbench-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 192 },
    })
    fresh.unref()
    fresh.on('message', ({ id, result }: { id: number; result: unknown }) => {
      waiting.get(id)?.done(result)
    })
    const gone = (): void => {
      if (worker === fresh) stop()
    }
    fresh.on('error', gone)
    fresh.on('exit', gone)
    return fresh
  }

  /** What waits fails: an answer that never comes is worse. */
  function stop(): void {
    const old = worker
    worker = null
    cancelRest?.()
    cancelRest = null
    for (const { fail } of [...waiting.values()]) fail()
    void old?.terminate()
  }

  function run(request: StudyRequest): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const failed = () => {
        const remedy = 'try again; if the file is small, this is a fault of Gatehouse'
        return new GatehouseError('reader-failed', 'routes.yaml could not be read', { remedy })
      }
      if (waiting.size >= maxWaiting) {
        reject(failed())
        return
      }
      cancelRest?.()
      cancelRest = null
      worker ??= start()
      worker.ref()
      count += 1
      const id = count
      const cancel = deps.after(deadlineMs, stop)
      const finish = (): void => {
        cancel()
        waiting.delete(id)
        if (waiting.size > 0) return
        worker?.unref()
        cancelRest = deps.after(restMs, stop)
      }
      waiting.set(id, {
        done(result) {
          finish()
          resolve(result)
        },
        fail() {
          finish()
          reject(failed())
        },
      })
      worker.postMessage({ id, request })
    })
  }

  return {
    file: async (request) => (await run(request)) as StudiedFile,
    change: async (request) => (await run(request)) as StudiedChange,
    close: stop,
  }
}
