// The login page as it looks: passkey, provider, name and password, and the ways out.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { alert, checkbox, csrfField, field, hidden } from './controls.ts'
import { type Html, html, trustedHtml } from './html.ts'
import { passkeyForm } from './key-pages.ts'
import { page } from './layout.ts'
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

function providerForms(request: FastifyRequest, view: SignInView): Html | null {
  if (request.server.login.login().github === null) return null
  const values = { rd: view.returnTo, reason: view.reason }
  // `data-remember`: the script takes the box of the form below along; without it, GitHub's way is not remembered.
  return html`<form method="post" action="/provider/github" data-remember>${csrfField(request)}${hidden(values)}<button class="button quiet">${githubIcon}Sign in with GitHub</button></form>`
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

/** GitHub's mark, as its guidelines allow for such a button. */
const githubIcon: Html = trustedHtml(
  '<svg viewBox="0 0 16 16" fill="currentColor" aria-hidden="true"><path d="M8 0C3.58 0 0 3.58 0 8c0 3.54 2.29 6.53 5.47 7.59.4.07.55-.17.55-.38 0-.19-.01-.82-.01-1.49-2.01.37-2.53-.49-2.69-.94-.09-.23-.48-.94-.82-1.13-.28-.15-.68-.52-.01-.53.63-.01 1.08.58 1.23.82.72 1.21 1.87.87 2.33.66.07-.52.28-.87.51-1.07-1.78-.2-3.64-.89-3.64-3.95 0-.87.31-1.59.82-2.15-.08-.2-.36-1.02.08-2.12 0 0 .67-.21 2.2.82.64-.18 1.32-.27 2-.27s1.36.09 2 .27c1.53-1.04 2.2-.82 2.2-.82.44 1.1.16 1.92.08 2.12.51.56.82 1.27.82 2.15 0 3.07-1.87 3.75-3.65 3.95.29.25.54.73.54 1.48 0 1.07-.01 1.93-.01 2.2 0 .21.15.46.55.38A8.01 8.01 0 0 0 16 8c0-4.42-3.58-8-8-8Z"/></svg>',
)
