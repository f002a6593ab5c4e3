// Choosing a password: the fields, and what is too weak. Length counts, nothing else is asked for (NIST SP 800-63B §5.1.1.2).

import { maxPasswordBytes } from '../password-hash.ts'
import type { User } from '../people.ts'
import { field } from './controls.ts'
import { type Form, fieldOf } from './forms.ts'
import { type Html, html } from './html.ts'

/** Fewest characters. A second factor stands beside it always. */
export const minPasswordLength = 10

/** What is wrong, as a sentence for the field; `null`: it will do. */
export function passwordFault(form: Form, user: User): string | null {
  const password = fieldOf(form, 'password', maxPasswordBytes)
  if (password === '') return 'Choose a password.'
  if ([...password].length < minPasswordLength) {
    return `Use at least ${minPasswordLength} characters. Four or five random words are good.`
  }
  if (new Set(password).size < 4) return 'That is too easy to guess.'
  if (password.toLowerCase().includes(user.id) && password.length < user.id.length + 8) {
    return 'Do not build it around your name.'
  }
  if (password !== fieldOf(form, 'again', maxPasswordBytes)) return 'The two are not the same.'
  return null
}

/** The two fields, and the name beside them so that a password manager knows what belongs together. */
export function passwordFields(user: User, error: string | null): Html {
  const attributes = `autocomplete="new-password" minlength="${minPasswordLength}" required`
  return html`<div class="hidden" aria-hidden="true"><input type="text" name="username" value="${user.id}" autocomplete="username" readonly tabindex="-1"></div>${field(
    {
      name: 'password',
      label: 'Password',
      type: 'password',
      hint: `At least ${minPasswordLength} characters. Nothing else is asked of it.`,
      attributes,
      error,
    },
  )}${field({ name: 'again', label: 'The same again', type: 'password', attributes })}`
}
