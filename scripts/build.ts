// Turns src/ into dist/: plain JavaScript in the same places, with the files it reads beside it.
// It only takes the types away, so a line and column in dist/ are those of the source, without a map.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join, resolve } from 'node:path'

const shebang = '#!/usr/bin/env node'
/** A relative path to a source in quotes: an import, or the `new URL('./x.ts', import.meta.url)` of a worker. */
const relativeSource = /(['"])(\.{1,2}\/[^'"\n]*)\.ts\1/g

/** What a build made: paths below the output folder, sorted. */
export interface BuildResult {
  readonly scripts: readonly string[]
  readonly assets: readonly string[]
}

/**
 * Empties `to` and fills it from `from`. Every `.ts` becomes a `.js`; every other file is copied. `main.js`
 * becomes executable.
 *
 * @throws Error when a relative path in a source leads nowhere, or when a source needs more than erasing.
 */
export function build(from: string, to: string): BuildResult {
  rmSync(to, { recursive: true, force: true })
  const scripts: string[] = []
  const assets: string[] = []
  for (const name of readdirSync(from, { recursive: true, encoding: 'utf8' }).sort()) {
    const source = join(from, name)
    if (!statSync(source).isFile()) continue
    const target = join(to, name)
    mkdirSync(dirname(target), { recursive: true })
    if (!name.endsWith('.ts')) {
      copyFileSync(source, target)
      assets.push(name)
      continue
    }
    const script = name.replace(/\.ts$/, '.js')
    writeFileSync(join(to, script), toJavaScript(readFileSync(source, 'utf8'), source))
    scripts.push(script)
  }
  const main = join(to, 'main.js')
  if (existsSync(main)) {
    const text = readFileSync(main, 'utf8')
    if (!text.startsWith('#!')) writeFileSync(main, `${shebang}\n${text}`)
    chmodSync(main, 0o755)
  }
  return { scripts, assets }
}

/** The source without types, its relative `.ts` paths turned to `.js`. `file` is for messages and to resolve paths. */
export function toJavaScript(source: string, file: string): string {
  const code = stripTypeScriptTypes(source, { mode: 'strip' })
  return code.replace(relativeSource, (_, quote: string, path: string) => {
    if (!existsSync(resolve(dirname(file), `${path}.ts`)))
      throw new Error(`${file}: ${path}.ts does not exist`)
    return `${quote}${path}.js${quote}`
  })
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname)
  const { scripts, assets } = build(join(root, 'src'), join(root, 'dist'))
  console.log(`dist: ${scripts.length} scripts, ${assets.length} other files`)
}
