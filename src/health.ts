// How the gateway is, from the numbers that its parts keep.

import type { MetricSources } from './metric-sources.ts'
import type { Health, HealthCheck } from './ops.ts'

export interface HealthFacts {
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly startedAt: number
  /** No new requests are taken any more. */
  readonly draining: boolean
  readonly sources: Partial<MetricSources>
}

/** A certificate that ends sooner is worth a look. */
export const certificateWarningDays = 14

/** `draining` wins over `degraded`; each check that fails makes `degraded`. */
export function health(facts: HealthFacts): Health {
  const { sources } = facts
  const checks: HealthCheck[] = []
  for (const check of [routes, certificates, people, accessLog, upstreams]) {
    const result = check(sources, facts.now)
    if (result !== null) checks.push(result)
  }
  return {
    status: facts.draining ? 'draining' : checks.every(({ ok }) => ok) ? 'ok' : 'degraded',
    version: facts.version,
    uptimeSeconds: Math.max(0, Math.floor((facts.now - facts.startedAt) / 1000)),
    checks,
  }
}

type Check = (sources: Partial<MetricSources>, now: number) => HealthCheck | null

const dayMs = 24 * 60 * 60 * 1000

const routes: Check = ({ reloads }) => {
  if (reloads === undefined) return null
  const { inForce } = reloads()
  return {
    name: 'routes',
    ok: inForce,
    detail: inForce
      ? 'The table on disk is in force.'
      : 'The table on disk is not in force; an older one is. The log says why.',
  }
}

const certificates: Check = (sources, now) => {
  if (sources.certificates === undefined) return null
  let soonest = Number.POSITIVE_INFINITY
  let names = ''
  for (const certificate of sources.certificates()) {
    if (certificate.notAfter >= soonest) continue
    soonest = certificate.notAfter
    names = certificate.names.slice(0, 3).join(' ')
  }
  const days = Math.floor((soonest - now) / dayMs)
  const ok = days >= certificateWarningDays
  if (names === '' && soonest === Number.POSITIVE_INFINITY) {
    return { name: 'certificates', ok: false, detail: 'There is no certificate.' }
  }
  const detail =
    soonest <= now ? `${names} has expired.` : `The first to end is ${names}, in ${days} days.`
  return { name: 'certificates', ok, detail }
}

const people: Check = (sources) => {
  if (sources.people === undefined) return null
  const { storeFailing } = sources.people()
  return {
    name: 'people',
    ok: !storeFailing,
    detail: storeFailing
      ? 'Their database cannot be used: nobody can sign in. The log says why.'
      : 'Their database can be used.',
  }
}

const accessLog: Check = ({ logs }) => {
  if (logs === undefined) return null
  const { failing, dropped } = logs()
  const lost = dropped === 0 ? 'No line was lost.' : `${dropped} lines were lost since the start.`
  const detail = failing ? `Lines cannot be written now. ${lost}` : lost
  // Lines lost in the past are a number to look at, not a state to be in for ever.
  return { name: 'access-log', ok: !failing, detail }
}

/** A backend that is down is no fault of the gateway: it is told, and does not count. */
const upstreams: Check = (sources) => {
  if (sources.upstreams === undefined) return null
  const down = sources.upstreams().filter(({ up }) => !up)
  const names = down.slice(0, 5).map(({ name }) => name)
  return {
    name: 'upstreams',
    ok: true,
    detail: down.length === 0 ? 'None is known to be down.' : `Down: ${names.join(', ')}.`,
  }
}
