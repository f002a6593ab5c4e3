// The time: wall clock that never goes back. Hot path.

/**
 * Milliseconds since the epoch with fractions, moving at the pace of the monotonic clock, so that durations survive
 * a wall clock that is set. It follows the wall clock again when the two differ by more than
 * `driftMs`, forwards at once and never backwards.
 *
 * @param wall wall clock in milliseconds since the epoch.
 */
export function monotonicClock(wall: () => number): () => number {
  let origin = wall() - performance.now()
  let checkAt = 0
  return () => {
    const elapsed = performance.now()
    if (elapsed >= checkAt) {
      checkAt = elapsed + 1_000
      const drift = wall() - (origin + elapsed)
      if (drift > driftMs) origin += drift
    }
    return origin + elapsed
  }
}

const driftMs = 1_000

/** Milliseconds since some moment, whatever anybody sets the wall clock to: for deadlines. */
export function steadyClock(): number {
  return performance.now()
}
