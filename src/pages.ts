// Every answer that Gatehouse makes itself instead of a backend. What they look like is in pages/.

import type { FailureCode } from './errors.ts'
import type { Target } from './model.ts'
import type { Answer, FailureExtra, PageRequest } from './pages/answer.ts'
import { type FailureSettings, renderFailure } from './pages/failure.ts'
import { renderLanding, renderRedirect, renderStatus } from './pages/target.ts'

export type { Answer, FailureExtra, PageRequest } from './pages/answer.ts'

/** What Gatehouse answers itself without an application. */
export type OwnTarget = Exclude<Target, { kind: 'upstream' | 'app' }>

export interface TargetFacts {
  /** Path below the route and query, as received; only a redirect that keeps the path reads it. */
  readonly below?: string
  /** The machine that a landing page leads to sleeps. */
  readonly asleep?: boolean
}

export interface Pages {
  /** A page, problem details (RFC 9457) or gRPC status for a failure, by `Accept` and content type. Never throws. */
  failure(code: FailureCode, request: PageRequest, extra?: FailureExtra): Answer
  /** The answer of a route whose target is Gatehouse itself. */
  target(target: OwnTarget, request: PageRequest, facts?: TargetFacts): Answer
}

/** @param settings `publicPort`: the port visitors use, for links between our hosts; default 443. */
export function createPages(settings: Partial<FailureSettings> = {}): Pages {
  function failure(code: FailureCode, request: PageRequest, extra?: FailureExtra): Answer {
    return renderFailure(code, request, { ...extra, publicPort: settings.publicPort ?? 443 })
  }

  function target(target: OwnTarget, request: PageRequest, facts: TargetFacts = {}): Answer {
    switch (target.kind) {
      case 'landing':
        return renderLanding(target, request, facts.asleep === true)
      case 'status':
        return renderStatus(target, request)
      case 'redirect':
        return renderRedirect(target, facts.below ?? '')
      default:
        return target satisfies never
    }
  }

  return { failure, target }
}
