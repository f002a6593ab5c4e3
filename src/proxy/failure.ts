// Transport error → failure code. The one place that knows the client library's error codes.

import type { FailureCode } from '../errors.ts'

/** An upstream address that must not be dialled; raised by the name lookup. */
export class ForbiddenAddressError extends Error {
  readonly code = 'FORBIDDEN_ADDRESS'
  constructor(hostname: string, reason: string) {
    super(`${hostname} resolves to an address that is not dialled: ${reason}`)
    this.name = 'ForbiddenAddressError'
  }
}

/** Raised where the gateway itself ends a call; carries the reason it will be reported with. */
export class CallCancelled extends Error {
  readonly code = 'CALL_CANCELLED'
  readonly reason: FailureCode
  constructor(reason: FailureCode) {
    super(reason)
    this.name = 'CallCancelled'
    this.reason = reason
  }
}

/** What went wrong, by the error's code; unknown codes count as a broken connection. Never by message text. */
export function failureOf(error: unknown): FailureCode {
  if (error instanceof CallCancelled) return error.reason
  // The library's parser leaves out its code; the name of the class is all there is.
  if (error instanceof Error && error.name === 'HTTPParserError') return 'upstream-invalid'
  const code = errorCode(error)
  const known = codes.get(code)
  if (known !== undefined) return known
  if (code.startsWith('HPE_')) return 'upstream-invalid'
  if (code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || code.startsWith('CERT_')) {
    return 'upstream-tls'
  }
  return 'upstream-reset'
}

/** The connection could not be made, so no byte of the request was sent. */
export function isConnectFailure(code: FailureCode): boolean {
  switch (code) {
    case 'upstream-refused':
    case 'upstream-unreachable':
    case 'upstream-connect-timeout':
    case 'upstream-tls':
      return true
    default:
      return false
  }
}

/** `code` of an error, following `AggregateError` (several addresses tried) to its first member. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  if (error instanceof AggregateError) return errorCode(error.errors[0])
  return ''
}

const codes = new Map<string, FailureCode>([
  ['ECONNREFUSED', 'upstream-refused'],
  ['EHOSTUNREACH', 'upstream-unreachable'],
  ['EHOSTDOWN', 'upstream-unreachable'],
  ['ENETUNREACH', 'upstream-unreachable'],
  ['ENETDOWN', 'upstream-unreachable'],
  ['ENOTFOUND', 'upstream-unreachable'],
  ['EAI_AGAIN', 'upstream-unreachable'],
  ['EADDRNOTAVAIL', 'upstream-unreachable'],
  ['EACCES', 'upstream-unreachable'],
  ['EMFILE', 'upstream-unreachable'],
  ['FORBIDDEN_ADDRESS', 'upstream-unreachable'],
  ['ETIMEDOUT', 'upstream-connect-timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'upstream-connect-timeout'],
  ['UND_ERR_HEADERS_TIMEOUT', 'upstream-headers-timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'upstream-idle-timeout'],
  ['UND_ERR_HEADERS_OVERFLOW', 'upstream-invalid'],
  ['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'upstream-invalid'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'upstream-invalid'],
  // Headers or framing that the library would not send: they came from the client.
  ['UND_ERR_INVALID_ARG', 'bad-request'],
  ['UND_ERR_NOT_SUPPORTED', 'bad-request'],
  ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'bad-request'],
  ['BODY_TOO_LARGE', 'body-too-large'],
  ['CLIENT_LEFT', 'client-left'],
  // OpenSSL's verification results, as Node spells them.
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'upstream-tls'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'upstream-tls'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'upstream-tls'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'upstream-tls'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'upstream-tls'],
  ['HOSTNAME_MISMATCH', 'upstream-tls'],
  ['INVALID_PURPOSE', 'upstream-tls'],
  ['EPROTO', 'upstream-tls'],
])

/** Nobody was there to take it: not a byte of the request has arrived. */
export function neverArrived(code: FailureCode): boolean {
  return (
    code === 'upstream-refused' ||
    code === 'upstream-unreachable' ||
    code === 'upstream-connect-timeout'
  )
}
