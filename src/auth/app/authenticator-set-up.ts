// Setting up an authenticator app: a secret as QR code and text, and a code that proves the app has it.

import type { FastifyRequest } from 'fastify'
import type { Totp, User } from '../people.ts'
import { randomText } from '../secret-text.ts'
import { newTotpSecret, readTotpCode, totpStep, totpUri } from '../totp.ts'
import { qrCode } from './account-qr.ts'
import type { AppContext } from './context.ts'
import { field, hidden } from './controls.ts'
import { type Html, html } from './html.ts'
import { readLabel } from './label.ts'

declare module './flows.ts' {
  interface FlowData {
    'authenticator-set-up': { readonly user: User['id']; readonly secret: string }
  }
}

/** A set-up in progress: to be shown again when the code was mistyped, with the same secret. */
export interface AuthenticatorSetUp {
  readonly flow: string
  readonly secret: string
}

/** Begins one. The secret is kept here, not in the form: nobody but us chooses it. */
export async function beginAuthenticator(
  context: AppContext,
  request: FastifyRequest,
  user: User,
): Promise<AuthenticatorSetUp> {
  const secret = await newTotpSecret()
  const { browser, from } = request.visit
  const owner = { browser, network: from.network }
  const flow = context.flows.begin('authenticator-set-up', { user: user.id, secret }, owner)
  return { flow: flow.id, secret }
}

/** The set-up a form belongs to; `null`: it has ended, or is not this person's. */
export function findAuthenticator(
  context: AppContext,
  request: FastifyRequest,
  input: { readonly user: User; readonly flow: string },
): AuthenticatorSetUp | null {
  const flow = context.flows.find('authenticator-set-up', input.flow, request.visit.browser)
  if (flow === null || flow.data.user !== input.user.id) return null
  return { flow: flow.id, secret: flow.data.secret }
}

/** The app, ready to be stored, its first code spent; `null`: that was not its code. */
export async function provenAuthenticator(
  context: AppContext,
  input: {
    readonly user: User
    readonly setUp: AuthenticatorSetUp
    readonly code: string
    readonly label: string
  },
): Promise<Totp | null> {
  const { user, setUp } = input
  const code = readTotpCode(input.code)
  const now = context.now()
  const step = code === null ? null : await totpStep(setUp.secret, code, now)
  if (step === null) return null
  return {
    id: randomText(6, context.randomBytes),
    user: user.id,
    secret: setUp.secret,
    label: readLabel(input.label) ?? 'Authenticator app',
    lastStep: step,
    createdAt: now,
    lastUsedAt: null,
  }
}

/** The fields of a form: code, secret, and the place for the proof. The form's button is the caller's. */
export async function authenticatorFields(
  context: AppContext,
  input: {
    readonly user: User
    readonly setUp: AuthenticatorSetUp
    readonly error: string | null
  },
): Promise<Html> {
  const { user, setUp, error } = input
  const uri = await totpUri({ issuer: context.domain(), account: user.id, secret: setUp.secret })
  const grouped = setUp.secret.replace(/.{4}(?!$)/g, '$& ')
  return html`${hidden({ setup: setUp.flow })}<div>${await qrCode(uri, 'QR code for an authenticator app; the key below says the same')}</div><details><summary>No camera at hand?</summary><p class="hint">Type this key into the app, or <a href="${uri}">open an app on this device</a>.</p><code class="secret">${grouped}</code></details>${field(
    {
      name: 'code',
      label: 'Code from the app',
      hint: 'Six digits. It proves that the app has the key.',
      attributes: 'autocomplete="one-time-code" inputmode="numeric" maxlength="7" required',
      error,
    },
  )}`
}
