// The pages of the admin: their shell with the navigation, what every page must say first, and their headers.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Html, html, htmlText, noHtml, trustedHtml } from '../../auth/app/html.ts'
import { icon, mark } from '../../pages/html.ts'
import { signInAddress } from '../guard.ts'
import type { AdminParts } from '../parts.ts'
import { type ScriptName, scriptUrl, styleUrl } from './assets.ts'
import { bannersOf } from './banners.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly admin: AdminParts
  }
}

/** Places of the navigation. */
export type Section = keyof typeof sections

const sections = {
  routes: ['/', 'Routes'],
  machines: ['/machines', 'Machines'],
  people: ['/people', 'People'],
  certificates: ['/certificates', 'Certificates'],
  protection: ['/protection', 'Protection'],
  audit: ['/audit', 'Audit log'],
  house: ['/house', 'House'],
} as const

/** Pages of one place, side by side. */
const tabs: Readonly<
  Partial<Record<Section, readonly (readonly [path: string, label: string])[]>>
> = {
  routes: [
    ['/', 'Table'],
    ['/file', 'File'],
    ['/history', 'History'],
    ['/explain', 'Try an address'],
  ],
  people: [
    ['/people', 'People'],
    ['/sessions', 'Sessions'],
    ['/tokens', 'Tokens'],
  ],
}

export interface PageParts {
  /** `<title>` and, unless `heading` says otherwise, the one `<h1>`. */
  readonly title: string
  readonly heading?: Html | string
  readonly section: Section
  /** Path of the tab that is open; absent: the page is below its section and has no tabs. */
  readonly tab?: string
  /** The page above this one. */
  readonly back?: { readonly to: string; readonly label: string }
  /** One or two sentences below the heading. */
  readonly lead?: Html | string | null
  /** Beside the heading: the one or two things most people come for. */
  readonly actions?: Html | null
  readonly body: Html
  readonly scripts?: readonly ScriptName[]
  /** Default 200. */
  readonly status?: number
  /** The page changes something: whoever signed in too long ago is told at once. */
  readonly changes?: boolean
}

/** Sends a page to whoever came in. */
export async function page(reply: FastifyReply, parts: PageParts): Promise<FastifyReply> {
  const { request, server } = reply
  const { title, heading = title, section, tab, lead = null, actions = null } = parts
  const banners = await bannersOf(reply)
  const main = html`${banners}${parts.back !== undefined && html`<p class="crumb"><a href="${parts.back.to}">← ${parts.back.label}</a></p>`}<div class="top"><div><h1>${heading}</h1>${
    lead !== null && html`<p class="lead">${lead}</p>`
  }</div>${actions !== null && html`<div class="row">${actions}</div>`}</div>${
    tab !== undefined && tabList(section, tab)
  }${parts.changes === true && signInNote(request)}${parts.body}`
  return send(reply, {
    title: `${title} · Gatehouse`,
    status: parts.status ?? 200,
    head: html`<meta name="csrf-token" content="${request.caller.csrf ?? ''}">`,
    body: html`<a class="skip" href="#main">Skip to the content</a><header class="bar"><a class="brand" href="/">${trustedHtml(mark)}Gatehouse</a><nav aria-label="Admin"><ul>${navigation(section)}</ul></nav><p class="who"><span>${request.caller.actor.name}</span><a href="${server.admin.desks.loginOrigin()}/account">Your account</a></p></header><main class="admin" id="main" tabindex="-1">${main}</main>`,
    scripts: ['page.js', ...(parts.scripts ?? [])],
  })
}

/** A page for whoever may not be in: no navigation, nothing of the house. */
export function barePage(
  reply: FastifyReply,
  parts: { readonly title: string; readonly status: number; readonly body: Html },
): FastifyReply {
  const { title, status, body } = parts
  return send(reply, {
    title,
    status,
    head: noHtml,
    body: html`<main class="admin"><div class="slender">${trustedHtml(mark)}<h1>${title}</h1>${body}</div></main>`,
    scripts: [],
  })
}

/** Sends the browser on with GET (RFC 9110 §15.4.4); `done` names a sentence of `done.ts`, which the next page shows. */
export function goOn(reply: FastifyReply, to: string, done?: string): FastifyReply {
  const [path = '/', fragment] = to.split('#')
  const query = done === undefined ? '' : `${path.includes('?') ? '&' : '?'}done=${done}`
  const end = fragment === undefined ? '' : `#${fragment}`
  return reply
    .status(303)
    .header('location', path + query + end)
    .send()
}

/** The way to show oneself again and to come back to this page. */
export function signInAgainUrl(request: FastifyRequest): string {
  const { from } = request.caller
  const address = signInAddress(from, request.server.admin.context, from.target)
  return `${address}&reason=not-recent`
}

interface Sent {
  readonly title: string
  readonly status: number
  readonly head: Html
  readonly body: Html
  readonly scripts: readonly ScriptName[]
}

function send(reply: FastifyReply, { title, status, head, body, scripts }: Sent): FastifyReply {
  const tags = scripts.map((name) => html`<script type="module" src="${scriptUrl(name)}"></script>`)
  const text = html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><meta name="color-scheme" content="light dark"><title>${title}</title><link rel="icon" href="${icon()}"><link rel="stylesheet" href="${styleUrl()}">${head}${tags}</head><body>${body}</body></html>
`
  return reply
    .status(status)
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', policyOf(reply))
    .send(htmlText(text))
}

/**
 * Nothing is fetched but our own sheet and scripts. Browsers look at redirects after a form too (CSP3 §6.4.2): a change
 * can end at the login host, when the session is over.
 */
function policyOf({ server }: FastifyReply): string {
  return [
    `default-src 'none'`,
    `style-src 'self'`,
    `script-src 'self'`,
    `connect-src 'self'`,
    'img-src data:',
    `form-action 'self' ${server.admin.desks.loginOrigin()}`,
    `frame-ancestors 'none'`,
    `base-uri 'none'`,
  ].join('; ')
}

function navigation(open: Section): Html {
  const items = Object.entries(sections).map(
    ([name, [path, label]]) =>
      html`<li><a href="${path}"${name === open && html` aria-current="page"`}>${label}</a></li>`,
  )
  return html`${items}`
}

function tabList(section: Section, open: string): Html {
  const items = (tabs[section] ?? []).map(
    ([path, label]) =>
      html`<a href="${path}"${path === open && html` aria-current="page"`}>${label}</a>`,
  )
  return html`<nav class="tabs" aria-label="${sections[section][1]}">${items}</nav>`
}

/** What was written into a form would be lost: so it is said before. */
function signInNote(request: FastifyRequest): Html | null {
  if (request.caller.recent) return null
  return html`<div class="banner warn"><p>You can look at everything. To change something, show once more who you are: you signed in a while ago.</p><a class="button small quiet" href="${signInAgainUrl(request)}">Sign in again</a></div>`
}
