// The CA of Authenticated Origin Pulls: a good one, or no start. Handshakes are elsewhere.

import { X509Certificate } from 'node:crypto'
import { GatehouseError } from '../errors.ts'

const remedy =
  'name a PEM file with the CA of Cloudflare’s client certificate; to go without one, take originPull out of routes.yaml'

/**
 * A listener that asks for certificates and has nothing to check them with lets everybody in (CVE-2026-27586).
 *
 * @throws GatehouseError `origin-pull-ca-invalid` for text without a certificate, or with a broken one.
 */
export function checkOriginPullCa(pem: string): void {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g)
  if (blocks === null)
    throw new GatehouseError('origin-pull-ca-invalid', 'the origin pull CA holds no certificate', {
      remedy,
    })
  for (const block of blocks) {
    try {
      new X509Certificate(block)
    } catch (cause) {
      const what = 'a certificate in the origin pull CA cannot be read'
      throw new GatehouseError('origin-pull-ca-invalid', what, { remedy, cause })
    }
  }
}
