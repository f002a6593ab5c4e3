// The login page as it looks: passkey, provider, name and password, and the ways out.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { alert, checkbox, csrfField, field, hidden } from './controls.ts'
import { type Html, html } from './html.ts'
import { passkeyForm } from './key-pages.ts'
import { page } from './layout.ts'
import { offered } from './provider.ts'
import type { StepUpReason } from './return-to.ts'

/** What a person brought along, and what must be said. */
export interface SignInView {
  /** As `readReturnTo` gave it. */
  readonly returnTo: string | null
  readonly reason: StepUpReason | null
  /** As typed; shown again, so that nothing is lost. */
  readonly name: string
  readonly remember: boolean
  /** Default 200. */
  readonly status?: number
  /** What went wrong, for the whole form. */
  readonly alert?: string | null
  /** What is wrong with one field. */
  readonly fault?: { readonly field: 'name' | 'password'; readonly text: string } | null
}

/** The page with everything that satisfies `reason`. */
export function signInPage(reply: FastifyReply, view: SignInView): FastifyReply {
  const { request } = reply
  const { returnTo, reason, status = 200 } = view
  const values = { rd: returnTo, reason }
  const passkeysOnly = reason === 'passkey'
  const body = html`${alert(view.alert ?? null)}<div class="ways">${passkeyForm(values)}${
    !passkeysOnly && providerForms(request, view)
  }</div>${passkeysOnly ? needsScript : html`<p class="or">or</p>${passwordForm(request, view)}`}${links(view)}`
  return page(reply, {
    status,
    title: reason === null ? 'Sign in' : 'Confirm that it is you',
    lead: leadOf(reason, returnTo),
    script: 'sign-in.js',
    body,
  })
}

/** The query of the login page, for a way back to it that loses nothing. */
export function signInQuery(view: Pick<SignInView, 'returnTo' | 'reason' | 'name'>): string {
  const query = new URLSearchParams()
  if (view.returnTo !== null) query.set('rd', view.returnTo)
  if (view.reason !== null) query.set('reason', view.reason)
  if (view.name !== '') query.set('name', view.name)
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

function leadOf(reason: StepUpReason | null, returnTo: string | null): Html {
  const host = returnTo === null ? null : new URL(returnTo).host
  const where = host === null ? html`That page` : html`<strong>${host}</strong>`
  switch (reason) {
    case null:
      return host === null ? html`One sign-in for all your services.` : html`to go on to ${where}`
    case 'passkey':
      return html`${where} opens with a passkey alone.`
    case 'second-factor':
      return html`${where} asks for more than you have shown: a passkey, or your password and a second factor.`
    case 'not-recent':
      return html`${where} asks you to show again who you are: it has been a while.`
    default:
      throw new TypeError('unknown reason', { cause: reason satisfies never })
  }
}

function providerForms(request: FastifyRequest, view: SignInView): Html {
  const values = { rd: view.returnTo, reason: view.reason }
  // `data-remember`: the script takes the box of the form below along; without it, this way is not remembered.
  const forms = offered(request.server.login).map(
    ({ name, label, icon }) =>
      html`<form method="post" action="/provider/${name}" data-remember>${csrfField(request)}${hidden(values)}<button class="button quiet">${icon}Sign in with ${label}</button></form>`,
  )
  return html`${forms}`
}

function passwordForm(request: FastifyRequest, view: SignInView): Html {
  const { returnTo, reason, name, fault = null } = view
  const errorOf = (which: 'name' | 'password') => (fault?.field === which ? fault.text : null)
  // Who has begun with a name goes on with a password.
  const isUnderWay = name !== '' || fault !== null
  // Where typing begins: at what is wrong or missing. Not before: focus would open the keyboard over the other ways.
  const focus = (which: 'name' | 'password') =>
    fault?.field === which || (fault === null && name !== '' && which === 'password')
      ? ' autofocus'
      : ''
  return html`<form class="stack" method="post" action="/password">${csrfField(request)}${hidden({ rd: returnTo, reason })}${field(
    {
      name: 'name',
      label: 'Name',
      value: name,
      attributes: `autocomplete="username webauthn" autocapitalize="none" spellcheck="false" maxlength="64" required${focus('name')}`,
      error: errorOf('name'),
    },
  )}${field({
    name: 'password',
    label: 'Password',
    type: 'password',
    attributes: `autocomplete="current-password" required${focus('password')}`,
    error: errorOf('password'),
  })}${checkbox('remember', 'Keep me signed in on this device', view.remember)}<button class="${isUnderWay ? 'button' : 'button quiet second'}">Continue</button></form>`
}

function links(view: SignInView): Html {
  const query = signInQuery({ ...view, name: '' })
  const others = html`<li><a href="/approve/new${query}">Use another device</a></li><li><a href="/recovery${query}">Recovery code</a></li>`
  return html`<nav aria-label="Other ways to sign in"><ul class="links">${view.reason !== 'passkey' && others}<li><a href="/passkey${query}">Security key</a></li></ul></nav>`
}

const needsScript = html`<noscript><p class="lead">Passkeys need JavaScript, which is switched off here.</p></noscript>`
