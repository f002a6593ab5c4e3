// The frame of the account pages: one heading, three tabs, lists.

import type { FastifyReply } from 'fastify'
import { csrfField } from './controls.ts'
import { type Html, html } from './html.ts'
import { type PageParts, page } from './layout.ts'

export type AccountTab = 'account' | 'devices' | 'tokens'

/** A page of the account with its tabs. */
export function accountPage(
  reply: FastifyReply,
  parts: Omit<PageParts, 'width'> & { readonly tab: AccountTab },
): FastifyReply {
  const { tab, body, ...others } = parts
  const tabs = tabList.map(
    ([name, path, label]) =>
      html`<a href="${path}"${name === tab && html` aria-current="page"`}>${label}</a>`,
  )
  const nav = html`<nav class="tabs" aria-label="Account">${tabs}</nav>`
  const out = html`<ul class="links"><li><a href="/services">Your services</a></li><li><a href="/sign-out">Sign out</a></li></ul>`
  return page(reply, { ...others, width: 'wide', body: html`${nav}${body}${out}` })
}

/** A section with its heading and what can be added to it. */
export function section(parts: {
  /** Of the heading; the address of the section. */
  readonly id: string
  readonly heading: string
  readonly hint?: string
  readonly action: Html | null
  readonly body: Html
}): Html {
  const { id, heading, hint = null, action, body } = parts
  return html`<section aria-labelledby="${id}"><div class="row between"><h2 id="${id}">${heading}</h2>${action}</div>${
    hint !== null && html`<p class="hint">${hint}</p>`
  }${body}</section>`
}

/** One thing of a list: its name, what is known of it, and what can be done with it. */
export function listItem(parts: {
  readonly name: Html | string
  /** Lines of small text; empty ones are left out. */
  readonly meta: readonly (Html | string | null)[]
  readonly action: Html | null
}): Html {
  const { name, meta, action } = parts
  const lines = meta.map((line) => line !== null && html`<p class="meta">${line}</p>`)
  return html`<li><div><p class="name">${name}</p>${lines}</div>${action}</li>`
}

/** A list, or a sentence in its place. */
export function list(items: readonly Html[], empty: string): Html {
  return items.length === 0
    ? html`<p class="meta">${empty}</p>`
    : html`<ul class="list">${items}</ul>`
}

/** A form that is one button. `about` says, for those who cannot see it, which of many it is. */
export function buttonForm(
  reply: FastifyReply,
  parts: {
    readonly action: string
    readonly fields: Html
    readonly label: string
    readonly about?: string
    readonly look?: 'quiet' | 'danger'
  },
): Html {
  const { action, fields, label, about = '', look = 'quiet' } = parts
  return html`<form method="post" action="${action}">${csrfField(reply.request)}${fields}<button class="button small ${look}">${label}${
    about !== '' && html`<span class="hidden"> ${about}</span>`
  }</button></form>`
}

/** A link that looks like a button. */
export function smallLink(href: string, label: string, about = ''): Html {
  return html`<a class="button small quiet" href="${href}">${label}${
    about !== '' && html`<span class="hidden"> ${about}</span>`
  }</a>`
}

const tabList: readonly (readonly [AccountTab, string, string])[] = [
  ['account', '/account', 'Signing in'],
  ['devices', '/account/devices', 'Devices'],
  ['tokens', '/account/tokens', 'Programs'],
]
