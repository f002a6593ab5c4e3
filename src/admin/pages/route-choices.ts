// The two questions of a route that are more than a field: where it leads, and who may enter.

import { field } from '../../auth/app/controls.ts'
import { type Html, html } from '../../auth/app/html.ts'
import { select, textArea } from './controls.ts'
import { type AccessKind, accessKinds } from './route-access-fields.ts'
import type { RouteFormView } from './route-form.ts'
import { type TargetKind, targetKinds, tlsNames } from './route-target-fields.ts'

type View = Pick<RouteFormView, 'fields' | 'faults' | 'known'>

const plain = 'autocomplete="off" autocapitalize="none" spellcheck="false"'

export function targetChoice(view: View): Html {
  const input = inputs(view)
  const flag = flags(view)
  const hasTls = tlsNames.some((name) => (view.fields[name] ?? '') !== '' || view.faults.has(name))
  const more: Readonly<Record<TargetKind, Html | null>> = {
    backend: html`${input('to.url', 'Address', {
      hint: 'A machine of the file and a port, such as box:8080; or http://host:port, https://host:port.',
    })}<p data-probe hidden><button type="button" class="button tiny quiet">Does it answer?</button> <span role="status"></span></p><details class="fold"${hasTls && html` open`}><summary>HTTPS to the backend</summary><div class="stack">${input('to.serverName', 'Name in its certificate', { hint: 'Empty: the host of its address.' })}${input('to.ca', 'Authority that signed it', { hint: 'Path of a PEM file. Empty: the system’s.' })}<div class="pair">${input('to.cert', 'Certificate to show it', { hint: 'Path of a PEM file.' })}${input('to.key', 'Its key', { hint: 'Path of a PEM file.' })}</div>${flag(
      'to.insecureSkipUpstreamTlsVerify',
      'Accept any certificate',
      'Whoever sits between can read and change everything.',
    )}</div></details>`,
    landing: input('to.landing', 'Go on to', {
      hint: 'The path people go on to after signing in, such as /photoprism.',
    }),
    redirect: html`${input('to.redirect', 'Send visitors to', { hint: 'https://host/path, or /path on the same host.' })}<div class="pair">${select(
      {
        name: 'to.redirectStatus',
        label: 'Status',
        value: view.fields['to.redirectStatus'] ?? '',
        choices: [
          { value: '', label: 'as usual: 302' },
          ...['301', '302', '303', '307', '308'].map((value) => ({ value, label: value })),
        ],
      },
    )}${flag('to.keepPath', 'Append path and query', null)}</div>`,
    answer: html`<div class="pair">${input('to.status', 'Status', { hint: '200 to 599.' })}${input('to.message', 'Sentence for the visitor', { hint: 'Empty: the usual one.' })}</div>`,
    login: null,
    admin: null,
  }
  return choice(view, {
    name: 'to.kind',
    legend: 'Where requests go',
    options: targetKinds.map((value) => ({ value, ...targetWords[value], more: more[value] })),
  })
}

export function accessChoice(view: View): Html {
  const input = inputs(view)
  const { known, fields, faults } = view
  const more: Readonly<Record<AccessKind, Html | null>> = {
    login: null,
    public: null,
    nobody: null,
    people: html`${input('access.users', 'People', { hint: listHint('User names with blanks between.', known.users) })}${input('access.groups', 'Groups', { hint: listHint('Everybody in one of them.', known.groups) })}`,
    rules: textArea({
      name: 'access.rules',
      label: 'Rules',
      value: fields['access.rules'] ?? '',
      rows: 4,
      error: faults.get('access.rules') ?? null,
      hint: html`One on a line; the first whose method and path fit decides, and when none fits nobody may. Such as <code>{ methods: [GET], paths: [/share/**], access: public }</code> and, last, <code>{ access: login }</code>.`,
    }),
  }
  const asks = html`<div class="pair asks">${select({
    name: 'access.with',
    label: 'Signed in with',
    value: fields['access.with'] ?? '',
    choices: [
      { value: '', label: 'anything' },
      { value: 'second-factor', label: 'two factors, or a passkey' },
      { value: 'passkey', label: 'a passkey' },
    ],
    error: faults.get('access.with') ?? null,
  })}${input('access.within', 'Within', { hint: 'How lately, such as 15m. Empty: as long as the session lives.' })}</div>`
  return choice(view, {
    name: 'access.kind',
    legend: 'Who may enter',
    options: accessKinds.map((value) => ({ value, ...accessWords[value], more: more[value] })),
    after: asks,
  })
}

interface Option {
  readonly value: string
  readonly label: string
  readonly about: string
  readonly more: Html | null
}

/** Radio buttons; what belongs to one is shown when it is chosen, by the sheet alone. */
function choice(
  { fields, faults }: View,
  parts: {
    readonly name: string
    readonly legend: string
    readonly options: readonly Option[]
    readonly after?: Html
  },
): Html {
  const { name, legend, options, after } = parts
  const error = faults.get(name)
  const items = options.map(
    ({ value, label, about, more }) =>
      html`<div class="option"><label class="check"><input type="radio" name="${name}" value="${value}"${fields[name] === value && html` checked`}><span>${label} <small>${about}</small></span></label>${more !== null && html`<div class="more stack">${more}</div>`}</div>`,
  )
  return html`<fieldset class="choice"><legend>${legend}</legend>${error !== undefined && html`<p class="error">${error}</p>`}${items}${after ?? null}</fieldset>`
}

function inputs({ fields, faults }: View) {
  return (name: string, label: string, options: { readonly hint: string }): Html =>
    field({
      name,
      label,
      value: fields[name] ?? '',
      hint: options.hint,
      error: faults.get(name) ?? null,
      attributes: plain,
    })
}

function flags({ fields }: View) {
  return (name: string, label: string, hint: string | null): Html =>
    select({
      name,
      label,
      value: fields[name] ?? '',
      choices: [
        { value: '', label: 'as usual: no' },
        { value: 'true', label: 'yes' },
        { value: 'false', label: 'no' },
      ],
      ...(hint !== null && { hint }),
    })
}

function listHint(sentence: string, known: readonly string[]): string {
  return known.length === 0 ? sentence : `${sentence} There are ${known.slice(0, 12).join(', ')}.`
}

const targetWords: Readonly<
  Record<TargetKind, { readonly label: string; readonly about: string }>
> = {
  backend: { label: 'A backend', about: 'a service on a machine' },
  landing: { label: 'A landing page', about: 'Gatehouse’s own: sign in, then go on' },
  redirect: { label: 'Another address', about: 'a redirect' },
  answer: { label: 'A fixed answer', about: 'a status and a sentence' },
  login: { label: 'The login page', about: 'alone on its host' },
  admin: { label: 'This admin', about: 'alone on its host' },
}

const accessWords: Readonly<
  Record<AccessKind, { readonly label: string; readonly about: string }>
> = {
  login: { label: 'Everyone who signed in', about: 'this holds when nothing is written' },
  people: { label: 'These people', about: 'by name or group' },
  public: { label: 'Everyone', about: 'strangers too, without signing in' },
  rules: {
    label: 'It depends on method and path',
    about: 'rules, of which the first that fits decides',
  },
  nobody: { label: 'Nobody', about: 'closed, whoever asks' },
}
