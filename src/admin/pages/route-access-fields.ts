// Who may enter, as fields: everyone, everyone signed in, these people, nobody, or by rules.

import { readField, writeField } from '../../routes-file/edit/field.ts'
import { type OptionKind, routeOptions } from '../../routes-file/edit/options.ts'
import { valueAt } from '../../routes-file/schema-lookup.ts'
import { wordsOf } from './asked.ts'
import type { Fields } from './route-fields.ts'

/** In the order in which they are offered. */
export const accessKinds = ['login', 'people', 'public', 'rules', 'nobody'] as const
export type AccessKind = (typeof accessKinds)[number]

export function accessFields(access: unknown): Fields {
  return {
    'access.kind': kindOf(access),
    'access.users': listText(valueAt(access, ['users'])),
    'access.groups': listText(valueAt(access, ['groups'])),
    'access.with': textAt(access, 'with'),
    'access.within': textAt(access, 'within'),
    'access.rules': Array.isArray(access)
      ? access.map((rule) => writeField(ruleKind(), rule)).join('\n')
      : '',
  }
}

/** @param text of a field, cleaned. @returns `undefined`: nothing is written, which means `login`. */
export function readAccess(text: (name: string) => string, faults: Map<string, string>): unknown {
  const kind = accessKinds.find((each) => each === text('access.kind')) ?? 'login'
  switch (kind) {
    case 'public':
    case 'nobody':
      return kind
    case 'login': {
      const asks = requirement(text)
      return Object.keys(asks).length === 0 ? 'login' : asks
    }
    case 'people': {
      const users = wordsOf(text('access.users'))
      const groups = wordsOf(text('access.groups'))
      if (users.length + groups.length === 0) {
        faults.set(
          'access.users',
          'Name people or groups; for nobody at all there is a choice of its own.',
        )
      }
      return {
        ...(users.length > 0 && { users }),
        ...(groups.length > 0 && { groups }),
        ...requirement(text),
      }
    }
    case 'rules':
      return rulesOf(text('access.rules'), faults)
    default:
      throw new TypeError('unknown kind', { cause: kind satisfies never })
  }
}

function kindOf(access: unknown): AccessKind {
  if (Array.isArray(access)) return 'rules'
  if (access === 'public' || access === 'nobody') return access
  const names = valueAt(access, ['users']) ?? valueAt(access, ['groups'])
  return names === undefined ? 'login' : 'people'
}

function rulesOf(text: string, faults: Map<string, string>): unknown {
  const fail = (sentence: string) => {
    faults.set('access.rules', sentence)
    return []
  }
  const lines = text
    .split('\n')
    .map((line) => line.trim().replace(/^-\s+|,$/g, ''))
    .filter((line) => line !== '')
  if (lines.length === 0) return fail('Write at least one rule.')
  const read = readField({ kind: 'list', of: ruleKind() }, `[${lines.join(', ')}]`)
  if (read.kind === 'wrong') return fail(`It ${read.what}: ${read.remedy}.`)
  return read.kind === 'nothing' ? [] : read.value
}

function requirement(text: (name: string) => string): Readonly<Record<string, string>> {
  const [proof, within] = [text('access.with'), text('access.within')]
  return { ...(proof !== '' && { with: proof }), ...(within !== '' && { within }) }
}

function ruleKind(): OptionKind {
  const access = routeOptions().find(({ key }) => key === 'access')?.kind
  const forms = access?.kind === 'either' ? access.forms : []
  const list = forms.find((form) => form.kind === 'list')
  return list?.kind === 'list' ? list.of : { kind: 'group', options: [] }
}

function listText(value: unknown): string {
  return Array.isArray(value) ? value.join(' ') : ''
}

function textAt(access: unknown, key: string): string {
  const value = Array.isArray(access) ? undefined : valueAt(access, [key])
  return typeof value === 'string' ? value : ''
}
