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
  readonly label: string
  readonly value: string
  readonly choices: readonly Choice[]
  readonly hint?: string
}): Html {
  const { name, label, value, choices, hint } = parts
  const options = choices.map(
    (choice) =>
      html`<option value="${choice.value}"${choice.value === value && html` selected`}>${choice.label}</option>`,
  )
  return html`<div class="field"><label for="${name}">${label}</label><select id="${name}" name="${name}"${
    hint !== undefined && html` aria-describedby="${name}-hint"`
  }>${options}</select>${hint !== undefined && html`<p class="hint" id="${name}-hint">${hint}</p>`}</div>`
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
