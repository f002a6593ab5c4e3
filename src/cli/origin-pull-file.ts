// The CA of Authenticated Origin Pulls, where the table names a file of its own.

import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { GatehouseError } from '../errors.ts'
import type { TableDefinition } from '../model.ts'

/** @throws GatehouseError `origin-pull-ca`: without it everybody would pass for Cloudflare. */
export function readOriginPullCa(definition: TableDefinition, routesFile: string): string | null {
  const file = definition.originPullCaFile
  if (file === null) return null
  const path = resolve(dirname(routesFile), file)
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new GatehouseError('origin-pull-ca', `cannot read the origin pull CA ${path}`, {
      remedy: 'put the CA certificate there, or take originPull out of the table',
      cause,
    })
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw new GatehouseError('origin-pull-ca', `${path} holds no PEM certificate`, {
    remedy: 'save the CA certificate there in PEM form',
  })
}
