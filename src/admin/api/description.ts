// The description of the API: for programs as OpenAPI, for people as a page that fetches nothing from elsewhere.

import type { FastifyInstance } from 'fastify'
import { type Html, html } from '../../auth/app/html.ts'
import { tokenScopes } from '../../auth/token-scopes.ts'
import { describeApi, errorsOf, schemaOf, tagOf } from '../openapi.ts'
import type { Operation } from '../operation.ts'
import { page } from '../pages/layout.ts'
import { adminErrors } from '../problem.ts'
import { schemaText } from '../schema-text.ts'
import { eventsPath, eventTopics } from './events.ts'
import { operations } from './operations.ts'

/** `GET /api/v1/openapi.json` and `GET /api`. */
export function registerDescription(app: FastifyInstance, version: string): void {
  let text: string | null = null
  app.get('/api/v1/openapi.json', (_request, reply) => {
    text ??= JSON.stringify(describeApi(version))
    return reply.header('content-type', 'application/vnd.oai.openapi+json;version=3.1').send(text)
  })
  app.get('/api', (request, reply) =>
    page(reply, {
      title: 'API',
      section: 'house',
      lead: html`Everything on these pages, for programs. Sent with a personal token that has a scope: <code>Authorization: Bearer gth_…</code>. As a file: <a href="/api/v1/openapi.json">OpenAPI 3.1</a>.`,
      body: pageBody(request.caller.from.origin),
    }),
  )
}

function pageBody(origin: string): Html {
  const tags = [...new Set(operations.map(tagOf))]
  return html`<nav aria-label="Subjects"><p>${tags.map((tag) => html`<a href="#${tag}">${tag}</a> `)}<a href="#events">events</a> <a href="#scopes">scopes</a> <a href="#errors">errors</a></p></nav>${tags.map(
    (tag) =>
      html`<section id="${tag}"><h2>${tag}</h2>${operations
        .filter((each) => tagOf(each) === tag)
        .map((each) => operationHtml(each, origin))}</section>`,
  )}<section id="events"><h2>events</h2><details><summary><code>GET ${eventsPath}</code> Live state as server-sent events</summary><ul>${Object.entries(
    eventTopics,
  ).map(
    ([name, { scope, what }]) =>
      html`<li><code>${name}</code>: ${what} (<code>${scope}</code>)</li>`,
  )}</ul></details></section><section id="scopes"><h2>Scopes</h2><ul>${Object.entries(
    tokenScopes,
  ).map(
    ([name, words]) => html`<li><code>${name}</code>: ${words}</li>`,
  )}</ul></section><section id="errors"><h2>Errors</h2><p>Problem details (RFC 9457); <code>code</code> is for programs, <code>instance</code> is the request’s id in the logs.</p><ul>${Object.entries(
    adminErrors,
  ).map(
    ([code, { status, title }]) => html`<li><code>${status} ${code}</code>: ${title}</li>`,
  )}</ul></section>`
}

function operationHtml(operation: Operation, origin: string): Html {
  const { method, path, summary, description, scope, params, query, body, reply } = operation
  return html`<details id="${operation.id}"><summary><code>${method} ${path}</code> ${summary}</summary>${
    description !== undefined && html`<p>${description}</p>`
  }<p>Scope: ${scope === null ? 'any' : html`<code>${scope}</code>`}. Refuses with: ${errorsOf(
    operation,
  ).map(
    (code) => html`<code>${code}</code> `,
  )}</p><pre tabindex="0">${curl(operation, origin)}</pre>${
    params !== undefined && schemaHtml('In the path', schemaOf(params, 'input'))
  }${query !== undefined && schemaHtml('In the query', schemaOf(query, 'input'))}${
    body !== undefined && schemaHtml('Body', schemaOf(body, 'input'))
  }${schemaHtml('Reply', schemaOf(reply, 'output'))}</details>`
}

function schemaHtml(title: string, schema: unknown): Html | null {
  const text = schemaText(schema)
  return text === 'null' ? null : html`<h3>${title}</h3><pre tabindex="0">${text}</pre>`
}

function curl({ method, path, body, etag }: Operation, origin: string): string {
  const parts = [
    `curl${method === 'GET' ? '' : ` -X ${method}`} ${origin}${path}`,
    `-H "Authorization: Bearer $GATEHOUSE_TOKEN"`,
    ...(etag === undefined ? [] : [`-H 'If-Match: "…"'`]),
    ...(body === undefined ? [] : [`--json '{ … }'`]),
  ]
  return parts.join(' \\\n  ')
}
