// Timers of a running gateway. None of them keeps the process alive: what does are its sockets.

/** Runs something once, later. @param ms at most 2^31 − 1, as with `setTimeout`. @returns how not to. */
export function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  timer.unref()
  return () => clearTimeout(timer)
}

/** Runs something again and again. @returns how to end that. */
export function every(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms)
  timer.unref()
  return () => clearInterval(timer)
}
