// Differences of a text and what they mean for access, as markup.

import { type Html, html } from '../../auth/app/html.ts'
import type { AccessChange } from '../../routes-file/access-change.ts'
import type { Problem } from '../../routes-file/problem.ts'
import type { DiffHunk } from '../desks/types.ts'
import { ended } from './words.ts'

/** Lines with their numbers; what is gone and what is new also say so for those who do not see colours. */
export function diffView(hunks: readonly DiffHunk[]): Html {
  if (hunks.length === 0) return html`<p class="meta">No line differs.</p>`
  return html`<div class="diff" tabindex="0" role="region" aria-label="What differs">${hunks.map(hunkView)}</div>`
}

function hunkView({ from, to, lines }: DiffHunk): Html {
  let [old, fresh] = [from, to]
  const rows = lines.map(({ kind, text }) => {
    const numbers = html`<td>${kind === 'new' ? '' : old}</td><td>${kind === 'gone' ? '' : fresh}</td>`
    if (kind !== 'new') old += 1
    if (kind !== 'gone') fresh += 1
    return html`<tr class="${kind}">${numbers}<td>${signs[kind]}</td><td>${text}</td></tr>`
  })
  return html`<table><tbody>${rows}</tbody></table>`
}

const signs = {
  same: '',
  gone: html`<span aria-hidden="true">−</span><span class="hidden">gone: </span>`,
  new: html`<span aria-hidden="true">+</span><span class="hidden">new: </span>`,
} as const

/** `vault/vaultwarden: login → public`, each with what it is. */
export function accessList(changes: readonly AccessChange[]): Html {
  if (changes.length === 0) return html`<p class="meta">Nothing changes for who may enter.</p>`
  const items = changes.map(
    ({ kind, route, before, after }) =>
      html`<li><span class="tag ${looks[kind]}">${kindWords[kind]}</span> <b>${route}</b>: ${before} → ${after}</li>`,
  )
  return html`<ul class="plainlist">${items}</ul>`
}

const looks = { weaker: 'open', gone: 'bad', stronger: 'good', new: 'good' } as const
const kindWords = {
  weaker: 'lets in more',
  gone: 'goes away',
  stronger: 'lets in fewer',
  new: 'new',
} as const

/** Each with its line, which the editor's script makes a way to it. */
export function problemList(
  problems: readonly Problem[],
  options: { readonly limit?: number } = {},
): Html {
  const { limit = 100 } = options
  const items = problems.slice(0, limit).map(problemItem)
  const more = problems.length - limit
  return html`<ul class="problems">${items}${more > 0 && html`<li>and ${more} more</li>`}</ul>`
}

function problemItem({ severity, line, column, where, what, remedy }: Problem): Html {
  return html`<li class="${severity}" data-line="${line}" data-column="${column}"><span class="tag ${severity === 'error' ? 'bad' : 'warn'}">line ${line}</span> ${where !== '' && html`<code>${where}</code>: `}${what}. <span class="fix">${ended(capital(remedy))}</span></li>`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
