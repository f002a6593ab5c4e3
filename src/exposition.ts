// Metrics as Prometheus reads them: the text exposition format, version 0.0.4.
//
// Why not prom-client: its front door costs 15 MB of memory at the first scrape, its registry wants an object of labels
// per sample, and what it would do for us is this file, whose text is the same (but for
// NaN, which prom-client spells Nan).

/** What `/metrics` is served as. */
export const expositionType = 'text/plain; version=0.0.4; charset=utf-8'

/** All samples of one name. */
export interface Family {
  readonly name: string
  /** One sentence. */
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly Sample[]
}

export interface Sample {
  /** `_bucket`, `_sum` or `_count` of a histogram. */
  readonly suffix?: string
  /** As `labels` makes it; empty: none. */
  readonly labels: string
  readonly value: number
}

/** @returns the families that have samples, in the order given, ending in a newline. */
export function exposition(families: Iterable<Family>): string {
  let text = ''
  for (const { name, help, type, samples } of families) {
    if (samples.length === 0) continue
    text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`
    for (const { suffix = '', labels: set, value } of samples) {
      text += `${name}${suffix}${set === '' ? '' : `{${set}}`} ${formatValue(value)}\n`
    }
  }
  return text
}

/** Label pairs, escaped, without braces: `route="a",method="GET"`. Names are ours and need no escaping. */
export function labels(pairs: Readonly<Record<string, string>>): string {
  let text = ''
  for (const name in pairs) {
    text += `${text === '' ? '' : ','}${name}="${escapeLabel(pairs[name] ?? '')}"`
  }
  return text
}

function escapeLabel(value: string): string {
  return escapeHelp(value).replaceAll('"', '\\"')
}

/** A lone surrogate cannot be written as UTF-8 and a carriage return upsets some readers. */
function escapeHelp(text: string): string {
  return text
    .toWellFormed()
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\ufffd')
}

function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return Number.isNaN(value) ? 'NaN' : String(value)
}

/** A family of samples that have their labels already. */
export function family(
  type: Family['type'],
  name: string,
  about: { readonly help: string; readonly samples: readonly Sample[] },
): Family {
  return { type, name, help: about.help, samples: about.samples }
}

/** The one sample of a family without labels. */
export function one(value: number): readonly Sample[] {
  return [{ labels: '', value }]
}
