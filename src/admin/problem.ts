// Every way the admin refuses: code, status, sentence; and the problem details a program gets (RFC 9457).

/** What programs branch on: in `code`, and at the end of `type`. A test compares the list with docs/api.md. */
export type AdminErrorCode = keyof typeof adminErrors

export const adminErrors = {
  'bad-request': { status: 400, title: 'The request could not be read.' },
  'sign-in-required': { status: 401, title: 'Please sign in first.' },
  forbidden: { status: 403, title: 'You may not administer this gateway.' },
  'scope-missing': { status: 403, title: 'The token is not for this.' },
  'cross-origin': { status: 403, title: 'Another site asked for this; it was refused.' },
  'stale-page': { status: 403, title: 'The page was out of date; nothing was done.' },
  'recent-login-required': {
    status: 403,
    title: 'Please sign in again before you change something.',
  },
  'administrator-only': {
    status: 403,
    title: 'Only an administrator may do this to an administrator.',
  },
  'not-found': { status: 404, title: 'There is nothing here.' },
  'method-not-allowed': { status: 405, title: 'This method is not offered here.' },
  exists: { status: 409, title: 'There is one of this name already.' },
  'last-credential': { status: 409, title: 'Nothing would be left to sign in with.' },
  'last-administrator': { status: 409, title: 'Nobody would be left who can administer.' },
  yourself: { status: 409, title: 'Somebody else has to do this to you.' },
  'too-many': { status: 409, title: 'There are too many already.' },
  'confirmation-required': {
    status: 409,
    title: 'This takes something away that you need; confirm it.',
  },
  'machine-refused': { status: 409, title: 'The machine cannot do this now.' },
  'precondition-failed': { status: 412, title: 'Somebody changed this meanwhile.' },
  'too-large': { status: 413, title: 'That is more than is read here.' },
  'unsupported-media-type': { status: 415, title: 'This kind of content is not read here.' },
  invalid: { status: 422, title: 'Something in the request is not as it must be.' },
  'routes-invalid': { status: 422, title: 'These routes have mistakes.' },
  'precondition-required': { status: 428, title: 'Say in If-Match which version you have seen.' },
  'too-many-requests': { status: 429, title: 'Too much at once; slow down a little.' },
  'internal-error': { status: 500, title: 'Something went wrong here.' },
  unavailable: { status: 503, title: 'The gateway cannot reach its records right now.' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>

/** What is wrong with one part of a request. */
export interface FieldError {
  /** `body.groups.2`, `query.limit`, `path.id`. */
  readonly path: string
  readonly message: string
}

export interface Refused {
  readonly kind: 'refused'
  readonly code: AdminErrorCode
  /** A sentence about this very case; plain text. */
  readonly detail?: string
  readonly errors?: readonly FieldError[]
  /** Further members of the problem details, such as the dangers to confirm. */
  readonly more?: Readonly<Record<string, unknown>>
}

export function refused(
  code: AdminErrorCode,
  details: Omit<Refused, 'kind' | 'code'> = {},
): Refused {
  return { kind: 'refused', code, ...details }
}

/** The object that is sent as `application/problem+json`. */
export function problemOf(refusal: Refused, requestId: string): Readonly<Record<string, unknown>> {
  const { code, detail, errors, more = {} } = refusal
  const { status, title } = adminErrors[code]
  return {
    ...more,
    type: `urn:gatehouse:failure:${code}`,
    title,
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
    instance: requestId,
    ...(errors === undefined ? {} : { errors }),
  }
}
