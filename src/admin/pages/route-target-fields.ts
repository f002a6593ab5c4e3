// Where a route leads, as fields: one of a few kinds, each with what belongs to it.

import { valueAt } from '../../routes-file/schema-lookup.ts'
import type { Fields } from './route-fields.ts'

/** In the order in which they are offered. */
export const targetKinds = ['backend', 'landing', 'redirect', 'answer', 'login', 'admin'] as const
export type TargetKind = (typeof targetKinds)[number]

const texts = {
  'to.url': ['url'],
  'to.serverName': ['serverName'],
  'to.ca': ['ca'],
  'to.cert': ['clientCertificate', 'cert'],
  'to.key': ['clientCertificate', 'key'],
  'to.insecureSkipUpstreamTlsVerify': ['insecureSkipUpstreamTlsVerify'],
  'to.landing': ['landing'],
  'to.redirect': ['redirect'],
  'to.redirectStatus': ['status'],
  'to.keepPath': ['keepPath'],
  'to.status': ['status'],
  'to.message': ['message'],
} as const

/** Fields of TLS towards a backend; with one of them it is written as a map. */
export const tlsNames = [
  'to.serverName',
  'to.ca',
  'to.cert',
  'to.key',
  'to.insecureSkipUpstreamTlsVerify',
] as const

export function targetFields(to: unknown): Fields {
  const kind = kindOf(to)
  const fields: Record<string, string> = { 'to.kind': kind }
  for (const [name, path] of Object.entries(texts)) {
    const value = belongs(name, kind) ? valueAt(to, path) : undefined
    fields[name] = value === undefined ? '' : String(value)
  }
  if (typeof to === 'string' && kind === 'backend') fields['to.url'] = to
  return fields
}

/** @param text of a field, cleaned. @returns `undefined`: there is nothing; the fault is in `faults`. */
export function readTarget(text: (name: string) => string, faults: Map<string, string>): unknown {
  const need = (name: string, sentence: string) => {
    if (text(name) === '') faults.set(name, sentence)
    return text(name)
  }
  const kind = targetKinds.find((each) => each === text('to.kind')) ?? 'backend'
  switch (kind) {
    case 'backend': {
      const url = need('to.url', 'Write where the service listens, such as box:8080.')
      const tls = tlsOf(text)
      return Object.keys(tls).length === 0 ? url || undefined : { url, ...tls }
    }
    case 'landing':
      return text('to.landing') === '' ? 'landing' : { landing: text('to.landing') }
    case 'redirect': {
      const status = numberOf(text('to.redirectStatus'))
      return {
        redirect: need(
          'to.redirect',
          'Write where visitors are sent, such as https://example.org/.',
        ),
        ...(status !== null && { status }),
        ...flagOf('keepPath', text('to.keepPath')),
      }
    }
    case 'answer': {
      const status = numberOf(need('to.status', 'Write a status, such as 404.'))
      if (status === null) faults.set('to.status', 'Write a status from 200 to 599.')
      const message = text('to.message')
      return { status: status ?? 0, ...(message !== '' && { message }) }
    }
    case 'login':
    case 'admin':
      return kind
    default:
      throw new TypeError('unknown kind', { cause: kind satisfies never })
  }
}

function kindOf(to: unknown): TargetKind {
  if (to === 'login' || to === 'admin' || to === 'landing') return to
  if (typeof to !== 'object' || to === null) return 'backend'
  if ('landing' in to) return 'landing'
  if ('redirect' in to) return 'redirect'
  return 'url' in to ? 'backend' : 'answer'
}

function belongs(name: string, kind: TargetKind): boolean {
  if (name === 'to.redirectStatus' || name === 'to.keepPath') return kind === 'redirect'
  return name !== 'to.status' || kind === 'answer'
}

function tlsOf(text: (name: string) => string): Readonly<Record<string, unknown>> {
  const [serverName, ca] = [text('to.serverName'), text('to.ca')]
  const [cert, key] = [text('to.cert'), text('to.key')]
  return {
    ...(serverName !== '' && { serverName }),
    ...(ca !== '' && { ca }),
    ...((cert !== '' || key !== '') && { clientCertificate: { cert, key } }),
    ...flagOf('insecureSkipUpstreamTlsVerify', text('to.insecureSkipUpstreamTlsVerify')),
  }
}

/** Nothing is chosen: it is not written. */
function flagOf(key: string, text: string): Readonly<Record<string, boolean>> {
  return text === 'true' || text === 'false' ? { [key]: text === 'true' } : {}
}

function numberOf(text: string): number | null {
  return /^\d{1,4}$/.test(text) ? Number(text) : null
}
