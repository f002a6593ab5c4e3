// Every way a request can end other than by the backend's own answer: code, HTTP status, log level.

/** What the log and the access line say of a failure. The names are an interface: dashboards use them. */
export type FailureCode = keyof typeof failures

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

interface Failure {
  /** HTTP status; 499 is only ever logged. */
  readonly status: number
  /** How loudly an event of this kind is logged beside its access line; `null`: the line is enough. */
  readonly level: LogLevel | null
  /** One sentence for the visitor: no names, no addresses. */
  readonly title: string
}

/** The whole list. A test compares it with docs/errors.md. */
export const failures = {
  'bad-request': { status: 400, level: null, title: 'The request could not be understood.' },
  'bad-host': { status: 400, level: null, title: 'The request names no valid host.' },
  'bad-target': {
    status: 400,
    level: null,
    title: 'The address is ambiguous and was not followed.',
  },
  'sign-in-required': { status: 401, level: null, title: 'Please sign in first.' },
  'token-invalid': {
    status: 401,
    level: null,
    title: 'The access token is unknown, has expired, or is not for this.',
  },
  'session-ended': {
    status: 401,
    level: null,
    title: 'The session has ended. Please sign in again.',
  },
  'two-identities': {
    status: 400,
    level: null,
    title: 'The request speaks for two different people.',
  },
  'sign-in-unavailable': {
    status: 503,
    level: 'error',
    title: 'Signing in is not possible at the moment.',
  },
  forbidden: { status: 403, level: null, title: 'You may not open this.' },
  lockdown: {
    status: 403,
    level: null,
    title: 'This place is closed to visitors at the moment.',
  },
  'cross-origin': {
    status: 403,
    level: null,
    title: 'Another site asked for this in your name; it was refused.',
  },
  'client-address': { status: 403, level: null, title: 'Your network may not open this.' },
  'not-through-cloudflare': { status: 403, level: null, title: 'Please use the public address.' },
  'not-found': { status: 404, level: null, title: 'There is nothing here.' },
  'not-implemented': { status: 501, level: null, title: 'This is not offered here.' },
  'method-not-allowed': { status: 405, level: null, title: 'This method is not offered.' },
  'request-timeout': { status: 408, level: null, title: 'The request took too long to arrive.' },
  'body-too-large': { status: 413, level: null, title: 'The upload is larger than allowed.' },
  'target-too-long': { status: 414, level: null, title: 'The address is too long.' },
  'expectation-failed': { status: 417, level: null, title: 'The expectation cannot be met.' },
  misdirected: { status: 421, level: null, title: 'This connection is for another host.' },
  'too-early': {
    status: 425,
    level: null,
    title: 'Sent too early to be safe; please repeat it.',
  },
  'upgrade-required': {
    status: 426,
    level: null,
    title: 'This version of WebSocket is not spoken here.',
  },
  'too-many-requests': {
    status: 429,
    level: null,
    title: 'Too many requests; slow down a little.',
  },
  'headers-too-large': { status: 431, level: null, title: 'The request headers are too large.' },
  'client-left': { status: 499, level: null, title: 'The client left before the answer.' },
  'internal-error': { status: 500, level: 'error', title: 'Something went wrong here.' },
  'upstream-refused': {
    status: 502,
    level: null,
    title: 'The service does not accept connections.',
  },
  'upstream-unreachable': { status: 502, level: null, title: 'The service cannot be reached.' },
  'upstream-reset': { status: 502, level: null, title: 'The service broke the connection.' },
  'upstream-invalid': { status: 502, level: null, title: 'The service gave an invalid answer.' },
  'upstream-tls': { status: 502, level: 'warn', title: 'The service could not prove who it is.' },
  'upstream-incomplete': {
    status: 502,
    level: null,
    title: 'The answer of the service was cut off.',
  },
  'upstream-down': {
    status: 503,
    level: null,
    title: 'The service is down. Please try again soon.',
  },
  'upstream-busy': {
    status: 503,
    level: null,
    title: 'The service is busy. Please try again soon.',
  },
  maintenance: { status: 503, level: null, title: 'The service is being worked on.' },
  'shutting-down': { status: 503, level: null, title: 'The gateway restarts. Please try again.' },
  'upstream-connect-timeout': { status: 504, level: null, title: 'The service does not answer.' },
  'upstream-headers-timeout': { status: 504, level: null, title: 'The service took too long.' },
  'upstream-idle-timeout': { status: 504, level: null, title: 'The service stopped answering.' },
  asleep: { status: 503, level: null, title: 'The machine of this service sleeps.' },
  waking: { status: 503, level: null, title: 'The machine of this service is waking up.' },
  'hold-full': { status: 503, level: null, title: 'Too many are waiting for this machine.' },
  'wake-refused': { status: 503, level: 'warn', title: 'The machine cannot be started now.' },
  'machine-gone': { status: 502, level: 'error', title: 'The machine of this service is gone.' },
  'loop-detected': { status: 508, level: 'warn', title: 'The request goes round in circles.' },
} as const satisfies Record<string, Failure>

/** What `Allow` says beside `method-not-allowed` and to `OPTIONS *` (RFC 9110 §10.2.1): the usual ones; a backend may know more. */
export const offeredMethods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** An error with a code from a closed list, for everything that is not a request: files, sockets, commands. */
export class GatehouseError extends Error {
  readonly code: string
  /** What the reader can do about it. */
  readonly remedy: string | null

  constructor(code: string, message: string, details: { remedy?: string; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'GatehouseError'
    this.code = code
    this.remedy = details.remedy ?? null
  }
}
