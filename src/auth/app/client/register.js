// Making a passkey or registering a security key, on the account page and at enrolment. Browser module.

import { failureText, fieldsOf, post, say, setBusy } from './shared.js'
import './webauthn.js'

/** @typedef {import('@simplewebauthn/browser').PublicKeyCredentialCreationOptionsJSON} Options */

/** @type {typeof import('@simplewebauthn/browser')} */
const library = Reflect.get(globalThis, 'SimpleWebAuthnBrowser')
const { browserSupportsWebAuthn, startRegistration } = library

for (const form of document.querySelectorAll('form[data-register]')) {
  if (!(form instanceof HTMLFormElement) || !browserSupportsWebAuthn()) continue
  form.hidden = false
  const without = document.querySelector('[data-without-keys]')
  if (without instanceof HTMLElement) without.hidden = true
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    say(form, null)
    setBusy(form, true)
    try {
      const action = form.getAttribute('action') ?? ''
      const { flow, options } = await post(`${action}/options`, fieldsOf(form))
      const response = await startRegistration({
        optionsJSON: /** @type {Options} */ (options),
      })
      const { to } = await post(action, { ...fieldsOf(form), flow, response })
      location.assign(String(to))
    } catch (error) {
      setBusy(form, false)
      say(form, failureText(error))
    }
  })
}
