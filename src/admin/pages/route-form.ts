// The form of a route: every option, what it is for, and what holds when it is not written.

import type { FastifyRequest } from 'fastify'
import { field, hidden } from '../../auth/app/controls.ts'
import { type Html, html } from '../../auth/app/html.ts'
import type { OptionKind } from '../../routes-file/edit/options.ts'
import { buttonLink, csrfField, select, textArea } from './controls.ts'
import { accessChoice, targetChoice } from './route-choices.ts'
import type { Control, Fields } from './route-fields.ts'
import { controlNamed, foldedGroups, openNames, written } from './route-groups.ts'

export interface RouteFormView {
  /** What is in the fields. */
  readonly fields: Fields
  /** What is wrong, by field. */
  readonly faults: ReadonlyMap<string, string>
  /** What the form was made from, for the way back. */
  readonly kept: {
    readonly mode: string
    readonly id: string
    readonly etag: string
    readonly raw: string
  }
  /** For lists to choose from. */
  readonly known: { readonly users: readonly string[]; readonly groups: readonly string[] }
}

export function routeForm(request: FastifyRequest, view: RouteFormView): Html {
  const { kept, fields, faults } = view
  const open = (name: string) => control(controlNamed(name), view)
  const [service = '', host = '', path = '', prefix = '', ...often] = openNames
  return html`<form class="stack route" method="post" action="/route" data-route-form${kept.mode === 'add' && faults.size === 0 && html` data-fresh`} novalidate>${csrfField(request)}${hidden(
    { _mode: kept.mode, _id: kept.id, _etag: kept.etag, _raw: kept.raw },
  )}<fieldset class="stack"><legend class="hidden">Name and address</legend>${open(service)}<div class="pair">${open(host)}${open(path)}</div>${open(prefix)}</fieldset>${targetChoice(view)}${accessChoice(view)}<fieldset class="stack"><legend>Often needed</legend><div class="pair">${often.map(open)}</div></fieldset>${foldedGroups().map(
    (group) => {
      const count = written(group, fields)
      const isOpen = count > 0 || group.controls.some(({ name }) => faults.has(name))
      return html`<details class="fold"${isOpen && html` open`}><summary>${group.title}${count > 0 && html` <span class="tag">${count} written</span>`}</summary><div class="fields">${
        group.hint !== null && html`<p class="hint">${group.hint}</p>`
      }${group.controls.map((each) => control(each, view))}</div></details>`
    },
  )}<div class="row end"><button class="button">Look at what it does</button>${buttonLink('/', 'Leave it')}</div></form>`
}

/** One option as a field that fits what it takes. */
function control({ name, option }: Control, { fields, faults }: RouteFormView): Html {
  const { kind, sentence, otherwise, needed } = option
  const value = fields[name] ?? ''
  const label = labels[name] ?? name
  const error = faults.get(name) ?? null
  if (kind.kind === 'flag' || kind.kind === 'choice') {
    const words = kind.kind === 'flag' ? ['true', 'false'] : kind.values.map(String)
    return select({
      name,
      label,
      value,
      choices: [
        { value: '', label: otherwise === null ? 'not written' : `as usual: ${otherwise}` },
        ...words.map((word) => ({ value: word, label: flagWords[word] ?? word })),
      ],
      hint: sentence,
      error,
    })
  }
  const hint =
    otherwise === null || needed ? sentence : html`${sentence} <i>Empty: ${otherwise}.</i>`
  if (kind.kind === 'map' || (kind.kind === 'list' && kind.of.kind === 'group')) {
    return textArea({ name, label, value, hint: html`${hint} ${lineHint(kind)}`, error, rows: 2 })
  }
  const words = choicesOf(kind)
  const list =
    words.length > 0 &&
    html`<datalist id="${name}-list">${words.map((word) => html`<option value="${word}"></option>`)}</datalist>`
  return html`${field({
    name,
    label,
    value,
    hint: hintText(sentence, needed ? null : otherwise),
    error,
    attributes: `autocomplete="off" autocapitalize="none" spellcheck="false"${words.length > 0 ? ` list="${name}-list"` : ''}${needed ? ' required' : ''}`,
  })}${list}`
}

function hintText(sentence: string, otherwise: string | null): string {
  return otherwise === null ? sentence : `${sentence} Empty: ${otherwise}.`
}

const flagWords: Readonly<Record<string, string>> = { true: 'yes', false: 'no' }

function lineHint(kind: OptionKind): Html {
  return kind.kind === 'map'
    ? html`One on a line, <code>Name: value</code>; a secret as <code>Name: { secret: NAME }</code>.`
    : html`One on a line, such as <code>{ cidr: 10.8.0.0/24, as: diego, wake: true }</code>.`
}

function choicesOf(kind: OptionKind): readonly string[] {
  if (kind.kind !== 'either') return []
  return kind.forms.flatMap((form) => (form.kind === 'choice' ? form.values.map(String) : []))
}

/** Names for people; an option without one goes by its key. */
const labels: Readonly<Record<string, string>> = {
  service: 'Name',
  host: 'Host',
  path: 'Path',
  prefix: 'Paths below it too',
  webSocket: 'WebSockets',
  maxBody: 'Largest upload',
  prefixRewrite: 'The path on the way (prefixRewrite)',
  upstreamHost: 'Host name for the backend (upstreamHost)',
  identityHeaders: 'Who it is told (identityHeaders)',
  'requestHeaders.set': 'Headers to set (requestHeaders)',
  'requestHeaders.remove': 'Headers to take away',
  'responseHeaders.set': 'Headers to set (responseHeaders)',
  'responseHeaders.remove': 'Headers to take away',
  'timeouts.connect': 'Time to connect',
  'timeouts.headers': 'Time to answer',
  'timeouts.idle': 'Time without a byte',
  encodedSlashes: 'Encoded slashes',
  'clients.allow': 'Only these addresses (clients)',
  'clients.deny': 'Not these addresses',
  cloudflareOnly: 'Only through Cloudflare',
  networks: 'Addresses that count as a person (networks)',
  allowedOrigins: 'Other sites that may write (allowedOrigins)',
  rateLimit: 'Requests per client (rateLimit)',
  parentCookies: 'Cookies for the whole domain',
  wake: 'What wakes the machine (wake)',
  countsAsUse: 'What keeps it awake (countsAsUse)',
  maintenance: 'Maintenance',
  disabled: 'Switched off',
  sharesUpstreamWith: 'Known to open these too (sharesUpstreamWith)',
}
