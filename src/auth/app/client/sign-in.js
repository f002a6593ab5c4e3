// Signing in with a passkey: by the button, and from the list a browser shows in the name field. Browser module.

import { failureText, fieldValue, post, say, setBusy } from './shared.js'
import './webauthn.js'

/** A challenge lives ten minutes on the server; a page may stay open longer. */
const renewMs = 8 * 60_000

const { browserSupportsWebAuthn, browserSupportsWebAuthnAutofill, startAuthentication } =
  globalThis.SimpleWebAuthnBrowser

/**
 * Asks for a challenge, has it signed, and goes where the server says.
 *
 * @param {HTMLFormElement} form
 * @param {boolean} inField  the browser offers passkeys in the name field, without a dialog
 */
async function signIn(form, inField) {
  const csrf = fieldValue(form, '_csrf')
  const about = Object.fromEntries(
    [...new FormData(form)].filter(
      ([name, value]) => name !== '_csrf' && typeof value === 'string',
    ),
  )
  const { flow, options } = await post(form.dataset.options ?? '/passkey/options', about, csrf)
  const response = await startAuthentication({
    optionsJSON: options,
    useBrowserAutofill: inField,
    // The field may be named in a form of its own that this script does not look at.
    verifyBrowserAutofillInput: false,
  })
  setBusy(form, true)
  const remember = document.querySelector('input[name=remember]')
  const { to } = await post(
    form.action,
    {
      ...about,
      flow,
      response,
      remember: remember instanceof HTMLInputElement && remember.checked,
    },
    csrf,
  )
  location.assign(String(to))
}

/**
 * @param {HTMLFormElement} form
 */
async function offerInField(form) {
  if (!(await browserSupportsWebAuthnAutofill())) return
  const timer = setTimeout(() => offerInField(form), renewMs)
  try {
    await signIn(form, true)
  } catch (error) {
    // The dialog of the button ends this one (AbortError); whatever else it is, the button remains.
    clearTimeout(timer)
    setBusy(form, false)
    if (error instanceof Error && !['AbortError', 'NotAllowedError'].includes(error.name)) {
      say(form, failureText(error))
    }
  }
}

for (const form of document.querySelectorAll('form[data-passkey]')) {
  if (!(form instanceof HTMLFormElement) || !browserSupportsWebAuthn()) continue
  form.hidden = false
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    say(form, null)
    setBusy(form, true)
    try {
      await signIn(form, false)
    } catch (error) {
      setBusy(form, false)
      say(form, failureText(error))
    }
  })
  if (form.dataset.passkey === 'in-field') offerInField(form)
}
