// The one layout of the demo's pages, and the few files they load. Pure text.

import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** A page: plain text is escaped by `html`, so parts are safe to nest. */
export interface Page {
  readonly title: string
  /** One or two sentences under the title. */
  readonly lead: Html
  readonly body: Html
  /** A file of assets/ to run; default: none. */
  readonly script?: string
}

/** Text that is safe as HTML. Only `html` and `joined` make it. */
export interface Html {
  readonly safe: string
}

/** Escapes every value that is not `Html` already. */
export function html(parts: TemplateStringsArray, ...values: (string | number | Html)[]): Html {
  let safe = parts[0] ?? ''
  for (const [i, value] of values.entries()) {
    safe += typeof value === 'object' ? value.safe : escapeText(String(value))
    safe += parts[i + 1] ?? ''
  }
  return { safe }
}

export function joined(parts: readonly Html[]): Html {
  return { safe: parts.map((part) => part.safe).join('\n') }
}

/**
 * Where the demo's sites are, as the visitor of this request sees them: `headers` of
 * `https://echo.gatehouse.localhost:8443/` gives `https://headers.gatehouse.localhost:8443/`.
 *
 * @param name `''` for the bare domain.
 */
export function siteUrl(req: IncomingMessage, name: string): string {
  const port = /:(\d{1,5})$/.exec(req.headers.host ?? '')?.[1]
  const host = `${name === '' ? '' : `${name}.`}gatehouse.localhost`
  return `https://${host}${port === undefined || port === '443' ? '' : `:${port}`}/`
}

/** Answers with the page. Its policy allows files of the same site alone: no inline script or style. */
export function sendPage(req: IncomingMessage, res: ServerResponse, page: Page): void {
  const home = siteUrl(req, '')
  const script =
    page.script === undefined ? html`` : html`<script src="/${page.script}" defer></script>`
  const { safe } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.title} · Gatehouse demo</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/demo.css">
${script}
</head>
<body>
<header><a href="${home}">Gatehouse demo</a></header>
<main>
<h1>${page.title}</h1>
<p class="lead">${page.lead}</p>
${page.body}
</main>
</body>
</html>
`
  send(res, 'text/html; charset=utf-8', safe)
}

/** Answers with a file of assets/. @returns false when the path names none. */
export function sendAsset(path: string, res: ServerResponse): boolean {
  const type = assets.get(path.slice(1))
  if (type === undefined) return false
  send(res, type, readFileSync(new URL(`assets${path}`, import.meta.url), 'utf8'))
  return true
}

/** Answers 200 with a text. */
export function send(res: ServerResponse, type: string, text: string): void {
  res.writeHead(200, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-cache',
    'content-security-policy':
      "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  })
  res.end(text)
}

/** The whole list, so that no path reaches the file system. */
const assets: ReadonlyMap<string, string> = new Map([
  ['demo.css', 'text/css; charset=utf-8'],
  ['echo.js', 'text/javascript; charset=utf-8'],
  ['events.js', 'text/javascript; charset=utf-8'],
  ['studio.js', 'text/javascript; charset=utf-8'],
  ['upload.js', 'text/javascript; charset=utf-8'],
])

function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
