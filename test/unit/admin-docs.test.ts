// docs/api.md says what the API is: its operations, scopes, events and refusals, no more and no fewer.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { eventTopics } from '../../src/admin/api/events.ts'
import { describeApi } from '../../src/admin/openapi.ts'
import { adminErrors } from '../../src/admin/problem.ts'
import { tokenScopes } from '../../src/auth/token-scopes.ts'
import { isSchema } from '../fixtures/schema-values.ts'

const text = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')

/** Rows of the table below a heading, cell by cell. */
function tableBelow(heading: string): readonly (readonly string[])[] {
  const from = text.indexOf(`## ${heading}\n`)
  const rest = text.slice(from + 3)
  const section = rest.slice(0, rest.indexOf('\n## ') === -1 ? undefined : rest.indexOf('\n## '))
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '')))
}

t.test('operations, with their scopes', (t) => {
  const described = Object.entries(describeApi('1').paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, of]) => [
      `\`${method.toUpperCase()} ${path}\``,
      of['x-scope'] === null ? 'any' : `\`${of['x-scope']}\``,
      of.summary,
    ]),
  )
  const order = (a: readonly unknown[], b: readonly unknown[]) => (String(a) < String(b) ? -1 : 1)
  t.same(tableBelow('Operations').toSorted(order), described.toSorted(order))
  t.end()
})

t.test('scopes, events, refusals', (t) => {
  t.same(
    tableBelow('Who may'),
    Object.entries(tokenScopes).map(([name, words]) => [`\`${name}\``, words]),
  )
  t.same(
    tableBelow('Events'),
    Object.entries(eventTopics).map(([name, { scope, what }]) => [
      `\`${name}\``,
      `\`${scope}\``,
      what,
    ]),
  )
  t.same(
    tableBelow('Refusals').map(([code, status]) => [code, status]),
    Object.entries(adminErrors).map(([code, { status }]) => [`\`${code}\``, String(status)]),
  )
  t.end()
})

t.test(
  'the description is OpenAPI 3.1: unique ids, every parameter of a path, refusals as problem details',
  (t) => {
    const { openapi, paths, components } = describeApi('1')
    t.match(openapi, /^3\.1\./)
    const ids = new Set<unknown>()
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, of] of Object.entries(methods)) {
        t.notOk(ids.has(of.operationId), String(of.operationId))
        ids.add(of.operationId)
        const parameters = Array.isArray(of.parameters) ? of.parameters : []
        const inPath = parameters
          .filter((each) => each.in === 'path')
          .map(({ name }) => `{${name}}`)
        t.same(
          inPath.toSorted(),
          [...path.matchAll(/\{\w+\}/g)].map(([name]) => name).toSorted(),
          path,
        )
        const { responses } = of
        if (!isSchema(responses)) throw new Error(path)
        for (const [status, response] of Object.entries(responses)) {
          t.ok(isSchema(response) && typeof response.description === 'string')
          if (Number(status) < 400 || !isSchema(response) || !isSchema(response.content)) continue
          t.same(Object.keys(response.content), ['application/problem+json'], `${method} ${path}`)
        }
      }
    }
    t.ok(isSchema(components) && isSchema(components.schemas) && 'Problem' in components.schemas)
    const size = JSON.stringify(describeApi('1')).length
    t.ok(size < 200_000, `${size} characters`)
    t.end()
  },
)

t.test('what may be sent is closed: no object takes a member that nobody described', (t) => {
  let objects = 0
  const look = (schema: unknown, where: string): void => {
    if (Array.isArray(schema)) for (const each of schema) look(each, where)
    if (!isSchema(schema)) return
    if (isSchema(schema.properties)) {
      objects += 1
      t.equal(schema.additionalProperties, false, where)
    }
    for (const each of Object.values(schema)) look(each, where)
  }
  for (const [path, methods] of Object.entries(describeApi('1').paths)) {
    for (const [method, { requestBody }] of Object.entries(methods)) {
      look(requestBody, `${method} ${path}`)
    }
  }
  t.ok(objects > 20, `${objects}`)
  t.end()
})
