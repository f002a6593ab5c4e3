// Errors of connections become failure codes by their codes, never by their words.

import t from 'tap'
import { failures } from '../../src/errors.ts'
import {
  CallCancelled,
  errorCode,
  ForbiddenAddressError,
  failureOf,
  isConnectFailure,
} from '../../src/proxy/failure.ts'

const coded = (code: unknown, message = 'x') => Object.assign(new Error(message), { code })

t.test('each code has its failure, and the failure its status', async (t) => {
  for (const [code, failure, status] of [
    ['ECONNREFUSED', 'upstream-refused', 502],
    ['ENOTFOUND', 'upstream-unreachable', 502],
    ['EHOSTUNREACH', 'upstream-unreachable', 502],
    ['UND_ERR_CONNECT_TIMEOUT', 'upstream-connect-timeout', 504],
    ['ECONNRESET', 'upstream-reset', 502],
    ['UND_ERR_SOCKET', 'upstream-reset', 502],
    ['UND_ERR_HEADERS_OVERFLOW', 'upstream-invalid', 502],
    ['HPE_INVALID_CONSTANT', 'upstream-invalid', 502],
    ['HPE_ANYTHING_NEW', 'upstream-invalid', 502],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'upstream-tls', 502],
    ['CERT_HAS_EXPIRED', 'upstream-tls', 502],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'upstream-tls', 502],
    ['UND_ERR_INVALID_ARG', 'bad-request', 400],
    ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'bad-request', 400],
    ['BODY_TOO_LARGE', 'body-too-large', 413],
    ['CLIENT_LEFT', 'client-left', 499],
  ] as const) {
    t.equal(failureOf(coded(code)), failure, code)
    t.equal(failures[failure].status, status)
  }
})

t.test('what is not known counts as a broken connection, whatever it says', async (t) => {
  for (const error of [
    coded('E_NEW', 'ECONNREFUSED'),
    coded(5),
    new Error('UND_ERR_HEADERS_TIMEOUT'),
    'ECONNREFUSED',
    null,
    undefined,
    {},
  ]) {
    t.equal(failureOf(error), 'upstream-reset')
  }
})

t.test('several addresses tried count as the first failure', async (t) => {
  t.equal(
    failureOf(new AggregateError([coded('ECONNREFUSED'), coded('ETIMEDOUT')])),
    'upstream-refused',
  )
  t.equal(errorCode(new AggregateError([])), '')
})

t.test('what the gateway ended itself keeps its reason', async (t) => {
  t.equal(failureOf(new CallCancelled('client-left')), 'client-left')
  t.equal(failureOf(new ForbiddenAddressError('x', 'link-local')), 'upstream-unreachable')
})

t.test('only failures before a byte was sent tell that a target is down', async (t) => {
  const connect = [
    'upstream-refused',
    'upstream-unreachable',
    'upstream-connect-timeout',
    'upstream-tls',
  ]
  for (const code of Object.keys(failures) as (keyof typeof failures)[]) {
    t.equal(isConnectFailure(code), connect.includes(code), code)
  }
})
