// Token buckets per client, synchronous and bounded in memory. Hot path.

import type { RateLimit } from './model.ts'

/** Clients remembered at a time: about 100 bytes each. The one remembered longest is forgotten first. */
const maxBuckets = 20_000
/** A client that was refused so recently is kept when others can be forgotten, milliseconds. */
const refusedLatelyMs = 10_000
/** How many of those are passed over at a time: what a new client may cost. */
const maxPassedOver = 8

interface Bucket {
  tokens: number
  at: number
}

export interface Limiter {
  /**
   * Takes one token.
   *
   * @param now milliseconds; a clock that went back adds nothing.
   * @returns false: over the limit.
   */
  take(key: string, limit: RateLimit, now: number): boolean
  readonly size: number
}

export function createLimiter(): Limiter {
  const buckets = new Map<string, Bucket>()

  function take(key: string, limit: RateLimit, now: number): boolean {
    const bucket = buckets.get(key)
    if (bucket === undefined) {
      if (buckets.size >= maxBuckets) forgetOne(now)
      buckets.set(key, { tokens: capacity(limit) - 1, at: now })
      return true
    }
    const elapsed = now - bucket.at
    if (elapsed > 0) {
      bucket.tokens = Math.min(capacity(limit), bucket.tokens + (elapsed * limit.perSecond) / 1000)
      bucket.at = now
    } else if (elapsed < 0) {
      bucket.at = now
    }
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }

  /**
   * In order of first sight, which costs nothing to keep. Whoever is being refused is put back to the end, or a flood
   * of new addresses would wash him clean.
   */
  function forgetOne(now: number): void {
    let passedOver = 0
    for (const [key, bucket] of buckets) {
      buckets.delete(key)
      const refused = bucket.tokens < 1 && now - bucket.at < refusedLatelyMs
      if (!refused || passedOver === maxPassedOver) return
      passedOver += 1
      buckets.set(key, bucket)
    }
  }

  return {
    take,
    get size() {
      return buckets.size
    },
  }
}

/** A bucket that holds less than one token would never let anybody in. */
function capacity(limit: RateLimit): number {
  return Math.max(1, limit.burst)
}
