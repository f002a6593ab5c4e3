// Measures one function: time by the monotonic clock, bytes by V8's own count of everything it ever allocated.

import { getHeapStatistics, type HeapInfo } from 'node:v8'
import { median } from '../lib/statistics.ts'

export interface MicroCase {
  readonly name: string
  /** What is measured; its result is kept alive, so that the compiler cannot leave the work out. */
  readonly run: () => unknown
}

export interface MicroGroup {
  readonly cases: readonly MicroCase[]
}

export interface MicroResult {
  readonly medianNs: number
  readonly fastestNs: number
  /** On the JavaScript heap; what native code allocates is not seen. */
  readonly bytes: number
}

const samples = 15
const sampleNs = 20_000_000
/** Of the calls before anything is measured: the optimizing compiler has then been and gone. */
const warmUpNs = 300_000_000

export function measureCase({ run }: MicroCase): MicroResult {
  let calls = 100
  let spent = 0
  while (spent < warmUpNs) {
    const took = timed(run, calls)
    spent += took
    if (took < sampleNs) calls = Math.min(calls * 2, 10_000_000)
  }
  const perCall: number[] = []
  for (let i = 0; i < samples; i++) perCall.push(timed(run, calls) / calls)
  const before = allocated()
  timed(run, calls)
  const bytes = (allocated() - before) / calls
  return { medianNs: median(perCall), fastestNs: Math.min(...perCall), bytes }
}

let kept: unknown = null

function timed(run: () => unknown, calls: number): number {
  const begun = process.hrtime.bigint()
  for (let i = 0; i < calls; i++) kept = run()
  return Number(process.hrtime.bigint() - begun)
}

/** For the curious: the last result of the last case. */
export function lastResult(): unknown {
  return kept
}

/** Bytes since the start of the process; not in Node's types yet. */
function allocated(): number {
  const statistics: HeapInfo & { total_allocated_bytes?: number } = getHeapStatistics()
  return statistics.total_allocated_bytes ?? Number.NaN
}
