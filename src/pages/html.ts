// The shell of a page, and the escaping of what is put into it.

import { pageStyle, pageStyleSource } from './style.ts'

/** Text for HTML content and quoted attribute values. */
export function escapeHtml(text: string): string {
  if (!/[&<>"']/.test(text)) return text
  return text.replace(/[&<>"']/g, (c) => entities[c] ?? c)
}

/** Nothing is fetched, run, framed or sent from our pages; the icon is part of the page. */
export const contentSecurityPolicy = `default-src 'none'; style-src ${pageStyleSource}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/** The headers that all our pages have in common, flat. A page says who asked for what: no cache keeps it. */
export const pageHeaders: readonly string[] = [
  'content-type',
  'text/html; charset=utf-8',
  'cache-control',
  'no-store',
  'content-security-policy',
  contentSecurityPolicy,
]

/** Everything before `<title>`; the same bytes in every page. */
export const pageHead = Buffer.from(
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><link rel="icon" href="${icon()}"><style>${pageStyle}</style>`,
)

/** What follows: the title, and the mark that every page begins with. `title` is plain text. */
export function pageStart(title: string): string {
  return `<title>${escapeHtml(title)}</title></head><body><main>${mark}`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** A gate with its door ajar. Decoration: it says nothing that the text does not. */
export const mark =
  '<svg class="mark" viewBox="0 0 48 48" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M4 44h40M9 44V22a15 15 0 0 1 30 0v22"/><path d="M18 44V24a6 6 0 0 1 12 0v20" fill="currentColor" fill-opacity=".18"/><path d="M26 35v1"/></svg>'

/** The same mark as an address; its own colours, because an icon does not see the page's. */
export function icon(): string {
  const svg =
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 48 48' fill='none' stroke='#2f9670' stroke-width='4' stroke-linecap='round' stroke-linejoin='round'><path d='M4 44h40M9 44V22a15 15 0 0 1 30 0v22'/><path d='M18 44V24a6 6 0 0 1 12 0v20'/></svg>"
  return `data:image/svg+xml,${svg.replace(/[<>#]/g, (c) => encodeURIComponent(c))}`
}
