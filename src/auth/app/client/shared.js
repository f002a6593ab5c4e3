// What the scripts of the login host have in common: asking the server, and telling the person. Browser module.

/** A failure with a sentence that the server wrote for the person. */
export class Refusal extends Error {}

/**
 * Posts JSON to our own origin.
 *
 * @param {string} path
 * @param {Record<string, unknown>} body
 * @returns {Promise<Record<string, unknown>>}
 */
export async function post(path, body) {
  const csrf = document.querySelector('meta[name=csrf-token]')?.getAttribute('content') ?? ''
  const response = await fetch(path, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      'x-csrf-token': csrf,
    },
    body: JSON.stringify(body),
    credentials: 'same-origin',
    redirect: 'error',
  })
  const answer = await response.json().catch(() => ({}))
  if (response.ok) return answer
  throw new Refusal(answer.message ?? 'That did not work. Please reload the page and try again.')
}

/**
 * The fields of a form, by name; ticked boxes by their value.
 *
 * @param {HTMLFormElement} form
 * @returns {Record<string, string>}
 */
export function fieldsOf(form) {
  /** @type {Record<string, string>} */
  const fields = {}
  for (const [name, value] of new FormData(form))
    if (typeof value === 'string' && name !== '_csrf') fields[name] = value
  return fields
}

/**
 * Shows a sentence in the form's own place for it; `null` takes it away.
 *
 * @param {HTMLFormElement} form
 * @param {string | null} text
 */
export function say(form, text) {
  const place = form.querySelector('[data-message]')
  if (!(place instanceof HTMLElement)) return
  place.textContent = text ?? ''
  place.hidden = text === null
}

/**
 * Takes a form out of use while something runs.
 *
 * @param {HTMLFormElement} form
 * @param {boolean} busy
 */
export function setBusy(form, busy) {
  form.setAttribute('aria-busy', String(busy))
  for (const button of form.querySelectorAll('button')) button.disabled = busy
}

/**
 * What went wrong with a key, in words; `null`: something else took over, and nobody need know.
 *
 * @param {unknown} error
 * @returns {string | null}
 */
export function failureText(error) {
  if (error instanceof Refusal) return error.message
  // WebAuthn Level 3 §5.1.3, §5.1.4: these names say what happened; all others say "no".
  switch (error instanceof Error ? error.name : '') {
    case 'AbortError':
      return null
    case 'NotAllowedError':
      return 'It was cancelled, or no key answered in time. You can try again.'
    case 'InvalidStateError':
      return 'This device or key is registered for your account already.'
    case 'ConstraintError':
    case 'NotSupportedError':
      return 'This device or key cannot do what is needed here. Use another one.'
    case 'SecurityError':
      return 'The browser does not allow keys at this address.'
    default:
      return 'That did not work. Please try again.'
  }
}
