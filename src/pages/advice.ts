// What a visitor can do about each failure, beside the title that errors.ts gives it.

import type { FailureCode } from '../errors.ts'

export interface Advice {
  /** One or two sentences for a person; no names, no addresses. */
  readonly text: string
  /** Trying the same again may help: the page offers it. */
  readonly again: boolean
  /** Default of `Retry-After`, seconds; `null`: waiting does not help, or nobody can say how long. */
  readonly retryAfterSeconds: number | null
  /** gRPC status code, by the mapping of gRPC's "HTTP to gRPC Status Code Mapping". */
  readonly grpcStatus: number
}

const internal = 13
const unknown = 2
const unimplemented = 12
const unavailable = 14
const permissionDenied = 7
const unauthenticated = 16

/** Complete by type: a new failure code does not compile without its advice. */
export const advice: Readonly<Record<FailureCode, Advice>> = {
  'bad-request': final('Something about it breaks the rules of HTTP.', internal),
  'bad-host': final('Check the address for a typing mistake.', internal),
  'bad-target': final(
    'It can be read in more than one way, so nobody would know what you get.',
    internal,
  ),
  'sign-in-required': final('This page is for people who are known here.', unauthenticated),
  'token-invalid': final(
    'Make a new one on your account page, or look at what this one may be used for.',
    unauthenticated,
  ),
  'session-ended': final('Whatever was under way ended with it.', unauthenticated),
  'two-identities': final('Send one of the two, a session or a token.', unauthenticated),
  'sign-in-unavailable': retry(
    'Whoever is signed in stays so. Please try again soon.',
    10,
    unavailable,
  ),
  forbidden: final('If you should be able to, ask whoever runs this site.', permissionDenied),
  lockdown: final(
    'Whoever is signed in goes on; from a network that is known one can sign in.',
    permissionDenied,
  ),
  'cross-origin': final('Go to the page itself and try from there.', permissionDenied),
  'client-address': final('It can be opened from certain networks only.', permissionDenied),
  'not-through-cloudflare': final(
    'This one leads past the protection in front of it.',
    permissionDenied,
  ),
  'not-found': final('Check the address for a typing mistake.', unimplemented),
  'method-not-allowed': final('This address does not do what was asked of it.', unknown),
  'request-timeout': retry('Check your connection and try again.', null, unknown),
  'body-too-large': final(
    'Send it in smaller parts, or ask whoever runs this site for more room.',
    unknown,
  ),
  'target-too-long': final('Shorten it and try again.', unknown),
  'expectation-failed': final(
    'The program that asked expects something that is not offered here.',
    unknown,
  ),
  'upgrade-required': final(
    'The program that asked speaks another version of the protocol.',
    unknown,
  ),
  misdirected: retry('Trying again opens a new connection.', null, unknown),
  'too-many-requests': retry('Wait a moment before you go on.', 1, unavailable),
  'headers-too-large': final('Deleting the cookies of this site often helps.', unknown),
  'client-left': final('', unknown),
  'internal-error': retry(
    'It is not your fault. The request id below leads to the cause.',
    null,
    unknown,
  ),
  'upstream-refused': retry(
    'It may be starting right now. Try again in a minute.',
    null,
    unavailable,
  ),
  'upstream-unreachable': retry(
    'It may be starting right now. Try again in a minute.',
    null,
    unavailable,
  ),
  'upstream-reset': retry('Trying again often helps.', null, unavailable),
  'upstream-invalid': retry(
    'Whoever runs this site finds the cause by the request id below.',
    null,
    unavailable,
  ),
  'upstream-tls': final(
    'Nothing was sent to it. Whoever runs this site has to look at it.',
    unavailable,
  ),
  'upstream-incomplete': retry('Trying again often helps.', null, unavailable),
  'upstream-down': retry('It has failed several times and gets a short rest.', 5, unavailable),
  'upstream-busy': retry('Everything it can do at once is being done.', 2, unavailable),
  maintenance: retry('It will be back.', 300, unavailable),
  'shutting-down': retry('This takes a few seconds.', 2, unavailable),
  'upstream-connect-timeout': retry('It may be starting, or switched off.', null, unavailable),
  'upstream-headers-timeout': retry('It may be busy. Try again in a minute.', null, unavailable),
  'upstream-idle-timeout': retry('Trying again often helps.', null, unavailable),
  'not-implemented': final('The program that asked wants something unusual.', unimplemented),
  'too-early': retry('Your browser does that by itself.', null, unavailable),
  asleep: retry('It is started when somebody who may opens the page.', null, unavailable),
  waking: retry('It takes a minute or two. Please try again.', 30, unavailable),
  'hold-full': retry('Please try again in a moment.', 10, unavailable),
  'wake-refused': retry('Whoever runs this site knows why.', 300, unavailable),
  'machine-gone': final('Ask whoever runs this site.', unavailable),
  'loop-detected': final('Whoever runs this site has to change where it leads.', unknown),
}

function final(text: string, grpcStatus: number): Advice {
  return { text, again: false, retryAfterSeconds: null, grpcStatus }
}

function retry(text: string, retryAfterSeconds: number | null, grpcStatus: number): Advice {
  return { text, again: true, retryAfterSeconds, grpcStatus }
}
