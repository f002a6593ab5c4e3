// Page, problem details or gRPC status: which of the three a client wants. Hot path.

/** What is looked at of an `Accept` header; a browser sends 150 characters with 9 ranges. */
const maxAcceptLength = 1024
const maxRanges = 32

/**
 * Whether `Accept` prefers a page for people over JSON. RFC 9110 §12.5.1: the most specific range counts, then its
 * weight. Without preference (no header, `*\/*` alone, something else only) the answer is no: programs are in the
 * majority among those who do not say.
 *
 * @param accept `null`: the header is absent.
 */
export function prefersHtml(accept: string | null): boolean {
  if (accept === null || accept.length < 6) return false
  const end = Math.min(accept.length, maxAcceptLength)
  // Weight in thousandths, and how specific the range was that gave it: 0 none, 1 `*/*`, 2 `type/*`, 3 `type/subtype`.
  let html = 0
  let htmlBy = 0
  let json = 0
  let jsonBy = 0
  let at = 0
  for (let range = 0; at < end && range < maxRanges; range++) {
    let next = accept.indexOf(',', at)
    if (next === -1 || next > end) next = end
    const by = specificity(accept, at, next)
    if (by !== 0) {
      const weight = weightOf(accept, at, next)
      const kind = by & 3
      if ((by & forHtml) !== 0 && (kind > htmlBy || (kind === htmlBy && weight > html))) {
        html = weight
        htmlBy = kind
      }
      if ((by & forJson) !== 0 && (kind > jsonBy || (kind === jsonBy && weight > json))) {
        json = weight
        jsonBy = kind
      }
    }
    at = next + 1
  }
  if (html === 0) return false
  return html > json || (html === json && htmlBy > jsonBy)
}

/** gRPC over HTTP/2 or gRPC-Web. @returns the content type of the answer, or `null` for everything else. */
export function grpcAnswerType(contentType: string | null): string | null {
  if (contentType === null || !contentType.startsWith('application/grpc')) return null
  const after = contentType.charCodeAt(16)
  // `application/grpc`, `application/grpc+proto`, `application/grpc;…`
  if (Number.isNaN(after) || after === 0x2b || after === 0x3b || after === 0x20) {
    return 'application/grpc'
  }
  if (contentType.startsWith('-web-text', 16)) return 'application/grpc-web-text'
  return contentType.startsWith('-web', 16) ? 'application/grpc-web' : null
}

const forHtml = 4
const forJson = 8

/** Specificity of one range, with a flag for whom it counts; 0: it concerns neither. */
function specificity(text: string, from: number, to: number): number {
  let start = from
  while (start < to && isSpace(text.charCodeAt(start))) start += 1
  let end = text.indexOf(';', start)
  if (end === -1 || end > to) end = to
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1
  switch (end - start) {
    case 3:
      return matches(text, start, '*/*') ? 1 | forHtml | forJson : 0
    case 6:
      return matches(text, start, 'text/*') ? 2 | forHtml : 0
    case 9:
      return matches(text, start, 'text/html') ? 3 | forHtml : 0
    case 13:
      return matches(text, start, 'application/*') ? 2 | forJson : 0
    case 16:
      return matches(text, start, 'application/json') ? 3 | forJson : 0
    case 24:
      return matches(text, start, 'application/problem+json') ? 3 | forJson : 0
    default:
      return 0
  }
}

/** `q` of a range in thousandths (RFC 9110 §12.4.2); 1000 without one; 0 for one that is malformed. */
function weightOf(text: string, from: number, to: number): number {
  let at = text.indexOf(';', from)
  while (at !== -1 && at < to) {
    at += 1
    while (at < to && isSpace(text.charCodeAt(at))) at += 1
    if ((text.charCodeAt(at) | 0x20) === 0x71 && text.charCodeAt(at + 1) === 0x3d) {
      return readWeight(text, at + 2, to)
    }
    at = text.indexOf(';', at)
  }
  return 1000
}

function readWeight(text: string, from: number, to: number): number {
  const whole = text.charCodeAt(from) - 0x30
  if (from >= to || (whole !== 0 && whole !== 1)) return 0
  let weight = whole * 1000
  let at = from + 1
  if (at < to && text.charCodeAt(at) === 0x2e) {
    at += 1
    for (let unit = 100; unit >= 1 && at < to; unit /= 10, at++) {
      const digit = text.charCodeAt(at) - 0x30
      if (!(digit >= 0 && digit <= 9)) break
      weight += digit * unit
    }
  }
  while (at < to && isSpace(text.charCodeAt(at))) at += 1
  return (at === to || text.charCodeAt(at) === 0x3b) && weight <= 1000 ? weight : 0
}

/** Case-insensitive; `expected` is lower-case. */
function matches(text: string, at: number, expected: string): boolean {
  for (let i = 0; i < expected.length; i++) {
    const c = text.charCodeAt(at + i)
    const lower = c >= 0x41 && c <= 0x5a ? c + 0x20 : c
    if (lower !== expected.charCodeAt(i)) return false
  }
  return true
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09
}
