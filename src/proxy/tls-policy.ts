// What TLS may look like here: versions, ciphers, curves. One place, used by the server and each certificate.

import { constants } from 'node:crypto'

/**
 * TLS 1.2 and 1.3 (RFC 8996 ends the older ones). Forward secrecy and authenticated encryption only (RFC 9325 §4.2).
 * ECDSA before RSA, AES-128-GCM first because this CPU has AES instructions and 256 bits buy nothing here.
 */
export const tlsPolicy = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_CHACHA20_POLY1305_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-RSA-CHACHA20-POLY1305',
    'ECDHE-RSA-AES256-GCM-SHA384',
  ].join(':'),
  /** The hybrid first: recorded traffic stays closed to a later quantum computer. */
  ecdhCurve: 'X25519MLKEM768:X25519:prime256v1:secp384r1',
  honorCipherOrder: true,
} as const

/**
 * No renegotiation: nobody needs it, and each costs us a handshake (CVE-2011-1473). Clients that put
 * ChaCha20 first (no AES in hardware) get it in spite of our order.
 */
export const tlsOptionFlags = constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_PRIORITIZE_CHACHA

/** No tickets; with Node's session cache off that means: no resumption at all. */
export const noTickets = constants.SSL_OP_NO_TICKET
