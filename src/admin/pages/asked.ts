// What a browser asked a page for: parameters of its query, and the fields of its form. Texts, or nothing.

import type { FastifyRequest } from 'fastify'
import { type Form, formOf } from '../../auth/app/forms.ts'
import { readQuery } from '../query.ts'

/** Every parameter. @throws GatehouseError `bad-request`: one stands twice, or cannot be decoded. */
export function queryOf(request: FastifyRequest): ReadonlyMap<string, string> {
  const values = Object.entries(readQuery(request.caller.from.target, new Map()))
  return new Map(values.map(([name, value]) => [name, String(value)]))
}

/** @returns `null`: it is not there, or empty. */
export function queryValue(request: FastifyRequest, name: string): string | null {
  return queryOf(request).get(name) || null
}

/** One of some words. @returns `otherwise` for any other. */
export function queryWord<Word extends string>(
  request: FastifyRequest,
  name: string,
  words: { readonly among: readonly Word[]; readonly otherwise: Word },
): Word {
  const value = queryValue(request, name)
  return words.among.find((word) => word === value) ?? words.otherwise
}

/** The form that was sent. @throws GatehouseError `bad-form`. */
export function sentForm(request: FastifyRequest): Form {
  return formOf(request)
}

/** Words with spaces, commas or line ends between them; each once. */
export function wordsOf(text: string): readonly string[] {
  return [...new Set(text.split(/[\s,]+/).filter((word) => word !== ''))]
}
