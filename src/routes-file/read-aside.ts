// Reads a table in a thread that ends afterwards: YAML and schema libraries cost 20 MB and 50 ms that the
// gateway keeps for its requests.

import { Worker } from 'node:worker_threads'
import type { ReadResult } from './read.ts'

/** Reading takes a fraction of a second; a thread that runs longer will not end by itself. */
const deadlineMs = 30_000

/** As `readTable`. Never rejects: a thread that fails is a problem of the file. */
export function readTableAside(text: string): Promise<ReadResult> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL('./read-worker.ts', import.meta.url), {
      workerData: text,
      resourceLimits: { maxOldGenerationSizeMb: 192 },
    })
    const timer = setTimeout(() => finish(failed('took longer than 30 s')), deadlineMs)
    const finish = (result: ReadResult): void => {
      clearTimeout(timer)
      resolve(result)
      void worker.terminate()
    }
    worker.once('message', (result: ReadResult) => finish(result))
    worker.once('error', (error) => finish(failed(`could not be read (${messageOf(error)})`)))
    worker.once('exit', () => finish(failed('could not be read')))
  })
}

function failed(what: string): ReadResult {
  const remedy = 'make it smaller; if it is small, this is a fault of Gatehouse'
  const place = { line: 1, column: 1, where: '' }
  return {
    definition: null,
    problems: [{ severity: 'error', code: 'reader-failed', ...place, what, remedy }],
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown'
}
