// Medians and spreads. Pure.

/** Middle value; of an even count the mean of the two. `NaN` for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** Half of the values lie between the two. */
export function quartiles(values: readonly number[]): readonly [number, number] {
  return [percentile(values, 25), percentile(values, 75)]
}

/** Nearest rank; `NaN` for none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const rank = Math.ceil((percent / 100) * sorted.length) - 1
  return sorted[Math.max(0, rank)] ?? Number.NaN
}

/**
 * Median of the ratios within each round: what slows the whole machine for a while slows both sides of a ratio, and
 * falls out.
 */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): number {
  const ratios: number[] = []
  for (let round = 0; round < Math.min(ours.length, theirs.length); round++) {
    ratios.push((ours[round] ?? Number.NaN) / (theirs[round] ?? Number.NaN))
  }
  return median(ratios)
}
