// The sheet and the scripts of the admin: their addresses, which their content decides, and their delivery.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { adminStyle } from './style.ts'

/** Browser modules in `client/`. Every page has the first; `shared.js` is what others import. */
export type ScriptName = (typeof scriptNames)[number]

const scriptNames = [
  'page.js',
  'routes.js',
  'route.js',
  'editor.js',
  'live.js',
  'shared.js',
] as const

interface Asset {
  readonly url: string
  readonly type: string
  readonly body: Buffer
}

/** Files of the release: they do not change while it runs. Made when a page first names one. */
const made = new Map<string, Asset>()

/** Address of the one sheet. */
export function styleUrl(): string {
  return sheet().url
}

/** Address of a module. */
export function scriptUrl(name: ScriptName): string {
  return script(name).url
}

/** `GET /assets/<name>.<hash>.<js|css>`. The address changes with the content, so a browser may keep it for ever (RFC 8246). */
export function registerAssets(app: FastifyInstance): void {
  app.get<{ Params: { file: string } }>('/assets/:file', (request, reply) => {
    const all = [sheet(), ...scriptNames.map(script)]
    const found = all.find(({ url }) => url === `/assets/${request.params.file}`)
    if (found === undefined) return reply.callNotFound()
    return reply
      .header('content-type', found.type)
      .header('cache-control', 'public, max-age=31536000, immutable')
      .send(found.body)
  })
}

function sheet(): Asset {
  return kept('admin.css', 'text/css; charset=utf-8', () => adminStyle)
}

function script(name: ScriptName): Asset {
  return kept(name, 'text/javascript; charset=utf-8', () =>
    // Modules import each other by file name; the browser must ask by address, or an old copy would live for ever.
    withoutRemarks(readFileSync(new URL(`../client/${name}`, import.meta.url), 'utf8')).replace(
      /(?<=['"])\.\/([\w-]+\.js)(?=['"])/g,
      (_, file: string) => {
        const other = scriptNames.find((candidate) => candidate === file)
        if (other === undefined) throw new Error(`${name} imports ${file}, which is not served`)
        return script(other).url
      },
    ),
  )
}

/** Remarks on lines of their own are for whoever reads the source: a third of what would travel. */
function withoutRemarks(source: string): string {
  return source.replace(/^[ \t]*\/\*\*[\s\S]*?\*\/[ \t]*\n/gm, '').replace(/^[ \t]*\/\/.*\n/gm, '')
}

function kept(name: string, type: string, read: () => string): Asset {
  const known = made.get(name)
  if (known !== undefined) return known
  const body = Buffer.from(read())
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 16)
  const asset = { url: `/assets/${name.replace('.', `.${hash}.`)}`, type, body }
  made.set(name, asset)
  return asset
}
