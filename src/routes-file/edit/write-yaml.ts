// Values as YAML, the way a person would write them: plain where that is safe, on one line where it fits.

import { parseDocument } from 'yaml'

/** `json`: in a file that quotes everything. */
export type Style = 'yaml' | 'json'

/** What is longer goes on several lines, where it may. */
const widthOfLines = 100

/** On one line: `{ url: https://box:443, serverName: mail.example.com }`. */
export function writeFlow(value: unknown, style: Style = 'yaml'): string {
  if (Array.isArray(value)) return `[${value.map((item) => writeFlow(item, style)).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => `${writeText(key, style)}: ${writeFlow(inner, style)}`)
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
  }
  if (typeof value === 'string') return writeText(value, style)
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'null'
}

/**
 * Lines for below `key:` or behind `- `, the first without its indentation; one line where that fits.
 *
 * @param indent columns before the value.
 */
export function writeBlock(value: unknown, indent: number): readonly string[] {
  const flow = writeFlow(value)
  if (indent + flow.length <= widthOfLines || typeof value !== 'object' || value === null) {
    return [flow]
  }
  return Array.isArray(value)
    ? value.flatMap((item) => hang('- ', writeBlock(item, indent + 2)))
    : Object.entries(value)
        .filter(([, inner]) => inner !== undefined)
        .flatMap(([key, inner]) => entryLines(key, inner, indent))
}

/** `key: value`, or `key:` with the value below. Lines without the indentation that all share. */
export function entryLines(key: string, value: unknown, indent: number): readonly string[] {
  const name = writeText(key, 'yaml')
  const flow = writeFlow(value)
  const isCollection = typeof value === 'object' && value !== null
  if (!isCollection || indent + name.length + 2 + flow.length <= widthOfLines) {
    return [`${name}: ${flow}`]
  }
  const lines = writeBlock(value, indent + 2)
  const [first] = lines
  // A list of one short thing does not become shorter below its key.
  return lines.length === 1 && first === flow
    ? [`${name}: ${flow}`]
    : [`${name}:`, ...lines.map((line) => `  ${line}`)]
}

/**
 * A value instead of a text that stood there in some quotes: in the same ones if they were somebody's taste, in none if that
 * text only needed them.
 */
export function writeInstead(
  value: unknown,
  old: { readonly text: string; readonly quotes: 'single' | 'double' },
): string {
  if (typeof value !== 'string') return writeFlow(value)
  const natural = writeText(old.text, 'yaml')
  if (natural === (old.quotes === 'single' ? single(old.text) : double(old.text))) {
    return writeText(value, 'yaml')
  }
  return old.quotes === 'single' && isPrintable(value) ? single(value) : double(value)
}

function writeText(text: string, style: Style): string {
  if (style === 'json') return double(text)
  if (isPlain(text)) return text
  // `08:00` is a number of another age in quotes of either kind; double ones are what the reference writes.
  return isPrintable(text) && !/^[\d:.]+$/.test(text) ? single(text) : double(text)
}

/**
 * No quotes needed, neither between braces nor outside, in YAML 1.1 or 1.2; cautious: what begins or goes on
 * unusually gets quotes.
 */
function isPlain(text: string): boolean {
  if (!/^[\p{L}\p{N}_/.][\p{L}\p{N}_/. :@+*()=~%;!?$&^|<>'"-]*$/u.test(text)) return false
  if (/: |:$|^[.\d:+-]+$|^ | $| {2}/.test(text) && !/^\d+(?:\.\d+){2,}$/.test(text)) return false
  if (/^(?:y|n|yes|no|on|off|true|false|null|~|\.nan|[+-]?\.inf|0[box][\da-f_]*)$/i.test(text)) {
    return false
  }
  if (/^[+-]?[\d._]+(?:e[+-]?\d+)?$/i.test(text) && !/^\d+(?:\.\d+){2,}$/.test(text)) return false
  if (/^\d{4}-\d\d?-\d\d?/.test(text)) return false
  const read: unknown = parseDocument(`[${text}]`, { version: '1.2', schema: 'core' }).toJS()
  return Array.isArray(read) && read.length === 1 && read[0] === text
}

/** Without line breaks, control characters and what cannot be seen. */
function isPrintable(text: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\ufffe\uffff]/u.test(text)
}

function single(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function double(text: string): string {
  return JSON.stringify(text).replace(/[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}\ufffe\uffff]/gu, (c) =>
    [...Array(c.length).keys()]
      .map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

function hang(head: string, lines: readonly string[]): readonly string[] {
  const indent = ' '.repeat(head.length)
  return lines.map((line, index) => (index === 0 ? head : indent) + line)
}
