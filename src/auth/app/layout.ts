// The pages of the login host: their shell, their headers, and the way they leave.

import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { icon, mark } from '../../pages/html.ts'
import { browserCookieName, setCookie } from '../cookie.ts'
import { type ScriptName, scriptTags } from './assets.ts'
import { type Html, html, htmlText, noHtml, trustedHtml } from './html.ts'
import { appStyle } from './style.ts'
import { tabCookieName } from './visit.ts'

export interface PageParts {
  /** `<title>` and, unless `heading` says otherwise, the one `<h1>`. Plain text. */
  readonly title: string
  readonly heading?: string
  /** Default 200. */
  readonly status?: number
  /** One or two sentences below the heading. */
  readonly lead?: string | Html
  readonly body: Html
  /** The page's module, which finds the CSRF token in `<meta name="csrf-token">`. */
  readonly script?: ScriptName
  /** `narrow` (default): one form. `wide`: lists and tables. */
  readonly width?: 'narrow' | 'wide'
}

/** How long a browser is recognised without signing in, seconds. RFC 6265bis §5.5 allows 400 days. */
const browserCookieSeconds = 34_560_000

/** How long tabs that opened together may wait for their forms, seconds. */
const tabSeconds = 86_400

const styleSource = `'sha256-${createHash('sha256').update(appStyle).digest('base64')}'`

const head = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><link rel="icon" href="${icon()}"><style>${appStyle}</style>`

/** Sends a page. A browser that has no cookie of ours yet gets one: its forms need it. */
export function page(reply: FastifyReply, parts: PageParts): FastifyReply {
  const { visit } = reply.request
  const { title, heading = title, status = 200, lead, body, script, width = 'narrow' } = parts
  if (!visit.browserKnown) {
    const options = { maxAgeSeconds: browserCookieSeconds }
    reply.header('set-cookie', setCookie(browserCookieName, visit.browser, options))
    const ofTab = setCookie(tabCookieName(visit.browser), visit.browser, {
      maxAgeSeconds: tabSeconds,
    })
    reply.header('set-cookie', ofTab)
  }
  const scripts =
    script === undefined
      ? noHtml
      : html`<meta name="csrf-token" content="${visit.csrf}">${trustedHtml(scriptTags(script))}`
  const text = html`<title>${title}</title>${scripts}</head><body><main class="${width}">${trustedHtml(mark)}<p class="eyebrow">${visit.from.host}</p><h1>${heading}</h1>${
    lead !== undefined && html`<p class="lead">${lead}</p>`
  }${body}</main></body></html>
`
  return reply
    .status(status)
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', policyOf(reply, script !== undefined))
    .send(head + htmlText(text))
}

/** Sends the browser on, with GET (RFC 9110 §15.4.4); a script gets `{ "to": … }`. Only to places of ours. */
export function goOn(reply: FastifyReply, to: string): FastifyReply {
  if (reply.request.visit.json) return reply.send({ to })
  return reply.status(303).header('location', to).send()
}

/** Refuses: a page, or `{ "error", "message" }` for a script. `code` is from the caller's own list. */
export function refuse(
  reply: FastifyReply,
  what: PageParts & { readonly status: number; readonly code: string },
): FastifyReply {
  if (!reply.request.visit.json) return page(reply, what)
  return reply.status(what.status).send({ error: what.code, message: messageOf(what) })
}

/** What a script can tell a person: text, so a lead with markup in it does not count. */
function messageOf({ lead, title }: PageParts): string {
  return typeof lead === 'string' ? lead : title
}

/**
 * Nothing is fetched but our own scripts. Browsers look at redirects after a form too (CSP3 §6.4.2), and a sign-in
 * ends at any host of the table or goes by way of a provider: so these are named.
 */
function policyOf(reply: FastifyReply, scripts: boolean): string {
  const { hosts, providers } = reply.server.login
  const targets = [...hosts(), ...providers.flatMap((each) => each.offer()?.origin ?? [])]
  return [
    `default-src 'none'`,
    `style-src ${styleSource}`,
    'img-src data:',
    ...(scripts ? [`script-src 'self'`, `connect-src 'self'`] : []),
    `form-action 'self' ${targets.join(' ')}`.trimEnd(),
    `frame-ancestors 'none'`,
    `base-uri 'none'`,
  ].join('; ')
}
