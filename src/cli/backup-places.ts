// Where the contents of a backup belong on this machine, and the names people use for them.

import { dirname, join } from 'node:path'
import type { Config } from '../config.ts'
import { databaseName, keyName } from '../store/sqlite-store.ts'

export interface Places {
  readonly dataDir: string
  readonly routesFile: string
  readonly environmentFile: string
  readonly certsDir: string
}

/** What belongs together; `--replace` and `--only` take these words. */
export const parts = ['database', 'routes', 'environment', 'certificates'] as const
export type Part = (typeof parts)[number]

export function placesOf(config: Config): Places {
  const { dataDir, routesFile, certsDir } = config
  const named = config.chosen.find(({ option }) => option === 'env-file')
  const usual = join(dirname(routesFile), 'gatehouse.env')
  const environmentFile = named === undefined || named.value === 'none' ? usual : named.value
  return { dataDir, routesFile, environmentFile, certsDir }
}

/** @returns `null`: a name that no backup of this version holds. */
export function placeOf(name: string, places: Places): { part: Part; path: string } | null {
  switch (name) {
    case databaseName:
    case keyName:
      return { part: 'database', path: join(places.dataDir, name) }
    case 'routes.yaml':
      return { part: 'routes', path: places.routesFile }
    case 'gatehouse.env':
      return { part: 'environment', path: places.environmentFile }
    default: {
      const [folder, ...rest] = name.split('/')
      if (folder !== 'certs' || rest.length === 0 || rest.length > 2) return null
      return { part: 'certificates', path: join(places.certsDir, ...rest) }
    }
  }
}
