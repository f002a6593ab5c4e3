// HTML that escapes by itself: what is put into a template is text, unless it came out of a template.

import { escapeHtml } from '../../pages/html.ts'

const markup: unique symbol = Symbol('markup')

/** Markup that was made here. A string is never taken for it, whatever it contains. */
export interface Html {
  readonly [markup]: string
}

/** What may stand in a template; `null` and `false` leave nothing. */
export type HtmlValue = Html | string | number | null | false | readonly HtmlValue[]

/** html`<p>${text}</p>`: text is escaped for content and for quoted attribute values, markup is kept, lists are joined. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = parts[0] ?? ''
  values.forEach((value, i) => {
    text += written(value) + (parts[i + 1] ?? '')
  })
  return { [markup]: text }
}

/** Markup from elsewhere in this program, such as a drawing. Never for anything a person or a client wrote. */
export function trustedHtml(text: string): Html {
  return { [markup]: text }
}

/** The markup as text, for the end of the way. */
export function htmlText(value: Html): string {
  return value[markup]
}

export const noHtml: Html = trustedHtml('')

function written(value: HtmlValue): string {
  if (value === null || value === false) return ''
  if (typeof value === 'string') return escapeHtml(value)
  if (typeof value === 'number') return String(value)
  if (markup in value) return value[markup]
  return value.map(written).join('')
}
