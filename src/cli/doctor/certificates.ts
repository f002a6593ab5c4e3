// Would the handshake for every host of the table succeed, and for how long yet?

import { GatehouseError } from '../../errors.ts'
import type { TableDefinition } from '../../model.ts'
import { type CertificateStatus, createCertificates } from '../../proxy/certificates.ts'
import { uncoveredHosts } from '../table-hosts.ts'
import { type Finding, fail, listed, ok, warn } from './finding.ts'

const about = 'certs'
const dayMs = 24 * 60 * 60 * 1000
/** As the alerts of the uptime checks. */
const warnDays = 14
const failDays = 7

export interface CertificateFacts {
  readonly certsDir: string
  /** `null`: no good table, so only the files are looked at. */
  readonly definition: TableDefinition | null
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Uses the store that answers handshakes, so that "covered" means what it means there. */
export async function certificateFindings(facts: CertificateFacts): Promise<Finding[]> {
  const { certsDir, definition, now } = facts
  const certificates = createCertificates({
    folder: certsDir,
    originPullCa: null,
    now,
    onProblem: () => {},
    onLoaded: () => {},
  })
  const findings: Finding[] = []
  try {
    await certificates.load()
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    findings.push(fail(about, error.message, error.remedy ?? 'see certs/README.md'))
  }
  for (const { severity, code, file, what, remedy } of certificates.problems()) {
    // Expiry is said below, with the names it hits.
    if (code === 'expired') continue
    findings.push((severity === 'error' ? fail : warn)(about, `${file}: ${what}`, remedy))
  }
  const bare = definition === null ? [] : uncoveredHosts(definition, certificates.covers)
  // Without any certificate that has been said already.
  if (bare.length > 0 && certificates.status().length > 0) {
    const what = `no certificate for ${listed(bare, 8)}: their handshakes are refused`
    findings.push(fail(about, what, `put one into ${certsDir}`))
  }
  for (const status of certificates.status()) findings.push(lifetime(status, now()))
  certificates.close()
  return findings
}

function lifetime({ names, file, notAfter }: CertificateStatus, now: number): Finding {
  const days = Math.floor((notAfter - now) / dayMs)
  const who = `${listed(names)} (${file})`
  if (notAfter <= now)
    return fail(about, `${who} has expired`, 'renew it; it is served all the same')
  const what = `${who} is valid for ${days} more days`
  if (days < failDays) return fail(about, what, 'renew it now')
  return days < warnDays ? warn(about, what, 'renew it') : ok(about, what)
}
