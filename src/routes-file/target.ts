// The `to:` of a route: a backend, or an answer of Gatehouse's own.

import type { Target, VmDefinition } from '../model.ts'
import { nearest } from '../nearest.ts'
import type { Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import { readPath } from './route-path.ts'
import type { RawTarget } from './schema.ts'
import { readUpstream } from './upstream.ts'

const words = ['landing', 'login', 'admin']

/** Reads a target; reports what is wrong and returns `null` then. A landing page gets its service's name from the route. */
export function readTarget(
  raw: RawTarget,
  at: Path,
  deps: { readonly vms: ReadonlyMap<string, VmDefinition>; readonly reporter: Reporter },
): Target | null {
  const { reporter } = deps
  if (typeof raw === 'string') {
    if (raw === 'landing') return { kind: 'landing', service: '', continueTo: null }
    if (raw === 'login' || raw === 'admin') return { kind: 'app', app: raw }
    const meant = raw.includes(':') ? null : nearest(raw, words)
    if (meant === null) return readUpstream(raw, at, deps)
    reporter.error(at, {
      code: 'target-invalid',
      what: `${quote(raw)} is no target`,
      remedy: `did you mean ${meant}?`,
    })
    return null
  }
  if ('landing' in raw) {
    const read = readPath(raw.landing)
    if ('path' in read) return { kind: 'landing', service: '', continueTo: read.path }
    reporter.error([...at, 'landing'], read)
    return null
  }
  if ('redirect' in raw) {
    if (!isLocation(raw.redirect)) {
      reporter.error([...at, 'redirect'], {
        code: 'redirect-invalid',
        what: `${quote(raw.redirect)} is no address to redirect to`,
        remedy: 'write https://host/path, or /path for the same host',
      })
      return null
    }
    return {
      kind: 'redirect',
      status: raw.status ?? 302,
      location: raw.redirect,
      keepPath: raw.keepPath ?? false,
    }
  }
  if ('status' in raw) return { kind: 'status', status: raw.status, message: raw.message ?? '' }
  return readUpstream(raw, at, deps)
}

/** `//host` and `/\host` are read by browsers as another host, so they must not look like a path here. */
function isLocation(text: string): boolean {
  if (/[^\x21-\x7e]/.test(text)) return false
  if (text.startsWith('/')) return !/^\/[/\\]/.test(text)
  if (!/^https?:\/\/[^/\\]/i.test(text) || !URL.canParse(text)) return false
  const { username, password } = new URL(text)
  return username === '' && password === ''
}
