// Making a passkey or registering a security key, on the account page and at enrolment. Browser module.

import { failureText, fieldValue, post, say, setBusy } from './shared.js'
import './webauthn.js'

const { browserSupportsWebAuthn, startRegistration } = globalThis.SimpleWebAuthnBrowser

for (const form of document.querySelectorAll('form[data-register]')) {
  if (!(form instanceof HTMLFormElement)) continue
  const without = document.getElementById(`${form.id}-without`)
  if (!browserSupportsWebAuthn()) continue
  form.hidden = false
  if (without !== null) without.hidden = true
  form.addEventListener('submit', async (event) => {
    const field = form.elements.namedItem('response')
    if (!(field instanceof HTMLInputElement) || field.value !== '') return
    event.preventDefault()
    say(form, null)
    setBusy(form, true)
    try {
      const kind = form.dataset.register
      const { flow, options } = await post(
        form.dataset.options ?? '',
        { kind, flow: fieldValue(form, 'flow') },
        fieldValue(form, '_csrf'),
      )
      const flowField = form.elements.namedItem('flow')
      if (flowField instanceof HTMLInputElement) flowField.value = String(flow)
      field.value = JSON.stringify(await startRegistration({ optionsJSON: options }))
      setBusy(form, false)
      // From here it is an ordinary form: the answer is a page, whatever it says.
      form.requestSubmit()
    } catch (error) {
      setBusy(form, false)
      say(form, failureText(error))
    }
  })
}
