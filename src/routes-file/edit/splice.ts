// One replacement in a text: everything outside of it keeps every byte.

export interface Splice {
  /** Offsets in UTF-16 units; `to` is exclusive. */
  readonly from: number
  readonly to: number
  readonly text: string
}

export function splice(text: string, { from, to, text: put }: Splice): string {
  return text.slice(0, from) + put + text.slice(to)
}

/** Offset of the first character of the line that `offset` is in. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1
}

/** Offset of the line break that ends the line, or of the end of the text. A `\r` before `\n` belongs to the break. */
export function lineEnd(text: string, offset: number): number {
  const found = text.indexOf('\n', offset)
  if (found === -1) return text.length
  return found > offset && text[found - 1] === '\r' ? found - 1 : found
}

/** Offset behind the line break that ends the line. */
export function nextLine(text: string, offset: number): number {
  const found = text.indexOf('\n', offset)
  return found === -1 ? text.length : found + 1
}

/** As the file ends its lines; `\n` when it has one line. */
export function lineBreakOf(text: string): '\n' | '\r\n' {
  const found = text.indexOf('\n')
  return found > 0 && text[found - 1] === '\r' ? '\r\n' : '\n'
}
