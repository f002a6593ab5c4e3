// Pieces of the admin's forms and tables: a form of one button, fields beside those of the login host, states in words.

import type { FastifyRequest } from 'fastify'
import { hidden } from '../../auth/app/controls.ts'
import { type Html, html } from '../../auth/app/html.ts'

/** Belongs into every form that posts: without it the post is refused. */
export function csrfField(request: FastifyRequest): Html {
  return hidden({ _csrf: request.caller.csrf })
}

export interface ButtonForm {
  readonly action: string
  readonly fields?: Readonly<Record<string, string>>
  readonly label: string
  /** For those who cannot see it: which of many it is. */
  readonly about?: string
  readonly look?: 'strong' | 'quiet' | 'danger' | 'tiny'
}

/** A form that is one button. */
export function buttonForm(request: FastifyRequest, parts: ButtonForm): Html {
  const { action, fields = {}, label, about = '', look = 'quiet' } = parts
  return html`<form method="post" action="${action}">${csrfField(request)}${hidden(fields)}<button class="${looks[look]}">${label}${
    about !== '' && html`<span class="hidden"> ${about}</span>`
  }</button></form>`
}

const looks = {
  strong: 'button small',
  quiet: 'button small quiet',
  danger: 'button small danger',
  tiny: 'button tiny quiet',
} as const

/** A link that looks like a button. */
export function buttonLink(
  href: string,
  label: string,
  look: 'strong' | 'quiet' | 'danger' = 'quiet',
): Html {
  return html`<a class="${looks[look]}" href="${href}">${label}</a>`
}

/** A state: its word, and a shape before it. */
export function state(
  look: 'good' | 'bad' | 'warn' | 'sleep' | 'none',
  label: Html | string,
  options: { readonly busy?: boolean } = {},
): Html {
  return html`<span class="state ${look}${options.busy === true && ' busy'}">${label}</span>`
}

export interface Choice {
  readonly value: string
  readonly label: string
}

/** A labelled list to choose from. */
export function select(parts: {
  readonly name: string
  /** Default: the name. */
  readonly id?: string
  readonly label: string
  readonly value: string
  readonly choices: readonly Choice[]
  readonly hint?: string
  readonly error?: string | null
}): Html {
  const { name, id = name, label, value, choices, hint, error = null } = parts
  const isKnown = choices.some((choice) => choice.value === value)
  const all = isKnown ? choices : [...choices, { value, label: value }]
  const options = all.map(
    (choice) =>
      html`<option value="${choice.value}"${choice.value === value && html` selected`}>${choice.label}</option>`,
  )
  return html`<div class="field"><label for="${id}">${label}</label><select id="${id}" name="${name}"${describedBy(id, { hint: hint !== undefined, error: error !== null })}>${options}</select>${errorLine(id, error)}${hint !== undefined && html`<p class="hint" id="${id}-hint">${hint}</p>`}</div>`
}

/** A labelled text of several lines, in the letters of the file. */
export function textArea(parts: {
  readonly name: string
  readonly label: string
  readonly value: string
  readonly rows: number
  readonly hint: Html | string
  readonly error: string | null
}): Html {
  const { name, label, value, rows, hint, error } = parts
  const height = Math.max(rows, Math.min(16, value.split('\n').length + 1))
  // A line break right behind the tag is not part of the text (WHATWG HTML §13.1.2.5).
  return html`<div class="field"><label for="${name}">${label}</label><textarea class="mono" id="${name}" name="${name}" rows="${height}" spellcheck="false" autocapitalize="none" autocomplete="off"${describedBy(name, { hint: true, error: error !== null })}>\n${value}</textarea>${errorLine(name, error)}<p class="hint" id="${name}-hint">${hint}</p></div>`
}

function describedBy(name: string, has: { readonly hint: boolean; readonly error: boolean }): Html {
  const ids = [has.error ? `${name}-error` : '', has.hint ? `${name}-hint` : ''].filter(
    (id) => id !== '',
  )
  return html`${ids.length > 0 && html` aria-describedby="${ids.join(' ')}"`}${has.error && html` aria-invalid="true"`}`
}

function errorLine(name: string, error: string | null): Html | null {
  return error === null ? null : html`<p class="error" id="${name}-error">${error}</p>`
}

/** Facts by name. What has none is left out. */
export function facts(
  list: readonly (readonly [name: string, value: Html | string | null])[],
): Html {
  const items = list.map(
    ([name, value]) => value !== null && html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )
  return html`<dl class="facts">${items}</dl>`
}

/** What a person must look at, as a list. */
export function troubleList(title: string, items: readonly (Html | string)[]): Html | null {
  if (items.length === 0) return null
  return html`<div class="alert" role="alert"><p><b>${title}</b></p><ul>${items.map((item) => html`<li>${item}</li>`)}</ul></div>`
}
