// Tabs that open at the same moment in a browser that is new here: each is given a cookie, and only the last one stays.

/** Which tokens were given out together. In memory: it matters for as long as such pages are open. */
export interface FirstVisits {
  /** A page with this token went to a browser that had no cookie yet. */
  given(token: string, visitor: Visitor): void
  /**
   * Were both tokens given to the same visitor within seconds? Then the one of the other tab is as good: without this, of
   * several tabs that a browser opens at its start, only one could sign in.
   */
  together(token: string, other: string): boolean
}

/** As far as one can tell without a cookie. */
export interface Visitor {
  readonly network: string
  readonly userAgent: string
}

/** How far apart such tabs open, milliseconds. */
const apartMs = 15_000
/** Tokens remembered, about 300 bytes each; the oldest is forgotten first. */
const maxTokens = 1_000

/** @param now milliseconds; only differences matter. */
export function createFirstVisits(now: () => number): FirstVisits {
  const tokens = new Map<string, { readonly visitor: Visitor; readonly at: number }>()

  return {
    given(token, visitor) {
      if (tokens.size >= maxTokens) {
        for (const oldest of tokens.keys()) {
          tokens.delete(oldest)
          break
        }
      }
      tokens.set(token, { visitor, at: now() })
    },
    together(token, other) {
      const one = tokens.get(token)
      const two = tokens.get(other)
      if (one === undefined || two === undefined) return false
      return (
        one.visitor.network === two.visitor.network &&
        one.visitor.userAgent === two.visitor.userAgent &&
        Math.abs(one.at - two.at) <= apartMs
      )
    },
  }
}
