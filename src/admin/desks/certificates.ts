// Certificates as they are shown: what they are for, how long they last, what is wrong.

import type { AdminContext } from '../context.ts'
import type { CertificatesDesk } from './types.ts'

const dayMs = 86_400_000

export function createCertificatesDesk(
  context: Pick<AdminContext, 'certificates' | 'now'>,
): CertificatesDesk {
  const { certificates, now } = context
  return {
    list: () =>
      certificates
        .status()
        .map((each) => ({ ...each, daysLeft: Math.floor((each.notAfter - now()) / dayMs) }))
        .toSorted((a, b) => a.notAfter - b.notAfter),
    problems: certificates.problems,
    lastReloadAt: certificates.lastReloadAt,
    async reload() {
      await certificates.reload()
    },
  }
}
