// What pages show and say of passkeys and security keys: forms that the scripts bring to life, and refusals.

import type { FastifyReply } from 'fastify'
import { GatehouseError } from '../../errors.ts'
import { hidden } from './controls.ts'
import { type Html, html, noHtml, trustedHtml } from './html.ts'
import { refuse } from './layout.ts'

/**
 * The passkey part of the login page. It needs the script `sign-in.js`, which shows it where keys are to be had; an
 * `<input autocomplete="username webauthn">` on the page lets the browser offer passkeys there too.
 *
 * @param values `rd` and `reason` as they came in.
 */
export function passkeyForm(values: Readonly<Record<string, string | null>>): Html {
  return html`<form method="post" action="/passkey" data-key="in-field" hidden>${hidden(values)}<button class="button">${keyIcon}Sign in with a passkey</button>${message}</form>`
}

/**
 * The security key part of the second step. It needs the script `sign-in.js`.
 *
 * @param step id of the `second-factor` flow.
 */
export function securityKeyForm(step: string): Html {
  return html`<form method="post" action="/security-key" data-key hidden>${hidden({ step })}<button class="button quiet">${keyIcon}Use a security key</button>${message}</form>`
}

/** Where a script says what went wrong. */
export const message: Html = html`<p class="error" role="alert" data-message hidden></p>`

export const keyIcon: Html = trustedHtml(
  '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="8" cy="15" r="4.5"/><path d="m11.5 11.5 8-8M16 7l3 3"/></svg>',
)

/** The key is unknown, or its answer is not right. */
export function refuseKey(reply: FastifyReply): FastifyReply {
  return refuse(reply, {
    status: 401,
    code: 'key-refused',
    title: 'That key is not known here',
    lead: 'That key did not open an account here. Try another one, or another way to sign in.',
    body: toSignIn,
  })
}

/** The store has this key already, for this person or for another. */
export function isKnownKey(error: unknown): boolean {
  return error instanceof GatehouseError && error.code === 'credential-exists'
}

export function refuseKnownKey(reply: FastifyReply): FastifyReply {
  return refuse(reply, {
    status: 409,
    code: 'credential-exists',
    title: 'That key is registered already',
    lead: 'That key is registered already. Use another one.',
    body: toSignIn,
  })
}

/** The challenge is too old, was used, or belongs to another browser. */
export function refuseExpired(reply: FastifyReply): FastifyReply {
  return refuse(reply, {
    status: 409,
    code: 'expired',
    title: 'That took too long',
    lead: 'That took too long, or was used before. Please try again.',
    body: toSignIn,
  })
}

/** The throttle says no. */
export function refuseThrottled(reply: FastifyReply, retryAfterMs: number): FastifyReply {
  const seconds = Math.ceil(retryAfterMs / 1000)
  const wait = seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`
  return refuse(reply.header('retry-after', String(seconds)), {
    status: 429,
    code: 'too-many-attempts',
    title: 'Too many attempts',
    lead: `There were too many attempts. Please try again in ${wait}.`,
    body: noHtml,
  })
}

const toSignIn: Html = html`<p><a class="button" href="/">Sign in</a></p>`
