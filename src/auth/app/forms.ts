// What a browser or a script of ours sends: form bodies and JSON, read strictly; and the query of a page.

import type { FastifyRequest } from 'fastify'
import { GatehouseError } from '../../errors.ts'

/** Fields by name; every name stands once. */
export type Form = ReadonlyMap<string, string>
export type JsonObject = Readonly<Record<string, unknown>>

/** Fields of a form; our largest has a dozen. */
const maxFields = 50
/** Longest value, characters. */
const maxValueLength = 8192
const formLimits = { maxFields, maxValueLength } as const

/**
 * The form in a request's body.
 *
 * @throws GatehouseError `bad-form`: the body is something else.
 */
export function formOf(request: FastifyRequest): Form {
  if (request.body instanceof Map) return request.body
  throw badForm('is not a form')
}

/**
 * The JSON object in a request's body.
 *
 * @throws GatehouseError `bad-form`: the body is something else.
 */
export function jsonOf(request: FastifyRequest): JsonObject {
  const { body } = request
  if (isJsonObject(body)) return body
  throw badForm('is not a JSON object')
}

/** A field's text, trimmed when it is no secret. @returns `''` when it is missing or longer than `maxLength` characters. */
export function fieldOf(form: Form, name: string, maxLength = 256): string {
  const value = form.get(name) ?? ''
  return value.length > maxLength ? '' : value
}

/** A checkbox: sent when it is ticked, with whatever value. */
export function isTicked(form: Form, name: string): boolean {
  return (form.get(name) ?? '') !== ''
}

/** A member of a JSON object that is text. @returns `null`: missing, or something else. */
export function textOf(
  object: JsonObject,
  name: string,
  maxLength = maxValueLength,
): string | null {
  const value = Object.hasOwn(object, name) ? object[name] : null
  return typeof value === 'string' && value.length <= maxLength ? value : null
}

/**
 * A parameter of the query, read as a form is.
 *
 * @returns `null`: missing, there twice, or not readable. What can be read in two ways is not read.
 */
export function queryOf(request: FastifyRequest, name: string): string | null {
  const { target } = request.visit.from
  const at = target.indexOf('?')
  if (at === -1) return null
  let found: string | null = null
  for (const part of target.slice(at + 1).split('&', maxFields)) {
    const [key, value] = pairOf(part)
    if (key !== name) continue
    if (found !== null || value === null || value.length > maxValueLength) return null
    found = value
  }
  return found
}

/**
 * Reads `application/x-www-form-urlencoded` (WHATWG URL §5.1), but refuses what that would mend: bytes that are no
 * UTF-8, broken percent triplets, control characters, and a name that stands twice.
 *
 * @throws GatehouseError `bad-form`.
 */
export function parseForm(
  body: Buffer,
  limits: { readonly maxFields: number; readonly maxValueLength: number } = formLimits,
): Form {
  const fields = new Map<string, string>()
  const text = body.toString('latin1')
  if (text === '') return fields
  const parts = text.split('&')
  if (parts.length > limits.maxFields) throw badForm('has too many fields')
  for (const part of parts) {
    const [name, value] = pairOf(part)
    if (name === null || value === null) throw badForm('cannot be read')
    if (value.length > limits.maxValueLength) throw badForm('has a field that is too long')
    if (fields.has(name)) throw badForm('has a field twice')
    fields.set(name, value)
  }
  return fields
}

/** @throws GatehouseError `bad-form`: no JSON, or not an object. */
export function parseJson(body: Buffer): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw badForm('is not JSON')
  }
  if (isJsonObject(value)) return value
  throw badForm('is not a JSON object')
}

function pairOf(part: string): [name: string | null, value: string | null] {
  const equals = part.indexOf('=')
  if (equals === -1) return [decoded(part), '']
  return [decoded(part.slice(0, equals)), decoded(part.slice(equals + 1))]
}

/** `null`: a byte outside ASCII, a broken triplet, broken UTF-8, or a control character other than tab and line ends. */
function decoded(text: string): string | null {
  if (!/^[\x20-\x7e]*$/.test(text)) return null
  try {
    const value = decodeURIComponent(text.replaceAll('+', ' '))
    return /[^\P{Cc}\t\r\n]/u.test(value) ? null : value
  } catch {
    return null
  }
}

function isJsonObject(value: unknown): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map)
  )
}

function badForm(what: string): GatehouseError {
  return new GatehouseError('bad-form', `the body ${what}`)
}
