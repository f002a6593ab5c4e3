// The scripts of the login host: which there are, under which address, and their delivery.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'

/** Browser modules in `client/`, and the WebAuthn library's own bundle. Pages name the first four. */
export type ScriptName =
  | 'sign-in.js'
  | 'register.js'
  | 'approve.js'
  | 'account.js'
  | 'shared.js'
  | 'webauthn.js'

/**
 * The tags for a page's script. A module: it runs when the page is complete, once, and never blocks it. What it
 * imports is named too, so that the browser asks for all at once.
 */
export function scriptTags(name: ScriptName): string {
  const { url, imports } = script(name)
  const preloads = imports.map((other) => `<link rel="modulepreload" href="${script(other).url}">`)
  return `${preloads.join('')}<script type="module" src="${url}"></script>`
}

/** `GET /assets/<name>.<hash>.js`. The address changes with the content, so a browser may keep it for ever (RFC 8246). */
export function registerAssets(app: FastifyInstance): void {
  app.get<{ Params: { file: string } }>('/assets/:file', (request, reply) => {
    const found = scriptNames
      .map(script)
      .find(({ url }) => url === `/assets/${request.params.file}`)
    if (found === undefined) return reply.callNotFound()
    return reply
      .header('content-type', 'text/javascript; charset=utf-8')
      .header('cache-control', 'public, max-age=31536000, immutable')
      .header('cross-origin-resource-policy', 'same-origin')
      .send(found.body)
  })
}

interface Script {
  readonly url: string
  readonly imports: readonly ScriptName[]
  readonly body: Buffer
}

const scriptNames: readonly ScriptName[] = [
  'sign-in.js',
  'register.js',
  'approve.js',
  'account.js',
  'shared.js',
  'webauthn.js',
]

/** Files of the release: they do not change while it runs. Read when a page first names one. */
const scripts = new Map<ScriptName, Script>()

function script(name: ScriptName): Script {
  const known = scripts.get(name)
  if (known !== undefined) return known
  const imports: ScriptName[] = []
  // Modules import each other by file name; the browser must ask by address, or an old copy would live for ever.
  const text = sourceOf(name).replace(/(?<=['"])\.\/([\w-]+\.js)(?=['"])/g, (_, file: string) => {
    const other = scriptNames.find((candidate) => candidate === file)
    if (other === undefined) throw new Error(`${name} imports ${file}, which is not served`)
    imports.push(other)
    return script(other).url
  })
  const body = Buffer.from(text)
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 16)
  const made = { url: `/assets/${name.slice(0, -'.js'.length)}.${hash}.js`, imports, body }
  scripts.set(name, made)
  return made
}

function sourceOf(name: ScriptName): string {
  if (name !== 'webauthn.js') {
    return readFileSync(new URL(`./client/${name}`, import.meta.url), 'utf8')
  }
  // The package's `exports` name its entry alone; the bundle has a place of its own beside it.
  const entry = import.meta.resolve('@simplewebauthn/browser')
  return readFileSync(new URL('../dist/bundle/index.umd.min.js', entry), 'utf8')
}
