// Pieces of our pages' forms: fields with their label, hint and fault; hidden values; what is announced.

import type { FastifyRequest } from 'fastify'
import { type Html, html, trustedHtml } from './html.ts'

export interface Field {
  readonly name: string
  readonly label: string
  readonly value?: string
  /** Default `text`. */
  readonly type?: 'text' | 'password' | 'email' | 'number'
  /** Of our own making, such as `autocomplete="username" required`; never text from a person. */
  readonly attributes?: string
  readonly hint?: string | null
  /** What is wrong with it; read out with the field (WCAG 2.2 §3.3.1). */
  readonly error?: string | null
}

/** A labelled input. Its id is its name. */
export function field(parts: Field): Html {
  const {
    name,
    label,
    value = '',
    type = 'text',
    attributes = '',
    hint = null,
    error = null,
  } = parts
  const described = [error === null ? '' : `${name}-error`, hint === null ? '' : `${name}-hint`]
    .filter((id) => id !== '')
    .join(' ')
  return html`<div class="field"><label for="${name}">${label}</label><input id="${name}" name="${name}" type="${type}"${
    value !== '' && html` value="${value}"`
  }${described !== '' && html` aria-describedby="${described}"`}${
    error !== null && html` aria-invalid="true"`
  } ${trustedHtml(attributes)}>${
    error !== null && html`<p class="error" id="${name}-error">${error}</p>`
  }${hint !== null && html`<p class="hint" id="${name}-hint">${hint}</p>`}</div>`
}

/** A checkbox with its words beside it. */
export function checkbox(name: string, label: string, ticked: boolean): Html {
  return html`<label class="check"><input type="checkbox" name="${name}" value="yes"${ticked && html` checked`}><span>${label}</span></label>`
}

/** Values that travel with a form; `null` ones do not. */
export function hidden(values: Readonly<Record<string, string | null>>): Html {
  const inputs = Object.entries(values).map(
    ([name, value]) =>
      value !== null && html`<input type="hidden" name="${name}" value="${value}">`,
  )
  return html`${inputs}`
}

/** Belongs into every form that posts: without it the post is refused. */
export function csrfField(request: FastifyRequest): Html {
  return hidden({ _csrf: request.visit.csrf })
}

/** Something went wrong: read out at once when the page appears. `null`: nothing did. */
export function alert(text: string | null): Html | null {
  return text === null ? null : html`<div class="alert" role="alert"><p>${text}</p></div>`
}

/** Something worth knowing that is no fault. */
export function news(text: string | null): Html | null {
  return text === null ? null : html`<div class="news" role="status"><p>${text}</p></div>`
}
