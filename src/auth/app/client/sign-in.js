// Signing in with a key: by its button, and from the list a browser shows in the name field. Browser module.

import { failureText, fieldsOf, post, say, setBusy } from './shared.js'
import './webauthn.js'

/** @typedef {import('@simplewebauthn/browser').PublicKeyCredentialRequestOptionsJSON} Options */

/** @type {typeof import('@simplewebauthn/browser')} */
const library = Reflect.get(globalThis, 'SimpleWebAuthnBrowser')
const { browserSupportsWebAuthn, browserSupportsWebAuthnAutofill, startAuthentication } = library

/** A challenge lives ten minutes on the server; a page may stay open longer. */
const renewMs = 8 * 60_000
/** Characters; `maxReturnLength` of the server. */
const maxTargetLength = 4608

/**
 * Asks for a challenge, has it signed, and goes where the server says.
 *
 * @param {HTMLFormElement} form  what it holds goes along, both times
 * @param {boolean} inField  the browser offers keys in the name field, without a dialog
 */
async function signIn(form, inField) {
  const { flow, options } = await post(`${form.getAttribute('action')}/options`, fieldsOf(form))
  const response = await startAuthentication({
    optionsJSON: /** @type {Options} */ (options),
    useBrowserAutofill: inField,
    // The field stands in another form; the library would look for it in vain when there is none.
    verifyBrowserAutofillInput: false,
  })
  setBusy(form, true)
  const remember = document.querySelector('input[name=remember]')
  const remembered = remember instanceof HTMLInputElement && remember.checked ? 'yes' : ''
  const body = { remember: remembered, ...fieldsOf(form), flow, response }
  const { to } = await post(form.getAttribute('action') ?? '', body)
  location.assign(String(to))
}

/**
 * @param {HTMLFormElement} form
 */
async function offerInField(form) {
  if (!(await browserSupportsWebAuthnAutofill())) return
  // Beginning anew ends the one before with an AbortError.
  const timer = setTimeout(() => offerInField(form), renewMs)
  try {
    await signIn(form, true)
  } catch (error) {
    const name = error instanceof Error ? error.name : ''
    if (name === 'AbortError') return
    clearTimeout(timer)
    setBusy(form, false)
    if (name !== 'NotAllowedError') say(form, failureText(error))
  }
}

/**
 * A redirect brings the fragment of the wanted address to this page's (RFC 9110 §10.2.2); forms and links would lose it.
 *
 * @param {string} target
 */
function withFragment(target) {
  const whole = target + location.hash
  // The server reads no longer one, and would then know of no way back at all.
  return target === '' || target.includes('#') || whole.length > maxTargetLength ? target : whole
}

for (const field of document.querySelectorAll('input[name=rd]')) {
  if (field instanceof HTMLInputElement) field.value = withFragment(field.value)
}
for (const link of document.querySelectorAll('a[href*="rd="]')) {
  if (!(link instanceof HTMLAnchorElement)) continue
  const to = new URL(link.href)
  to.searchParams.set('rd', withFragment(to.searchParams.get('rd') ?? ''))
  if (to.origin === location.origin) link.href = to.pathname + to.search
}

for (const form of document.querySelectorAll('form[data-key]')) {
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
  if (form.dataset.key === 'in-field') offerInField(form)
}

// The box "keep me signed in" stands in the password's form; it is meant for every way.
for (const form of document.querySelectorAll('form[data-remember]')) {
  if (!(form instanceof HTMLFormElement)) continue
  form.addEventListener('formdata', ({ formData }) => {
    const remember = document.querySelector('input[name=remember]')
    if (remember instanceof HTMLInputElement && remember.checked) formData.set('remember', 'yes')
  })
}

// Back from the next page: the browser shows this one as it was left.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload()
})
