// A page that sends a signed-in person back here again and again: noticed, so that somebody can say so.

/** Ways on, by browser. */
export interface Circles {
  /** @returns true: this browser was sent to the same place too often just now. */
  isTurning(browser: string, to: string): boolean
}

/** So many times within so many milliseconds: no person is that fast. */
const maxTimes = 5
const withinMs = 10_000
/** Browsers remembered; the oldest is forgotten first. */
const maxBrowsers = 1_000

/** @param now milliseconds; only differences matter. */
export function createCircles(now: () => number): Circles {
  const turns = new Map<string, { readonly to: string; readonly since: number; times: number }>()

  return {
    isTurning(browser, to) {
      const at = now()
      const turn = turns.get(browser)
      if (turn !== undefined && turn.to === to && at - turn.since <= withinMs) {
        turn.times += 1
        return turn.times > maxTimes
      }
      turns.delete(browser)
      if (turns.size >= maxBrowsers) {
        for (const oldest of turns.keys()) {
          turns.delete(oldest)
          break
        }
      }
      turns.set(browser, { to, since: at, times: 1 })
      return false
    },
  }
}
